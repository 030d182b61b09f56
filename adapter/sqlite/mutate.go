package sqlite

import (
	"context"
	"errors"
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

// Insert adds rows.
func (t *tx) Insert(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value) (err error) {
	op := "insert into " + table.Name
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	m, storages, err := t.insertion(op, table, columns)
	if err != nil {
		return err
	}
	if len(rows) < 2 || t.later {
		return t.insertRows(ctx, op, m, columns, storages, rows)
	}
	// The caller may go on after an error: then none of the rows must be there.
	if err := t.c.do("SAVEPOINT " + rowsSavepoint); err != nil {
		return translate(ctx, op, err)
	}
	if err := t.insertRows(ctx, op, m, columns, storages, rows); err != nil {
		if !t.c.broken && !t.c.db.GetAutocommit() {
			err = errors.Join(err, t.c.do("ROLLBACK TO "+rowsSavepoint), t.c.do("RELEASE "+rowsSavepoint))
		}
		return err
	}
	return translate(ctx, op, t.c.do("RELEASE "+rowsSavepoint))
}

const rowsSavepoint = "lt_rows"

// insertion is the statement that inserts a row, and how its columns are stored.
func (t *tx) insertion(op string, table *lqp.Table, columns []string) (m *mutation, storages []storage, err error) {
	if m, err = t.on(op, table); err != nil {
		return nil, nil, err
	}
	m.text("INSERT INTO ")
	m.ident(table.Path[len(table.Path)-1])
	if len(columns) == 0 {
		m.text(" DEFAULT VALUES")
		return m, nil, nil
	}
	storages = make([]storage, len(columns))
	m.text(" (")
	for i, id := range columns {
		if i > 0 {
			m.text(", ")
		}
		if storages[i], err = m.column(id); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	m.text(") VALUES (?")
	for range len(columns) - 1 {
		m.text(", ?")
	}
	m.text(")")
	return m, storages, nil
}

// insertRows runs the statement for each row. A parameter keeps its value from row to row: binding one that is the same again, as
// most of those of the change log are, would copy it into the memory of SQLite once more.
func (t *tx) insertRows(ctx context.Context, op string, m *mutation, columns []string, storages []storage, rows [][]lqp.Value) (err error) {
	defer t.c.guard(&err)
	s, err := t.c.prepare(string(m.sql))
	if err != nil {
		return translate(ctx, op, err)
	}
	defer s.release()
	t.c.db.SetInterrupt(context.Background()) // see interruptible
	for n, row := range rows {
		if len(row) != len(columns) {
			return fmt.Errorf("%s: row %d has %d values for %d columns", op, n, len(row), len(columns))
		}
		for i, v := range row {
			if n > 0 && sameValue(v, rows[n-1][i]) {
				continue
			}
			if err := bind(s, i+1, storages[i], v); err != nil {
				return translate(ctx, fmt.Sprintf("%s: row %d, column %s", op, n, columns[i]), err)
			}
		}
		if err := s.Exec(); err != nil {
			return translate(ctx, op, stepError(err))
		}
	}
	return nil
}

// sameValue reports that two values are bound alike. Values of which that takes longer to find out than binding them are not looked at.
func sameValue(a, b lqp.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case lqp.Null:
		return true
	case lqp.Text, lqp.Bytes, lqp.JSON:
		return a.Text() == b.Text()
	case lqp.Bool:
		return a.Bool() == b.Bool()
	case lqp.Number:
		return a.Decimal() == b.Decimal()
	case lqp.Date:
		return a.Days() == b.Days()
	case lqp.DateTime:
		return a.Millis() == b.Millis()
	}
	return false
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
