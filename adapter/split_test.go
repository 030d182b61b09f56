package adapter_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var splitTables = map[string]*lqp.Table{
	"t": {Name: "t", Key: []string{"id"}, Columns: []lqp.Column{
		{ID: "id", Name: "id", Type: lqp.Type{Kind: lqp.Number, Precision: 10, NotNull: true}},
		{ID: "a", Name: "a", Type: lqp.Type{Kind: lqp.Number}}, {ID: "b", Name: "b", Type: lqp.Type{Kind: lqp.Number}},
		{ID: "s", Name: "s", Type: lqp.Type{Kind: lqp.Text}},
	}},
	"u": {Name: "u", Columns: []lqp.Column{
		{ID: "id", Name: "id", Type: lqp.Type{Kind: lqp.Number}}, {ID: "a", Name: "a", Type: lqp.Type{Kind: lqp.Number}},
	}},
}

func bindSplit(t testing.TB, text string) *lqp.Query {
	t.Helper()
	q, err := lqp.DecodeQuery([]byte(text), lqp.DecodeOptions{Formula: formula.Parse})
	require.NoError(t, err, text)
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return splitTables[name], nil }})
	require.NoError(t, err, text)
	return bound
}

// refusing takes everything but expressions that contain one of the functions.
type refusing struct {
	functions []string
	weaker    lqp.Expr
}

func (r refusing) proof(e lqp.Expr) adapter.Proof {
	pr := adapter.Proof{Exact: true}
	lqp.Walk(e, func(n lqp.Expr) bool {
		if c, ok := n.(*lqp.Call); ok {
			for _, f := range r.functions {
				if c.Func == f {
					pr = adapter.Proof{Reason: "no " + f + " here"}
				}
			}
		}
		return true
	})
	return pr
}
func (r refusing) Source(*lqp.Source) adapter.Proof { return adapter.Proof{Exact: true} }
func (r refusing) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	pr := r.proof(e)
	if !pr.Exact && use == adapter.UseFilter {
		pr.Superset = r.weaker
	}
	return pr
}
func (r refusing) Aggregate(a *lqp.Aggregate) adapter.Proof     { return r.proof(a.Arg) }
func (r refusing) After([]lqp.Order, []lqp.Value) adapter.Proof { return adapter.Proof{Exact: true} }

func TestSplitWith(t *testing.T) {
	id := lqp.NewCall("gt", lqp.TypedRef("t", "id", splitTables["t"].Columns[0].Type), lqp.Literal(lqp.IntValue(0)))
	cases := []struct {
		name, query            string
		p                      refusing
		sorted, page, residual bool
		pushed                 string // text of the pushed query
	}{
		{"everything", `{"source":{"table":"t"},"filters":"{a} > 1","columns":["id"],"sorts":["a"],"pagination":{"limit":3}}`, refusing{}, true, true, false,
			"from t t\nwhere {t.a} > 1\norder by {t.a} nulls first\nlimit 3\nselect id = {t.id}"},
		{"a filter is left", `{"source":{"table":"t"},"filters":["{a} > 1","LEN({s}) = 2"],"columns":["id"],"sorts":["a"],"pagination":{"limit":3}}`,
			refusing{functions: []string{"len"}}, true, false, true,
			"from t t\nwhere {t.a} > 1\norder by {t.a} nulls first\nselect s = {t.s}, id = {t.id}, a = {t.a}"},
		{"a filter is weakened", `{"source":{"table":"t"},"filters":"LEN({s}) = 2","columns":["id"]}`,
			refusing{functions: []string{"len"}, weaker: id}, true, false, true,
			"from t t\nwhere {t.id} > 0\nselect s = {t.s}, id = {t.id}"},
		{"a sort is left", `{"source":{"table":"t"},"columns":["id"],"sorts":["a",{"expr":"LEN({s})"}],"pagination":{"limit":3}}`,
			refusing{functions: []string{"len"}}, false, false, true, "from t t\nselect id = {t.id}, a = {t.a}, s = {t.s}"},
		{"a shown formula does not cost the page", `{"source":{"table":"t"},"columns":["id",{"name":"n","expr":"{a} + {b}"}],"sorts":["id"],"pagination":{"limit":3}}`,
			refusing{}, true, true, true, "from t t\norder by {t.id} nulls first\nlimit 3\nselect id = {t.id}, a = {t.a}, b = {t.b}"},
		{"groups", `{"source":{"table":"t"},"group_by":["s"],"aggregates":[{"name":"n","function":"sum","expr":"a"}],"having":"{n} > 2","sorts":["n"],"columns":["s","n"]}`,
			refusing{}, true, true, false, ""},
		{"groups with a residual having", `{"source":{"table":"t"},"group_by":["s"],"aggregates":[{"name":"n","function":"sum","expr":"a"}],"having":"AND({n} > 2, LEN({s}) = 1)","sorts":["n"],"columns":["n"],"pagination":{"limit":1}}`,
			refusing{functions: []string{"len"}}, true, false, true,
			"from t t\ngroup by s = {t.s}\naggregate n = sum({t.a})\nhaving {n} > 2\norder by {n} nulls first\nselect s = {s}, n = {n}"},
		{"groups over a residual filter", `{"source":{"table":"t"},"filters":"LEN({s}) = 1","group_by":["s"],"aggregates":[{"name":"n","function":"sum","expr":"a"}],"sorts":["n"],"columns":["n"]}`,
			refusing{functions: []string{"len"}}, false, false, true, "from t t\nselect s = {t.s}, a = {t.a}"},
		{"joined columns of one name", `{"source":{"table":"t"},"joins":[{"kind":"left","source":{"table":"u"},"on":"{t.a} = {u.id}"}],"columns":[{"name":"n","expr":"{t.a} + {u.a}"}]}`,
			refusing{}, true, true, true, "from t t\nleft join u u on {t.a} = {u.id}\nselect t.a = {t.a}, u.a = {u.a}"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := adapter.SplitWith(bindSplit(t, c.query), c.p)
			require.NotNil(t, s.Pushed)
			require.Equal(t, []bool{c.sorted, c.page, c.residual}, []bool{s.Sorted, s.Page, s.Residual != nil})
			if c.pushed != "" {
				require.Equal(t, c.pushed, strings.TrimSpace(lqp.Format(s.Pushed)))
			}
			for _, n := range s.Notes {
				require.Equal(t, n.Placement == adapter.PushedExact, n.Reason == "", "%v", n)
			}
			if s.Residual != nil {
				checkResidual(t, s)
			}
		})
	}
}

