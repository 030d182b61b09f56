package livetables

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// TestPlanKeysNameEverything: a field that is new somewhere has to be thought about, and then listed: is it in the key?
func TestPlanKeysNameEverything(t *testing.T) {
	for _, c := range []struct {
		of     any
		fields string
	}{
		{rbac.Principal{}, "ID View Key Scope Attributes Valid Proof Request Address"}, // not Valid, Proof and Request
		{rbac.Scope{}, "Actions Resources"},
		{lqp.Query{}, "From Joins Where Compute GroupBy Aggregates Having Select OrderBy Page Count TimeZone"},
		{lqp.Source{}, "Connection Table Query Alias Schema"}, // Schema is put there by Bind
		{lqp.Join{}, "Kind Source On"},
		{lqp.Named{}, "Name Expr"},
		{lqp.Aggregate{}, "Name Func Arg Filter OrderBy typ"}, // typ is put there by Bind
		{lqp.Order{}, "Expr Desc Nulls Whole Manual"},
		{lqp.Page{}, "Limit Offset Cursor After"}, // a plan is made without the cursor, and none with After is kept
		{lqp.Type{}, "Kind Elem Precision Scale MaxLen NotNull ASCII"},
		{lqp.Lit{}, "Val typ"},
		{lqp.Col{}, "Source Column From To typ slot"}, // places in a text are for problems; the others are put there by Bind
		{lqp.Call{}, "Func Args From To typ zone fn"}, // likewise
		{lqp.ListLit{}, "Items typ"},
		{lqp.Param{}, "Name From To"},
		{entry{}, "Snapshot e p eyes policy limits instead sights read past asOf labels anew guessed current foreseen row asked linked"},
	} {
		var names []string
		for i := range reflect.TypeOf(c.of).NumField() {
			names = append(names, reflect.TypeOf(c.of).Field(i).Name)
		}
		require.Equal(t, c.fields, strings.Join(names, " "), "%T", c.of)
	}
}

