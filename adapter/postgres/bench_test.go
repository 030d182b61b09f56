package postgres

import (
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// shop is a schema without a server.
var shop = map[string]*lqp.Table{
	"orders": {
		Name: "orders", Path: []string{"public", "orders"}, Key: []string{"id"},
		Columns: []lqp.Column{
			{ID: "id", Name: "id", Native: "bigint", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}},
			{ID: "customer_id", Name: "customer_id", Native: "bigint", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}},
			{ID: "status", Name: "status", Native: "character varying(20)", Type: lqp.Type{Kind: lqp.Text, MaxLen: 20, NotNull: true}},
			{ID: "total", Name: "total", Native: "numeric(12,2)", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}},
			{ID: "note", Name: "note", Native: "text", Type: lqp.Type{Kind: lqp.Text}},
			{ID: "placed", Name: "placed", Native: "timestamp with time zone", Type: lqp.Type{Kind: lqp.DateTime}},
		},
	},
	"customers": {
		Name: "customers", Path: []string{"public", "customers"}, Key: []string{"id"},
		Columns: []lqp.Column{
			{ID: "id", Name: "id", Native: "bigint", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}},
			{ID: "name", Name: "name", Native: "text", Type: lqp.Type{Kind: lqp.Text, NotNull: true}},
			{ID: "vip", Name: "vip", Native: "boolean", Type: lqp.Type{Kind: lqp.Bool}},
		},
	},
}

// provenServer is what the probe finds on an ordinary server.
var provenServer = &dialect{facts: facts{utf8: true, casing: true}}

// BenchmarkCompile compiles three filters, two sorts and a join; the target is 3 µs and 5 allocations.
func BenchmarkCompile(b *testing.B) {
	q := databasetest.Bind(b, shop, `{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"inner","source":{"table":"customers","alias":"c"},"on":"{o.customer_id} = {c.id}"}],
		"filters":["{o.status} = \"paid\"","{o.total} > 100","{c.vip}"],"columns":["o.id","o.status","o.total","o.placed","c.name"],
		"sorts":["-o.customer_id","o.id"],"pagination":{"limit":100}}`)
	b.ReportAllocs()
	for b.Loop() {
		st, err := sqlgen.Compile(provenServer, q)
		if err != nil || st.SQL == "" {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlan splits the same query, which compiles it clause by clause and once as a whole.
func BenchmarkPlan(b *testing.B) {
	q := databasetest.Bind(b, shop, `{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"inner","source":{"table":"customers","alias":"c"},"on":"{o.customer_id} = {c.id}"}],
		"filters":["{o.status} = \"paid\"","{o.total} > 100","{c.vip}"],"columns":["o.id","o.status","o.total","o.placed","c.name"],
		"sorts":["-o.customer_id","o.id"],"pagination":{"limit":100}}`)
	b.ReportAllocs()
	for b.Loop() {
		if s := sqlgen.Plan(provenServer, q); s.Residual != nil {
			b.Fatal("not pushed")
		}
	}
}
