package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// mutation is a statement that writes one table, with its values.
type mutation struct {
	t      *tx
	table  *lqp.Table
	sql    []byte
	values []lqp.Value
}

// mutation begins a statement on a table, as the role of the namespace that the table is in.
func (t *tx) mutation(ctx context.Context, op string, table *lqp.Table) (*mutation, error) {
	if err := t.writing(ctx, op); err != nil {
		return nil, err
	}
	if len(table.Path) == 0 {
		return nil, fmt.Errorf("%s: %w: table without a path", op, adapter.ErrNoTable)
	}
	t.as(t.ses.store.roleOfPath(table.Path))
	return &mutation{t: t, table: table, sql: make([]byte, 0, 256)}, nil
}

func (m *mutation) text(s string) { m.sql = append(m.sql, s...) }

func (m *mutation) ident(s string) { m.sql = (*dialect)(nil).AppendIdent(m.sql, s) }

func (m *mutation) path() {
	for i, part := range m.table.Path {
		if i > 0 {
			m.text(".")
		}
		m.ident(part)
	}
}

// column writes the name of a column.
func (m *mutation) column(id string) (*lqp.Column, error) {
	c := m.table.Column(id)
	if c == nil {
		return nil, fmt.Errorf("table %s has no column %q", m.table.Name, id)
	}
	m.ident(id)
	return c, nil
}

func (m *mutation) value(v lqp.Value) {
	m.values = append(m.values, v)
	m.sql = strconv.AppendInt(append(m.sql, '$'), int64(len(m.values)), 10)
}

// matches writes a condition that the column has the value, NULL included. JSON has no equality of its own; its texts
// do. A plain equality lets an index find the row.
func (m *mutation) matches(id string, v lqp.Value) error {
	c, err := m.column(id)
	if err != nil {
		return err
	}
	if c.Type.Kind == lqp.JSON {
		m.text("::text")
	}
	if v.IsNull() {
		m.text(" IS NULL")
		return nil
	}
	m.text(" = ")
	m.value(v)
	return nil
}

// where writes the condition that names the row by its key and checks what it is expected to hold.
func (m *mutation) where(key []lqp.Value, expect []lqp.Assignment) error {
	if len(m.table.Key) == 0 || len(key) != len(m.table.Key) {
		return fmt.Errorf("table %s has a key of %d columns, %d values given", m.table.Name, len(m.table.Key), len(key))
	}
	m.text(" WHERE ")
	for i, id := range m.table.Key {
		if i > 0 {
			m.text(" AND ")
		}
		if err := m.matches(id, key[i]); err != nil {
			return err
		}
	}
	for _, e := range expect {
		m.text(" AND ")
		if err := m.matches(e.Column, e.Value); err != nil {
			return err
		}
	}
	return nil
}

// exec runs the statement, or defers it. rows is how many rows a deferred one changes, 0 for one of which that is not asked.
func (m *mutation) exec(ctx context.Context, op string, rows int) (int64, error) {
	encode := func(p *params, types []uint32) error { return p.bind(types, m.values) }
	if m.t.later {
		if rows > 0 {
			m.exact(rows)
		}
		return int64(rows), m.t.put(ctx, op, string(m.sql), rows > 0, encode)
	}
	s, err := m.t.ses.send(ctx, string(m.sql), encode)
	if err != nil {
		return 0, m.t.fail(ctx, op, err)
	}
	tag, err := s.finish()
	if err != nil {
		return 0, m.t.fail(ctx, op, err)
	}
	m.t.note(tag)
	return tag.RowsAffected(), nil
}

// Update sets columns of one row.
func (t *tx) Update(ctx context.Context, table *lqp.Table, key []lqp.Value, expect, set []lqp.Assignment) (int64, error) {
	op := "update " + table.Name
	m, err := t.mutation(ctx, op, table)
	if err != nil {
		return 0, err
	}
	if len(set) == 0 {
		return 0, fmt.Errorf("%s: nothing to set", op)
	}
	m.text("UPDATE ")
	m.path()
	m.text(" SET ")
	for i, a := range set {
		if i > 0 {
			m.text(", ")
		}
		if _, err := m.column(a.Column); err != nil {
			return 0, fmt.Errorf("%s: %w", op, err)
		}
		m.text(" = ")
		m.value(a.Value)
	}
	if err := m.where(key, expect); err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	return m.exec(ctx, op, 1)
}

// Delete removes one row.
func (t *tx) Delete(ctx context.Context, table *lqp.Table, key []lqp.Value, expect []lqp.Assignment) (int64, error) {
	op := "delete from " + table.Name
	m, err := t.mutation(ctx, op, table)
	if err != nil {
		return 0, err
	}
	m.text("DELETE FROM ")
	m.path()
	if err := m.where(key, expect); err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	return m.exec(ctx, op, 1)
}
