package sqlite

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// cells are SQL expressions for what stands in a column: what its type promises, and what it may hold as well.
type cells struct {
	name, declared string
	good, odd      []string
}

var oddColumns = []cells{
	{"i", "INTEGER", []string{"1", "2", "3", "-7", "9223372036854775807", "-9223372036854775807"},
		[]string{"2.5", "'x'", "''", "x'01'", "9e999", "-9e999", "1e19", "'2'", "2.0"}},
	{"n", "DECIMAL(8,2)", []string{"0", "1.5", "2", "0.1", "0.3", "-3.25", "100000.01"},
		[]string{"'abc'", "x'00'", "1e300", "0.1 + 0.2", "1.00000000001", "1e17", "1000000000000000128.0", "1000000000000000110", "9e999", "''", "123456789.1234567"}},
	{"r", "REAL", []string{"0.0", "1.5", "-2.5", "1e300", "3"}, []string{"9e999", "-9e999", "'x'", "x'00'", "-0.0", "'1.5'"}},
	{"s", "VARCHAR(20)", []string{"'a'", "'b'", "'ab'", "''", "'B'", "'ä'", "'a '", "5"},
		[]string{"x'61'", "CAST(x'ff61' AS TEXT)", "'a' || char(0) || 'b'", "CAST(x'6100' AS TEXT)", "printf('%300s', 'x')", "printf('%300s', 'y')", "char(1114111)"}},
	{"nc", "TEXT COLLATE NOCASE", []string{"'a'", "'A'", "'b'", "'B'", "''"}, []string{"x'61'", "CAST(x'ff61' AS TEXT)"}},
	{"day", "DATE", []string{"'2024-02-29'", "'2024-03-01'", "'0001-01-01'", "'9999-12-31'"},
		[]string{"'2024-02-30'", "20240229", "'2024-02-29 00:00'", "'x'", "2024.5", "x'00'", "'2024'"}},
	{"at", "DATETIME", []string{"'2024-02-29 10:00:00'", "'2024-02-29 23:59:59'", "'2023-01-01 00:00:00'", "'2024-03-01 00:00:00'"},
		[]string{"'2024-02-29'", "'2024-02-29T10:00:00Z'", "'2024-02-29 10:00:00.5'", "'2024-02-29 23:59:59.9999'", "'2024-03-01 09:00:00+23:00'",
			"'2024-02-28 12:00:00-22:00'", "'yesterday'", "1709200800", "'9999-12-31 23:00:00-05:00'", "'0001-01-01 00:00'"}},
	{"iso", "TIMESTAMP", []string{"'2024-02-29T10:00:00.000Z'", "'2024-02-29T10:00:00.001Z'", "'2023-01-01T00:00:00.000Z'"}, []string{"'2024-02-29t10:00:00.000z'", "'2024-02-29 10:00'"}},
	{"b", "BOOLEAN", []string{"0", "1"}, []string{"2", "0.5", "'true'", "-1", "x'01'"}},
	{"u", "UUID", []string{"'x1'", "'y2'"}, []string{"'5'", "'05'", "5", "6.5"}},
	{"bare", "", []string{"1", "2"}, []string{"'1'", "1.0", "x'01'", "1.5"}},
}

// oddFile is a file with random cells. Some columns have only good ones, some no NULL; where there are odd ones, they are of
// one or two sorts, so that each must be found by itself.
func oddFile(t *testing.T, r *rand.Rand, path string, rows int) {
	var declared, indexes []string
	odd, null := map[string][]string{}, map[string]bool{}
	for _, c := range oddColumns {
		declared = append(declared, c.name+" "+c.declared)
		indexes = append(indexes, fmt.Sprintf("CREATE INDEX by_%s ON odd (%s)", c.name, c.name), fmt.Sprintf("CREATE INDEX and_%s ON odd (i, %s DESC)", c.name, c.name))
		null[c.name] = r.IntN(3) > 0
		if r.IntN(3) > 0 {
			at := r.IntN(len(c.odd))
			odd[c.name] = c.odd[at:min(at+1+r.IntN(2), len(c.odd))]
		}
	}
	var values []string
	for id := range rows {
		line := []string{strconv.Itoa(id)}
		for _, c := range oddColumns {
			switch {
			case null[c.name] && r.IntN(4) == 0:
				line = append(line, "NULL")
			case len(odd[c.name]) > 0 && r.IntN(3) == 0:
				line = append(line, odd[c.name][r.IntN(len(odd[c.name]))])
			default:
				line = append(line, c.good[r.IntN(len(c.good))])
			}
		}
		values = append(values, "("+strings.Join(line, ", ")+")")
	}
	foreignFile(t, path, append([]string{"CREATE TABLE odd (id INTEGER PRIMARY KEY, " + strings.Join(declared, ", ") + ")",
		"INSERT INTO odd VALUES " + strings.Join(values, ", ")}, indexes...)...)
}

