package rewrite

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

var (
	me    = rbac.Principal{ID: "usr_me", Attributes: map[string]lqp.Value{"level": lqp.IntValue(2)}}
	noon  = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	level = &lqp.Param{Name: "user.level"}
)

func col(id string) lqp.Expr { return lqp.Ref("", id) }

func num(n int64) lqp.Expr { return lqp.Literal(lqp.IntValue(n)) }

func call(fn string, args ...lqp.Expr) lqp.Expr { return lqp.NewCall(fn, args...) }

// policy gives the viewer me rules on tables of the mini-DB.
func policy(rules map[string]rbac.TableRule) *rbac.Policy {
	p := &rbac.Policy{Members: map[string]rbac.Role{me.ID: rbac.Viewer}, Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{}}
	for table, r := range rules {
		p.Rules[rbac.TableRef{Table: table}] = map[rbac.Role]rbac.TableRule{rbac.Viewer: r}
	}
	return p
}

func input(tables []*plantest.Table, p *rbac.Policy) Input {
	return Input{Principal: me, Policy: p, Table: plantest.Find(tables), Now: noon}
}

// narrowed is what a principal should see of tables: the rows that the rules leave, without hidden columns and with masks
// in the place of masked ones.
func narrowed(t *testing.T, tables []*plantest.Table, p *rbac.Policy) []*plantest.Table {
	t.Helper()
	var out []*plantest.Table
	for _, full := range tables {
		rule := p.Table(me, rbac.TableRef{Table: full.Schema.Name})
		over := func(e lqp.Expr) lqp.Expr {
			bound, err := lqp.BindExpr(e, lqp.Scope{{Alias: "t", Columns: full.Schema.Columns}}, lqp.Env{Now: noon, User: me.ID,
				Attribute: func(n string) (lqp.Value, bool) { v, ok := me.Attributes[n]; return v, ok }})
			require.NoError(t, err)
			bound, err = lqp.Resolve(bound, func(c *lqp.Col) (int, error) {
				return slices.IndexFunc(full.Schema.Columns, func(f lqp.Column) bool { return f.ID == c.Column }), nil
			})
			require.NoError(t, err)
			return bound
		}
		read := over(rule.Read)
		schema := *full.Schema
		schema.Columns = nil
		var cells []func(row []lqp.Value) lqp.Value
		for i, c := range full.Schema.Columns {
			switch rule.Columns[c.ID] {
			case rbac.Hidden:
				continue
			case rbac.Masked:
				c.Type.NotNull = false
				mask := over(rule.Masks[c.ID])
				cells = append(cells, func(row []lqp.Value) lqp.Value {
					if mask == nil {
						return lqp.NullValue
					}
					return lqp.Eval(mask, row)
				})
				if slices.Contains(schema.Key, c.ID) {
					schema.Key = nil
				}
			default:
				cells = append(cells, func(row []lqp.Value) lqp.Value { return row[i] })
			}
			schema.Columns = append(schema.Columns, c)
		}
		seen := &plantest.Table{Schema: &schema}
		for _, row := range full.Rows {
			if read != nil && !lqp.Truth(lqp.Eval(read, row)) {
				continue
			}
			out := make([]lqp.Value, len(cells))
			for i, cell := range cells {
				out[i] = cell(row)
			}
			seen.Rows = append(seen.Rows, out)
		}
		out = append(out, seen)
	}
	return out
}

// randomMask is a mask for a column of plantest's tables, nil for none.
func randomMask(r *rand.Rand, id string) lqp.Expr {
	text := func(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }
	some := map[string][]lqp.Expr{
		"d":   {nil, num(0), call("round", col("d"), num(0)), call("if", call("gt", col("n"), num(0)), col("d"), num(-1))},
		"b":   {nil, lqp.Literal(lqp.BoolValue(true)), call("is_null", col("t"))},
		"day": {nil, call("if", col("b"), col("day"), lqp.TypedNull(lqp.Type{Kind: lqp.Date}))},
		"n":   {nil, num(7), level, call("mod", col("n"), num(2)), call("len", col("t"))},
		"t":   {nil, text("***"), call("concat", call("left", col("t"), num(1)), text("…"))},
		"id":  {nil, num(1), call("mod", col("id"), num(3))},
	}[id]
	return some[r.IntN(len(some))]
}

