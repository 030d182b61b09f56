package livetables

import (
	"context"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// linkedRows are rows of a plan with cells of links of which the principal sees a part. They are read in portions, each by a query of
// its own behind the last row of the one before; the linked rows of a portion are looked up together once its source is closed, so
// that no read waits for another one while it keeps a connection. The portions of a long export are therefore of as many moments.
type linkedRows struct {
	ctx   context.Context
	s     *entry
	plan  *rewrite.Plan // with the real cells
	cells []rewrite.LinkCells
	keys  []int // of the sort keys in a row
	width int
	page  lqp.Page // of the rows to come
	rows  [][]lqp.Value
	at    int
	ended bool
	err   error
}

// A portion of rows, whichever is reached first.
const (
	portionRows  = 500
	portionBytes = 4 << 20
)

// shownRows runs a plan and shows of links what is in sight.
func (s *entry) shownRows(ctx context.Context, plan *rewrite.Plan) (adapter.Rows, error) {
	open, cells := plan.WithLinks(s.labels)
	if len(cells) == 0 {
		return s.answer(ctx, plan)
	}
	r := &linkedRows{ctx: ctx, s: s, plan: open, cells: cells, keys: open.SortKeys(), width: len(open.Query().Select), page: open.Query().Page, at: -1}
	if r.read(); r.err != nil {
		return nil, r.err
	}
	return r, nil
}

// read reads the next portion.
func (r *linkedRows) read() {
	r.rows, r.at = r.rows[:0], -1
	page := r.page
	if page.Limit == 0 || page.Limit > portionRows {
		page.Limit = portionRows
	}
	rows, err := r.s.answer(r.ctx, r.plan.WithPage(page))
	if err != nil {
		r.err = err
		return
	}
	defer rows.Close() // its error was read by Err
	bytes := 0
	for bytes < portionBytes && rows.Next() {
		row := make([]lqp.Value, r.width)
		for i := range row {
			row[i] = rows.Value(i)
			bytes += row[i].Size()
		}
		r.rows = append(r.rows, row)
	}
	if r.err = rows.Err(); r.err != nil {
		return
	}
	_ = rows.Close() // before the look-ups
	n := len(r.rows)
	r.ended = bytes < portionBytes && n < page.Limit || r.page.Limit > 0 && n == r.page.Limit
	if r.page.Limit > 0 {
		r.page.Limit -= n
	}
	if n == 0 {
		return
	}
	r.page.Offset, r.page.After = 0, make([]lqp.Value, len(r.keys))
	for i, at := range r.keys {
		r.page.After[i] = r.rows[n-1][at]
	}
	if r.narrow(); r.err == nil && r.s.labels {
		r.err = r.label()
	}
}

// narrow takes the links out of the portion that are not in sight.
func (r *linkedRows) narrow() {
	l := newLinksInSight(r.s)
	for _, row := range r.rows {
		for _, c := range r.cells {
			if !c.Some {
				continue
			}
			for _, item := range row[c.At].Items() {
				l.wantRow(c.Table, item.Text())
			}
		}
	}
	if r.err = l.look(r.ctx); r.err != nil {
		return
	}
	for _, row := range r.rows {
		for _, c := range r.cells {
			if !c.Some {
				continue
			}
			row[c.At] = rewrite.LinksInSight(row[c.At], func(id string) bool { return l.sees(c.Table, id) })
		}
	}
}

// Next implements adapter.Rows.
func (r *linkedRows) Next() bool {
	if r.at++; r.err == nil && r.at >= len(r.rows) && !r.ended {
		r.read()
		r.at++
	}
	return r.err == nil && r.at < len(r.rows)
}

// Value implements adapter.Rows.
func (r *linkedRows) Value(i int) lqp.Value { return r.rows[r.at][i] }

// AppendJSON implements adapter.Rows.
func (r *linkedRows) AppendJSON(dst []byte, i int) []byte { return r.rows[r.at][i].AppendJSON(dst) }

// Err implements adapter.Rows.
func (r *linkedRows) Err() error { return r.err }

// Close implements adapter.Rows: nothing is open between portions.
func (r *linkedRows) Close() error {
	r.ended, r.rows = true, slices.Delete(r.rows, 0, len(r.rows))
	return nil
}