// TestPlanKeysTellApart: askings that differ in anything but what stands in a hole have different keys.
func TestPlanKeysTellApart(t *testing.T) {
	text := func(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }
	is := func(column string, e lqp.Expr) lqp.Expr { return lqp.NewCall("eq", lqp.Ref("", column), e) }
	keyOf := func(s *entry, q *lqp.Query, room int) (string, int) {
		k := &planKey{}
		k.write(s, q, room)
		require.False(t, k.unfit)
		return string(k.buf), len(k.holes)
	}
	plain := func() *entry { return &entry{p: rbac.Principal{ID: "u"}, limits: Limits{PageRows: 100}} }
	ask := func() *lqp.Query { return &lqp.Query{From: lqp.Source{Table: "t"}, Where: is("c", text("x"))} }
	keys := map[string]string{}
	for what, change := range map[string]func(s *entry, q *lqp.Query){
		"nothing":          func(*entry, *lqp.Query) {},
		"id":               func(s *entry, _ *lqp.Query) { s.p.ID = "v" },
		"view":             func(s *entry, _ *lqp.Query) { s.p.View = "v" },
		"key":              func(s *entry, _ *lqp.Query) { s.p.Key = "v" },
		"address":          func(s *entry, _ *lqp.Query) { s.p.Address = "v" },
		"empty scope":      func(s *entry, _ *lqp.Query) { s.p.Scope = &rbac.Scope{} },
		"scope":            func(s *entry, _ *lqp.Query) { s.p.Scope = &rbac.Scope{Actions: []rbac.Action{"a"}} },
		"resources":        func(s *entry, _ *lqp.Query) { s.p.Scope = &rbac.Scope{Resources: []string{"a"}} },
		"attribute":        func(s *entry, _ *lqp.Query) { s.p.Attributes = map[string]lqp.Value{"a": lqp.TextValue("1")} },
		"number attribute": func(s *entry, _ *lqp.Query) { s.p.Attributes = map[string]lqp.Value{"a": lqp.IntValue(1)} },
		"page":             func(s *entry, _ *lqp.Query) { s.limits.PageRows = 7 },
		"most":             func(s *entry, _ *lqp.Query) { s.limits.MaxPageRows = 100 },
		"table":            func(_ *entry, q *lqp.Query) { q.From.Table = "u" },
		"alias":            func(_ *entry, q *lqp.Query) { q.From.Alias = "u" },
		"column":           func(_ *entry, q *lqp.Query) { q.Where = is("d", text("x")) },
		"function":         func(_ *entry, q *lqp.Query) { q.Where = lqp.NewCall("ne", lqp.Ref("", "c"), text("x")) },
		"the other way":    func(_ *entry, q *lqp.Query) { q.Where = lqp.NewCall("eq", text("x"), lqp.Ref("", "c")) },
		"twice":            func(_ *entry, q *lqp.Query) { q.Where = lqp.NewCall("and", q.Where, q.Where) },
		"number":           func(_ *entry, q *lqp.Query) { q.Where = is("c", lqp.Literal(lqp.IntValue(1))) },
		"another number":   func(_ *entry, q *lqp.Query) { q.Where = is("c", lqp.Literal(lqp.IntValue(2))) },
		"float":            func(_ *entry, q *lqp.Query) { q.Where = is("c", lqp.Literal(lqp.FloatValue(1))) },
		"null":             func(_ *entry, q *lqp.Query) { q.Where = is("c", lqp.Literal(lqp.NullValue)) },
		"typed null":       func(_ *entry, q *lqp.Query) { q.Where = is("c", lqp.TypedNull(lqp.Type{Kind: lqp.Text})) },
		"date":             func(_ *entry, q *lqp.Query) { q.Where = is("c", lqp.Literal(lqp.DateValue(1))) },
		"instant":          func(_ *entry, q *lqp.Query) { q.Where = is("c", lqp.Literal(lqp.DateTimeValue(1))) },
		"list of texts": func(_ *entry, q *lqp.Query) {
			q.Where = is("c", lqp.Literal(lqp.ListValue([]lqp.Value{lqp.TextValue("2024-01-01")})))
		},
		"list of dates": func(_ *entry, q *lqp.Query) {
			q.Where = is("c", lqp.Literal(lqp.ListValue([]lqp.Value{lqp.DateValue(19723)})))
		},
		"empty text":       func(_ *entry, q *lqp.Query) { q.Where = is("c", text("")) },
		"space at the end": func(_ *entry, q *lqp.Query) { q.Where = is("c", text("x ")) },
		"long":             func(_ *entry, q *lqp.Query) { q.Where = is("c", text(strings.Repeat("x", maxHoleText+1))) },
		"in": func(_ *entry, q *lqp.Query) {
			q.Where = lqp.NewCall("in", lqp.Ref("", "c"), lqp.NewList(lqp.Literal(lqp.TextValue("x"))))
		},
		"parameter":    func(_ *entry, q *lqp.Query) { q.Where = is("c", &lqp.Param{Name: "now"}) },
		"negated":      func(_ *entry, q *lqp.Query) { q.Where = lqp.NewCall("not", q.Where) },
		"limit":        func(_ *entry, q *lqp.Query) { q.Page.Limit = 7 },
		"offset":       func(_ *entry, q *lqp.Query) { q.Page.Offset = 7 },
		"count":        func(_ *entry, q *lqp.Query) { q.Count = lqp.CountExact },
		"zone":         func(_ *entry, q *lqp.Query) { q.TimeZone = "Europe/Oslo" },
		"output":       func(_ *entry, q *lqp.Query) { q.Select = []lqp.Named{{Expr: lqp.Ref("", "c")}} },
		"computed":     func(_ *entry, q *lqp.Query) { q.Compute = []lqp.Named{{Expr: lqp.Ref("", "c")}} },
		"group":        func(_ *entry, q *lqp.Query) { q.GroupBy = []lqp.Named{{Expr: lqp.Ref("", "c")}} },
		"named output": func(_ *entry, q *lqp.Query) { q.Select = []lqp.Named{{Name: "c", Expr: lqp.Ref("", "c")}} },
		"sort":         func(_ *entry, q *lqp.Query) { q.OrderBy = []lqp.Order{{Expr: lqp.Ref("", "c")}} },
		"descending":   func(_ *entry, q *lqp.Query) { q.OrderBy = []lqp.Order{{Expr: lqp.Ref("", "c"), Desc: true}} },
		"nulls":        func(_ *entry, q *lqp.Query) { q.OrderBy = []lqp.Order{{Expr: lqp.Ref("", "c"), Nulls: lqp.NullsLast}} },
		"aggregate":    func(_ *entry, q *lqp.Query) { q.Aggregates = []lqp.Aggregate{{Func: "countall"}} },
		"filtered aggregate": func(_ *entry, q *lqp.Query) {
			q.Aggregates = []lqp.Aggregate{{Func: "countall", Filter: lqp.Ref("", "c")}}
		},
		"having":    func(_ *entry, q *lqp.Query) { q.Having = lqp.Ref("", "c") },
		"nested":    func(_ *entry, q *lqp.Query) { *q = lqp.Query{From: lqp.Source{Query: ask()}} },
		"join":      func(_ *entry, q *lqp.Query) { q.Joins = []lqp.Join{{Source: q.From, On: q.Where}} },
		"left join": func(_ *entry, q *lqp.Query) { q.Joins = []lqp.Join{{Kind: lqp.Left, Source: q.From, On: q.Where}} },
	} {
		s, q := plain(), ask()
		change(s, q)
		key, _ := keyOf(s, q, maxHoles)
		require.Empty(t, keys[key], "%s is as %s", what, keys[key])
		keys[key] = what
		whole, holes := keyOf(s, q, 0)
		require.Zero(t, holes)
		require.NotEmpty(t, whole)
	}
	// What stands in a hole makes no difference; with all texts in the key it does.
	for _, x := range []string{"y", "Zürich", strings.Repeat("z", maxHoleText)} {
		q := ask()
		q.Where = is("c", text(x))
		key, holes := keyOf(plain(), q, maxHoles)
		require.Equal(t, "nothing", keys[key], x)
		require.Equal(t, 1, holes)
		whole, _ := keyOf(plain(), q, 0)
		other, _ := keyOf(plain(), ask(), 0)
		require.NotEqual(t, other, whole)
	}
}

