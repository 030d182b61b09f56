package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// endless is a statement that all stores understand and none comes to the end of.
const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000000000) SELECT count(*) FROM c"

// numbers makes a table n with an integer v.
func (s tested) numbers(more string) {
	s.t.Helper()
	s.exec("CREATE TABLE n (v " + s.DeclareType(lqp.Type{Kind: lqp.Number, Precision: 19}) + more + ")")
}

func (s tested) table(name string) *lqp.Table {
	s.t.Helper()
	cat, err := s.Tables(context.Background())
	if err != nil {
		s.t.Fatalf("discover tables: %v", err)
	}
	return cat.Table(name)
}

func storeCounts(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	ctx := context.Background()
	if err := s.Write(ctx, func(tx adapter.Tx) error {
		for _, step := range []struct {
			sql  string
			want int64
		}{
			{"CREATE TABLE n (v INTEGER)", 0},
			{"INSERT INTO n VALUES (1), (2), (3)", 3},
			{"CREATE INDEX n_v ON n (v)", 0},
			{"UPDATE n SET v = v + 1 WHERE v > 1", 2},
			{"UPDATE n SET v = 0 WHERE v > 100", 0},
			{"INSERT INTO n SELECT v FROM n WHERE v = 1", 1},
			{"DELETE FROM n", 4},
		} {
			if got, err := tx.Exec(ctx, step.sql); err != nil || got != step.want {
				return fmt.Errorf("%s: %d instead of %d, error %w", step.sql, got, step.want, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// storeRefusals are statements that fail, and of which nothing may be left.
func storeRefusals(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers(" NOT NULL UNIQUE")
	s.exec("INSERT INTO n VALUES (1)")
	for name, c := range map[string]struct {
		sql  string
		args []lqp.Value
		want error
	}{
		"unique":         {"INSERT INTO n VALUES (1)", nil, adapter.ErrConstraint},
		"unique of many": {"INSERT INTO n VALUES (5), (6), (1)", nil, adapter.ErrConstraint},
		"not null":       {"INSERT INTO n VALUES (?)", []lqp.Value{lqp.NullValue}, adapter.ErrConstraint},
		"unknown table":  {"INSERT INTO nowhere VALUES (1)", nil, nil},
		"syntax":         {"INSERT INTO n VALUE (1)", nil, nil},
		"two":            {"DELETE FROM n; DELETE FROM n", nil, nil},
		"empty":          {"  ", nil, nil},
		"too few values": {"DELETE FROM n WHERE v = ?", nil, nil},
		"too many":       {"DELETE FROM n", []lqp.Value{lqp.IntValue(1)}, nil},
		"commit":         {"COMMIT", nil, nil},
		"rollback":       {"ROLLBACK", nil, nil},
	} {
		if err := s.try(c.sql, c.args...); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if got := s.number("SELECT count(*) FROM n"); got != 1 {
		t.Errorf("%d rows are left", got)
	}
}

func storeReadOnly(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers(" PRIMARY KEY")
	table := s.table("n")
	ctx := context.Background()
	for name, write := range map[string]func(tx adapter.Tx) error{
		"exec": func(tx adapter.Tx) error { _, err := tx.Exec(ctx, "INSERT INTO n VALUES (1)"); return err },
		"insert": func(tx adapter.Tx) error {
			return tx.Insert(ctx, table, []string{"v"}, [][]lqp.Value{{lqp.IntValue(1)}})
		},
		"delete": func(tx adapter.Tx) error {
			_, err := tx.Delete(ctx, table, []lqp.Value{lqp.IntValue(1)}, nil)
			return err
		},
		"query": func(tx adapter.Tx) error {
			_, err := rowsOf(ctx, tx, 1, "INSERT INTO n VALUES (1) RETURNING v")
			return err
		},
	} {
		if err := s.Read(ctx, write); !errors.Is(err, adapter.ErrDenied) {
			t.Errorf("%s in a transaction that reads: error %v is no ErrDenied", name, err)
		}
	}
	if got := s.number("SELECT count(*) FROM n"); got != 0 {
		t.Errorf("%d rows were written", got)
	}
}

// storeOpenRows sends statements while the rows of others are being read, in both kinds of transactions.
func storeOpenRows(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.exec("CREATE TABLE n (v INTEGER NOT NULL PRIMARY KEY, fill TEXT NOT NULL)")
	ctx := context.Background()
	const rows = 500
	if err := s.Write(ctx, func(tx adapter.Tx) error {
		for i := range rows {
			if _, err := tx.Exec(ctx, "INSERT INTO n VALUES (?, ?)", lqp.IntValue(int64(i)), lqp.TextValue(strings.Repeat("x", i))); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	walk := func(inner func(tx adapter.Tx, i int64) error) func(tx adapter.Tx) error {
		return func(tx adapter.Tx) error {
			outer, err := tx.Query(ctx, "SELECT v, fill FROM n WHERE v < ? ORDER BY v", lqp.IntValue(rows))
			if err != nil {
				return err
			}
			defer outer.Close()
			for i := int64(0); i < rows; i++ {
				if !outer.Next() {
					return fmt.Errorf("row %d is missing: %w", i, outer.Err())
				}
				if i%7 == 3 {
					if err := inner(tx, i); err != nil {
						return err
					}
				}
				if n, _ := outer.Value(0).Decimal().Int64(); n != i || len(outer.Value(1).Text()) != int(i) {
					return fmt.Errorf("row %d is %s", i, outer.Value(0))
				}
			}
			if outer.Next() {
				return errors.New("there are more rows")
			}
			return outer.Err()
		}
	}
	if err := s.Read(ctx, walk(func(tx adapter.Tx, i int64) error {
		got, err := rowsOf(ctx, tx, 1, "SELECT count(*) FROM n WHERE v <= ?", lqp.IntValue(i))
		if err == nil && got[0][0].String() != strconv.FormatInt(i+1, 10) {
			err = fmt.Errorf("%s rows up to %d", got[0][0], i)
		}
		return err
	})); err != nil {
		t.Errorf("reading: %v", err)
	}
	if err := s.Write(ctx, walk(func(tx adapter.Tx, i int64) error {
		_, err := tx.Exec(ctx, "INSERT INTO n VALUES (?, '')", lqp.IntValue(10_000+i))
		return err
	})); err != nil {
		t.Errorf("writing: %v", err)
	}
	if got := s.number("SELECT count(*) FROM n WHERE v >= 10000"); got != 71 {
		t.Errorf("%d rows were written meanwhile", got)
	}
}

// storeAllOrNone inserts many rows of which one is refused.
func storeAllOrNone(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers(" NOT NULL PRIMARY KEY")
	table := s.table("n")
	ctx := context.Background()
	for _, size := range []int{2, 3, 2500} {
		rows := make([][]lqp.Value, size)
		for i := range rows {
			rows[i] = []lqp.Value{lqp.IntValue(int64(i))}
		}
		rows[size-1] = rows[0]
		insert := func(tx adapter.Tx) error { return tx.Insert(ctx, table, []string{"v"}, rows) }
		if err := s.Write(ctx, insert); !errors.Is(err, adapter.ErrConstraint) {
			t.Errorf("insert of %d rows with a key twice: error %v", size, err)
		}
		if got := s.number("SELECT count(*) FROM n"); got != 0 {
			t.Errorf("%d of %d rows are there", got, size)
		}
		rows = rows[:size-1]
		if err := s.Write(ctx, insert); err != nil {
			t.Errorf("insert of %d rows: %v", size-1, err)
		}
		if got := s.number("SELECT count(*) FROM n"); got != int64(size-1) {
			t.Errorf("%d of %d rows are there", got, size-1)
		}
		s.exec("DELETE FROM n")
	}
}

// storeOwnFailure mixes functions that fail, panic and succeed: each is there as a whole or not at all.
func storeOwnFailure(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers(" NOT NULL UNIQUE")
	s.exec("INSERT INTO n VALUES (-1)")
	ctx := context.Background()
	mine := errors.New("mine")
	var wg sync.WaitGroup
	for i := range 80 {
		wg.Go(func() {
			err := s.Write(ctx, func(tx adapter.Tx) error {
				if _, err := tx.Exec(ctx, "INSERT INTO n VALUES (?)", lqp.IntValue(int64(i))); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					return mine
				case 2:
					panic("boom")
				case 3:
					_, err := tx.Exec(ctx, "INSERT INTO n VALUES (-1)")
					return err
				}
				return nil
			})
			ok := err == nil
			switch i % 4 {
			case 1:
				ok = err != nil && err.Error() == mine.Error() && errors.Is(err, mine) // as it is
			case 2:
				ok = err != nil && strings.Contains(err.Error(), "boom")
			case 3:
				ok = errors.Is(err, adapter.ErrConstraint)
			}
			if !ok {
				t.Errorf("function %d: error %v", i, err)
			}
		})
	}
	wg.Wait()
	if got := s.number("SELECT count(*) FROM n WHERE v >= 0 AND v % 4 = 0"); got != 20 {
		t.Errorf("%d of 20 functions are there", got)
	}
	if got := s.number("SELECT count(*) FROM n"); got != 21 {
		t.Errorf("%d rows instead of 21", got)
	}
}

// storeWithdrawn takes a call back that waits for another one.
func storeWithdrawn(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers("")
	release, began := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Write(context.Background(), func(adapter.Tx) error { close(began); <-release; return nil }); err != nil {
			t.Errorf("the call that is waited for: %v", err)
		}
	})
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(context.Background(), "INSERT INTO n VALUES (1)")
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call that waited: error %v", err)
	}
	close(release)
	wg.Wait()
	if got := s.number("SELECT count(*) FROM n"); got != 0 {
		t.Errorf("it was done all the same")
	}
}

func storeSnapshot(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers("")
	ctx := context.Background()
	if err := s.Read(ctx, func(tx adapter.Tx) error {
		for n := range 3 {
			got, err := rowsOf(ctx, tx, 1, "SELECT count(*) FROM n")
			if err != nil || got[0][0].String() != "0" {
				return fmt.Errorf("reading %d sees %v: %w", n, got, err)
			}
			s.exec("INSERT INTO n VALUES (1)")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if got := s.number("SELECT count(*) FROM n"); got != 3 {
		t.Errorf("a later snapshot has %d of 3 rows", got)
	}
}

// storeCancelled ends a statement by its context; the functions beside it are committed.
func storeCancelled(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers("")
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			err := s.Write(context.Background(), func(tx adapter.Tx) error {
				if _, err := tx.Exec(context.Background(), "INSERT INTO n VALUES (?)", lqp.IntValue(int64(i))); err != nil || i > 0 {
					return err
				}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
				defer cancel()
				_, err := rowsOf(ctx, tx, 1, endless)
				return err
			})
			if i == 0 && !errors.Is(err, context.DeadlineExceeded) || i > 0 && err != nil {
				t.Errorf("function %d: error %v", i, err)
			}
		})
	}
	wg.Wait()
	if got := s.number("SELECT count(*) FROM n WHERE v > 0"); got != 11 || s.number("SELECT count(*) FROM n") != 11 {
		t.Errorf("%d of 11 functions are there", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.Read(ctx, func(tx adapter.Tx) error {
		_, err := rowsOf(ctx, tx, 1, endless)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("reading: error %v", err)
	}
}

// storeEnded uses a transaction and its rows after their function has returned.
func storeEnded(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers("")
	s.exec("INSERT INTO n VALUES (1), (2)")
	ctx := context.Background()
	var kept adapter.Tx
	var rows adapter.Rows
	keep := func(tx adapter.Tx) error {
		r, err := tx.Query(ctx, "SELECT v FROM n")
		if err == nil && !r.Next() {
			err = errors.New("no row")
		}
		kept, rows = tx, r
		return err
	}
	for name, run := range map[string]func(context.Context, func(adapter.Tx) error) error{"read": s.Read, "write": s.Write} {
		if err := run(ctx, keep); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := kept.Query(ctx, "SELECT 1"); err == nil {
			t.Errorf("%s: a statement of a transaction that has ended succeeds", name)
		}
		if rows.Next() || !rows.Value(0).IsNull() || rows.Close() != nil {
			t.Errorf("%s: rows of a transaction that has ended go on", name)
		}
	}
}

func storeClosed(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	for n := range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close %d: %v", n+1, err)
		}
	}
	nothing := func(adapter.Tx) error { return nil }
	if err := s.Write(t.Context(), nothing); !errors.Is(err, adapter.ErrUnavailable) {
		t.Errorf("write to a closed store: error %v", err)
	}
	if err := s.Read(t.Context(), nothing); !errors.Is(err, adapter.ErrUnavailable) {
		t.Errorf("read of a closed store: error %v", err)
	}
}
