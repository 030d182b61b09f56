package mysql

import (
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// shop is a schema without a server.
var shop = map[string]*lqp.Table{
	"orders": {
		Name: "orders", Path: []string{"shop", "orders"}, Key: []string{"id"},
		Columns: []lqp.Column{
			{ID: "id", Name: "id", Native: "bigint", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}},
			{ID: "customer_id", Name: "customer_id", Native: "int unsigned", Type: lqp.Type{Kind: lqp.Number, Precision: 10, NotNull: true}},
			{ID: "status", Name: "status", Native: "varchar(20)", Collation: "utf8mb4_0900_ai_ci", Type: lqp.Type{Kind: lqp.Text, MaxLen: 20}},
			{ID: "code", Name: "code", Native: "varchar(20)", Collation: "utf8mb4_0900_bin", Type: lqp.Type{Kind: lqp.Text, MaxLen: 20}},
			{ID: "total", Name: "total", Native: "decimal(12,2)", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}},
			{ID: "note", Name: "note", Native: "text", Collation: "utf8mb4_0900_ai_ci", Type: lqp.Type{Kind: lqp.Text, MaxLen: 65535}},
			{ID: "placed", Name: "placed", Native: "datetime(6)", Type: lqp.Type{Kind: lqp.DateTime}},
			{ID: "day", Name: "day", Native: "date", Type: lqp.Type{Kind: lqp.Date}},
		},
	},
	"customers": {
		Name: "customers", Path: []string{"shop", "customers"}, Key: []string{"id"},
		Columns: []lqp.Column{
			{ID: "id", Name: "id", Native: "int unsigned", Type: lqp.Type{Kind: lqp.Number, Precision: 10, NotNull: true}},
			{ID: "name", Name: "name", Native: "varchar(60)", Collation: "latin1_swedish_ci", Type: lqp.Type{Kind: lqp.Text, MaxLen: 60}},
			{ID: "vip", Name: "vip", Native: "tinyint(1)", Type: lqp.Type{Kind: lqp.Bool}},
		},
	},
}

// provenServer is what the probe finds on an ordinary server.
var provenServer = newDialect(facts{collation: "utf8mb4_0900_bin", casing: "utf8mb4_0900_ai_ci", order: true, numbers: true}, "")

// BenchmarkCompile compiles three filters, two sorts and a join; the target is 5 µs.
func BenchmarkCompile(b *testing.B) {
	q := databasetest.Bind(b, shop, `{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"inner","source":{"table":"customers","alias":"c"},"on":"{o.customer_id} = {c.id}"}],
		"filters":["{o.status} = \"paid\"","{o.total} > 100","{c.vip}"],"columns":["o.id","o.status","o.total","o.placed","c.name"],
		"sorts":["-o.customer_id","o.id"],"pagination":{"limit":100}}`)
	b.ReportAllocs()
	for b.Loop() {
		st, err := provenServer.compile(q)
		if err != nil || st.sql == "" {
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
