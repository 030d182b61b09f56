package lqp

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestColumnsOfNestedQueriesKeepTheirOrigin(t *testing.T) {
	q := bindShop(t, FromSource(Source{Query: orders().GroupBy("status").Aggregate("n", "countall", nil).Query(), Alias: "g"}))
	cols := q.Columns()
	require.Equal(t, "status", cols[0].ID)
	require.Equal(t, "character varying(20)", cols[0].Native)
	require.Empty(t, cols[1].Native)
	require.True(t, cols[1].Type.NotNull)
}

func TestMapTablesReplacesEverySource(t *testing.T) {
	nested := orders().Columns("id", "customer_id").Query()
	q := bindShop(t, FromSource(customers()).Join(Inner, Source{Query: nested, Alias: "n"}, call("eq", Ref("c", "id"), Ref("n", "customer_id"))).Columns("name"))
	before := Format(q)
	mapped, err := q.MapTables(func(s Source) (Source, error) {
		inner := &Query{From: s}
		for _, c := range s.Schema.Columns {
			inner.Select = append(inner.Select, Named{Name: c.ID, Expr: TypedRef(s.Alias, c.ID, c.Type)})
		}
		inner.Where = call("gt", TypedRef(s.Alias, "id", wholeNumber), number(10))
		return Source{Query: inner, Alias: s.Alias}, nil
	})
	require.NoError(t, err)
	require.Equal(t, before, Format(q))
	golden(t, "testdata/map_tables.txt", Format(mapped))
	ordered, total := OrderKey(mapped)
	require.True(t, total, "the wrapped tables still show their keys")
	require.Len(t, ordered.OrderBy, 2)

	boom := errors.New("boom")
	_, err = q.MapTables(func(Source) (Source, error) { return Source{}, boom })
	require.ErrorIs(t, err, boom)
}

func TestMapExprsReachesEveryClause(t *testing.T) {
	q := orders().Join(Inner, customers(), ref("x")).Filter(ref("x")).Compute("c", ref("x")).GroupByExpr("g", ref("x")).
		Aggregate("a", "sum", ref("x")).Having(ref("x")).Column("s", ref("x")).Sort("x").Query()
	q.Aggregates[0].Filter = ref("x")
	mapped := q.MapExprs(func(Expr) Expr { return ref("y") })
	require.NotContains(t, string(EncodeQuery(mapped)), `"x"`)
	require.NotContains(t, string(EncodeQuery(q)), `"y"`)
}

func TestScopeOfABoundBlock(t *testing.T) {
	q := bindShop(t, orders().Join(Left, customers(), sameCustomer()))
	scope := q.Scope()
	require.True(t, scope.Col("o", "id").Type().NotNull)
	require.False(t, scope.Col("c", "id").Type().NotNull)
	require.Nil(t, scope.Col("c", "total"))
	require.True(t, shop["con_1/sales.customers"].Columns[0].Type.NotNull, "the table itself is not touched")
}
