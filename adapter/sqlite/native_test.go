package sqlite

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// indexed is a store and a file with the same tables, each column with an index.
func indexed(t *testing.T) map[string]adapter.Adapter {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, `CREATE TABLE item (id TEXT(40) PRIMARY KEY NOT NULL, n INTEGER, price DECINT(18,6), wide DECTEXT COLLATE LT_NUM, s TEXT(80), long TEXT,
		day DATETEXT, at DATETIMETEXT, done BOOLINT, f REAL, tags LISTTEXT_TEXT)`)
	for _, c := range []string{"n", "price", "wide", "s", "day", "at", "f"} {
		mustExec(t, s, "CREATE INDEX item_"+c+" ON item ("+c+")")
	}
	mustExec(t, s, "CREATE INDEX item_long ON item (substr(long, 1, 255))")
	mustExec(t, s, "CREATE INDEX item_page ON item (n, id)")
	f := openForeign(t, `CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER, price DECIMAL(18,6), wide DECIMAL, s VARCHAR(80), long TEXT,
		day DATE, at DATETIME, done BOOLEAN, f REAL, tags JSON)`,
		"CREATE INDEX item_n ON item (n)", "CREATE INDEX item_s ON item (s)", "CREATE INDEX item_f ON item (f)")
	return map[string]adapter.Adapter{"store": s, "file": f}
}

// natives are queries whose SQL and access path the golden files hold.
func natives() map[string]*lqp.Query {
	ref := func(c string) lqp.Expr { return lqp.Ref("", c) }
	number := func(s string) lqp.Expr {
		d, err := lqp.ParseDecimal(s)
		if err != nil {
			panic(err)
		}
		return lqp.Literal(lqp.NumberValue(d))
	}
	text := func(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }
	item := lqp.Source{Table: "item"}
	id := []lqp.Named{{Name: "id", Expr: ref("id")}}
	where := func(e lqp.Expr) *lqp.Query { return &lqp.Query{From: item, Where: e, Select: id} }
	return map[string]*lqp.Query{
		"01 equal":           where(lqp.NewCall("eq", ref("n"), number("5"))),
		"02 equal scaled":    where(lqp.NewCall("eq", ref("price"), number("1.5"))),
		"03 equal unscaled":  where(lqp.NewCall("eq", ref("price"), number("1.00000001"))),
		"04 range scaled":    where(lqp.NewCall("lt", ref("price"), number("1.00000001"))),
		"05 range wide":      where(lqp.NewCall("ge", ref("wide"), number("12345678901234567890.5"))),
		"06 not equal":       where(lqp.NewCall("ne", ref("s"), text("x"))),
		"07 in":              where(lqp.NewCall("in", ref("s"), text("a"), text("b"))),
		"08 between days":    where(lqp.NewCall("between", ref("day"), lqp.Literal(lqp.DateValue(19000)), lqp.Literal(lqp.DateValue(19001)))),
		"09 range float":     where(lqp.NewCall("gt", ref("f"), lqp.Literal(lqp.FloatValue(1.5)))),
		"10 prefix":          where(lqp.NewCall("starts_with", ref("s"), text("ab"))),
		"11 contains":        where(lqp.NewCall("contains", ref("s"), text("ab"))),
		"12 sum of products": where(lqp.NewCall("gt", lqp.NewCall("mul", lqp.NewCall("add", ref("price"), number("1")), number("1.19")), number("100"))),
		"13 runtime":         where(lqp.NewCall("eq", lqp.NewCall("upper", ref("s")), text("AB"))),
		"14 key":             {From: item, Select: id, OrderBy: []lqp.Order{{Expr: ref("id"), Desc: true}}, Page: lqp.Page{Limit: 10}},
		"15 page": {From: item, Select: id, OrderBy: []lqp.Order{{Expr: ref("n")}, {Expr: ref("id")}},
			Page: lqp.Page{Limit: 10}},
		"16 sort long": {From: item, Select: id, OrderBy: []lqp.Order{{Expr: ref("long")}}, Page: lqp.Page{Limit: 10}},
		"17 groups": {From: item, GroupBy: []lqp.Named{{Name: "s", Expr: ref("s")}},
			Aggregates: []lqp.Aggregate{{Name: "total", Func: "sum", Arg: ref("price")}, {Name: "wide", Func: "sum", Arg: ref("wide")}, {Name: "top", Func: "max", Arg: ref("wide")}, {Name: "mean", Func: "average", Arg: ref("n")}},
			Having:     lqp.NewCall("gt", ref("total"), number("10"))},
		"18 tags": where(lqp.NewCall("has", ref("tags"), text("x"))),
	}
}