func randomRule(r *rand.Rand) rbac.TableRule {
	var rule rbac.TableRule
	rule.Read = []lqp.Expr{
		nil, nil, call("gt", col("n"), num(0)), call("eq", col("n"), level), call("is_null", col("t")), call("not", call("lt", col("d"), num(1))),
		call("and", call("ge", col("ref"), num(2)), col("b")), call("eq", call("hour", col("at")), num(r.Int64N(24))), col("b"),
		call("or", call("eq", col("n"), num(1)), call("eq", col("ref"), num(3))), lqp.Literal(lqp.BoolValue(false)),
	}[r.IntN(11)]
	rule.Columns, rule.Masks = map[string]rbac.Access{}, map[string]lqp.Expr{}
	for _, id := range []string{"d", "b", "day", "n"} {
		if r.IntN(12) == 0 {
			rule.Columns[id] = rbac.Hidden
		}
	}
	for _, id := range []string{"d", "b", "day", "n", "t", "id"} {
		if rule.Columns[id] == "" && r.IntN(8) == 0 {
			rule.Columns[id] = rbac.Masked
			if m := randomMask(r, id); m != nil {
				rule.Masks[id] = m
			}
		}
	}
	return rule
}

// A query rewritten for a principal answers over the whole tables what the query as written answers over the rows and
// columns that the principal may see: whatever it joins, nests, groups and pages.
func TestRewriteIsTheQueryOverWhatIsVisible(t *testing.T) {
	seed := testseed.Of(t)
	ran, refused, total := 0, 0, 0
	for n := range 4000 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := randomTables(r)
		p := policy(map[string]rbac.TableRule{"one": randomRule(r), "two": randomRule(r), "same": randomRule(r)})
		seen := narrowed(t, tables, p)
		g := &plantest.Generator{R: r, Tables: seen, Nested: 2} // where the key is masked there is no order by it
		q, ordered := g.Query()
		plan, err := Rewrite(q, input(tables, p))
		bound, visibleErr := lqp.Bind(q, lqp.Env{Table: plantest.Find(seen), Now: noon})
		if visibleErr != nil {
			require.Equal(t, visibleErr, err, "seed %d, query %d: a hidden column is like one that never existed", seed, n)
			refused++
			continue
		}
		require.NoError(t, err, "seed %d, query %d", seed, n)
		ran++
		got := run(t, plan.Query(), tables)
		if plan.Total() {
			for i, o := range plan.SortKeys() {
				require.GreaterOrEqual(t, o, 0, "sort key %d is not selected", i)
			}
			total++
			requireTotal(t, plan, tables)
		}
		for i := range got {
			got[i] = got[i][:plan.Visible()]
		}
		want := plantest.Texts(plantest.Answer(bound, plantest.Rows(seen)))
		where := func() string { return lqp.Format(q) + "\nplan:\n" + lqp.Format(plan.Query()) }
		if ordered {
			require.Equal(t, want, plantest.Texts(got), "seed %d, query %d\n%s", seed, n, where())
		} else {
			require.ElementsMatch(t, want, plantest.Texts(got), "seed %d, query %d\n%s", seed, n, where())
		}

		unpaged := bound.Clone()
		unpaged.Page = lqp.Page{}
		count := run(t, plan.CountPlan().Query(), tables)
		require.Equal(t, []string{lqp.IntValue(int64(len(plantest.Answer(unpaged, plantest.Rows(seen))))).String()}, plantest.Texts(count),
			"count: seed %d, query %d\n%s", seed, n, where())
	}
	require.Greater(t, ran, 1000)
	require.Greater(t, refused, 100)
	require.Greater(t, total, 500)
}

