package mongodb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/lqp"
)

// shop is what discovery would make of a shop's collections.
func shop() map[string]*lqp.Table {
	table := func(name string, columns ...string) *lqp.Table {
		t := &lqp.Table{Name: name, Path: []string{name}, Kind: lqp.Collection, Key: []string{"_id"}, Rows: -1}
		for i := 0; i < len(columns); i += 2 {
			s, ok := parseNative(columns[i+1])
			if !ok {
				panic(columns[i+1])
			}
			t.Columns = append(t.Columns, lqp.Column{ID: columns[i], Name: columns[i], Native: columns[i+1], Type: s.lqpType()})
		}
		return t
	}
	view := table("german", "_id", "objectId", "name", "string")
	view.Kind, view.Key = lqp.ViewTable, nil
	for i := range view.Columns {
		view.Columns[i].Collation = "de"
	}
	return map[string]*lqp.Table{
		"orders": table("orders", "_id", "objectId", "status", "string", "customer", "int", "total", "decimal", "weight", "double",
			"paid", "bool", "placed", "date", "token", "uuid", "tags", "array<string>", "address.city", "string", "address.geo.lat", "double", "lines", "json"),
		"customers": table("customers", "_id", "int", "name", "string"),
		"german":    view,
	}
}

// goldenPlans are queries whose plans and commands are kept in testdata/plans.golden.
var goldenPlans = []databasetest.Question{
	{"scan", `{"source":{"table":"orders"},"columns":["status","address.city"]}`},
	{"equality", `{"source":{"table":"orders"},"filters":"AND({status} = \"paid\", NOT({customer} = 7), {paid}, {token} = \"00112233-4455-6677-8899-aabbccddeeff\")","columns":["_id"]}`},
	{"identifiers that are none", `{"source":{"table":"orders"},"filters":"OR({_id} = \"x\", {_id} = \"50f1000000000000000000ff\")","columns":["_id"]}`},
	{"nested fields", `{"source":{"table":"orders"},"filters":"AND({address.city} <> \"Lyon\", {address.geo.lat} > 45.5)","columns":["address.geo.lat"]}`},
	{"fractions meet integers", `{"source":{"table":"orders"},"filters":"OR({customer} > 1.5, {customer} <= -1.5, {customer} = 2.5)","columns":["_id"]}`},
	{"decimals of any scale", `{"source":{"table":"orders"},"filters":"AND({total} = 12.5, {total} < 100, {total} <> -1)","columns":["_id"]}`},
	{"doubles", `{"source":{"table":"orders"},"filters":"AND({weight} >= 1.5, {weight} <> 2)","columns":["_id"]}`},
	{"doubles that several integers are", `{"source":{"table":"orders"},"filters":"{weight} > 9007199254740992","columns":["_id"]}`},
	{"ranges of texts", `{"source":{"table":"orders"},"filters":"AND({status} > \"a\", BETWEEN({placed}, TO_DATETIME(\"2024-01-01T00:00:00Z\"), TO_DATETIME(\"2024-02-01T00:00:00Z\")))","columns":["_id"]}`},
	{"null", `{"source":{"table":"orders"},"filters":"AND({total} <> BLANK(), IS_BLANK({status}), NOT(IS_NULL({placed})), NOT(IS_NULL({lines})), NOT(IS_BLANK({tags})))","columns":["_id"]}`},
	{"in", `{"source":{"table":"orders"},"filters":"AND(IN({customer}, 1, 2, 3), NOT(IN({total}, 1, BLANK())), IN({status}, \"a\", \"b\"))","columns":["_id"]}`},
	{"search", `{"source":{"table":"orders"},"filters":"OR(STARTS_WITH({status}, \"pa\"), CONTAINS({status}, \".*\"), ENDS_WITH({status}, \"$\"))","columns":["_id"]}`},
	{"lists", `{"source":{"table":"orders"},"filters":"OR(HAS({tags}, \"new\"), HAS_ALL({tags}, \"a\", \"b\"))","columns":["_id"]}`},
	{"values that look like commands", `{"source":{"table":"orders"},"filters":"{status} = \"{$ne: null}\"","columns":["_id"]}`},
	{"sort by key", `{"source":{"table":"orders"},"columns":["_id","status"],"filters":"{paid}","sorts":["-_id"],"pagination":{"limit":10}}`},
	{"sort by anything", `{"source":{"table":"orders"},"columns":["status"],"sorts":["-status",{"column":"total","nulls":"last"},"address.city","_id"],"pagination":{"limit":10,"offset":20}}`},
	{"groups", `{"source":{"table":"orders"},"group_by":["status"],"aggregates":[{"name":"n","function":"countall"},{"name":"who","function":"average","expr":"customer"},{"name":"last","function":"max","expr":"placed"}],"sorts":["-n","status"],"pagination":{"limit":5}}`},
	{"everything is one group", `{"source":{"table":"orders"},"filters":"{paid}","aggregates":[{"name":"n","function":"countall"},{"name":"sum","function":"sum","expr":"customer"}]}`},
	{"sums of decimals stay in memory", `{"source":{"table":"orders"},"group_by":["status"],"aggregates":[{"name":"sum","function":"sum","expr":"total"}]}`},
	{"joins stay in memory", `{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"left","source":{"table":"customers","alias":"c"},"on":"{o.customer} = {c._id}"}],"columns":["o.status","c.name"]}`},
	{"a filter that is checked in memory", `{"source":{"table":"orders"},"filters":["{total} * 2 > 100","{status} = \"paid\""],"columns":["_id"],"sorts":["_id"],"pagination":{"limit":10}}`},
	{"views with a collation are only scanned", `{"source":{"table":"german"},"filters":"{name} = \"x\"","sorts":["name"]}`},
}

