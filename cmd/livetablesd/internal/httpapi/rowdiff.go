package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// diffRow compares a row between two moments.
func diffRow(c *call) error {
	from, err := c.moment("from")
	if err != nil {
		return err
	}
	to, err := c.moment("to")
	if err != nil {
		return err
	}
	if from == (minidb.RowMoment{}) {
		from.Version = 1
	}
	d, err := c.access.RowDiff(c.ctx(), c.id("table"), c.id("row"), from, to)
	if err != nil {
		return err
	}
	out := struct {
		Before  bool           `json:"before"`
		After   bool           `json:"after"`
		Changes []revertedCell `json:"changes"`
	}{d.Before, d.After, make([]revertedCell, len(d.Cells))}
	for i, x := range d.Cells {
		out.Changes[i] = revertedCell{Column: x.Column.ID, Name: x.Column.Name, From: x.From, To: x.To}
	}
	return c.json(http.StatusOK, out)
}

// moment is a version or a time of a row, now when the parameter is absent.
func (c *call) moment(name string) (m minidb.RowMoment, err error) {
	text, ok := c.params.find(name)
	if !ok {
		return m, nil
	}
	if m.Version, err = strconv.ParseInt(text, 10, 64); err == nil && m.Version > 0 {
		return m, nil
	}
	m.Version = 0
	if m.Time, err = time.Parse(time.RFC3339, text); err != nil {
		return m, badParam(name, lqp.CodeArgument, "a version such as 3 or a time such as 2026-03-01T12:00:00Z was expected")
	}
	return m, nil
}

// fieldChange is one thing that an audit entry changed.
type fieldChange struct {
	Field string          `json:"field"`
	From  json.RawMessage `json:"from,omitempty"`
	To    json.RawMessage `json:"to,omitempty"`
}

// fieldChanges are what an entry that both sides are shown of changed.
func fieldChanges(e *audit.Entry) []fieldChange {
	if e.Before == nil || e.After == nil {
		return nil
	}
	var list []fieldChange
	for _, d := range livetables.Differences(e) {
		list = append(list, fieldChange{d.Field, d.From, d.To})
	}
	return list
}