// requireTotal checks that no two rows of a plan agree in its sort keys.
func requireTotal(t *testing.T, plan *Plan, tables []*plantest.Table) {
	t.Helper()
	all := plan.WithPage(lqp.Page{})
	at := all.SortKeys()
	var last []lqp.Value
	for _, row := range run(t, all.Query(), tables) {
		keys := make([]lqp.Value, len(at))
		for i, k := range at {
			keys[i] = row[k]
		}
		if last != nil {
			require.Negative(t, lqp.CompareKeys(all.Query().OrderBy, last, keys), "the order is not total\n%s", lqp.Format(all.Query()))
		}
		last = keys
	}
}

func TestRulePlacement(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	rules := map[string]rbac.TableRule{"one": {Read: call("gt", col("n"), num(0))}, "two": {Read: call("eq", col("n"), level)}}
	for _, tc := range []struct {
		kind lqp.JoinKind
		want []string
	}{
		{lqp.Inner, []string{"inner join two b on {a.id} = {b.id} AND {b.n} = 2\n", "where {a.n} > 0\n"}},
		{lqp.Left, []string{"left join two b on {a.id} = {b.id} AND {b.n} = 2\n", "where {a.n} > 0\n"}},
		{lqp.Right, []string{"from (\n  from one a\n  where {a.n} > 0\n", "right join (\n  from two b\n  where {b.n} = 2\n"}},
		{lqp.Full, []string{"from (\n  from one a\n  where {a.n} > 0\n", "full join (\n  from two b\n  where {b.n} = 2\n"}},
	} {
		t.Run(string(tc.kind), func(t *testing.T) {
			plan, err := Rewrite(&lqp.Query{
				From:   lqp.Source{Table: "one", Alias: "a"},
				Joins:  []lqp.Join{{Kind: tc.kind, Source: lqp.Source{Table: "two", Alias: "b"}, On: call("eq", lqp.Ref("a", "id"), lqp.Ref("b", "id"))}},
				Select: []lqp.Named{{Name: "x", Expr: lqp.Ref("a", "t")}},
			}, input(tables, policy(rules)))
			require.NoError(t, err)
			for _, w := range tc.want {
				assert.Contains(t, lqp.Format(plan.Query()), w)
			}
			assert.Equal(t, []Rule{{Table: "one", Alias: "a", Role: "viewer", Filter: "{a.n} > 0"}, {Table: "two", Alias: "b", Role: "viewer", Filter: "{b.n} = 2"}}, plan.Rules())
			for _, r := range plan.Rules() {
				assert.NotContains(t, lqp.Format(plan.Asked()), r.Filter)
			}
			assert.Equal(t, 1, plan.Visible())
			keys := 2 // b.id is the key of b: an inner or left join adds one row of b at most, whose key decides nothing
			if tc.kind == lqp.Inner || tc.kind == lqp.Left {
				keys = 1
			}
			assert.Len(t, plan.Query().Select, 1+keys, "the sort keys are fetched")
		})
	}
}

// A rule's days are those of UTC, in whatever zone a query is asked.
func TestRuleZone(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	p := policy(map[string]rbac.TableRule{"one": {Read: call("eq", call("hour", col("at")), num(5))}})
	q := &lqp.Query{From: lqp.Source{Table: "one"}, TimeZone: "Asia/Tokyo", Select: []lqp.Named{{Name: "id", Expr: col("id")}}}
	asked, err := Rewrite(q, input(tables, p))
	require.NoError(t, err)
	q.TimeZone = ""
	utc, err := Rewrite(q, input(tables, p))
	require.NoError(t, err)
	assert.True(t, lqp.EqualExpr(utc.Query().Where, asked.Query().Where))
	q.TimeZone = "Nowhere/Else"
	_, err = Rewrite(q, input(tables, p))
	var problems lqp.Problems
	require.ErrorAs(t, err, &problems)
	assert.Equal(t, "$.time_zone", problems[0].Path)
}

