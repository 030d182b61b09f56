package interference

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// change changes what the principal does not see, in every table, and nothing else. It reports how much was changed.
func (r *rig) change(ctx context.Context, w *world) (changed int, err error) {
	for i, t := range w.tables {
		for range 2 + w.r.IntN(4) {
			var did bool
			switch w.r.IntN(4) {
			case 0:
				did, err = r.addUnseen(ctx, w, i)
			case 1:
				did, err = r.removeUnseen(ctx, w, t)
			default:
				did, err = r.changeCell(ctx, w, t)
			}
			if err != nil {
				return changed, fmt.Errorf("change table %s: %w", t.ref.Table, err)
			}
			if did {
				changed++
			} else {
				w.rejected++
			}
		}
	}
	return changed, r.putExternal(ctx, w)
}

// unseen reports whether the principal can tell two rows in the place of each other apart in nothing.
func (t *table) unseen(a, b []lqp.Value) bool { return !t.open() || t.trace(a) == t.trace(b) }

// changeCell gives a cell another value: a hidden one, a masked one whose mask stays, any of a row out of sight.
func (r *rig) changeCell(ctx context.Context, w *world, t *table) (bool, error) {
	if len(t.rows) == 0 {
		return false, nil
	}
	n, name := w.r.IntN(len(t.rows)), pick(w, columnNames...)
	if id := t.schema.Columns[t.at(name)].ID; w.chance(70) && t.sees(t.rows[n]) && (t.access(id) == "" || t.access(id) == rbac.ReadOnly) {
		return false, nil // hardly ever unseen
	}
	at := t.at(name)
	after := slices.Clone(t.rows[n])
	if made := plantest.NewTable(w.r, plantest.Spec{Name: "x", Rows: 1, NoEmpty: true}).Rows[0]; name == "id" {
		after[at] = lqp.IntValue(100_000 + int64(w.r.IntN(900_000))) // an id stays one
	} else {
		after[at] = made[slices.Index(columnNames, name)]
	}
	if lqp.Equal(after[at], t.rows[n][at]) || !t.unseen(t.rows[n], after) || name == "id" && r.taken(t, after[at]) {
		return false, nil
	}
	if t.ref.Connection == "" {
		set := []lqp.Assignment{{Column: t.schema.Columns[at].ID, Value: after[at]}}
		// A row out of sight is also changed as people do, which leaves traces in the log; a hidden cell of a row in sight
		// is not, since its version is in sight.
		if (!t.open() || !t.sees(after)) && w.chance(60) {
			res, err := r.owner.Apply(ctx, r.place.workspace, &lqp.Mutation{Op: lqp.Update, Table: t.ref.Table,
				Rows: []lqp.RowChange{{ID: []lqp.Value{after[0]}, Set: set}}})
			if err != nil {
				return false, err
			}
			if done := res[0].Rows[0].After; t.unseen(t.rows[n], done) {
				t.rows[n] = done
				return true, nil
			}
			return false, fmt.Errorf("the change of row %s came into sight", after[0])
		}
		err := r.below(ctx, func(tx adapter.Tx) error {
			_, err := tx.Update(ctx, t.schema, after[:1], nil, set)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	t.rows[n] = after
	return true, nil
}

func (r *rig) taken(t *table, id lqp.Value) bool {
	return slices.ContainsFunc(t.rows, func(row []lqp.Value) bool { return lqp.Equal(row[t.at("id")], id) })
}

// below writes to the mini-DB beside the engine.
func (r *rig) below(ctx context.Context, f func(adapter.Tx) error) error {
	return r.store.Write(ctx, f)
}

// addUnseen adds a row out of sight, anywhere among the others.
func (r *rig) addUnseen(ctx context.Context, w *world, i int) (bool, error) {
	t := w.tables[i]
	if len(t.rows) > 14 {
		return false, nil
	}
	for range 6 {
		row := plantest.NewTable(w.r, plantest.Spec{Name: "x", Rows: 1, NoEmpty: true}).Rows[0]
		row[0] = lqp.IntValue(1_000_000 + int64(w.r.IntN(900_000)))
		if r.taken(t, row[0]) {
			continue
		}
		if t.ref.Connection == "" {
			row = r.place.miniRow(w, i, 100+w.r.IntN(800), row)
			if slices.ContainsFunc(t.rows, func(o []lqp.Value) bool { return lqp.Equal(o[0], row[0]) }) {
				continue
			}
		}
		if t.open() && t.sees(row) {
			continue
		}
		if t.ref.Connection == "" {
			if err := r.insert(ctx, w, t, row); err != nil {
				return false, err
			}
			return true, nil
		}
		t.rows = slices.Insert(slices.Clone(t.rows), w.r.IntN(len(t.rows)+1), row)
		return true, nil
	}
	return false, nil
}

// insert adds a row to the mini-DB, below it or as people do.
func (r *rig) insert(ctx context.Context, w *world, t *table, row []lqp.Value) error {
	own := []lqp.Assignment{}
	ids := make([]string, len(t.schema.Columns))
	for at, c := range t.schema.Columns {
		ids[at] = c.ID
		if c.ID[0] != '_' {
			own = append(own, lqp.Assignment{Column: c.ID, Value: row[at]})
		}
	}
	if w.chance(50) {
		t.rows = append(slices.Clone(t.rows), row)
		return r.below(ctx, func(tx adapter.Tx) error { return tx.Insert(ctx, t.schema, ids, [][]lqp.Value{row}) })
	}
	res, err := r.owner.Apply(ctx, r.place.workspace, &lqp.Mutation{Op: lqp.Insert, Table: t.ref.Table, Rows: []lqp.RowChange{{ID: row[:1], Set: own}}})
	if err != nil {
		return err
	}
	after := res[0].Rows[0].After
	if t.open() && t.sees(after) {
		return fmt.Errorf("the new row %s came into sight", row[0])
	}
	t.rows = append(slices.Clone(t.rows), after)
	return nil
}

// removeUnseen deletes a row out of sight.
func (r *rig) removeUnseen(ctx context.Context, w *world, t *table) (bool, error) {
	var at []int
	for i, row := range t.rows {
		if !t.open() || !t.sees(row) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return false, nil
	}
	n := pick(w, at...)
	id := t.rows[n][:1]
	if t.ref.Connection == "" {
		var err error
		if w.chance(50) {
			err = r.below(ctx, func(tx adapter.Tx) error { _, err := tx.Delete(ctx, t.schema, id, nil); return err })
		} else {
			_, err = r.owner.Apply(ctx, r.place.workspace, &lqp.Mutation{Op: lqp.Delete, Table: t.ref.Table, Rows: []lqp.RowChange{{ID: id}}})
		}
		if err != nil {
			return false, err
		}
	}
	t.rows = slices.Delete(slices.Clone(t.rows), n, n+1)
	return true, nil
}
