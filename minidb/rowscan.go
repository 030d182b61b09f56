package minidb

import (
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// inChunk is how many values one statement looks up.
const inChunk = 500

// scan delivers the rows of a table that satisfy a bound condition, nil for all, as the transaction sees them; ordered by
// row id where asked. A condition that the store does not answer exactly is evaluated here.
func (u *unit) scan(l *layout, where lqp.Expr, ordered bool, f func(row []lqp.Value) error) error {
	return u.scanColumns(l, l.selects, where, ordered, f)
}

// scanColumns is scan for some of the columns. A condition on others must be one that the store answers exactly.
func (u *unit) scanColumns(l *layout, selects []lqp.Named, where lqp.Expr, ordered bool, f func(row []lqp.Value) error) error {
	q := &lqp.Query{From: lqp.Source{Table: l.schema.Name, Alias: sourceAlias, Schema: l.schema}, Where: where, Select: selects}
	if ordered {
		q.OrderBy = []lqp.Order{{Expr: l.selects[idSlot].Expr, Nulls: lqp.NullsFirst}}
	}
	split := u.db.store.Plan(q)
	var check lqp.Expr
	if split.Residual != nil && where != nil && len(selects) == len(l.ids) {
		var err error
		if check, err = lqp.Resolve(where, l.slot); err != nil {
			return err
		}
		q.Where = nil
		split = u.db.store.Plan(q)
	}
	if split.Residual != nil {
		return fmt.Errorf("scan %s: the store does not read whole rows of it", l.schema.Name)
	}
	rows, err := u.tx.Scan(u.ctx, split.Pushed)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row := valuesOf(rows, len(selects))
		if !allows(check, row) {
			continue
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scanIn delivers the rows whose column has one of the values, none of which is NULL.
func (u *unit) scanIn(l *layout, slot int, values []lqp.Value, f func(row []lqp.Value) error) error {
	return u.scanColumnsIn(l, l.selects, slot, values, f)
}

func (u *unit) scanColumnsIn(l *layout, selects []lqp.Named, slot int, values []lqp.Value, f func(row []lqp.Value) error) error {
	if u.group != nil {
		return u.group.scanIn(u, l, selects, slot, values, f)
	}
	column := l.selects[slot].Expr
	for len(values) > 0 {
		chunk := values[:min(inChunk, len(values))]
		values = values[len(chunk):]
		if slot == idSlot && len(selects) == len(l.selects) {
			ok, err := u.scanByIDs(l, chunk, f)
			if err != nil {
				return err
			}
			if ok {
				continue
			}
		}
		if err := u.scanColumns(l, selects, anyOf(column, chunk), false, f); err != nil {
			return err
		}
	}
	return nil
}

// anyOf is the condition that a column has one of the values.
func anyOf(column lqp.Expr, values []lqp.Value) lqp.Expr {
	if len(values) == 1 {
		return lqp.NewCall("eq", column, lqp.Literal(values[0]))
	}
	list := make([]*lqp.Lit, len(values))
	for i, v := range values {
		list[i] = lqp.Literal(v)
	}
	return lqp.NewCall("in", column, lqp.NewList(list...))
}

// pushedIn is the query of rows whose column has one of the values as it is pushed to the store; residual says that the store
// does not answer it by itself.
func (db *DB) pushedIn(l *layout, selects []lqp.Named, slot int, values []lqp.Value) (pushed *lqp.Query, residual bool) {
	split := db.store.Plan(&lqp.Query{From: lqp.Source{Table: l.schema.Name, Alias: sourceAlias, Schema: l.schema},
		Where: anyOf(l.selects[slot].Expr, values), Select: selects})
	return split.Pushed, split.Residual != nil
}

// valuesOf are the first n values of the current row.
func valuesOf(rows adapter.Rows, n int) []lqp.Value {
	row := make([]lqp.Value, n)
	for i := range row {
		row[i] = rows.Value(i)
	}
	return row
}