func TestClosedTables(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	q := &lqp.Query{From: lqp.Source{Table: "one"}}
	missing := func(rules map[string]rbac.TableRule, pr rbac.Principal) (broken error) {
		in := input(tables, policy(rules))
		in.Principal, in.Broken = pr, func(_ rbac.TableRef, err error) { broken = err }
		in.Tables = func(string) []string { return []string{"one", "ones"} }
		_, err := Rewrite(q, in)
		var p lqp.Problems
		require.ErrorAs(t, err, &p)
		require.Equal(t, lqp.CodeUnknownTable, p[0].Code)
		require.NotContains(t, p[0].Message, `"one"?`, "a closed table is not suggested")
		return broken
	}
	assert.NoError(t, missing(map[string]rbac.TableRule{"one": {Closed: true}}, me))
	assert.NoError(t, missing(nil, rbac.Principal{ID: "usr_stranger"}))
	assert.Error(t, missing(map[string]rbac.TableRule{"one": {Read: call("gt", col("gone"), num(1))}}, me), "a rule that does not compile closes")
	assert.Error(t, missing(map[string]rbac.TableRule{"one": {Read: call("eq", col("n"), &lqp.Param{Name: "user.team"})}}, me), "a missing attribute closes")

	in := input(tables, policy(nil))
	down := errors.New("the catalogue is down")
	in.Table = func(string, string) (*lqp.Table, error) { return nil, down }
	_, err := Rewrite(q, in)
	assert.ErrorIs(t, err, down, "a failure is not a missing table")
}

func TestSightNarrowsASchema(t *testing.T) {
	number := lqp.Type{Kind: lqp.Number}
	full := &lqp.Table{Name: "t", Key: []string{"id"}, Version: "v", Uniques: [][]string{{"a"}, {"b"}},
		ForeignKeys: []lqp.ForeignKey{{Columns: []string{"a"}}, {Columns: []string{"b"}}},
		Columns: []lqp.Column{{ID: "id", Type: number}, {ID: "v", Type: number}, {ID: "a", Type: lqp.Type{Kind: lqp.Number, Precision: 4, NotNull: true},
			Native: "decimal(4)", HasDefault: true}, {ID: "b", Type: number}}}
	look := func(columns map[string]rbac.Access, masks map[string]lqp.Expr) *Sight {
		p := policy(map[string]rbac.TableRule{"t": {Columns: columns, Masks: masks}})
		s, err := Reader{Principal: me, Policy: p, Now: noon}.Look(rbac.TableRef{Table: "t"}, full)
		require.NoError(t, err)
		return s
	}
	assert.Same(t, full, look(map[string]rbac.Access{"a": rbac.ReadOnly, "gone": rbac.Hidden}, nil).Table())
	b := &lqp.Table{Name: "t", Uniques: [][]string{{"b"}}, ForeignKeys: []lqp.ForeignKey{{Columns: []string{"b"}}}, Columns: []lqp.Column{{ID: "b", Type: number}}}
	assert.Equal(t, b, look(map[string]rbac.Access{"id": rbac.Hidden, "v": rbac.Hidden, "a": "unheard of"}, nil).Table(), "what is no access hides")
	masked := look(map[string]rbac.Access{"id": rbac.Masked, "v": rbac.Masked, "a": rbac.Masked}, map[string]lqp.Expr{"a": num(12)})
	b.Columns = []lqp.Column{{ID: "id", Type: number, ReadOnly: true}, {ID: "v", Type: number, ReadOnly: true},
		{ID: "a", Type: num(12).Type(), ReadOnly: true}, b.Columns[0]}
	assert.Equal(t, b, masked.Table(), "the facets of a masked column are those of its mask")
	row := []lqp.Value{lqp.IntValue(1), lqp.IntValue(2), lqp.IntValue(3), lqp.IntValue(4)}
	assert.Equal(t, []lqp.Value{{}, {}, lqp.IntValue(12), lqp.IntValue(4)}, masked.Show(row))
	assert.Nil(t, masked.Show(nil))
}

