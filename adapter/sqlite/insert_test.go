package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// TestRowsInsertedTogether inserts rows with many of their values repeated and now and then a text too large to stand together with others,
// in calls of every size around that of a block: what is read is what was given.
func TestRowsInsertedTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(testseed.Of(t), 1))
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE t (n INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER) STRICT")
	cat, err := s.Tables(t.Context())
	require.NoError(t, err)
	table, columns := cat.Table("t"), []string{"n", "a", "b", "c"}
	var want [][]lqp.Value
	text := func() lqp.Value {
		switch rng.IntN(40) {
		case 0:
			return lqp.NullValue
		case 1:
			return lqp.TextValue(strings.Repeat("ü", bytesTogether/4+rng.IntN(bytesTogether/2)))
		}
		return lqp.TextValue(fmt.Sprint("text ", rng.IntN(2)))
	}
	require.NoError(t, s.Write(t.Context(), func(tx adapter.Tx) error {
		for _, size := range []int{1, 2, rowsTogether - 1, rowsTogether, rowsTogether + 1, 2 * rowsTogether, 5*rowsTogether + 7, 400} {
			rows := make([][]lqp.Value, size)
			for i := range rows {
				rows[i] = []lqp.Value{lqp.IntValue(int64(len(want))), text(), text(), lqp.IntValue(rng.Int64N(3))}
				want = append(want, rows[i])
			}
			var err error
			if rng.IntN(2) == 0 {
				err = tx.Insert(t.Context(), table, columns, rows)
			} else {
				err = adapter.InsertBehind(t.Context(), tx, table, columns, rows, nil)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
	n := 0
	require.NoError(t, s.Read(t.Context(), func(tx adapter.Tx) error {
		rows, err := tx.Query(t.Context(), "SELECT n, a, b, c FROM t ORDER BY n")
		if err != nil {
			return err
		}
		for ; rows.Next(); n++ {
			for i := range columns {
				if got := rows.Value(i); !lqp.Equal(got, want[n][i]) {
					return fmt.Errorf("row %d, column %s: %.40v in the place of %.40v", n, columns[i], got, want[n][i])
				}
			}
		}
		return errors.Join(rows.Err(), rows.Close())
	}))
	require.Len(t, want, n)
}

// TestNoneOfTheRowsThatFailTogether: a function may go on after Insert has failed. Whichever row of a block it was, none is there then.
func TestNoneOfTheRowsThatFailTogether(t *testing.T) {
	for _, at := range []int{0, 1, rowsTogether - 1, rowsTogether, 2*rowsTogether + 5} {
		t.Run(fmt.Sprint("row ", at), func(t *testing.T) {
			s := openTestStore(t, StoreOptions{})
			mustExec(t, s, "CREATE TABLE t (n INTEGER PRIMARY KEY, u TEXT UNIQUE) STRICT")
			mustExec(t, s, "INSERT INTO t VALUES (-1, 'taken')")
			cat, err := s.Tables(t.Context())
			require.NoError(t, err)
			rows := make([][]lqp.Value, 3*rowsTogether)
			for i := range rows {
				rows[i] = []lqp.Value{lqp.IntValue(int64(i)), lqp.TextValue(fmt.Sprint("free ", i))}
			}
			rows[at][1] = lqp.TextValue("taken")
			require.NoError(t, s.Write(t.Context(), func(tx adapter.Tx) error {
				err := tx.Insert(t.Context(), cat.Table("t"), []string{"n", "u"}, rows)
				require.ErrorIs(t, err, adapter.ErrConstraint)
				_, err = tx.Exec(t.Context(), "INSERT INTO t VALUES (1000, 'after')")
				return err
			}))
			require.Equal(t, [][]string{{"-1"}, {"1000"}}, queryAll(t, s, "SELECT n FROM t ORDER BY n"))
		})
	}
}