// checkResidual holds a residual against the invariants of a bound query.
func checkResidual(t *testing.T, s adapter.Split) {
	t.Helper()
	require.Same(t, s.Pushed, s.Residual.From.Query)
	require.Equal(t, "pushed", s.Residual.From.Alias)
	names := map[string]bool{}
	for _, n := range s.Pushed.Select {
		require.False(t, names[n.Name], "output %s twice", n.Name)
		names[n.Name] = true
	}
	s.Residual.MapExprs(func(e lqp.Expr) lqp.Expr {
		for _, c := range lqp.Columns(e) {
			require.NotEqual(t, lqp.Null, c.Type().Kind, "column %s has no type", c.Column)
			if c.Source != "" {
				require.Equal(t, "pushed", c.Source)
				require.True(t, names[c.Column], "column %s is not fetched", c.Column)
			}
		}
		return e
	})
}

func TestJoinsAreTakenTogetherOrNotAtAll(t *testing.T) {
	right := bindSplit(t, `{"source":{"table":"t"},"joins":[{"kind":"right","source":{"table":"u"},"on":"{t.a} = {u.id}"}]}`)
	require.Nil(t, adapter.SplitWith(right, refusing{}).Pushed)
	odd := bindSplit(t, `{"source":{"table":"t"},"joins":[{"source":{"table":"u"},"on":"LEN({t.s}) = {u.id}"}]}`)
	s := adapter.SplitWith(odd, refusing{functions: []string{"len"}})
	require.Nil(t, s.Pushed)
	require.Equal(t, "no len here", s.Notes[0].Reason)
	require.Nil(t, adapter.ScanOnly(right).Pushed)
}

func TestKeysetOfASortedSplit(t *testing.T) {
	q := *bindSplit(t, `{"source":{"table":"t"},"filters":"LEN({s}) = 2","columns":["id"],"sorts":["id"],"pagination":{"limit":3}}`)
	q.Page.After = []lqp.Value{lqp.IntValue(5)}
	s := adapter.SplitWith(&q, refusing{functions: []string{"len"}})
	require.Equal(t, lqp.Page{After: q.Page.After}, s.Pushed.Page, "the position is sought at the source, the limit is counted here")
	require.Equal(t, q.Page, s.Residual.Page)
}

// rows serves one table from memory, as an adapter author's first version might.
type rows struct {
	cells [][]lqp.Value
	at    int
}

func (r *rows) Next() bool            { r.at++; return r.at <= len(r.cells) }
func (r *rows) Value(i int) lqp.Value { return r.cells[r.at-1][i] }
func (r *rows) Err() error            { return nil }
func (r *rows) Close() error          { return nil }

type oneTable struct{ rows *rows }

func (o oneTable) Open(context.Context, *lqp.Source) (lqp.RowReader, error) { return o.rows, nil }
func (o oneTable) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

// ScanOnly is the whole planner of an adapter that can only deliver rows.
func ExampleScanOnly() {
	q, _ := lqp.DecodeQuery([]byte(`{"source":{"table":"t"},"filters":"{a} > 1","columns":["id"],"sorts":["-id"]}`),
		lqp.DecodeOptions{Formula: formula.Parse})
	bound, _ := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return splitTables[name], nil }})
	split := adapter.ScanOnly(bound)
	for _, n := range split.Notes {
		fmt.Println(n.Clause, n.Text, n.Placement)
	}
	for _, c := range split.Pushed.Select {
		fmt.Println("fetch", c.Name)
	}
	delivered := &rows{cells: [][]lqp.Value{{lqp.IntValue(2), lqp.IntValue(1)}, {lqp.IntValue(1), lqp.IntValue(7)}, {lqp.IntValue(3), lqp.IntValue(8)}}}
	result, _ := lqp.Run(context.Background(), split.Residual, oneTable{delivered}, lqp.RunOptions{})
	defer result.Close()
	for result.Next() {
		fmt.Println(result.Value(0))
	}
	// Output:
	// filter {t.a} > 1 memory
	// sort {t.id} desc memory
	// fetch a
	// fetch id
	// 8
	// 1
}