func TestMasksThatDoNotFitClose(t *testing.T) {
	full := &lqp.Table{Name: "t", Columns: []lqp.Column{{ID: "n", Type: lqp.Type{Kind: lqp.Number}}, {ID: "t", Type: lqp.Type{Kind: lqp.Text}}}}
	for _, tc := range []struct {
		name   string
		column string
		mask   lqp.Expr
	}{
		{"another type", "n", col("t")},
		{"a column that is gone", "n", col("gone")},
		{"a missing attribute", "n", &lqp.Param{Name: "user.team"}},
		{"an unknown function", "t", call("no_such", col("t"))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := policy(map[string]rbac.TableRule{"t": {Columns: map[string]rbac.Access{tc.column: rbac.Masked}, Masks: map[string]lqp.Expr{tc.column: tc.mask}}})
			_, err := Reader{Principal: me, Policy: p, Now: noon}.Look(rbac.TableRef{Table: "t"}, full)
			require.ErrorIs(t, err, ErrNoTable)
			var broken *BrokenError
			require.ErrorAs(t, err, &broken)
			require.Error(t, CheckMask(tc.mask, full, tc.column, Reader{Principal: me, Policy: p, Now: noon}))
		})
	}
	r := Reader{Principal: me, Policy: policy(nil), Now: noon}
	require.NoError(t, CheckMask(nil, full, "n", r))
	require.NoError(t, CheckMask(level, full, "n", r))
	require.Error(t, CheckMask(nil, full, "gone", r))
}

// A condition of a rule that is none, a number say, is not left for a database to take as true.
func TestRulesAreConditions(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	_, err := Rewrite(&lqp.Query{From: lqp.Source{Table: "one"}}, input(tables, policy(map[string]rbac.TableRule{"one": {Read: col("n")}})))
	var p lqp.Problems
	require.ErrorAs(t, err, &p)
	require.Equal(t, lqp.CodeUnknownTable, p[0].Code)
}

// Without a key pages continue by offset: what ties is told apart by all that is shown.
func TestTiesAreBrokenWhereThereIsNoKey(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	p := policy(map[string]rbac.TableRule{"same": {Columns: map[string]rbac.Access{"d": rbac.Hidden, "at": rbac.Hidden, "t": rbac.Hidden}}})
	q := &lqp.Query{From: lqp.Source{Table: "same", Alias: "a"}, OrderBy: []lqp.Order{{Expr: lqp.Ref("a", "n"), Desc: true}}, Page: lqp.Page{Limit: 5},
		Joins:  []lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Table: "one", Alias: "b"}, On: call("eq", lqp.Ref("a", "n"), lqp.Ref("b", "n"))}},
		Select: []lqp.Named{{Name: "x", Expr: lqp.Ref("b", "t")}}}
	plan, err := Rewrite(q, input(tables, p))
	require.NoError(t, err)
	assert.False(t, plan.Total())
	assert.Len(t, plan.Query().Select, 1)
	var keys []string
	for _, o := range plan.Query().OrderBy {
		keys = append(keys, lqp.FormatExpr(o.Expr))
	}
	assert.Equal(t, []string{"{a.n}", "{a.id}", "{a.ref}", "{a.b}", "{a.day}", "{b.id}"}, keys)
}

func TestPositionMustFitTheWholeOrder(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	_, err := Rewrite(&lqp.Query{From: lqp.Source{Table: "one"}, OrderBy: []lqp.Order{{Expr: col("n")}}, Page: lqp.Page{After: []lqp.Value{lqp.IntValue(1)}}},
		input(tables, policy(nil)))
	var p lqp.Problems
	require.ErrorAs(t, err, &p)
	assert.Equal(t, "$.pagination", p[0].Path)
}

// Nobody outside can make a Plan but by Rewrite: all its fields are its own.
func TestPlanIsOpaque(t *testing.T) {
	typ := reflect.TypeFor[Plan]()
	for i := range typ.NumField() {
		assert.False(t, typ.Field(i).IsExported(), typ.Field(i).Name)
	}
}