// oddQuery is a random query of the columns, with a page of rows sorted up to the row id.
func oddQuery(r *rand.Rand, rows [][]lqp.Value, table *lqp.Table) *lqp.Query {
	name := func() string {
		for {
			if c := table.Columns[1+r.IntN(len(table.Columns)-1)]; c.Type.Kind.Orderable() {
				return c.ID
			}
		}
	}
	value := func(column string) lqp.Value {
		for at := range table.Columns {
			if table.Columns[at].ID == column {
				if table.Columns[at].Type.Kind == lqp.Text && r.IntN(4) == 0 {
					return lqp.TextValue("5")
				}
				return rows[r.IntN(len(rows))][at]
			}
		}
		return lqp.NullValue
	}
	ref := func(c string) lqp.Expr { return lqp.Ref("a", c) }
	q := &lqp.Query{From: lqp.Source{Table: "odd", Alias: "a"}, Select: []lqp.Named{{Name: "id", Expr: ref("id")}}}
	for range r.IntN(3) {
		c := name()
		ops := []string{"eq", "ne", "lt", "le", "gt", "ge"}
		arm := lqp.NewCall(ops[r.IntN(len(ops))], ref(c), lqp.Literal(value(c)))
		switch v := value(c); {
		case r.IntN(6) == 0:
			arm = lqp.NewCall("is_null", ref(c))
		case r.IntN(4) == 0 && v.Kind() == lqp.Text:
			arm = lqp.NewCall("starts_with", ref(c), lqp.Literal(lqp.TextValue(string([]rune(v.Text() + "a")[:1]))))
		case r.IntN(4) == 0:
			arm = lqp.NewCall("in", ref(c), lqp.Literal(v), lqp.Literal(value(c)))
		}
		if r.IntN(4) == 0 {
			arm = lqp.NewCall("not", arm)
		}
		q.Where = lqp.And(q.Where, arm)
	}
	row := rows[r.IntN(len(rows))]
	var after []lqp.Value
	for range 1 + r.IntN(3) {
		c := name()
		q.OrderBy = append(q.OrderBy, lqp.Order{Expr: ref(c), Desc: r.IntN(2) == 0, Nulls: lqp.NullOrder(r.IntN(3))})
		for at := range table.Columns {
			if table.Columns[at].ID == c {
				after = append(after, row[at])
			}
		}
	}
	q.OrderBy = append(q.OrderBy, lqp.Order{Expr: ref("id"), Desc: r.IntN(2) == 0})
	q.Page = lqp.Page{Limit: 1 + r.IntN(12)}
	switch r.IntN(4) {
	case 0:
		q.Page.Offset = r.IntN(5)
	case 1, 2:
		q.Page.After = append(after, row[0])
	}
	if r.IntN(3) == 0 {
		c := name()
		other := c
		if r.IntN(4) == 0 {
			other = name()
		}
		if table.Column(c).Type.Kind == table.Column(other).Type.Kind {
			q.Joins = []lqp.Join{{Kind: []lqp.JoinKind{lqp.Inner, lqp.Left}[r.IntN(2)], Source: lqp.Source{Table: "odd", Alias: "b"},
				On: lqp.NewCall("eq", ref(c), lqp.Ref("b", other))}}
			q.Select = append(q.Select, lqp.Named{Name: "other", Expr: lqp.Ref("b", "id")})
			q.OrderBy = append(q.OrderBy, lqp.Order{Expr: lqp.Ref("b", "id")})
			q.Page.After = nil
		}
	}
	return q
}

// TestOddCellsAnswerAlike compares files whose cells may be anything with the same canonical values in memory.
func TestOddCellsAnswerAlike(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 1))
	compared, bare := 0, 0
	for n := range 20 {
		path := filepath.Join(t.TempDir(), fmt.Sprint(n, ".db"))
		oddFile(t, r, path, 5+r.IntN(40))
		a, err := Open(t.Context(), adapter.Settings{File: path, ReadOnly: true, MaxConns: 1})
		require.NoError(t, err)
		cat, err := a.Tables(t.Context())
		require.NoError(t, err)
		table := cat.Table("odd")
		bind := func(q *lqp.Query) *lqp.Query {
			bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return cat.Table(name), nil }})
			require.NoError(t, err, lqp.Format(q))
			return bound
		}
		all := bind(&lqp.Query{From: lqp.Source{Table: "odd"}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", "id")}}})
		rows := answer(t, a, all)
		m := memory.New([]memory.Table{{Schema: table, Rows: rows}}, memory.Options{Prover: memory.Everything})
		for range 120 {
			bound := bind(oddQuery(r, rows, table))
			split := a.Plan(bound)
			if split.Residual != nil {
				continue
			}
			native, err := a.(*Adapter).Native(split.Pushed)
			require.NoError(t, err)
			guarded, err := sqlgen.Compile(a.(*Adapter).dialectFor(split.Pushed), split.Pushed)
			require.NoError(t, err)
			if compared++; guarded.SQL != native {
				bare++
			}
			require.Equal(t, printed(answer(t, m, bound)), printed(answer(t, a, split.Pushed)), "%s\n%s", lqp.Format(bound), native)
		}
		require.NoError(t, a.Close())
	}
	require.Greater(t, compared, 1000)
	require.Greater(t, bare, 300, "of %d statements are not written for bare columns", compared)
	t.Log(compared, "statements,", bare, "for bare columns")
}

func answer(t testing.TB, a adapter.Adapter, q *lqp.Query) (rows [][]lqp.Value) {
	t.Helper()
	r, err := a.Scan(t.Context(), q)
	require.NoError(t, err, lqp.Format(q))
	defer r.Close()
	for r.Next() {
		row := make([]lqp.Value, len(q.Select))
		for i := range row {
			row[i] = r.Value(i)
		}
		rows = append(rows, row)
	}
	require.NoError(t, r.Err())
	return rows
}

func printed(rows [][]lqp.Value) (lines []string) {
	for _, r := range rows {
		var line []byte
		for _, v := range r {
			line = append(v.AppendJSON(line), ' ')
		}
		lines = append(lines, string(line))
	}
	return lines
}
