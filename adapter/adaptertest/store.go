package adaptertest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// StoreHarness connects [RunStore] to a store.
type StoreHarness struct {
	// Open opens a store on a database of its own, which is empty. It is called once for each sub-test; closing is the
	// suite's, cleaning up the database the harness's (t.Cleanup).
	Open func(t testing.TB) adapter.Store
	// Again opens another store on the database of s, as another process would.
	Again func(t testing.TB, s adapter.Store) adapter.Store
	// Seed of the random load. 0 as in [Harness].
	Seed uint64
}

// RunStore checks what [adapter.Store] promises beyond [adapter.Adapter], which [Run] checks: statements and their values,
// transactions that are whole or not there, commits that are shared, and an order among all who write. The SQL of the suite
// is the common part of all stores' SQL.
func RunStore(t *testing.T, h StoreHarness) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, h *StoreHarness)
	}{
		{"Values", storeValues},
		{"Declared", storeDeclared},
		{"Counts", storeCounts},
		{"Refusals", storeRefusals},
		{"ReadOnly", storeReadOnly},
		{"OpenRows", storeOpenRows},
		{"AllOrNone", storeAllOrNone},
		{"Behind", storeBehind},
		{"Prepared", storePrepared},
		{"OwnFailure", storeOwnFailure},
		{"Withdrawn", storeWithdrawn},
		{"Snapshot", storeSnapshot},
		{"Cancelled", storeCancelled},
		{"Ended", storeEnded},
		{"Closed", storeClosed},
		{"Counters", storeCounters},
		{"TwoStores", storeTwo},
		{"Goroutines", storeGoroutines},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, &h) })
	}
}

// tested is a store with the calls of its tests, which fail the test instead of answering with errors.
type tested struct {
	adapter.Store
	t testing.TB
}

func (h *StoreHarness) open(t testing.TB) tested {
	t.Helper()
	return closing(t, h.Open(t))
}

func closing(t testing.TB, s adapter.Store) tested {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return tested{s, t}
}

