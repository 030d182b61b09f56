package interference

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// change changes what the principal cannot tell, as people do: cells, links, rows that come and go. It reports how often.
func (w *linkedWorld) change(ctx context.Context) (changed int, err error) {
	for range 10 {
		table := pick(w.world, parts, lines)
		var did bool
		switch w.world.r.IntN(5) {
		case 0:
			did, err = w.add(ctx, table)
		case 1:
			did, err = w.remove(ctx, table)
		default:
			did, err = w.alter(ctx, table)
		}
		if err != nil {
			return changed, fmt.Errorf("change %s: %w", table, err)
		}
		if did {
			changed++
		} else {
			w.rejected++
		}
	}
	return changed, nil
}

func (w *linkedWorld) add(ctx context.Context, table string) (bool, error) {
	row, before := w.make(table), w.trace()
	row.id = "row_new"
	was := w.rows[table]
	w.rows[table] = append(slices.Clone(was), row)
	seen := w.trace() != before
	w.rows[table] = was
	if seen {
		return false, nil
	}
	return true, w.insert(ctx, table, row)
}

func (w *linkedWorld) remove(ctx context.Context, table string) (bool, error) {
	if len(w.rows[table]) == 0 {
		return false, nil
	}
	before, was := w.trace(), w.rows
	i := w.world.r.IntN(len(w.rows[table]))
	id := w.rows[table][i].id
	after := map[string][]*linkedRow{}
	for name, rows := range was {
		for _, row := range rows {
			if row.id == id {
				continue
			}
			kept := *row
			kept.part = slices.DeleteFunc(slices.Clone(row.part), func(p string) bool { return p == id })
			if kept.prev == id {
				kept.prev = ""
			}
			after[name] = append(after[name], &kept)
		}
	}
	if w.rows = after; w.trace() != before {
		w.rows = was
		return false, nil
	}
	_, err := w.r.owner.Apply(ctx, w.r.place.workspace, &lqp.Mutation{Op: lqp.Delete, Table: w.r.linked[table].ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}}}})
	return err == nil, err
}

func (w *linkedWorld) alter(ctx context.Context, table string) (bool, error) {
	if len(w.rows[table]) == 0 {
		return false, nil
	}
	row, before := pick(w.world, w.rows[table]...), w.trace()
	was := *row
	made := w.make(table)
	switch w.world.r.IntN(4) {
	case 0:
		row.t = made.t
	case 1:
		row.s = made.s
	case 2:
		row.n = made.n
	default:
		row.part, row.prev = made.part, made.prev
	}
	if w.trace() != before || row.t == was.t && row.s == was.s && row.n == was.n && slices.Equal(row.part, was.part) && row.prev == was.prev {
		*row = was
		return false, nil
	}
	_, err := w.r.owner.Apply(ctx, w.r.place.workspace, &lqp.Mutation{Op: lqp.Update, Table: w.r.linked[table].ID,
		Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(row.id)}, Set: row.set(table)}}})
	return err == nil, err
}
