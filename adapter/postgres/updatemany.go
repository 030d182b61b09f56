package postgres

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.ManyUpdater = (*tx)(nil)

// UpdateMany implements [adapter.ManyUpdater]. The rows go as one array for every column, so that the statement is the same for any
// number of them. The keys stand there twice: as the rows of an array, which is joined, and as the array by which the index is
// asked, so that the server has no reason to read the whole table for the join.
func (t *tx) UpdateMany(ctx context.Context, table *lqp.Table, keys []lqp.Value, columns []string, rows [][]lqp.Value) error {
	op := "update " + table.Name
	for n, row := range rows {
		if len(row) != len(columns) || len(columns) == 0 {
			return fmt.Errorf("%s: row %d has %d values for %d columns", op, n, len(row), len(columns))
		}
	}
	if len(table.Key) != 1 || len(keys) != len(rows) {
		return fmt.Errorf("%s: %d keys of %d columns for %d rows", op, len(keys), len(table.Key), len(rows))
	}
	for len(rows) > 0 {
		n := min(len(rows), maxInsert)
		if err := t.updateSome(ctx, op, table, keys[:n], columns, rows[:n]); err != nil {
			return err
		}
		keys, rows = keys[n:], rows[n:]
	}
	return nil
}

func (t *tx) updateSome(ctx context.Context, op string, table *lqp.Table, keys []lqp.Value, columns []string, rows [][]lqp.Value) error {
	if len(rows) == 1 {
		set := make([]lqp.Assignment, len(columns))
		for k, id := range columns {
			set[k] = lqp.Assignment{Column: id, Value: rows[0][k]}
		}
		n, err := t.Update(ctx, table, keys, nil, set)
		if err == nil && n != 1 {
			err = fmt.Errorf("%s: %w: %d rows in the place of one", op, adapter.ErrConstraint, n)
		}
		return err
	}
	m, err := t.mutation(ctx, op, table)
	if err != nil {
		return err
	}
	key := table.Column(table.Key[0])
	if key == nil {
		return fmt.Errorf("%s: %w: no column %q", op, adapter.ErrNoTable, table.Key[0])
	}
	types := make([]lqp.Type, len(columns)+1)
	types[0] = wireType(key)
	m.text("UPDATE ")
	m.path()
	m.text(" AS t SET ")
	for i, id := range columns {
		if i > 0 {
			m.text(", ")
		}
		c, err := m.column(id)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		types[i+1] = wireType(c)
		m.sql = fmt.Appendf(m.sql, " = u.c%d", i+1)
		m.listCast(types[i+1])
	}
	m.text(" FROM ")
	m.unnest(types, len(rows), func(n, i int) lqp.Value {
		if i == 0 {
			return keys[n]
		}
		return rows[n][i-1]
	})
	m.text(" WHERE t.")
	m.ident(key.ID)
	m.text(" = ANY ($1::" + elementType(types[0]) + "[]) AND t.")
	m.ident(key.ID)
	m.text(" = u.c0")
	n, err := m.exec(ctx, op, len(rows))
	if err == nil && n != int64(len(rows)) {
		err = fmt.Errorf("%s: %w: %d rows in the place of %d", op, adapter.ErrConstraint, n, len(rows))
	}
	return err
}

// exact is a statement that changes rows as one that the server itself refuses when it changes another number of them: whoever
// defers it does not wait for the answer, and its transaction may be committed before the answer is read.
func (m *mutation) exact(rows int) {
	m.sql = append(append([]byte("WITH changed AS ("), m.sql...), " RETURNING 1) SELECT 1 / (count(*) = "...)
	m.value(lqp.IntValue(int64(rows)))
	m.text("::bigint)::int FROM changed")
}
