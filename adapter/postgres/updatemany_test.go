package postgres

import (
	"context"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// TestUpdateMany changes rows with one statement: alone, deferred, and deferred as all that its transaction does.
func TestUpdateMany(t *testing.T) {
	s := openTestStore(t, nil)
	ctx := context.Background()
	mustExec(t, s, `CREATE TABLE m (id text COLLATE "C" NOT NULL PRIMARY KEY, n bigint, d numeric, tags text[], doc json, day date)`)
	mustExec(t, s, `INSERT INTO m (id, n) VALUES ('a', 1), ('b', 2), ('c', 3)`)
	m := s.mustTable(t, "m")
	columns := []string{"n", "d", "tags", "doc", "day"}
	ids := func(list ...string) (keys []lqp.Value) {
		for _, id := range list {
			keys = append(keys, lqp.TextValue(id))
		}
		return keys
	}
	tags := func(list ...string) lqp.Value { return lqp.ListValue(ids(list...)) }
	cells := func(n int64) [][]lqp.Value {
		return [][]lqp.Value{
			{lqp.IntValue(n), lqp.NumberValue(lqp.DecimalFromScaled(150, 2)), tags("x", `y"`), lqp.JSONValue(`{"k":1}`), lqp.DateValue(20_000)},
			{lqp.NullValue, lqp.NullValue, lqp.NullValue, lqp.NullValue, lqp.NullValue},
		}
	}
	const all = "SELECT id, n, d, tags, doc, day FROM m ORDER BY id"
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		return adapter.UpdateMany(ctx, tx, m, ids("c", "a"), columns, cells(7))
	}))
	want := queryAll(t, s, all)
	require.Equal(t, `"2024-10-04"`, want[2][5])
	require.Equal(t, "7", want[2][1])
	require.Equal(t, []string{`"b"`, "2"}, want[1][:2])
	require.Equal(t, []string{"null", "null", "null", "null", "null"}, want[0][1:])

	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		return adapter.Deferred(tx, func() error {
			if err := adapter.UpdateMany(ctx, tx, m, ids("b"), columns[:1], [][]lqp.Value{{lqp.IntValue(20)}}); err != nil {
				return err
			}
			return adapter.UpdateMany(ctx, tx, m, ids("a", "c"), columns[:1], [][]lqp.Value{{lqp.IntValue(10)}, {lqp.IntValue(30)}})
		})
	}))
	require.Equal(t, [][]string{{"10"}, {"20"}, {"30"}}, queryAll(t, s, "SELECT n FROM m ORDER BY id"))

	// A key that no row has fails what was written with it, whenever the server is told.
	for name, write := range map[string]func(tx adapter.Tx) error{
		"at once": func(tx adapter.Tx) error {
			return adapter.UpdateMany(ctx, tx, m, ids("a", "z"), columns[:1], [][]lqp.Value{{lqp.IntValue(0)}, {lqp.IntValue(0)}})
		},
		"deferred": func(tx adapter.Tx) error {
			return adapter.Deferred(tx, func() error {
				return adapter.UpdateMany(ctx, tx, m, ids("a", "z"), columns[:1], [][]lqp.Value{{lqp.IntValue(0)}, {lqp.IntValue(0)}})
			})
		},
		"deferred, one": func(tx adapter.Tx) error {
			return adapter.Deferred(tx, func() error {
				return adapter.UpdateMany(ctx, tx, m, ids("z"), columns[:1], [][]lqp.Value{{lqp.IntValue(0)}})
			})
		},
		"deferred delete": func(tx adapter.Tx) error {
			return adapter.Deferred(tx, func() error {
				_, err := tx.Delete(ctx, m, ids("z"), nil)
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Write(ctx, func(tx adapter.Tx) error {
				if err := adapter.Deferred(tx, func() error {
					_, err := tx.Exec(ctx, "UPDATE m SET n = 0 WHERE id = 'b'")
					return err
				}); err != nil {
					return err
				}
				return write(tx)
			})
			require.ErrorIs(t, err, adapter.ErrConstraint)
			require.NotErrorIs(t, err, adapter.ErrUncertain)
			require.Equal(t, [][]string{{"10"}, {"20"}, {"30"}}, queryAll(t, s, "SELECT n FROM m ORDER BY id"))
		})
	}
}

// TestDeferredGoOutWithTheCommit has a function fail by what it has deferred when another one of its batch follows, whose own
// statements come after: it finds nothing of the first one and is carried out.
func TestDeferredGoOutWithTheCommit(t *testing.T) {
	s, plain, _ := deferStore(t)
	ctx := context.Background()
	insert := func(v int64) func(tx adapter.Tx) error {
		return func(tx adapter.Tx) error {
			return adapter.Deferred(tx, func() error { return tx.Insert(ctx, plain, []string{"v"}, row(v)) })
		}
	}
	require.NoError(t, s.Write(ctx, insert(10)))
	// Two in one batch: the first of them fails by what it has deferred, and the second finds nothing of it.
	held, second := make(chan struct{}), make(chan error, 1)
	first := make(chan error, 1)
	go func() {
		first <- s.Write(ctx, func(tx adapter.Tx) error {
			close(held)
			for len(second) == 0 && !waits(s) {
			}
			return insert(10)(tx)
		})
	}()
	<-held
	go func() {
		second <- s.Write(ctx, func(tx adapter.Tx) error {
			n, err := drain(tx.Query(ctx, "SELECT count(*) FROM n WHERE v = 10"))
			if err != nil {
				return err
			}
			return insert(100 + n)(tx)
		})
	}()
	require.ErrorIs(t, <-first, adapter.ErrConstraint)
	require.NoError(t, <-second)
	require.Equal(t, [][]string{{"1"}, {"2"}, {"3"}, {"10"}, {"101"}}, queryAll(t, s, "SELECT v FROM n ORDER BY v"))
}

// waits reports that a function waits for the writer, by taking its place in the queue for a moment.
func waits(s *Store) bool {
	select {
	case j := <-s.writer.queue:
		go func() { s.writer.queue <- j }()
		return true
	default:
		return false
	}
}
