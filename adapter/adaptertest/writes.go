package adaptertest

import (
	"context"
	"errors"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// writes checks an adapter that writes: rows with every edge value come back, updates and deletes happen only to rows that
// are as expected, NULL included, and what fails leaves nothing. The table of pairs is changed, so this comes last.
func (s *suite) writes(t T) {
	w, ok := s.a.(adapter.Writer)
	if store, isStore := s.a.(adapter.Store); isStore {
		w, ok = storeWriter{store}, true
	}
	if !ok || !s.a.Capabilities().Writes {
		t.Logf("the adapter only reads")
		return
	}
	ctx := ctxOf(t)
	t.Run("insert", func(t T) { s.inserts(ctx, t, w) })
	t.Run("update", func(t T) { s.updates(ctx, t, w) })
	t.Run("delete", func(t T) { s.deletes(ctx, t, w) })
}

// inserts adds rows of edge values to the empty table and to the one of all types.
func (s *suite) inserts(ctx context.Context, t T, w adapter.Writer) {
	f, table := s.fixture(things), s.tables[things]
	var ids []string
	for _, c := range f.Columns {
		ids = append(ids, c.Name)
	}
	var rows [][]lqp.Value
	for n := range 40 {
		row := []lqp.Value{lqp.IntValue(int64(1000 + n))}
		for _, c := range f.Columns[1:] {
			edges := edgesOf(c.Type)
			row = append(row, edges[n%len(edges)])
		}
		rows = append(rows, row)
	}
	if err := w.Insert(ctx, table, ids, rows); err != nil {
		t.Fatalf("insert %d rows: %v", len(rows), err)
	}
	f.Rows = append(f.Rows, rows...)
	if err := w.Insert(ctx, table, []string{"id"}, [][]lqp.Value{{lqp.IntValue(2000)}}); err != nil {
		t.Fatalf("insert with columns left out: %v", err)
	}
	bare := make([]lqp.Value, len(f.Columns))
	bare[0] = lqp.IntValue(2000)
	f.Rows = append(f.Rows, bare)
	s.reread(t, things)

	err := w.Insert(ctx, table, []string{"id", "s"}, [][]lqp.Value{{lqp.IntValue(3000), lqp.TextValue("new")}, {lqp.IntValue(2000), lqp.TextValue("twice")}})
	if !errors.Is(err, adapter.ErrConstraint) {
		t.Errorf("insert of a key that exists: error %v is no ErrConstraint", err)
	}
	s.reread(t, things) // neither of the two rows
}

// reread compares the whole table with the fixture, which the case has changed like the table.
func (s *suite) reread(t T, fixture string) {
	t.Helper()
	s.discover(t)
	s.check(t, &lqp.Query{From: s.from(fixture, "")}, false)
}

func (s *suite) updates(ctx context.Context, t T, w adapter.Writer) {
	f, table := s.fixture(things), s.tables[things]
	n := 0
	for _, c := range f.Columns[1:] {
		edges := edgesOf(c.Type)
		at := f.column(c.Name)
		for i, v := range edges {
			row := f.Rows[n%len(f.Rows)]
			n++
			key := []lqp.Value{row[0]}
			if c.Type.Kind != lqp.JSON { // documents are not compared
				// A row that does not hold what is expected stays as it is.
				wrong := edges[(i+1)%len(edges)]
				if !lqp.Equal(row[at], wrong) {
					s.changes(t, 0, func() (int64, error) {
						return w.Update(ctx, table, key, []lqp.Assignment{{Column: c.Name, Value: wrong}}, []lqp.Assignment{{Column: c.Name, Value: v}})
					})
				}
				s.changes(t, 1, func() (int64, error) {
					return w.Update(ctx, table, key, []lqp.Assignment{{Column: c.Name, Value: row[at]}}, []lqp.Assignment{{Column: c.Name, Value: v}})
				})
			} else {
				s.changes(t, 1, func() (int64, error) {
					return w.Update(ctx, table, key, nil, []lqp.Assignment{{Column: c.Name, Value: v}})
				})
			}
			row[at] = v
		}
	}
	s.changes(t, 0, func() (int64, error) {
		return w.Update(ctx, table, []lqp.Value{lqp.IntValue(-5)}, nil, []lqp.Assignment{{Column: "s", Value: lqp.TextValue("x")}})
	})
	s.reread(t, things)

	p, pair := s.fixture(pairs), s.tables[pairs]
	for _, row := range p.Rows[:4] {
		key := []lqp.Value{row[p.column("x")], row[p.column("y")]}
		v := must(decimalType, "77.5")
		s.changes(t, 1, func() (int64, error) {
			return w.Update(ctx, pair, key, nil, []lqp.Assignment{{Column: "v", Value: v}})
		})
		row[p.column("v")] = v
	}
	if _, err := w.Update(ctx, pair, []lqp.Value{p.Rows[0][p.column("x")], p.Rows[0][p.column("y")]}, nil,
		[]lqp.Assignment{{Column: "u", Value: p.Rows[1][p.column("u")]}}); !errors.Is(err, adapter.ErrConstraint) {
		t.Errorf("update to a unique value that exists: error %v is no ErrConstraint", err)
	}
	s.reread(t, pairs)
}

func (s *suite) deletes(ctx context.Context, t T, w adapter.Writer) {
	p, table := s.fixture(pairs), s.tables[pairs]
	row := p.Rows[0]
	key := []lqp.Value{row[p.column("x")], row[p.column("y")]}
	s.changes(t, 0, func() (int64, error) {
		return w.Delete(ctx, table, key, []lqp.Assignment{{Column: "v", Value: lqp.NullValue}})
	})
	s.changes(t, 1, func() (int64, error) {
		return w.Delete(ctx, table, key, []lqp.Assignment{{Column: "v", Value: row[p.column("v")]}})
	})
	s.changes(t, 0, func() (int64, error) { return w.Delete(ctx, table, key, nil) })
	p.Rows = p.Rows[1:]
	s.reread(t, pairs)
}

func (s *suite) changes(t T, want int64, write func() (int64, error)) {
	t.Helper()
	if n, err := write(); err != nil || n != want {
		t.Errorf("%d rows changed instead of %d, error %v", n, want, err)
	}
}

// storeWriter makes every write of a store a transaction.
type storeWriter struct{ s adapter.Store }

func (w storeWriter) Insert(ctx context.Context, t *lqp.Table, columns []string, rows [][]lqp.Value) error {
	return w.s.Write(ctx, func(tx adapter.Tx) error { return tx.Insert(ctx, t, columns, rows) })
}

func (w storeWriter) Update(ctx context.Context, t *lqp.Table, key []lqp.Value, expect, set []lqp.Assignment) (n int64, err error) {
	err = w.s.Write(ctx, func(tx adapter.Tx) error {
		n, err = tx.Update(ctx, t, key, expect, set)
		return err
	})
	return n, err
}

func (w storeWriter) Delete(ctx context.Context, t *lqp.Table, key []lqp.Value, expect []lqp.Assignment) (n int64, err error) {
	err = w.s.Write(ctx, func(tx adapter.Tx) error {
		n, err = tx.Delete(ctx, t, key, expect)
		return err
	})
	return n, err
}
