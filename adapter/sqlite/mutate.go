package sqlite

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// mutation is a statement that writes one table, with the storage of each parameter.
type mutation struct {
	t       *tx
	table   *lqp.Table
	sql     []byte
	storage []storage
	values  []lqp.Value
}

func (t *tx) mutation(ctx context.Context, op string, table *lqp.Table) (*mutation, error) {
	if err := t.ready(ctx, op); err != nil {
		return nil, err
	}
	return t.on(op, table)
}

// on begins a statement that writes a table.
func (t *tx) on(op string, table *lqp.Table) (*mutation, error) {
	if !t.write {
		return nil, fmt.Errorf("%s: %w: the transaction only reads", op, adapter.ErrDenied)
	}
	if len(table.Path) == 0 {
		return nil, fmt.Errorf("%s: %w: table without a path", op, adapter.ErrNoTable)
	}
	return &mutation{t: t, table: table}, nil
}

func (m *mutation) text(s string)  { m.sql = append(m.sql, s...) }
func (m *mutation) ident(s string) { m.sql = appendIdent(m.sql, s) }

// column writes the name of a column and answers how it is stored.
func (m *mutation) column(id string) (storage, error) {
	c := m.table.Column(id)
	if c == nil {
		return storage{}, fmt.Errorf("table %s has no column %q", m.table.Name, id)
	}
	m.ident(id)
	return columnStorage(c.Native, m.t.a.foreign), nil
}

func (m *mutation) value(st storage, v lqp.Value) {
	m.text("?")
	m.storage = append(m.storage, st)
	m.values = append(m.values, v)
}

// matches writes a condition that the column has the value, NULL included.
func (m *mutation) matches(id string, v lqp.Value) error {
	c := m.table.Column(id)
	if c == nil {
		return fmt.Errorf("table %s has no column %q", m.table.Name, id)
	}
	st := columnStorage(c.Native, m.t.a.foreign)
	if st.loose {
		return m.matchesLoose(id, st, v)
	}
	m.ident(id)
	m.text(" IS ")
	m.value(st, v)
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

func (m *mutation) exec(ctx context.Context, op string) (n int64, err error) {
	c := m.t.c
	defer c.guard(&err)
	s, err := c.prepare(string(m.sql))
	if err != nil {
		return 0, translate(ctx, op, err)
	}
	defer s.release()
	for i := range m.values {
		if err := bind(s, i+1, m.storage[i], m.values[i]); err != nil {
			return 0, translate(ctx, op, err)
		}
	}
	return m.t.run(ctx, op, s)
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
	m.ident(table.Path[len(table.Path)-1])
	m.text(" SET ")
	for i, a := range set {
		if i > 0 {
			m.text(", ")
		}
		st, err := m.column(a.Column)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", op, err)
		}
		m.text(" = ")
		m.value(st, a.Value)
	}
	if err := m.where(key, expect); err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	return m.exec(ctx, op)
}

// Delete removes one row.
func (t *tx) Delete(ctx context.Context, table *lqp.Table, key []lqp.Value, expect []lqp.Assignment) (int64, error) {
	op := "delete from " + table.Name
	m, err := t.mutation(ctx, op, table)
	if err != nil {
		return 0, err
	}
	m.text("DELETE FROM ")
	m.ident(table.Path[len(table.Path)-1])
	if err := m.where(key, expect); err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	return m.exec(ctx, op)
}

// matchesLoose writes the condition for a column of a foreign file, whose stored value counts as what Scan reads of it.
// A key column is compared as it is stored as well, so that an index can find the row.
func (m *mutation) matchesLoose(id string, st storage, v lqp.Value) error {
	r := sqlgen.Rep{Kind: m.table.Column(id).Type.Kind, Form: uint8(st.form), Scale: int8(st.scale)}
	if st.form == formList {
		r.Scale = int8(st.elem)
	}
	m.text("lt_canon('" + repSpec(r) + "', ")
	m.ident(id)
	m.text(") IS ")
	canonical := st
	if v.Kind() == lqp.Number {
		canonical = storage{form: formKey}
	}
	m.value(canonical, v)
	if v.IsNull() || (st.form != formText && st.form != formInt && st.form != formFloat) {
		return nil
	}
	m.text(" AND ")
	m.ident(id)
	m.text(" = ")
	m.value(st, v)
	return nil
}
