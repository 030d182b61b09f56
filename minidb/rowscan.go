package minidb

import (
	"fmt"

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
		row := make([]lqp.Value, len(selects))
		for i := range row {
			row[i] = rows.Value(i)
		}
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
	column := l.selects[slot].Expr
	for len(values) > 0 {
		chunk := values[:min(inChunk, len(values))]
		values = values[len(chunk):]
		var where lqp.Expr = lqp.NewCall("eq", column, lqp.Literal(chunk[0]))
		if len(chunk) > 1 {
			list := make([]*lqp.Lit, len(chunk))
			for i, v := range chunk {
				list[i] = lqp.Literal(v)
			}
			where = lqp.NewCall("in", column, lqp.NewList(list...))
		}
		if err := u.scanColumns(l, selects, where, false, f); err != nil {
			return err
		}
	}
	return nil
}