// exec runs a statement in a transaction of its own.
func (s tested) exec(sql string, args ...lqp.Value) {
	s.t.Helper()
	if err := s.try(sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

func (s tested) try(sql string, args ...lqp.Value) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
}

// all reads the first columns of a statement's rows.
func (s tested) all(columns int, sql string, args ...lqp.Value) [][]lqp.Value {
	s.t.Helper()
	var out [][]lqp.Value
	ctx := context.Background()
	err := s.Read(ctx, func(tx adapter.Tx) (err error) {
		out, err = rowsOf(ctx, tx, columns, sql, args...)
		return err
	})
	if err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func rowsOf(ctx context.Context, tx adapter.Tx, columns int, sql string, args ...lqp.Value) (out [][]lqp.Value, err error) {
	r, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for r.Next() {
		row := make([]lqp.Value, columns)
		for i := range row {
			row[i] = r.Value(i)
			if got, want := string(r.AppendJSON(nil, i)), string(row[i].AppendJSON(nil)); got != want {
				return nil, fmt.Errorf("column %d is %s by Value and %s by AppendJSON", i, want, got)
			}
		}
		out = append(out, row)
	}
	return out, r.Err()
}

// number is the one number that a statement answers with.
func (s tested) number(sql string, args ...lqp.Value) int64 {
	s.t.Helper()
	rows := s.all(1, sql, args...)
	if len(rows) != 1 {
		s.t.Fatalf("%s: %d rows", sql, len(rows))
	}
	n, ok := rows[0][0].Decimal().Int64()
	if !ok {
		s.t.Fatalf("%s: %s", sql, rows[0][0])
	}
	return n
}

// storeValues sends values of every kind that statements take and reads them back, as columns and as what was made of them.
func storeValues(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	d := s.DeclareType
	integer, bytes := d(lqp.Type{Kind: lqp.Number, Precision: 19}), d(lqp.Type{Kind: lqp.Bytes})
	s.exec("CREATE TABLE note (id " + d(lqp.Type{Kind: lqp.Text}) + " NOT NULL PRIMARY KEY, n " + integer + ", f " + d(lqp.Type{Kind: lqp.Float}) +
		", b " + bytes + ", doc " + d(lqp.Type{Kind: lqp.JSON}) + ")")
	text, number := lqp.TextValue, lqp.IntValue
	rows := [][]lqp.Value{
		{text("a"), number(7), lqp.FloatValue(1.5), lqp.BytesValue([]byte{0, 1, 0xff}), lqp.JSONValue(`{"b":1,"a":[1.50,"?"], "a":2}`)},
		{text("A?$1'\"\\ é\n😀"), number(-1 << 63), lqp.FloatValue(-1e300), lqp.BytesValue(nil), lqp.JSONValue(`"\ud83d\ude00\u0000"`)},
		{text("b"), lqp.NullValue, lqp.NullValue, lqp.NullValue, lqp.NullValue},
	}
	for _, row := range rows {
		s.exec("INSERT INTO note (id, n, f, b, doc) VALUES (?, ?, ?, ?, ?)", row...)
	}
	got := s.all(5, "SELECT id, n, f, b, doc FROM note ORDER BY CASE id WHEN 'a' THEN 1 WHEN 'b' THEN 3 ELSE 2 END")
	if fmt.Sprint(got) != fmt.Sprint(rows) {
		t.Errorf("got %v, want %v", got, rows)
	}
	for i := range got {
		if got[i][4].Kind() == lqp.JSON && got[i][4].Text() != rows[i][4].Text() {
			t.Errorf("the document came back as %s instead of %s", got[i][4].Text(), rows[i][4].Text())
		}
	}
	for _, c := range []struct {
		sql  string
		args []lqp.Value
		want int64
	}{
		{"SELECT count(*) FROM note", nil, 3},
		{"SELECT coalesce(max(n), 0) FROM note WHERE id = ?", []lqp.Value{text("b")}, 0},
		{"SELECT count(*) FROM note WHERE n > ? AND id <> ?", []lqp.Value{number(-5), text("b")}, 1},
		{"SELECT count(*) FROM note WHERE id > ?", []lqp.Value{text("A")}, 3}, // by bytes: A < A? < a < b
		{"SELECT count(*) FROM note WHERE id > ?", []lqp.Value{text("Z")}, 2},
		{"SELECT count(*) FROM note WHERE b = ?", []lqp.Value{lqp.BytesValue([]byte{0, 1, 0xff})}, 1},
		{"SELECT count(*) FROM note WHERE id IN (?, ?, ?)", []lqp.Value{text("a"), text("b"), text("c")}, 2},
		{"SELECT n + ? FROM note WHERE id = 'a' /* is it '? */", []lqp.Value{number(3)}, 10},
		{"SELECT CASE WHEN n = ? THEN 1 ELSE 0 END FROM note WHERE id = ? -- ?", []lqp.Value{number(7), text("a")}, 1},
		{"SELECT count(*) FROM (SELECT n FROM note LIMIT ?) AS few", []lqp.Value{number(2)}, 2},
		{"SELECT coalesce(sum(length(id)), 0) FROM note WHERE id = '?' OR id = ?", []lqp.Value{text("?")}, 0},
	} {
		if got := s.number(c.sql, c.args...); got != c.want {
			t.Errorf("%s: %d instead of %d", c.sql, got, c.want)
		}
	}
}

// storeDeclared declares a column of every type that the mini-DB knows, finds it as that type, and keeps its edge values.
func storeDeclared(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	ctx := context.Background()
	types := []lqp.Type{{Kind: lqp.Bool}, {Kind: lqp.Number}, {Kind: lqp.Number, Precision: 19}, {Kind: lqp.Number, Precision: 12, Scale: 2},
		{Kind: lqp.Number, Precision: 5}, {Kind: lqp.Number, Precision: 18}, {Kind: lqp.Number, Precision: 30, Scale: 10}, {Kind: lqp.Float}, {Kind: lqp.Text}, {Kind: lqp.Text, MaxLen: 120}, {Kind: lqp.Date}, {Kind: lqp.DateTime},
		{Kind: lqp.JSON}, {Kind: lqp.Bytes}, {Kind: lqp.List, Elem: lqp.Text}, {Kind: lqp.List, Elem: lqp.Number}}
	for i, typ := range types {
		name := fmt.Sprintf("t%d", i)
		s.exec("CREATE TABLE " + name + " (id " + s.DeclareType(lqp.Type{Kind: lqp.Number, Precision: 19}) + " NOT NULL PRIMARY KEY, v " + s.DeclareType(typ) + ")")
		cat, err := s.Tables(ctx)
		if err != nil {
			t.Fatalf("discover tables: %v", err)
		}
		table := cat.Table(name)
		if table == nil {
			t.Fatalf("no table %s", name)
		}
		if got := table.Column("v").Type; got != typ {
			t.Errorf("a column of type %+v is found as %+v", typ, got)
		}
		edges := storedEdges(typ)
		rows := make([][]lqp.Value, len(edges))
		for n, v := range edges {
			rows[n] = []lqp.Value{lqp.IntValue(int64(n)), v}
		}
		if err := s.Write(ctx, func(tx adapter.Tx) error {
			if err := tx.Insert(ctx, table, []string{"id", "v"}, rows[:1]); err != nil {
				return err
			}
			return tx.Insert(ctx, table, []string{"id", "v"}, rows[1:])
		}); err != nil {
			t.Errorf("insert into a column of type %v: %v", typ, err)
			continue
		}
		for n, row := range s.scan(table) {
			if n >= len(rows) || fmt.Sprint(row) != fmt.Sprint(rows[n]) {
				t.Errorf("a column of type %v: row %d is %v", typ, n, row)
			}
		}
	}
}

// storedEdges are values at the edges of a type.
func storedEdges(typ lqp.Type) []lqp.Value {
	switch {
	case typ.Kind == lqp.Number && typ.Precision == 0:
		return numberEdges(lqp.Type{Kind: lqp.Number, Precision: 30, Scale: 10})
	case typ.Kind == lqp.Number && typ.Precision < 19 && typ.Scale == 0:
		most := strings.Repeat("9", typ.Precision)
		return []lqp.Value{must(typ, "0"), lqp.NullValue, must(typ, "1"), must(typ, most), must(typ, "-"+most)}
	}
	return edgesOf(typ)
}

// scan reads a table in the order of its ids.
func (s tested) scan(table *lqp.Table) (out [][]lqp.Value) {
	s.t.Helper()
	q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: table.Name}, OrderBy: []lqp.Order{{Expr: ref("id")}}}, lqp.Env{Now: now,
		Table: func(string, string) (*lqp.Table, error) { return table, nil }})
	if err != nil {
		s.t.Fatalf("bind: %v", err)
	}
	split := s.Plan(q)
	if split.Residual != nil {
		s.t.Fatalf("the store does not take a whole table in order: %v", split.Notes)
	}
	ctx := context.Background()
	if err := s.Read(ctx, func(tx adapter.Tx) error {
		r, err := tx.Scan(ctx, split.Pushed)
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			row := make([]lqp.Value, len(table.Columns))
			for i := range row {
				row[i] = r.Value(i)
			}
			out = append(out, row)
		}
		return r.Err()
	}); err != nil {
		s.t.Fatalf("scan: %v", err)
	}
	return out
}
