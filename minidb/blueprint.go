package minidb

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// Blueprint describes a base with what is in it.
type Blueprint struct {
	Base   BaseSpec
	Tables []TableBlueprint
	// Views describes the views once the tables have their ids, which are given in the order of Tables; nil for none.
	Views func(tables []*Table) ([]ViewSpec, error)
}

// TableBlueprint is a table with its first rows. Each row has the values of the first columns in order, NULL for none; the
// columns behind them have none. A link column may name a table that comes before its own in the blueprint by its name, and the cells of a link to
// a table of the blueprint the labels of rows: their values in the primary column.
type TableBlueprint struct {
	TableSpec
	Rows [][]lqp.Value
	// Later are columns that are made when all tables and rows are there: what looks at the rows of tables behind this one.
	Later []ColumnSpec
}

// CreateBaseFrom makes a base with tables, rows and views in one transaction, all or nothing. The rows are checked like any
// others: a *ValidationError counts the rows of the table that has the first fault.
func (db *DB) CreateBaseFrom(ctx context.Context, actor Actor, workspace string, bp Blueprint) (*Base, error) {
	var b Base
	err := db.write(ctx, "create base", actor, func(u *unit) (err error) {
		if b, err = u.newBase(workspace, bp.Base); err != nil {
			return err
		}
		tables := make([]*Table, len(bp.Tables))
		made := blueprintRows{}
		for i, tb := range bp.Tables {
			tb.Columns = linkedByName(tb.Columns, tables[:i])
			if tables[i], err = u.newTable(&b, tb.TableSpec); err != nil {
				return fmt.Errorf("table %q: %w", tb.Name, err)
			}
			if err := u.firstRows(tables[i], tb.Rows, made); err != nil {
				return fmt.Errorf("rows of table %q: %w", tb.Name, err)
			}
		}
		for i, tb := range bp.Tables {
			if len(tb.Later) == 0 {
				continue
			}
			_, err := u.alter(tables[i].ID, 0, func(u *unit, t *Table) error {
				for _, spec := range tb.Later {
					if _, err := u.addColumn(t, spec); err != nil {
						return fmt.Errorf("column %q: %w", spec.Name, err)
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("table %q: %w", tb.Name, err)
			}
		}
		if bp.Views == nil {
			return nil
		}
		for i := range tables { // links have given some of them another column
			if tables[i], err = u.table(tables[i].ID); err != nil {
				return err
			}
		}
		views, err := bp.Views(tables)
		if err != nil {
			return err
		}
		for _, spec := range views {
			if _, err := u.newView(&b, NewID(prefixView), spec); err != nil {
				return fmt.Errorf("view %q: %w", spec.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// firstRows inserts rows into a new table.
func (u *unit) firstRows(t *Table, rows [][]lqp.Value, made blueprintRows) error {
	m := &lqp.Mutation{Op: lqp.Insert, Table: t.ID}
	for i, row := range rows {
		if len(row) > len(t.Columns) {
			return fmt.Errorf("row %d has %d values for %d columns", i, len(row), len(t.Columns))
		}
		change := lqp.RowChange{ID: []lqp.Value{made.add(t, row)}}
		for k, v := range row {
			if t.Columns[k].Type.Filled() {
				continue
			}
			change.Set = append(change.Set, lqp.Assignment{Column: t.Columns[k].ID, Value: v})
		}
		m.Rows = append(m.Rows, change)
	}
	made.resolve(t, m.Rows)
	p, err := u.db.planRows(&Write{Table: t, Mutation: m}, 0)
	if err != nil {
		return err
	}
	_, err = u.apply(p)
	return err
}
