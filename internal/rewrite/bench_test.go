package rewrite

import (
	"math/rand/v2"
	"testing"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// BenchmarkRewrite is what the policy adds to the planning of a small query.
func BenchmarkRewrite(b *testing.B) {
	schema := plantest.NewTable(rand.New(rand.NewPCG(1, 1)), plantest.Spec{Name: "one", Rows: 1}).Schema
	tables := []*plantest.Table{{Schema: schema}}
	q := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}, Where: call("gt", lqp.Ref("a", "ref"), num(1)), OrderBy: []lqp.Order{{Expr: lqp.Ref("a", "at")}},
		Select: []lqp.Named{{Expr: lqp.Ref("a", "id")}, {Expr: lqp.Ref("a", "t")}, {Expr: lqp.Ref("a", "d")}}, Page: lqp.Page{Limit: 100}}
	for _, bc := range []struct {
		name string
		rule rbac.TableRule
	}{
		{"no rule", rbac.TableRule{}},
		{"row rule", rbac.TableRule{Read: call("gt", col("n"), num(0))}},
		{"row rule, hidden and masked columns", rbac.TableRule{Read: call("gt", col("n"), num(0)), Columns: map[string]rbac.Access{"b": rbac.Hidden, "t": rbac.Masked},
			Masks: map[string]lqp.Expr{"t": call("left", col("t"), num(1))}}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			in := input(tables, policy(map[string]rbac.TableRule{"one": bc.rule}))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Rewrite(q, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