// TestHolesAreFilledWhereTheyWereFound: the constants stand where the texts of the key were, in the same order, and nowhere else.
func TestHolesAreFilledWhereTheyWereFound(t *testing.T) {
	plans := newKeptPlans()
	is := func(i int) lqp.Expr {
		col, lit := lqp.Ref("", fmt.Sprint("c", i)), lqp.Literal(lqp.TextValue(fmt.Sprint("text ", i)))
		if i%2 == 0 {
			return lqp.NewCall("eq", lit, col)
		}
		return lqp.NewCall("eq", col, lit)
	}
	for n := range maxHoles + 3 {
		var where []lqp.Expr
		for i := range n {
			where = append(where, is(i), lqp.NewCall("or", is(100), is(101)), lqp.NewCall("eq", lqp.Ref("", "n"), lqp.Literal(lqp.IntValue(int64(i)))))
		}
		q := &lqp.Query{From: lqp.Source{Table: "t"}, Where: lqp.And(where...)}
		if n == 1 {
			q.Where = is(0)
		}
		before := string(lqp.EncodeQuery(q))
		k := &planKey{}
		k.write(&entry{}, q, maxHoles)
		require.Len(t, k.holes, min(n, maxHoles))
		punched, left := withHoles(q.Where, plans.holes[:len(k.holes)])
		require.Empty(t, left)
		require.Equal(t, before, string(lqp.EncodeQuery(q)), "the query is not changed")
		text := string(lqp.EncodeExpr(punched))
		for i, h := range k.holes {
			require.Equal(t, fmt.Sprint("text ", i), h.Text())
			require.Equal(t, 1, strings.Count(text, plans.holes[i].Val.Text()))
			require.NotContains(t, text, fmt.Sprintf("%q", h.Text()))
			text = strings.Replace(text, plans.holes[i].Val.Text(), h.Text(), 1)
		}
		want := string(lqp.EncodeExpr(q.Where))
		require.Equal(t, want, text)
	}
}