// TestNativeQueries keeps the SQL of typical queries and the access paths that SQLite chooses for it in golden files: a
// change that loses an index is then seen.
func TestNativeQueries(t *testing.T) {
	for kind, a := range indexed(t) {
		t.Run(kind, func(t *testing.T) {
			var b strings.Builder
			queries := natives()
			for _, name := range sortedKeys(queries) {
				q := queries[name]
				cat, err := a.Tables(t.Context())
				require.NoError(t, err)
				bound, err := lqp.Bind(q, lqp.Env{Table: func(_, n string) (*lqp.Table, error) { return cat.Table(n), nil }})
				if err != nil {
					b.WriteString(name + "\n  does not bind\n")
					continue
				}
				split := a.Plan(bound)
				sql, err := a.(adapter.Explainer).Native(split.Pushed)
				require.NoError(t, err)
				b.WriteString(name + "\n  " + sql + "\n")
				if split.Residual != nil {
					b.WriteString("  then in memory\n")
				}
				for _, step := range accessPath(t, a, sql) {
					b.WriteString("  - " + step + "\n")
				}
			}
			path := filepath.Join("testdata", "native_"+kind+".txt")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err, "write it with -update")
			require.Equal(t, string(want), b.String())
		})
	}
}

func sortedKeys(m map[string]*lqp.Query) (keys []string) {
	for k := range m {
		i := 0
		for i < len(keys) && keys[i] < k {
			i++
		}
		keys = append(keys[:i], append([]string{k}, keys[i:]...)...)
	}
	return keys
}

func accessPath(t *testing.T, a adapter.Adapter, sql string) (steps []string) {
	base, ok := a.(*Adapter)
	if !ok {
		base = a.(*Store).Adapter
	}
	require.NoError(t, base.read(t.Context(), func(tx *tx) error {
		s, err := tx.c.prepare("EXPLAIN QUERY PLAN " + sql)
		if err != nil {
			return err
		}
		defer s.release()
		for s.Step() {
			steps = append(steps, s.ColumnText(3))
		}
		return s.Err()
	}))
	return steps
}

func TestKeysetPageUsesTheIndex(t *testing.T) {
	s := indexed(t)["store"].(*Store)
	q := planned(t, s, natives()["15 page"])
	q.Page.After = []lqp.Value{lqp.IntValue(5), lqp.TextValue("x")}
	sql, err := s.Native(q)
	require.NoError(t, err)
	path := strings.Join(accessPath(t, s, sql), "\n")
	require.Contains(t, path, "SEARCH t0 USING", sql)
	require.NotContains(t, path, "TEMP B-TREE FOR ORDER BY", sql)
}

func TestEstimate(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER PRIMARY KEY)")
	mustExec(t, s, "INSERT INTO n WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 12000) SELECT x FROM c")
	all := planned(t, s, &lqp.Query{From: lqp.Source{Table: "n"}})
	few := planned(t, s, &lqp.Query{From: lqp.Source{Table: "n"}, Where: lqp.NewCall("lt", lqp.Ref("", "v"), lqp.Literal(lqp.IntValue(100)))})
	n, err := s.Estimate(t.Context(), few)
	require.NoError(t, err)
	require.Equal(t, int64(99), n)
	n, err = s.Estimate(t.Context(), all)
	require.NoError(t, err)
	require.Equal(t, int64(-1), n)
	mustExec(t, s, "ANALYZE")
	n, err = s.Estimate(t.Context(), planned(t, s, &lqp.Query{From: lqp.Source{Table: "n"}}))
	require.NoError(t, err)
	require.Equal(t, int64(12000), n)
}

// TestTooLargeExpressionIsADataError: SQLite bounds the depth of expressions; the engine then runs the query in memory.
func TestTooLargeExpressionIsADataError(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	arms := make([]lqp.Expr, 1500)
	for i := range arms {
		arms[i] = lqp.NewCall("lt", lqp.Ref("", "v"), lqp.Literal(lqp.IntValue(int64(i))))
	}
	q := planned(t, s, &lqp.Query{From: lqp.Source{Table: "n"}, Where: lqp.NewCall("or", arms...)})
	r, err := s.Scan(t.Context(), q)
	if err == nil {
		_ = r.Close()
		return
	}
	require.True(t, errors.Is(err, adapter.ErrData), err)
}
