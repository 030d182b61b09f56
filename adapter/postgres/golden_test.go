package postgres

import (
	"fmt"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// goldenPlans are queries over the shop whose plans and statements are kept in testdata/plans.golden.
var goldenPlans = []databasetest.Question{
	{"scan", `{"source":{"table":"orders"},"columns":["id","status"]}`},
	{"equality keeps the index, in every context", `{"source":{"table":"orders"},"filters":"AND({customer_id} = 7, NOT({total} = 5), ({status} = \"x\") = TRUE)","columns":["id"]}`},
	{"fractions meet integers", `{"source":{"table":"orders"},"filters":"OR({id} > 1.5, {id} <= -1.5, {id} = 2.5)","columns":["id"]}`},
	{"null", `{"source":{"table":"orders"},"filters":"AND({total} <> BLANK(), IS_BLANK({note}), NOT(IS_NULL({placed})))","columns":["id"]}`},
	{"timestamps are cut to milliseconds", `{"source":{"table":"orders"},"filters":"AND({placed} = TO_DATETIME(\"2024-01-02T03:04:05.006Z\"), {placed} < TO_DATE(\"2024-02-01\"))","columns":["id"]}`},
	{"years and days are ranges", `{"source":{"table":"orders"},"filters":"OR(YEAR({placed}) = 2024, NOT(TO_DATE({placed}) = TO_DATE(\"2024-02-29\")), YEAR({placed}) <= 1999)","columns":["id"]}`},
	{"in is one parameter", `{"source":{"table":"orders"},"filters":"AND(IN({customer_id}, 1, 2, 3), NOT(IN({total}, 1, BLANK())))","columns":["id"]}`},
	{"prefix and parts", `{"source":{"table":"orders"},"filters":"OR(STARTS_WITH({status}, \"pa\"), CONTAINS(LOWER({note}), \"urgent\"), ENDS_WITH({note}, \"!\"))","columns":["id"]}`},
	{"arithmetic", `{"source":{"table":"orders"},"filters":"{total} / 3 + {customer_id} * 2 > ROUND({total}, 1)","columns":["id"]}`},
	{"sort with nulls", `{"source":{"table":"orders"},"columns":["id"],"sorts":["-status",{"column":"total","nulls":"last"},"note","id"],"pagination":{"limit":10,"offset":20}}`},
	{"groups", `{"source":{"table":"orders"},"group_by":["status",{"name":"big","expr":"{total} > 100"}],"aggregates":[{"name":"n","function":"countall"},{"name":"sum","function":"sum","expr":"total","filter":"{customer_id} = 1"},{"name":"mean","function":"average","expr":"total"},{"name":"last","function":"max","expr":"note"}],"having":"{n} > 1","sorts":["-n"],"columns":["status","big","sum","mean","last"]}`},
	{"joins", `{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"left","source":{"table":"customers","alias":"c"},"on":"{o.customer_id} = {c.id}"}],"filters":"{c.name} = BLANK()","columns":["o.id","c.name"],"sorts":["c.name","o.id"]}`},
	{"right joins stay in memory", `{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"right","source":{"table":"customers","alias":"c"},"on":"{o.customer_id} = {c.id}"}],"columns":["o.id"]}`},
	{"nested", `{"source":{"query":{"source":{"table":"orders"},"filters":"{total} > 5","columns":["id","status",{"name":"double","expr":"{total} * 2"}],"sorts":["-id"],"pagination":{"limit":5}},"alias":"n"},"filters":"{n.double} > 20","columns":["n.id","n.double"],"sorts":["n.status"]}`},
	{"a filter that must be checked again", `{"source":{"table":"orders"},"filters":["{total} ^ 2 > 100","{status} = \"paid\""],"columns":["id"],"sorts":["id"],"pagination":{"limit":10}}`},
	{"a sort that is done in memory", `{"source":{"table":"orders"},"columns":["id"],"sorts":["id",{"expr":"{total} ^ 2"}],"pagination":{"limit":10}}`},
	{"formulas that are only shown", `{"source":{"table":"orders"},"columns":["id",{"name":"label","expr":"UPPER({status}) & \"!\""}],"sorts":["id"],"pagination":{"limit":10}}`},
	{"groups over a residual filter", `{"source":{"table":"orders"},"filters":"{total} ^ 2 > 100","group_by":["status"],"aggregates":[{"name":"n","function":"countall"}]}`},
	{"a disjunction with a weaker arm", `{"source":{"table":"orders"},"filters":"OR({status} = \"paid\", {total} ^ 2 > 100)","columns":["id"]}`},
}

// plans splits queries over the shop for an ordinary server.
var plans = databasetest.Planner{Tables: shop, Plan: func(q *lqp.Query) adapter.Split { return sqlgen.Plan(provenServer, q) }}

func TestGoldenPlans(t *testing.T) {
	databasetest.Golden(t, "testdata/plans.golden", plans.Plans(t, goldenPlans, func(q *lqp.Query) (string, error) {
		st, err := sqlgen.Compile(provenServer, q)
		if err != nil {
			return "", err
		}
		out := "sql: " + st.SQL
		for i, a := range st.Args {
			out += fmt.Sprintf("\n$%d = %s", i+1, a.Value)
		}
		return out, nil
	}))
}

// TestGoldenKeysets keeps the predicates by which pages continue.
func TestGoldenKeysets(t *testing.T) {
	databasetest.Golden(t, "testdata/keysets.golden", plans.Keysets(t, "id", databasetest.SQLKeysets, func(q *lqp.Query) (string, error) {
		st, err := sqlgen.Compile(provenServer, q)
		if err != nil {
			return "", err
		}
		return st.SQL, nil
	}))
}
