package lqp

import (
	"testing"
)

// benchQuery has three filters, a computed column, a join and two sort keys.
func benchQuery() *Query {
	return orders().Join(Left, customers(), sameCustomer()).Compute("net", call("div", ref("total"), number(2))).
		Filter(call("gt", ref("net"), number(100)), call("eq", ref("country"), text("DE")), call("ge", ref("placed"), text("2024-02-29"))).
		Columns("o.id", "status", "net", "name").Sort("-net", "o.id").Limit(100).Query()
}

func BenchmarkBind(b *testing.B) {
	q, env := benchQuery(), shopEnv()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Bind(q, env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeQuery(b *testing.B) {
	data := EncodeQuery(benchQuery())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeQuery(data, DecodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueryHash(b *testing.B) {
	q := benchQuery()
	b.ReportAllocs()
	for b.Loop() {
		_ = QueryHash(q)
	}
}
