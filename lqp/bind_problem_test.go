package lqp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func located(c *Call, from, to int) *Call { c.From, c.To = from, to; return c }

func TestBindProblems(t *testing.T) {
	bad := func(name string) *Col { return &Col{Column: name, From: 4, To: 9} }
	edit := func(b *Builder, f func(q *Query)) *Query { q := b.Query(); f(q); return q }
	deep := orders().Query()
	for range 8 {
		deep = FromSource(Source{Query: deep}).Query()
	}
	many := orders()
	for range 16 {
		many.Join(Inner, customers(), sameCustomer())
	}
	steps := orders().Compute("c0", number(1))
	for i := range 17 {
		steps.Compute(fmt.Sprintf("c%d", i+1), call("neg", ref(fmt.Sprintf("c%d", i))))
	}
	filters := make([]Expr, 1001)
	for i := range filters {
		filters[i] = ref("paid")
	}
	long := make([]*Lit, 10_001)
	for i := range long {
		long[i] = Literal(IntValue(1))
	}
	tests := []struct {
		name          string
		query         *Query
		path, code    string
		message       string
		from, to, all int // all: count of problems, 0 for one
	}{
		{name: "unknown column with a hint", query: orders().Filter(call("gt", ref("totl"), number(1))).Query(),
			path: "$.filters.a[0]", code: CodeUnknownColumn, message: `there is no column "totl"; did you mean "total"?`},
		{name: "unknown column in a text", query: orders().Filter(located(call("gt", bad("totl"), number(1)), 0, 13)).Query(),
			path: "$.filters", code: CodeUnknownColumn, message: `"total"?`, from: 4, to: 9},
		{name: "unknown column without a hint", query: orders().Columns("zzzzzz").Query(),
			path: "$.columns[0]", code: CodeUnknownColumn, message: `there is no column "zzzzzz" (`},
		{name: "unknown column of a source", query: orders().Join(Inner, customers(), call("eq", Ref("o", "customer_id"), Ref("c", "idd"))).Query(),
			path: "$.joins[0].on.a[1]", code: CodeUnknownColumn, message: `"c" has no column "idd"; did you mean "id"?`},
		{name: "unknown source", query: orders().Join(Inner, customers(), sameCustomer()).Column("x", Ref("costumers", "id")).Query(),
			path: "$.columns[0].expr", code: CodeUnknownSource, message: `no source is called "costumers"`},
		{name: "a join sees no later source", query: orders().Join(Inner, Source{Connection: "con_1", Table: "log", Alias: "l"}, sameCustomer()).Join(Inner, customers(), sameCustomer()).Query(),
			path: "$.joins[0].on.a[1]", code: CodeUnknownSource, message: `"c"`},
		{name: "ambiguous column", query: orders().Join(Inner, customers(), sameCustomer()).Sort("id").Query(),
			path: "$.sorts[0]", code: CodeAmbiguousColumn, message: `"id" may mean several columns; write o.id or c.id`},
		{name: "ambiguous regardless of case", query: From("tbl_1").Columns("E-MAIL").Query(),
			path: "$.columns[0]", code: CodeAmbiguousColumn, message: `write tbl_1.E-Mail or tbl_1.e-mail`},
		{name: "unknown table with a hint", query: FromSource(Source{Connection: "con_1", Table: "order"}).Query(),
			path: "$.source.table", code: CodeUnknownTable, message: `there is no table "order"; did you mean "orders"?`},
		{name: "unknown table in a join", query: orders().Join(Inner, Source{Table: "nope"}, sameCustomer()).Query(),
			path: "$.joins[0].source.table", code: CodeUnknownTable, message: `"nope" (`},
		{name: "no table", query: &Query{}, path: "$.source", code: CodeMissing, message: "names no table"},
		{name: "table and query", query: FromSource(Source{Table: "orders", Query: orders().Query()}).Query(),
			path: "$.source", code: CodeConflict, message: "not both"},
		{name: "type mismatch of an argument", query: orders().Filter(call("gt", ref("status"), number(1))).Query(),
			path: "$.filters.a[1]", code: CodeTypeMismatch, message: "argument 2 of gt must be text, not number"},
		{name: "type mismatch in a text", query: orders().Filter(located(call("gt", ref("status"), number(1)), 2, 12)).Query(),
			path: "$.filters", code: CodeTypeMismatch, message: "argument 2", from: 2, to: 12},
		{name: "text that is no date", query: orders().Filter(call("eq", ref("due"), text("tomorrow"))).Query(),
			path: "$.filters.a[1]", code: CodeTypeMismatch, message: `a date such as 2024-02-29 was expected, not the text "tomorrow"`},
		{name: "text that is no number in a list", query: orders().Filter(call("in", ref("total"), text("1"), text("one"))).Query(),
			path: "$.filters.a[2]", code: CodeTypeMismatch, message: `a number such as 12.5 was expected, not the text "one"`},
		{name: "condition that is none", query: orders().Filter(ref("total")).Query(),
			path: "$.filters", code: CodeTypeMismatch, message: "a condition was expected, something that is true or false; this is a number"},
		{name: "unknown function", query: orders().Column("x", call("rond", ref("total"))).Query(),
			path: "$.columns[0].expr", code: CodeUnknownFunction, message: `there is no function "rond"; did you mean "round"?`},
		{name: "count of arguments", query: orders().Column("x", call("round")).Query(),
			path: "$.columns[0].expr", code: CodeArgument, message: "round takes 1 to 2 arguments, not 0"},
		{name: "unit that is none", query: orders().Column("x", call("dateadd", ref("due"), number(1), text("dya"))).Query(),
			path: "$.columns[0].expr.a[2]", code: CodeArgument, message: "dya"},
		{name: "list of different types", query: orders().Filter(call("in", ref("status"), NewList(Literal(TextValue("a")), Literal(IntValue(1))))).Query(),
			path: "$.filters.a[1].a[1]", code: CodeTypeMismatch, message: "text and number"},
		{name: "unknown parameter", query: orders().Filter(call("eq", ref("placed"), &Param{Name: "nwo"})).Query(),
			path: "$.filters.a[1]", code: CodeUnknownParameter, message: `did you mean "now"?`},
		{name: "missing attribute", query: orders().Filter(call("eq", ref("status"), &Param{Name: "user.dept"})).Query(),
			path: "$.filters.a[1]", code: CodeMissingParameter, message: `"dept"`},
		{name: "attribute without value", query: orders().Filter(call("eq", ref("status"), &Param{Name: "user.nothing"})).Query(),
			path: "$.filters.a[1]", code: CodeMissingParameter, message: `"nothing"`},
		{name: "duplicate alias", query: orders().Join(Inner, Source{Connection: "con_1", Table: "log", Alias: "O"}, sameCustomer()).Query(),
			path: "$.joins[0].source.alias", code: CodeDuplicateName, message: `two sources are called "O"`},
		{name: "duplicate computed column", query: orders().Compute("x", number(1)).Compute("x", number(2)).Query(),
			path: "$.computed_columns[1].name", code: CodeDuplicateName, message: `"x"`},
		{name: "duplicate output", query: orders().Column("x", number(1)).Column("x", number(2)).Query(),
			path: "$.columns[1]", code: CodeDuplicateName, message: `"x"`},
		{name: "duplicate group name", query: orders().GroupBy("status").Aggregate("status", "countall", nil).Query(),
			path: "$.aggregates[0]", code: CodeDuplicateName, message: `"status"`},
		{name: "output without a name", query: orders().Column("", number(1)).Query(), path: "$.columns[0]", code: CodeMissing, message: "a name is missing"},
		{name: "name with a control character", query: orders().Compute("a\nb", number(1)).Query(), path: "$.computed_columns[0].name", code: CodeArgument, message: "control character"},
		{name: "cycle", query: orders().Compute("a", call("add", ref("b"), number(1))).Compute("b", call("add", ref("a"), number(1))).Query(),
			path: "$.computed_columns[1].expr.a[0]", code: CodeCycle, message: `"a" depends on itself: "a" uses "b" uses "a"`},
		{name: "not grouped", query: orders().GroupBy("status").Columns("status", "total").Query(),
			path: "$.columns[1]", code: CodeNotGrouped, message: `"total" is neither a group key nor an aggregate`},
		{name: "unknown among groups", query: orders().GroupBy("status").Aggregate("sales", "sum", ref("total")).Sort("sale").Query(),
			path: "$.sorts[0]", code: CodeUnknownColumn, message: `did you mean "sales"?`},
		{name: "having without groups", query: orders().Having(ref("paid")).Query(), path: "$.having", code: CodeConflict, message: "having needs"},
		{name: "unknown aggregate", query: orders().Aggregate("x", "summ", ref("total")).Query(),
			path: "$.aggregates[0].function", code: CodeUnknownAggregate, message: `did you mean "sum"?`},
		{name: "aggregate of the wrong type", query: orders().Aggregate("x", "sum", ref("status")).Query(),
			path: "$.aggregates[0].expr", code: CodeTypeMismatch, message: "sum takes number or float, not text"},
		{name: "aggregate without argument", query: orders().Aggregate("x", "sum", nil).Query(),
			path: "$.aggregates[0]", code: CodeMissing, message: "sum needs an expression"},
		{name: "countall with argument", query: orders().Aggregate("x", "countall", ref("total")).Query(),
			path: "$.aggregates[0].expr", code: CodeArgument, message: "takes no expression"},
		{name: "group by json", query: orders().GroupBy("extra").Query(), path: "$.group_by[0]", code: CodeTypeMismatch, message: "json"},
		{name: "sort by a list", query: orders().Sort("tags").Query(), path: "$.sorts[0]", code: CodeNotOrderable, message: "list<text>"},
		{name: "join without condition", query: orders().Join(Inner, customers(), nil).Query(), path: "$.joins[0]", code: CodeMissing, message: "no condition"},
		{name: "join kind", query: orders().Join("cross", customers(), sameCustomer()).Query(), path: "$.joins[0].kind", code: CodeArgument, message: `"cross"`},
		{name: "limit", query: orders().Limit(1001).Query(), path: "$.pagination.limit", code: CodeLimit, message: "at most 1000 rows"},
		{name: "negative limit", query: orders().Limit(-1).Query(), path: "$.pagination.limit", code: CodeArgument, message: "not -1"},
		{name: "cursor and offset", query: edit(orders(), func(q *Query) { q.Page = Page{Cursor: "x", Offset: 1} }), path: "$.pagination", code: CodeConflict, message: "not both"},
		{name: "nested cursor", query: FromSource(Source{Query: edit(orders(), func(q *Query) { q.Page.Cursor = "x" })}).Query(),
			path: "$.source.query.pagination.cursor", code: CodeConflict, message: "outermost"},
		{name: "after of another length", query: edit(orders(), func(q *Query) { q.Page.After = []Value{IntValue(1)} }), path: "$.pagination", code: CodeArgument, message: "1 values"},
		{name: "count mode", query: edit(orders(), func(q *Query) { q.Count = "all" }), path: "$.count", code: CodeArgument, message: `"all"`},
		{name: "time zone", query: edit(orders(), func(q *Query) { q.TimeZone = "Local" }), path: "$.time_zone", code: CodeUnknownTimeZone, message: `"Local"`},
		{name: "nesting of queries", query: deep, path: "$" + strings.Repeat(".source.query", 8), code: CodeLimit, message: "at most 8 levels"},
		{name: "count of sources", query: many.Query(), path: "$.joins", code: CodeLimit, message: "at most 15"},
		{name: "problem in a nested query", query: FromSource(Source{Query: orders().Sort("nope").Query()}).Query(),
			path: "$.source.query.sorts[0]", code: CodeUnknownColumn, message: `"nope"`},
		{name: "steps of computed columns", query: steps.Columns("id").Query(),
			path: "$.computed_columns[16].expr.a[0]", code: CodeLimit, message: "at most 16"},
		{name: "count of filters", query: orders().Filter(filters...).Query(), path: "$.filters", code: CodeLimit, message: "at most 1000"},
		{name: "length of a list", query: orders().Filter(call("in", ref("id"), NewList(long...))).Query(), path: "$.filters.a[1]", code: CodeLimit, message: "at most 10000"},
		{name: "no expression", query: orders().Compute("x", nil).Query(), path: "$.computed_columns[0].expr", code: CodeMissing, message: "an expression is missing"},
		{name: "no expression in a call", query: orders().Filter(&Call{Func: "not", Args: []Expr{nil}}).Query(), path: "$.filters.a[0]", code: CodeMissing, message: "an expression is missing"},
		{name: "alias with a control character", query: FromSource(Source{Connection: "con_1", Table: "orders", Alias: "a\tb"}).Query(),
			path: "$.source.alias", code: CodeArgument, message: "control character"},
		{name: "columns of different types", query: orders().Filter(call("eq", ref("total"), ref("status"))).Query(), path: "$.filters.a[1]", code: CodeTypeMismatch, message: "must be number, not text"},
		{name: "constants of different types", query: orders().Filter(call("in", ref("due"), number(1), text("2024-01-01"))).Query(),
			path: "$.filters.a[1]", code: CodeTypeMismatch, message: "must be date, not number"},
		{name: "text that is no float", query: orders().Filter(call("gt", ref("weight"), text("heavy"))).Query(), path: "$.filters.a[1]", code: CodeTypeMismatch, message: `not the text "heavy"`},
		{name: "place of nulls", query: orders().SortBy(Order{Expr: ref("id"), Nulls: 9}).Query(), path: "$.sorts[0].nulls", code: CodeArgument, message: "first or last"},
		{name: "all at once", query: orders().Filter(call("eq", ref("x1"), number(1)), call("eq", ref("x2"), number(1))).Sort("x3").Limit(9999).Query(),
			path: "$.filters[1].a[0]", code: CodeUnknownColumn, message: `"x2"`, all: 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Bind(tt.query, shopEnv())
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.Len(t, problems, max(tt.all, 1), "%v", err)
			for _, p := range problems {
				if p.Path == tt.path {
					require.Equal(t, tt.code, p.Code)
					require.Contains(t, p.Error(), tt.message)
					require.Equal(t, [2]int{tt.from, tt.to}, [2]int{p.From, p.To})
					require.True(t, problems.Has(tt.code))
					return
				}
			}
			t.Fatalf("no problem at %s:\n%v", tt.path, err)
		})
	}
}

