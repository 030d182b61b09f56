package lqp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrderKey(t *testing.T) {
	log := Source{Connection: "con_1", Table: "log", Alias: "l"}
	nested := func(b *Builder) Source { return Source{Query: b.Query(), Alias: "n"} }
	tests := []struct {
		name  string
		query *Builder
		want  string // the sort keys, empty when no order is total
	}{
		{"key of the table", orders().Columns("status").Sort("-status"), "{o.status} desc nulls last, {o.id} desc nulls last"},
		{"the direction of the last sort key", orders().Columns("status").Sort("-status", "total"), "{o.status} desc nulls last, {o.total} nulls first, {o.id} nulls first"},
		{"key already there", orders().Sort("-id", "total"), "{o.id} desc nulls last, {o.total} nulls first"},
		{"keys of all sources", orders().Join(Left, customers(), sameCustomer()).Sort("c.id"), "{c.id} nulls first, {o.id} nulls first"},
		{"a row of the joined source for each row", orders().Join(Left, customers(), sameCustomer()).Sort("c.name"), "{c.name} nulls first, {o.id} nulls first"},
		{"several rows of the joined source", FromSource(customers()).Join(Inner, Source{Connection: "con_1", Table: "orders", Alias: "o"}, sameCustomer()).Sort("c.name"), "{c.name} nulls first, {c.id} nulls first, {o.id} nulls first"},
		{"unmatched rows", orders().Join(Full, customers(), sameCustomer()), "{o.id} nulls first, {c.id} nulls first"},
		{"one row only by another condition", orders().Join(Inner, customers(), call("or", sameCustomer(), call("is_null", ref("total")))), "{o.id} nulls first, {c.id} nulls first"},
		{"a source without key", orders().Join(Inner, log, call("eq", ref("line"), ref("status"))), ""},
		{"group keys", orders().GroupBy("status", "customer_id").Aggregate("n", "countall", nil).Columns("n").Sort("-n", "status"),
			"{n} desc nulls last, {status} nulls first, {customer_id} nulls first, {status} nulls first whole"},
		{"one group", orders().Aggregate("n", "countall", nil).Sort("n"), "{n} nulls first"},
		{"group key without order", orders().GroupBy("tags"), ""},
		{"nested query that exposes its key", FromSource(nested(orders().Column("nr", Ref("", "id")).Columns("total"))).Sort("total"), "{n.total} nulls first, {n.nr} nulls first"},
		{"nested query that hides its key", FromSource(nested(orders().Columns("total"))), ""},
		{"nested groups", FromSource(nested(orders().GroupBy("status").Aggregate("n", "countall", nil))), "{n.status} nulls first, {n.status} nulls first whole"},
		{"nested groups without their key", FromSource(nested(orders().GroupBy("status").Aggregate("n", "countall", nil).Columns("n"))), ""},
		{"nested one group", FromSource(nested(orders().Aggregate("n", "countall", nil))).Sort("n"), "{n.n} nulls first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := bindShop(t, tt.query)
			before := Format(q)
			ordered, total := OrderKey(q)
			require.Equal(t, before, Format(q), "the query itself stays")
			require.Equal(t, tt.want != "", total)
			if total {
				require.Contains(t, Format(ordered), "\norder by "+tt.want+"\n")
				for _, o := range ordered.OrderBy {
					require.True(t, o.Expr.Type().Kind.Orderable())
				}
			}
		})
	}
}

func TestOrderKeyNeedsVisibleKeys(t *testing.T) {
	table := &Table{Name: "t", Key: []string{"id"}, Columns: []Column{column("a", wholeNumber), column("b", Type{Kind: Text})}, Uniques: [][]string{{"b"}, {"a"}}}
	env := Env{Table: func(string, string) (*Table, error) { return table, nil }}
	q, err := Bind(From("t").Query(), env)
	require.NoError(t, err)
	ordered, total := OrderKey(q)
	require.True(t, total)
	require.Contains(t, Format(ordered), "order by {t.a} nulls first\n", "a unique key without NULL serves; one with NULL does not")

	table = &Table{Name: "t", Key: []string{"id"}, Columns: table.Columns, Uniques: [][]string{{"b"}}}
	q, err = Bind(From("t").Query(), env)
	require.NoError(t, err)
	_, total = OrderKey(q)
	require.False(t, total)
}
