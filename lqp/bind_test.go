package lqp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	wholeNumber = Type{Kind: Number, Precision: 19, NotNull: true}
	money       = Type{Kind: Number, Precision: 12, Scale: 2}
	someText    = Type{Kind: Text}
)

func column(name string, t Type) Column { return Column{ID: name, Name: name, Type: t} }

// shop are the tables of the tests: two of a connection and one of the mini-DB.
var shop = map[string]*Table{
	"con_1/orders": {
		Name: "orders", Key: []string{"id"},
		Columns: []Column{
			column("id", wholeNumber), column("customer_id", wholeNumber), column("total", money),
			{ID: "status", Name: "status", Type: Type{Kind: Text, NotNull: true}, Native: "character varying(20)", Collation: "C"},
			column("placed", Type{Kind: DateTime}), column("due", Type{Kind: Date}), column("weight", Type{Kind: Float}),
			column("tags", Type{Kind: List, Elem: Text}), column("extra", Type{Kind: JSON}), column("paid", Type{Kind: Bool}),
		},
	},
	"con_1/sales.customers": {
		Name: "sales.customers", Key: []string{"id"},
		Columns: []Column{column("id", wholeNumber), column("name", Type{Kind: Text, NotNull: true}), column("country", someText)},
	},
	"/tbl_1": {
		Name: "tbl_1", Label: "Contacts", Key: []string{"_id"},
		Columns: []Column{
			{ID: "_id", Name: "_id", Type: Type{Kind: Text, NotNull: true}},
			{ID: "col_1", Name: "Full name", Type: someText}, {ID: "col_2", Name: "E-Mail", Type: someText}, {ID: "col_3", Name: "e-mail", Type: someText},
		},
	},
	"con_1/log": {Name: "log", Columns: []Column{column("line", someText)}},
}

func shopEnv() Env {
	return Env{
		Table: func(connection, table string) (*Table, error) {
			if t := shop[connection+"/"+table]; t != nil {
				return t, nil
			}
			return nil, fmt.Errorf("table %s: %w", table, ErrUnknownTable)
		},
		Tables: func(string) []string { return []string{"orders", "sales.customers", "log"} },
		Now:    time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC), User: "usr_1", DefaultLimit: 100, MaxLimit: 1000,
		Attribute: func(name string) (Value, bool) {
			switch name {
			case "region":
				return TextValue("EU"), true
			case "regions":
				return ListValue([]Value{TextValue("EU"), TextValue("US")}), true
			case "nothing":
				return NullValue, true
			}
			return NullValue, false
		},
	}
}

func text(s string) Expr                 { return Literal(TextValue(s)) }
func number(i int64) Expr                { return Literal(IntValue(i)) }
func call(fn string, args ...Expr) *Call { return NewCall(fn, args...) }
func ref(name string) *Col               { return Ref("", name) }
func orders() *Builder                   { return FromSource(Source{Connection: "con_1", Table: "orders", Alias: "o"}) }
func customers() Source                  { return Source{Connection: "con_1", Table: "sales.customers", Alias: "c"} }
func sameCustomer() Expr                 { return call("eq", Ref("o", "customer_id"), Ref("c", "id")) }

func bindShop(t *testing.T, b *Builder) *Query {
	t.Helper()
	q, err := Bind(b.Query(), shopEnv())
	require.NoError(t, err)
	return q
}