func TestProblemsAreFew(t *testing.T) {
	b := orders()
	for i := range 500 {
		b.Sort(fmt.Sprintf("nope%d", i))
	}
	_, err := Bind(b.Query(), shopEnv())
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 50)
}

func TestBindExpr(t *testing.T) {
	scope := Scope{{Alias: "o", Columns: shop["con_1/orders"].Columns}}
	e, err := BindExpr(call("eq", ref("status"), &Param{Name: "user.region"}), scope, shopEnv())
	require.NoError(t, err)
	require.Equal(t, `{o.status} = "EU"`, FormatExpr(e))
	require.Equal(t, Type{Kind: Bool, NotNull: true}, e.Type())

	_, err = BindExpr(call("eq", ref("stauts"), number(1)), scope, shopEnv())
	requireProblem(t, err, "$.a[0]", CodeUnknownColumn, `did you mean "status"?`)

	e, err = BindExpr(nil, scope, Env{})
	require.NoError(t, err)
	require.Nil(t, e)

	env := shopEnv()
	env.User = ""
	_, err = BindExpr(&Param{Name: "current_user"}, scope, env)
	requireProblem(t, err, "$", CodeMissingParameter, "no current user")

	_, err = BindExpr(number(1), scope, Env{TimeZone: "Mars/Olympus"})
	var problems Problems
	require.Error(t, err)
	require.False(t, errors.As(err, &problems), "the environment's mistake is not the query's")

	before := time.Now()
	e, err = BindExpr(&Param{Name: "now"}, nil, Env{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, e.(*Lit).Val.Millis(), before.UnixMilli(), "a zero clock is the time of the call")
}

func TestHintsNameOnlyWhatIsVisible(t *testing.T) {
	env := shopEnv()
	env.Table = func(string, string) (*Table, error) {
		return &Table{Name: "orders", Columns: []Column{column("id", wholeNumber)}}, nil // total is hidden
	}
	_, hidden := Bind(orders().Columns("totl").Query(), env)
	require.NotContains(t, hidden.Error(), "total")
	_, asked := Bind(orders().Columns("total").Query(), env)
	_, never := Bind(orders().Columns("xotal").Query(), env)
	require.Equal(t, strings.ReplaceAll(never.Error(), "xotal", "total"), asked.Error(), "hidden and missing look alike")
}

func TestProblemsUnder(t *testing.T) {
	ps := Problems{{Path: "$"}, {Path: "$.filters[0]"}}
	require.Equal(t, Problems{{Path: "$.view.query"}, {Path: "$.view.query.filters[0]"}}, ps.Under("$.view.query"))
	require.Equal(t, "$", ps[0].Path)
}
