package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// storeBehind inserts rows while the transaction goes on: they are the same as those of Insert, in the order of the calls, and there before
// anything else happens in the transaction.
func storeBehind(t *testing.T, h *StoreHarness) {
	t.Run("Types", func(t *testing.T) { behindTypes(t, h) })
	t.Run("Order", func(t *testing.T) { behindOrder(t, h) })
	t.Run("Failures", func(t *testing.T) { behindFailures(t, h) })
	t.Run("OpenRows", func(t *testing.T) { behindOpenRows(t, h) })
}

// behindTypes stores the same random rows of a column of every type by Insert and behind.
func behindTypes(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(h.seed(t), 11))
	integer := lqp.Type{Kind: lqp.Number, Precision: 19}
	types := []lqp.Type{integer, {Kind: lqp.Bool}, {Kind: lqp.Number}, {Kind: lqp.Number, Precision: 12, Scale: 2}, {Kind: lqp.Number, Precision: 18},
		{Kind: lqp.Number, Precision: 30, Scale: 10}, {Kind: lqp.Float}, {Kind: lqp.Text}, {Kind: lqp.Text, MaxLen: 120}, {Kind: lqp.Date}, {Kind: lqp.DateTime},
		{Kind: lqp.JSON}, {Kind: lqp.Bytes}, {Kind: lqp.List, Elem: lqp.Text}, {Kind: lqp.List, Elem: lqp.Number}, {Kind: lqp.List, Elem: lqp.Bool},
		{Kind: lqp.List, Elem: lqp.Date}}
	columns, definition := []string{"id"}, " (id "+s.DeclareType(integer)+" NOT NULL PRIMARY KEY"
	for i, typ := range types {
		columns = append(columns, fmt.Sprintf("c%d", i))
		definition += fmt.Sprintf(", c%d ", i) + s.DeclareType(typ)
	}
	s.exec("CREATE TABLE plain" + definition + ")")
	s.exec("CREATE TABLE behind" + definition + ")")
	const n = 300
	rows := make([][]lqp.Value, n)
	for i := range rows {
		rows[i] = append(rows[i], lqp.IntValue(int64(i)))
		for _, typ := range types {
			rows[i] = append(rows[i], behindValue(rng, typ))
		}
	}
	cat, err := s.Tables(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Int32
	err = s.Write(ctx, func(tx adapter.Tx) error {
		if err := tx.Insert(ctx, cat.Table("plain"), columns, rows); err != nil {
			return err
		}
		for at := 0; at < n; {
			some := rows[at:min(n, at+1+rng.IntN(90))]
			at += len(some)
			if err := adapter.InsertBehind(ctx, tx, cat.Table("behind"), columns, some, func() { done.Add(int32(len(some))) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if done.Load() != n {
		t.Errorf("%d of %d rows were given back", done.Load(), n)
	}
	plain, behind := s.scan(cat.Table("plain")), s.scan(cat.Table("behind"))
	if len(plain) != n || len(behind) != n {
		t.Fatalf("%d and %d rows in the place of %d", len(plain), len(behind), n)
	}
	for i := range plain {
		if fmt.Sprint(plain[i]) != fmt.Sprint(behind[i]) {
			t.Errorf("row %d is %v by Insert and %v behind", i, plain[i], behind[i])
		}
	}
}

func behindValue(rng *rand.Rand, typ lqp.Type) lqp.Value {
	if rng.IntN(8) == 0 {
		return lqp.NullValue
	}
	if typ.Kind == lqp.List {
		items := make([]lqp.Value, rng.IntN(4))
		for i := range items {
			items[i] = behindValue(rng, lqp.Type{Kind: typ.Elem, Precision: 30, Scale: 10})
		}
		return lqp.ListValue(items)
	}
	if typ.Kind == lqp.Number && typ.Precision == 12 {
		return lqp.NumberValue(lqp.DecimalFromScaled(rng.Int64N(2_000_000_000_000)-1_000_000_000_000, 2))
	}
	if edges := storedEdges(typ); len(edges) > 0 {
		return edges[rng.IntN(len(edges))]
	}
	return lqp.BoolValue(rng.IntN(2) == 0)
}

// behindOrder writes behind and asks at once.
func behindOrder(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers(" NOT NULL PRIMARY KEY")
	table, ctx := s.table("n"), context.Background()
	err := s.Write(ctx, func(tx adapter.Tx) error {
		for i := range 5 {
			if err := adapter.InsertBehind(ctx, tx, table, []string{"v"}, behindRows(i*100, 100), nil); err != nil {
				return err
			}
		}
		if n, err := tx.Exec(ctx, "DELETE FROM n WHERE v < ?", lqp.IntValue(50)); err != nil || n != 50 {
			return fmt.Errorf("%d rows deleted: %w", n, err)
		}
		if err := adapter.InsertBehind(ctx, tx, table, []string{"v"}, behindRows(0, 50), nil); err != nil {
			return err
		}
		rows, err := rowsOf(ctx, tx, 1, "SELECT count(*) FROM n")
		if err == nil && fmt.Sprint(rows) != "[[500]]" {
			err = fmt.Errorf("%v rows", rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.number("SELECT count(*) FROM n"); n != 500 {
		t.Errorf("%d rows are stored", n)
	}
}

func behindRows(from, n int) [][]lqp.Value {
	rows := make([][]lqp.Value, n)
	for i := range rows {
		rows[i] = []lqp.Value{lqp.IntValue(int64(from + i))}
	}
	return rows
}

// behindFailures: what fails behind fails the transaction, whatever its function says, and leaves neither rows nor the goroutine's hands on
// them. The store goes on.
func behindFailures(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers(" NOT NULL PRIMARY KEY")
	s.exec("INSERT INTO n VALUES (1050)")
	table, ctx := s.table("n"), context.Background()
	mine := errors.New("mine")
	for _, c := range []struct {
		name string
		last [][]lqp.Value
		then func(ctx context.Context, cancel func(), tx adapter.Tx) error
		want error
	}{
		{"a key twice", behindRows(1000, 100), nil, adapter.ErrConstraint},
		{"a value of another kind", append(behindRows(1000, 40), []lqp.Value{lqp.TextValue("x")}), nil, nil},
		{"a row of another length", append(behindRows(1000, 40), nil), nil, nil},
		{"an error that is not minded", behindRows(1000, 100), func(ctx context.Context, _ func(), tx adapter.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO n VALUES (9999)")
			if err == nil {
				t.Error("a statement behind a failure was carried out")
			}
			return nil
		}, adapter.ErrConstraint},
		{"an error of the function", behindRows(2000, 100), func(context.Context, func(), adapter.Tx) error { return mine }, mine},
		{"a panic of the function", behindRows(2000, 100), func(context.Context, func(), adapter.Tx) error { panic("mine") }, nil},
		{"the caller has gone", behindRows(2000, 100), func(ctx context.Context, cancel func(), tx adapter.Tx) error {
			cancel()
			return adapter.InsertBehind(ctx, tx, table, []string{"v"}, behindRows(3000, 100), nil)
		}, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			var given, back atomic.Int32
			err := s.Write(ctx, func(tx adapter.Tx) error {
				for i := range 6 {
					rows := behindRows(i*100, 100)
					if i == 5 {
						rows = c.last
					}
					given.Add(1)
					if err := adapter.InsertBehind(ctx, tx, table, []string{"v"}, rows, func() { back.Add(1) }); err != nil {
						return err
					}
				}
				if c.then != nil {
					return c.then(ctx, cancel, tx)
				}
				return nil
			})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("the error is %v, not %v", err, c.want)
			}
			if given.Load() != back.Load() {
				t.Errorf("%d of %d calls were told that their rows are free", back.Load(), given.Load())
			}
			if n := s.number("SELECT count(*) FROM n"); n != 1 {
				t.Errorf("%d rows are there", n)
			}
		})
	}
}

// behindOpenRows inserts while the function reads the rows of a statement.
func behindOpenRows(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	s.numbers(" NOT NULL PRIMARY KEY")
	table, ctx := s.table("n"), context.Background()
	err := s.Write(ctx, func(tx adapter.Tx) error {
		if err := adapter.InsertBehind(ctx, tx, table, []string{"v"}, behindRows(0, 100), nil); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT v FROM n WHERE v < 100 ORDER BY v")
		if err != nil {
			return err
		}
		defer rows.Close()
		read := 0
		for rows.Next() {
			if read++; read%25 == 0 {
				if err := adapter.InsertBehind(ctx, tx, table, []string{"v"}, behindRows(read*1000, 100), nil); err != nil {
					return err
				}
			}
		}
		if read != 100 {
			t.Errorf("%d rows read", read)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.number("SELECT count(*) FROM n"); n != 500 {
		t.Errorf("%d rows are stored", n)
	}
}
