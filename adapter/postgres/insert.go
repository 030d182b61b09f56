package postgres

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// maxInsert bounds the rows of one statement, and with them the memory for their encoded form.
const maxInsert = 1000

// Insert adds rows. Several go as one array for every column, so that the statement is the same for any count of rows and
// the server plans it once.
func (t *tx) Insert(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value) error {
	op := "insert into " + table.Name
	for n, row := range rows {
		if len(row) != len(columns) {
			return fmt.Errorf("%s: row %d has %d values for %d columns", op, n, len(row), len(columns))
		}
	}
	for len(rows) > 0 {
		m, err := t.mutation(ctx, op, table)
		if err != nil {
			return err
		}
		m.text("INSERT INTO ")
		m.path()
		list, err := m.columnList(columns)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		some := rows[:min(len(rows), maxInsert)]
		if len(columns) == 0 {
			some = rows[:1]
		}
		rows = rows[len(some):]
		if len(some) == 1 {
			m.insertOne(some[0])
		} else {
			m.insertMany(list, some)
		}
		if _, err := m.exec(ctx, op, 0); err != nil {
			return err
		}
	}
	return nil
}

// columnList writes the names of columns in parentheses, nothing for none, and gives the columns.
func (m *mutation) columnList(ids []string) ([]*lqp.Column, error) {
	list := make([]*lqp.Column, len(ids))
	for i, id := range ids {
		if i == 0 {
			m.text(" (")
		} else {
			m.text(", ")
		}
		c, err := m.column(id)
		if err != nil {
			return nil, err
		}
		list[i] = c
	}
	if len(list) > 0 {
		m.text(")")
	}
	return list, nil
}

func (m *mutation) insertOne(row []lqp.Value) {
	if len(row) == 0 {
		m.text(" DEFAULT VALUES")
		return
	}
	m.text(" VALUES (")
	for i, v := range row {
		if i > 0 {
			m.text(", ")
		}
		m.value(v)
	}
	m.text(")")
}

// insertMany takes the rows apart into columns.
func (m *mutation) insertMany(columns []*lqp.Column, rows [][]lqp.Value) {
	types := make([]lqp.Type, len(columns))
	m.text(" SELECT ")
	for i, c := range columns {
		types[i] = wireType(c)
		if i > 0 {
			m.text(", ")
		}
		m.sql = fmt.Appendf(m.sql, "u.c%d", i)
		m.listCast(types[i])
	}
	m.text(" FROM ")
	m.unnest(types, len(rows), func(n, i int) lqp.Value { return rows[n][i] })
}

// unnest writes rows as a table u with the columns c0, c1 and so on. An array of arrays would be one with two dimensions, whose
// rows have one length: lists go as their texts, which the statement reads by listCast.
func (m *mutation) unnest(types []lqp.Type, rows int, cell func(row, column int) lqp.Value) {
	m.text("unnest(")
	for i, t := range types {
		if i > 0 {
			m.text(", ")
		}
		column := make([]lqp.Value, rows)
		for n := range column {
			if column[n] = cell(n, i); t.Kind == lqp.List {
				column[n] = listText(column[n])
			}
		}
		m.value(lqp.ListValue(column))
		m.text("::" + elementType(t) + "[]")
	}
	m.text(") AS u(")
	for i := range types {
		if i > 0 {
			m.text(", ")
		}
		m.sql = fmt.Appendf(m.sql, "c%d", i)
	}
	m.text(")")
}

// listCast follows a column of unnest that holds the texts of lists.
func (m *mutation) listCast(t lqp.Type) {
	if t.Kind == lqp.List {
		m.text("::" + baseType(t.Elem) + "[]")
	}
}

// wireType is the type of a column as its values travel.
func wireType(c *lqp.Column) lqp.Type {
	t := c.Type
	if c.Native == "bigint" {
		t.Precision, t.Scale = 19, 0
	}
	return t
}

// elementType is the type in which the values of a column travel.
func elementType(t lqp.Type) string {
	if t.Kind == lqp.Number && t.Precision == 19 && t.Scale == 0 {
		return "bigint"
	}
	return baseType(t.Kind)
}

// listText is a list as the text of an array.
func listText(v lqp.Value) lqp.Value {
	if v.IsNull() {
		return v
	}
	var p params
	if err := p.arrayText(oidText, v.Items()); err != nil {
		return lqp.NullValue
	}
	return lqp.TextValue(string(p.buf))
}