func TestBindGivesTheBoundForm(t *testing.T) {
	tests := []struct {
		name  string
		query *Builder
		want  string
	}{
		{"all columns", From("tbl_1"), `
from tbl_1 tbl_1
limit 100
select _id = {tbl_1._id}, {Full name} = {tbl_1.col_1}, {E-Mail} = {tbl_1.col_2}, {e-mail} = {tbl_1.col_3}`},
		{"label as a source, name regardless of case", From("tbl_1").Columns("contacts.full NAME"), `
from tbl_1 tbl_1
limit 100
select {Full name} = {tbl_1.col_1}`},
		{"join, computed column, sort", orders().Join(Left, customers(), sameCustomer()).
			Compute("net", call("div", ref("total"), number(2))).Compute("half", call("div", ref("net"), number(2))).
			Filter(call("gt", ref("half"), number(10)), call("eq", ref("name"), text("x"))).
			Columns("o.id", "c.id", "half").Sort("-net", "country").Limit(5), `
from con_1:orders o
left join con_1:sales.customers c on {o.customer_id} = {c.id}
where {o.total} / 2 / 2 > 10 AND {c.name} = "x"
order by {o.total} / 2 desc nulls last, {c.country} nulls first
limit 5
select o.id = {o.id}, c.id = {c.id}, half = {o.total} / 2 / 2`},
		{"groups by name and by expression", orders().GroupByExpr("y", call("year", ref("placed"))).GroupBy("status").
			Aggregate("sales", "sum", ref("total")).Aggregate("", "countall", nil).
			Having(call("gt", ref("SALES"), number(5))).
			Column("", ref("status")).Column("next", call("add", call("year", ref("placed")), number(1))).Sort("-sales", "next"), `
from con_1:orders o
group by y = YEAR({o.placed}), status = {o.status}
aggregate sales = sum({o.total})
aggregate countall = countall()
having {sales} > 5
order by {sales} desc nulls last, {y} + 1 nulls first
limit 100
select status = {status}, next = {y} + 1`},
		{"constants take the column's kind", orders().Filter(
			call("ge", ref("due"), text("2024-02-29")), call("lt", ref("placed"), text("2024-02-29")), call("gt", ref("weight"), number(2)),
			call("in", ref("total"), text("1.50"), number(2)), call("eq", ref("placed"), &Param{Name: "now"}), call("eq", ref("due"), &Param{Name: "today"}),
			call("in", ref("status"), &Param{Name: "user.regions"}), call("eq", ref("status"), &Param{Name: "current_user"})).Columns("id"), `
from con_1:orders o
where {o.due} >= TO_DATE("2024-02-29") AND {o.placed} < TO_DATETIME("2024-02-29T00:00:00.000Z") AND {o.weight} > TO_FLOAT("2") AND IN({o.total}, 1.5, 2) AND {o.placed} = TO_DATETIME("2026-03-31T23:30:00.000Z") AND {o.due} = TO_DATE("2026-03-31") AND IN({o.status}, "EU", "US") AND {o.status} = "usr_1"
limit 100
select id = {o.id}`},
		{"nested query", FromSource(Source{Query: orders().GroupBy("customer_id").Aggregate("n", "countall", nil).Query()}).Filter(call("gt", ref("n"), number(1))), `
from (
  from con_1:orders o
  group by customer_id = {o.customer_id}
  aggregate n = countall()
  select customer_id = {customer_id}, n = {n}
) query
where {query.n} > 1
limit 100
select customer_id = {query.customer_id}, n = {query.n}`},
		{"a table twice, names that collide", FromSource(Source{Connection: "con_1", Table: "sales.customers"}).
			Join(Inner, Source{Connection: "con_1", Table: "sales.customers"}, call("eq", Ref("customers", "id"), Ref("customers_2", "id"))).
			Compute("name", text("x")), `
from con_1:sales.customers customers
inner join con_1:sales.customers customers_2 on {customers.id} = {customers_2.id}
limit 100
select customers.id = {customers.id}, customers.name = {customers.name}, customers.country = {customers.country}, customers_2.id = {customers_2.id}, customers_2.name = {customers_2.name}, customers_2.country = {customers_2.country}, name = "x"`},
		{"computed column regardless of case, unless a column has the name", orders().Compute("Net", ref("total")).Compute("STATUS", text("x")).
			Columns("net", "status", "o.id").Column("id", number(1)), `
from con_1:orders o
limit 100
select Net = {o.total}, status = {o.status}, o.id = {o.id}, id = 1`},
		{"number, float and instants among each other", orders().Filter(call("lt", ref("weight"), text(" 1.5 ")), call("between", ref("total"), ref("weight"), text("2")),
			call("between", ref("placed"), ref("due"), text("2024-01-01")), call("has", ref("tags"), text("a"))).Columns("id"), `
from con_1:orders o
where {o.weight} < TO_FLOAT("1.5") AND BETWEEN({o.total}, {o.weight}, 2) AND BETWEEN({o.placed}, {o.due}, TO_DATETIME("2024-01-01T00:00:00.000Z")) AND HAS({o.tags}, "a")
limit 100
select id = {o.id}`},
		{"sort by an output name before a column", orders().Column("total", call("neg", ref("total"))).Sort("total"), `
from con_1:orders o
order by -{o.total} nulls first
limit 100
select total = -{o.total}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Format(bindShop(t, tt.query))
			require.Equal(t, strings.TrimPrefix(tt.want, "\n")+"\n", got)
		})
	}
}

func TestBindMakesListsOfOneKind(t *testing.T) {
	days := func(items ...Expr) Expr {
		list := make([]*Lit, len(items))
		for i, it := range items {
			list[i] = it.(*Lit)
		}
		return NewList(list...)
	}
	mixed := days(text("2024-01-02T10:00:00Z"), text("2024-01-02"), Literal(NullValue))
	q := bindShop(t, orders().Filter(call("in", ref("due"), mixed), call("in", ref("placed"), mixed), call("between", &Param{Name: "today"}, text("2024-01-01"), text("2024-01-02"))))
	const instants = `TO_DATETIME("2024-01-02T10:00:00.000Z"), TO_DATETIME("2024-01-02T00:00:00.000Z"), BLANK()`
	require.Equal(t, "IN({o.due}, "+instants+") AND IN({o.placed}, "+instants+`) AND BETWEEN(TO_DATE("2026-03-31"), TO_DATE("2024-01-01"), TO_DATE("2024-01-02"))`, FormatExpr(q.Where))
}

func TestBindTypesEveryExpression(t *testing.T) {
	q := bindShop(t, orders().Join(Left, customers(), sameCustomer()).Columns("o.id", "c.name", "status").
		Column("double", call("mul", ref("total"), number(2))))
	cols := q.Columns()
	require.Equal(t, wholeNumber, cols[0].Type)
	require.False(t, cols[1].Type.NotNull, "the right side of a left join may be missing")
	require.Equal(t, "character varying(20)", cols[2].Native)
	require.Equal(t, "C", cols[2].Collation)
	require.Equal(t, Number, cols[3].Type.Kind)
	require.True(t, q.Joins[0].On.(*Call).Args[1].Type().NotNull, "the condition sees rows before they are missing")

	for kind, want := range map[JoinKind][2]bool{Inner: {true, true}, Left: {true, false}, Right: {false, true}, Full: {false, false}} {
		cols := bindShop(t, orders().Join(kind, customers(), sameCustomer()).Columns("o.id", "c.id")).Columns()
		require.Equal(t, want, [2]bool{cols[0].Type.NotNull, cols[1].Type.NotNull}, kind)
	}
}

func TestBindTimeZone(t *testing.T) {
	q := orders().Filter(call("eq", ref("due"), &Param{Name: "today"}), call("eq", call("year", ref("placed")), number(2026)),
		call("ge", ref("placed"), text("2026-04-01"))).Columns("id").Query()
	q.TimeZone = "Europe/Berlin" // two hours ahead: already the first of April
	bound, err := Bind(q, shopEnv())
	require.NoError(t, err)
	conjuncts := Conjuncts(bound.Where)
	require.Contains(t, FormatExpr(conjuncts[0]), "2026-04-01")
	require.Equal(t, "Europe/Berlin", conjuncts[1].(*Call).Args[0].(*Call).Zone().String())
	require.Contains(t, FormatExpr(conjuncts[2]), "2026-03-31T22:00:00")
	require.Equal(t, "Europe/Berlin", bound.TimeZone)
}

func TestBindLeavesTheQueryAlone(t *testing.T) {
	q := orders().Join(Inner, customers(), sameCustomer()).Filter(call("eq", ref("status"), text("x"))).Sort("total").Query()
	before := string(EncodeQuery(q))
	_, err := Bind(q, shopEnv())
	require.NoError(t, err)
	require.Equal(t, before, string(EncodeQuery(q)))
}

func TestBindPassesOnFailuresOfTheCatalogue(t *testing.T) {
	down := errors.New("catalogue is down")
	env := shopEnv()
	env.Table = func(string, string) (*Table, error) { return nil, down }
	_, err := Bind(From("orders").Query(), env)
	require.ErrorIs(t, err, down)
	var problems Problems
	require.False(t, errors.As(err, &problems))
}

func TestBindPage(t *testing.T) {
	require.Equal(t, 100, bindShop(t, orders()).Page.Limit)
	require.Equal(t, 7, bindShop(t, orders().Limit(7)).Page.Limit)
	q := orders().Query()
	q.Page.Cursor = "token"
	bound, err := Bind(q, shopEnv())
	require.NoError(t, err)
	require.Empty(t, bound.Page.Cursor)
}

func TestBindIsFastOnHostileNesting(t *testing.T) {
	e := call("not", ref("paid"))
	for range 200_000 {
		e = &Call{Func: "not", Args: []Expr{e}}
	}
	_, err := Bind(orders().Filter(e).Query(), shopEnv())
	requireProblem(t, err, "$.filters", CodeLimit, "100 levels")

	b := orders().Compute("c0", ref("total")) // every level doubles the one before
	for i := range 15 {
		name := fmt.Sprintf("c%d", i)
		b.Compute(fmt.Sprintf("c%d", i+1), call("add", ref(name), ref(name)))
	}
	_, err = Bind(b.Query(), shopEnv())
	requireProblem(t, err, "$.computed_columns[11].expr", CodeLimit, "5000 nodes")
}

func requireProblem(t *testing.T, err error, path, code, message string) {
	t.Helper()
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.True(t, slices.ContainsFunc(problems, func(p Problem) bool {
		return p.Path == path && p.Code == code && strings.Contains(p.Message, message)
	}), "want %s %s %q in:\n%v", path, code, message, err)
}
