package httpapi

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
)

// refusals are the rows of a partial write that were refused before the engine was asked.
type refusals struct {
	rows  int   // of the request
	kept  []int // places in the request of the rows that the engine was given
	early map[int]*Problem
}

func (r *refusals) add(row int, p *Problem) {
	if r.early == nil {
		r.early = make(map[int]*Problem)
	}
	r.early[row] = p
}

// maxCurrent bounds what an answer shows of rows as they are now, in bytes: a thousand conflicts may be about large rows.
const maxCurrent = 1 << 20

// appendPartial appends how many rows were refused and what became of each, in the order of the request: "index" says which one
// it is, "problem" why it was refused. With Prefer: return=minimal only the refused rows are listed.
func (c *call) appendPartial(dst []byte, t *minidb.Table, r *livetables.Result, early refusals, s *shape) ([]byte, error) {
	problems := make(map[int]*Problem, len(early.early))
	written := make(map[int]*minidb.RowResult, len(r.Rows))
	for i, p := range early.early {
		problems[i] = p
	}
	room := maxCurrent
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Err == nil {
			written[early.kept[i]] = row
			continue
		}
		p := problemFor(rowFaults(row.Err, t, func(int) string { return rowPath(early.kept[i]) }))
		if room -= len(p.Current); room < 0 {
			p.Current = nil
		}
		problems[early.kept[i]] = p
	}
	dst = append(dst, `,"refused":`+strconv.Itoa(len(problems))+`,"data":[`...)
	first := true
	for i := range early.rows {
		p, minimal := problems[i], c.minimal()
		if p == nil && minimal {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, `{"index":`+strconv.Itoa(i)+`,`...)
		if p == nil {
			dst = appendResult(dst, written[i], s)
			continue
		}
		p.RequestID = c.w.request
		doc, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode problem: %w", err)
		}
		dst = append(append(append(dst, `"problem":`...), doc...), '}')
	}
	return append(dst, ']'), nil
}