// goldenExpressions are queries of a server that was seen to compute everything as we do; their commands are kept in
// testdata/expressions.golden.
var goldenExpressions = []databasetest.Question{
	{"columns with each other", `{"source":{"table":"orders"},"filters":["{customer} < {total}","{status} = {address.city}","{_id} = {status}"],"columns":["_id"]}`},
	{"UUIDs with texts", `{"source":{"table":"orders"},"filters":"{token} = {status}","columns":["_id"]}`},
	{"arithmetic", `{"source":{"table":"orders"},"filters":["{customer} + 1 > {total}","ROUND({total} * 2, 1) = 12.5","{customer} / 3 > 7","{total} * {total} > 5"],"columns":["_id"]}`},
	{"arithmetic that stays in memory", `{"source":{"table":"orders"},"filters":["{customer} / {total} > 1","{weight} + 1 > 2","MOD({customer}, 2) = 0"],"columns":["_id"]}`},
	{"half of it by an index", `{"source":{"table":"orders"},"filters":"OR({status} = \"a\", LEN({status}) > 3)","columns":["_id"]}`},
	{"texts and dates", `{"source":{"table":"orders"},"filters":["LEFT({status} & {address.city}, 2) = \"$a\"","YEAR({placed}) = 2024","CONTAINS({status}, {address.city})"],"columns":["_id"]}`},
	{"dates of a time zone", `{"source":{"table":"orders"},"time_zone":"Europe/Paris","filters":"YEAR({placed}) = 2024","columns":["_id"]}`},
	{"choices", `{"source":{"table":"orders"},"filters":"IF({paid}, {total}, COALESCE({customer}, 0)) > 5","columns":["_id"]}`},
	{"groups of expressions", `{"source":{"table":"orders"},"group_by":[{"name":"year","expr":"YEAR({placed})"}],"aggregates":[{"name":"sum","function":"sum","expr":"total"},{"name":"paid","function":"countall","filter":"{paid}"}],"having":"{sum} > 100","sorts":["-sum","year"],"pagination":{"limit":5}}`},
	{"sort by an expression", `{"source":{"table":"orders"},"columns":["_id"],"sorts":[{"expr":"LEN({status})"},"_id"],"pagination":{"limit":5}}`},
}

// plain answers with an adapter of a server of which nothing is known, which reads pages by one command.
func plain() *Adapter { return &Adapter{apartFrom: 1 << 40} }

func TestGoldenPlans(t *testing.T) {
	a := plain()
	plans := databasetest.Planner{Tables: shop(), Plan: a.Plan}
	databasetest.Golden(t, "testdata/plans.golden", plans.Plans(t, goldenPlans, a.Native))
}

func TestGoldenExpressions(t *testing.T) {
	a := plain()
	a.facts.Store(&facts{everything: true, bareCollation: true})
	plans := databasetest.Planner{Tables: shop(), Plan: a.Plan}
	databasetest.Golden(t, "testdata/expressions.golden", plans.Plans(t, goldenExpressions, a.Native))
}

// TestGoldenKeysets keeps the predicates by which pages continue, in one command or in pieces.
func TestGoldenKeysets(t *testing.T) {
	goldenKeysets(t, plain(), "testdata/keysets.golden")
	goldenKeysets(t, &Adapter{apartFrom: -1}, "testdata/pieces.golden")
}

func goldenKeysets(t *testing.T, a *Adapter, file string) {
	id := lqp.TextValue("50f1000000000000000000ff")
	plans := databasetest.Planner{Tables: shop(), Plan: a.Plan}
	got := plans.Keysets(t, "_id", []databasetest.Keyset{
		{"by key", `["_id"]`, []lqp.Value{id}},
		{"by key, backwards", `["-_id"]`, []lqp.Value{id}},
		{"both ways", `["-customer","_id"]`, []lqp.Value{lqp.IntValue(7), id}},
		{"after a null that is first", `["total","_id"]`, []lqp.Value{lqp.NullValue, id}},
		{"nulls last", `["-total","_id"]`, []lqp.Value{lqp.IntValue(10), id}},
		{"after a null that is last", `["-total","_id"]`, []lqp.Value{lqp.NullValue, id}},
		{"a text", `["status","_id"]`, []lqp.Value{lqp.TextValue("x"), id}},
	}, a.Native)
	require.NotContains(t, got, "50f1", "values are not shown")
	databasetest.Golden(t, file, got)
}

// TestUnsafeColumnsAreNotSent: a schema that no discovery of ours made gets nowhere near the server.
func TestUnsafeColumnsAreNotSent(t *testing.T) {
	a := &Adapter{}
	for _, name := range []string{"$where", "a.$b", "", "a..b", "a\x00b", ".a", "a."} {
		tables := shop()
		table := *tables["customers"]
		table.Columns = []lqp.Column{{ID: name, Name: "x", Native: "string", Type: lqp.Type{Kind: lqp.Text}}}
		q := &lqp.Query{From: lqp.Source{Table: "customers", Alias: "c", Schema: &table}, Select: []lqp.Named{{Name: "x", Expr: lqp.TypedRef("c", name, lqp.Type{Kind: lqp.Text})}}}
		require.Nil(t, a.Plan(q).Pushed, name)
		_, err := a.Native(q)
		require.Error(t, err, name)
	}
	for _, name := range []string{"system.users", "$cmd", "a$b", "", "a\x00"} {
		table := *shop()["customers"]
		table.Path = []string{name}
		q := databasetest.WholeTable(&lqp.Source{Table: "customers", Alias: "c", Schema: &table})
		require.Nil(t, a.Plan(q).Pushed, name)
		_, err := a.Native(q)
		require.Error(t, err, name)
	}
}
