package lqp

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

func FuzzDecodeQuery(f *testing.F) {
	full, err := os.ReadFile("testdata/query_full.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add(EncodeQuery(orders().Join(Left, customers(), sameCustomer()).Compute("n", call("year", ref("placed"))).GroupBy("n", "country").
		Aggregate("sales", "sum", ref("total")).Having(call("gt", ref("sales"), number(1))).Columns("n", "sales").Sort("-sales").Limit(10).Query()))
	f.Add(EncodeQuery(orders().Filter(call("in", ref("due"), text("2024-02-29"), text("2024-03-01"))).Columns("o.id").Query()))
	f.Add(EncodeQuery(FromSource(Source{Query: orders().Columns("id", "total").Query(), Alias: "n"}).Compute("a", ref("b")).Compute("b", ref("a")).Query()))
	f.Add([]byte(`{"source":{"table":"t"},"Filters":[],"count":"\ud83d\ude00"}`))
	env := shopEnv()
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := DecodeQuery(data, formulas())
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatal("accepted what is not JSON")
		}
		text := EncodeQuery(q)
		back, err := DecodeQuery(text, DecodeOptions{})
		if err != nil {
			t.Fatalf("decode %s: %v", text, err)
		}
		if again := EncodeQuery(back); !bytes.Equal(text, again) {
			t.Fatalf("another text:\n%s\n%s", text, again)
		}
		_ = Format(q)
		bound, err := Bind(q, env)
		if err != nil {
			return
		}
		_ = Format(bound)
		if ordered, total := OrderKey(bound); total && len(ordered.OrderBy) < len(bound.OrderBy) {
			t.Fatal("a sort key is gone")
		}
		seen := map[string]bool{}
		for _, c := range bound.Columns() {
			if c.Name == "" || seen[c.Name] {
				t.Fatalf("output name %q is empty or not unique", c.Name)
			}
			seen[c.Name] = true
		}
		for _, e := range []Expr{bound.Where, bound.Having} {
			if e != nil && e.Type().Kind != Bool && e.Type().Kind != Null {
				t.Fatalf("a condition of type %v", e.Type())
			}
			Walk(e, func(n Expr) bool {
				if _, param := n.(*Param); param {
					t.Fatal("a parameter is left")
				}
				return true
			})
		}
	})
}

func FuzzDecodeExpr(f *testing.F) {
	for _, e := range []Expr{
		call("and", call("gt", ref("total"), number(5)), call("not", ref("paid"))),
		call("if", call("eq", ref("status"), text("é\n")), Literal(FloatValue(1e-12)), Literal(NullValue)),
		call("in", ref("due"), NewList(Literal(DateValue(1)), TypedNull(Type{Kind: Date}))),
		call("lt", Ref("o", "placed"), &Param{Name: "now"}), call("nope"),
	} {
		f.Add(EncodeExpr(e))
	}
	f.Add([]byte(`"status"`))
	f.Add([]byte(`{"k":"lit","v":1e5}`))
	scope := Scope{{Alias: "o", Columns: shop["con_1/orders"].Columns}}
	env := shopEnv()
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeExpr(data, formulas())
		if err != nil {
			return
		}
		text := EncodeExpr(e)
		back, err := DecodeExpr(text, DecodeOptions{})
		if err != nil {
			t.Fatalf("decode %s: %v", text, err)
		}
		if !EqualExpr(e, back) {
			t.Fatalf("another expression: %s", text)
		}
		bound, err := BindExpr(e, scope, env)
		if err != nil {
			return
		}
		resolved, err := Resolve(bound, func(*Col) (int, error) { return 0, nil })
		if err != nil {
			t.Fatalf("resolve: %v", err)
		}
		_ = Eval(resolved, []Value{NullValue})
	})
}
