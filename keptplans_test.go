package livetables_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// answerOf is what a query answers with, or the code of its error.
func answerOf(rows *livetables.Rows, err error) string {
	if err != nil {
		return "error " + livetables.Code(err)
	}
	defer rows.Close()
	var out []byte
	for _, c := range rows.Columns {
		out = append(append(out, c.Name...), ' ')
	}
	for rows.Next() {
		out = append(out, '\n')
		for i := range rows.Columns {
			out = append(rows.AppendJSON(out, i), '|')
		}
	}
	if err := rows.Err(); err != nil {
		return string(out) + "error " + livetables.Code(err)
	}
	return fmt.Sprintf("%s\nmore %v", out, rows.More())
}

// keptWorld is two tables and a view of which much is asked and much changed.
type keptWorld struct {
	*world
	r       *rand.Rand
	engines []*livetables.Engine
	people  []rbac.Principal
	columns []string // of the table, by id: Name, Region, N, Day
	names   []string // what they are called now
	table   *minidb.Table
	other   *minidb.Table
	view    *minidb.View
	role    rbac.Role
	log     []string
}

func newKeptWorld(t *testing.T, seed uint64) *keptWorld {
	t.Helper()
	w := &keptWorld{world: newWorld(t), r: rand.New(rand.NewPCG(seed, 1)), names: []string{"Name", "Region", "N", "Day"}}
	ctx := t.Context()
	w.engines = []*livetables.Engine{w.engine, w.second()}
	w.table = w.world.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Region", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Day", Type: minidb.DateColumn})
	w.other = w.world.table("U", minidb.ColumnSpec{Name: "Region", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "M", Type: minidb.IntegerColumn})
	for i := range w.table.Columns {
		w.columns = append(w.columns, w.table.Columns[i].ID)
	}
	var rows [][]string
	for i := range 24 {
		rows = append(rows, []string{keptTexts[i%(len(keptTexts)-1)], []string{"north", "south", "viewer"}[i%3], strconv.Itoa(i % 5), fmt.Sprintf("2024-01-%02d", 1+i%9)})
	}
	w.insert(w.owner, w.table, rows...)
	w.insert(w.owner, w.other, []string{"north", "1"}, []string{"south", "2"})
	var err error
	w.view, err = w.owner.CreateView(ctx, w.base, livetables.ViewSpec{Name: "V", Query: &lqp.Query{From: lqp.Source{Table: w.table.ID}, Where: expr(t, `N > 1`)}})
	require.NoError(t, err)
	role, err := w.owner.PutRole(ctx, w.workspace, "", minidb.RoleSpec{Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData, On: w.table.ID}}}, 0)
	require.NoError(t, err)
	w.role = role.ID
	_, err = w.owner.SetMember(ctx, w.workspace, "custom", w.role)
	require.NoError(t, err)
	_, err = w.owner.SetMemberAttributes(ctx, w.workspace, "editor", minidb.Attributes{"region": lqp.TextValue("south")})
	require.NoError(t, err)
	reads := []rbac.Action{rbac.ReadData}
	w.people = []rbac.Principal{{ID: "owner"}, {ID: "editor"}, {ID: "viewer"}, {ID: "custom"}, {ID: "stranger"},
		{ID: "viewer", Attributes: map[string]lqp.Value{"region": lqp.TextValue("north")}},
		{ID: "viewer", Attributes: map[string]lqp.Value{"region": lqp.TextValue("south")}},
		{ID: "viewer", Scope: &rbac.Scope{Actions: reads, Resources: []string{w.table.ID}}},
		{ID: "viewer", Scope: &rbac.Scope{Actions: reads, Resources: []string{w.other.ID}}},
		{ID: "viewer", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.WriteRows}}}}
	return w
}

// keptTexts are texts that a careless statement would take for something else.
var keptTexts = []string{"a", "b", "a ", "", "Zürich", "O'Brien", "100%", "12", "2024-01-02", "true", "?", "$1", `"q"`, "viewer", strings.Repeat("x", 127),
	strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("x", 300)} // the last one is longer than a cell may be

func (w *keptWorld) one(of ...string) string { return of[w.r.IntN(len(of))] }

// ask is a query of a few shapes, with texts of many kinds.
func (w *keptWorld) ask() *lqp.Query {
	is := func(column, text string) lqp.Expr {
		return lqp.NewCall("eq", lqp.Ref("", column), lqp.Literal(lqp.TextValue(text)))
	}
	q := &lqp.Query{From: lqp.Source{Table: w.table.ID}}
	name, region := is(w.one(w.columns[0], w.names[0]), w.one(keptTexts...)), is(w.columns[1], w.one("north", "south", "viewer"))
	switch w.r.IntN(13) {
	case 0:
		q.Where = name
	case 1:
		q.Where = lqp.And(name, region)
	case 2:
		q.Where = lqp.NewCall("or", name, region)
	case 3:
		q.Where = lqp.NewCall("eq", lqp.Literal(lqp.TextValue(w.one(keptTexts...))), lqp.Ref("", w.columns[0]))
	case 4:
		q.Where = is(w.columns[2], w.one("1", "4", "x"))
	case 5:
		q.Where = is(w.columns[3], w.one("2024-01-02", "2024-01-03", "never"))
	case 6:
		q.Where = lqp.And(region, lqp.NewCall("gt", lqp.Ref("", w.columns[2]), lqp.Literal(lqp.IntValue(int64(w.r.IntN(3))))))
	case 7:
		q.From.Table = w.view.ID
		q.Where = is("Region", w.one("north", "south"))
	case 8:
		q.From.Alias = "t"
		q.Joins = []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Table: w.other.ID, Alias: "u"}, On: lqp.NewCall("eq", lqp.Ref("t", w.columns[1]), lqp.Ref("u", w.other.Columns[0].ID))}}
		q.Where = lqp.NewCall("eq", lqp.Ref("u", w.other.Columns[0].ID), lqp.Literal(lqp.TextValue(w.one("north", "south"))))
	case 9:
		q.OrderBy = []lqp.Order{{Expr: lqp.Ref("", w.columns[w.r.IntN(3)]), Desc: w.r.IntN(2) == 0}}
		q.Where = region
	case 10:
		q.Where = lqp.And(region, lqp.NewCall("le", lqp.Ref("", w.columns[3]), &lqp.Param{Name: "today"}))
	case 11:
		q.From.Table = w.other.ID
		q.Where = is("Region", w.one("north", "south"))
	case 12:
		q.Aggregates = []lqp.Aggregate{{Name: "n", Func: "countall"}}
		q.Where = region
	}
	q.Page.Limit = 1 + w.r.IntN(4)
	return q
}

// change makes one change of what a plan depends on. Those that are refused change nothing, and that is right too.
func (w *keptWorld) change() {
	ctx, owner := w.t.Context(), w.engines[w.r.IntN(len(w.engines))].As(rbac.Principal{ID: "owner"})
	ref := rbac.TableRef{Table: w.table.ID}
	role := []rbac.Role{rbac.Viewer, rbac.Editor, w.role}[w.r.IntN(3)]
	user := w.one("viewer", "editor", "custom")
	at := w.r.IntN(len(w.columns))
	kind := w.r.IntN(12)
	var err error
	switch kind {
	case 0, 1, 2:
		rule := livetables.RuleSpec{Table: ref, Role: role}
		if read := w.one("", `N < 3`, `Region = USER("region")`, `Region = CURRENT_USER()`, `Day < TODAY()`, `Name = "a"`); read != "" {
			rule.Read = columnsNow(w, read)
		}
		if w.r.IntN(2) == 0 {
			access := []rbac.Access{rbac.Hidden, rbac.Masked}[w.r.IntN(2)]
			rule.Columns = map[string]rbac.Access{w.columns[at]: access}
			if access == rbac.Masked && at < 2 {
				rule.Masks = map[string]lqp.Expr{w.columns[at]: columnsNow(w, w.one(`"a"`, `IF(N > 2, Name, "a")`, `UPPER(Region)`, `Name`))}
			}
		}
		err = owner.PutRule(ctx, w.workspace, rule)
	case 3:
		err = owner.DeleteRule(ctx, w.workspace, ref, role)
	case 4:
		_, err = owner.SetMember(ctx, w.workspace, user, []rbac.Role{rbac.Viewer, rbac.Editor, w.role}[w.r.IntN(3)])
	case 5:
		err = owner.RemoveMember(ctx, w.workspace, user)
	case 6:
		_, err = owner.SetMemberAttributes(ctx, w.workspace, user, minidb.Attributes{"region": lqp.TextValue(w.one("north", "south"))})
	case 7:
		_, err = owner.SetCap(ctx, w.one(w.base, w.table.ID), rbac.Cap{Role: rbac.Viewer, Max: []rbac.Role{rbac.Nothing, rbac.Viewer}[w.r.IntN(2)]})
	case 8:
		err = owner.RemoveCap(ctx, w.one(w.base, w.table.ID), rbac.Viewer, "")
	case 9:
		to := fmt.Sprintf("%s%d", []string{"Name", "Region", "N", "Day"}[at], w.r.IntN(2))
		if _, err = owner.UpdateColumn(ctx, w.columns[at], minidb.ColumnPatch{Name: &to}, 0); err == nil {
			w.names[at] = to
		}
	case 10:
		_, err = owner.AddColumn(ctx, w.table.ID, minidb.ColumnSpec{Name: fmt.Sprint("More", len(w.log)), Type: minidb.TextColumn}, 0)
	case 11:
		_, err = owner.PutRole(ctx, w.workspace, w.role, minidb.RoleSpec{Name: "R", Base: rbac.Viewer,
			Grants: []rbac.Grant{{Action: rbac.ReadData, On: w.one(w.table.ID, w.other.ID)}}}, 0)
	}
	w.log = append(w.log, fmt.Sprintf("%d %s %s %d: %v", kind, role, user, at, err))
}

// columnsNow is a formula about the table with the names that its columns have now.
func columnsNow(w *keptWorld, text string) lqp.Expr {
	return lqp.Rewrite(expr(w.t, text), func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			for i, name := range []string{"Name", "Region", "N", "Day"} {
				if c.Column == name {
					return lqp.Ref("", w.columns[i])
				}
			}
		}
		return e
	})
}

// TestKeptPlansChangeNothing: whatever is changed of a workspace through one engine, the next read of anybody through any engine
// is the one that a plan made for it gives, and nobody is answered by what was made for another.
func TestKeptPlansChangeNothing(t *testing.T) {
	w := newKeptWorld(t, testseed.Of(t))
	ctx := t.Context()
	ready := 0
	for range 60 {
		for range w.r.IntN(3) {
			w.change()
		}
		queries := []*lqp.Query{w.ask(), w.ask(), w.ask()}
		for range 14 {
			q, p := queries[w.r.IntN(len(queries))], w.people[w.r.IntN(len(w.people))]
			a := w.engines[w.r.IntN(len(w.engines))].As(p)
			got := answerOf(a.Query(ctx, w.workspace, q))
			want := answerOf(livetables.QueryAnew(ctx, a, w.workspace, q))
			require.Equal(t, want, got, "%+v asks %s after %s", p, lqp.EncodeQuery(q), strings.Join(w.log, "\n"))
		}
		_, prepared, _ := livetables.KeptPlans(w.engine)
		ready += prepared
	}
	require.Greater(t, ready, 30, "the test has compared nothing")
}

// TestKeptPlansAreOfOnePrincipal: principals that differ in one thing each ask the same, in turn.
func TestKeptPlansAreOfOnePrincipal(t *testing.T) {
	w := newKeptWorld(t, 1)
	ctx := t.Context()
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: w.table.ID}, Role: rbac.Viewer, Read: expr(t, `Region = USER("region")`)}))
	in := func(region string) map[string]lqp.Value {
		return map[string]lqp.Value{"region": lqp.TextValue(region), "other": lqp.IntValue(1)}
	}
	reads := []rbac.Action{rbac.ReadData}
	q := &lqp.Query{From: lqp.Source{Table: w.table.ID}, Where: lqp.NewCall("eq", lqp.Ref("", "Name"), lqp.Literal(lqp.TextValue("b"))), Select: cols(t, "Region")}
	for range 3 {
		for _, c := range []struct {
			p    rbac.Principal
			want string
		}{
			{rbac.Principal{ID: "owner"}, "south north"},
			{rbac.Principal{ID: "viewer", Attributes: in("north")}, "north"},
			{rbac.Principal{ID: "viewer", Attributes: in("south")}, "south"},
			{rbac.Principal{ID: "viewer", Attributes: in("east")}, ""},
			{rbac.Principal{ID: "viewer"}, "error " + livetables.CodeInvalid},
			{rbac.Principal{ID: "viewer", Attributes: in("north"), Scope: &rbac.Scope{Actions: reads, Resources: []string{w.table.ID}}}, "north"},
			{rbac.Principal{ID: "viewer", Attributes: in("north"), Scope: &rbac.Scope{Actions: reads, Resources: []string{w.other.ID}}}, "error " + livetables.CodeInvalid},
			{rbac.Principal{ID: "viewer", Attributes: in("north"), Scope: &rbac.Scope{}}, "error " + livetables.CodeForbidden},
			{rbac.Principal{ID: "viewer", Attributes: in("north"), View: w.view.ID}, "error " + livetables.CodeNotFound},
			{rbac.Principal{ID: "editor"}, "south north"},
			{rbac.Principal{ID: "custom", Attributes: in("south")}, "south"}, // what binds viewers binds a role made of them
			{rbac.Principal{ID: "stranger", Attributes: in("north")}, "error " + livetables.CodeNotFound},
		} {
			rows, err := w.engines[w.r.IntN(2)].As(c.p).Query(ctx, w.workspace, q)
			if err != nil {
				require.Equal(t, c.want, "error "+livetables.Code(err), "%+v", c.p)
				continue
			}
			require.Equal(t, c.want, strings.Join(slices.Compact(all(t, rows, nil)), " "), "%+v", c.p)
		}
	}
}

// TestKeptPlansTellTheTime: what asks for the time, a query or a rule, is answered by that of its own moment.
func TestKeptPlansTellTheTime(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	e := w.beside(livetables.Options{Clock: func() time.Time { return now }})
	tbl := w.table("T", minidb.ColumnSpec{Name: "Day", Type: minidb.DateColumn})
	w.insert(w.owner, tbl, []string{"2026-01-01"}, []string{"2026-01-02"})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, `Day <= TODAY()`)}))
	due := &lqp.Query{From: lqp.Source{Table: tbl.ID}, Where: expr(t, `Day <= TODAY()`), Select: cols(t, "Day")}
	every := &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, "Day")}
	for day := range 3 {
		for range 2 {
			rows, err := e.As(rbac.Principal{ID: "owner"}).Query(ctx, w.workspace, due)
			require.Len(t, all(t, rows, err), min(1+day, 2))
			rows, err = e.As(rbac.Principal{ID: "viewer"}).Query(ctx, w.workspace, every)
			require.Len(t, all(t, rows, err), min(1+day, 2))
		}
		now = now.AddDate(0, 0, 1)
	}
}

// TestKeptPlansAreBounded: whoever asks for something else each time takes a part of the memory and no more, and what is asked
// again and again stays.
func TestKeptPlansAreBounded(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	w.insert(w.owner, tbl, []string{"1"})
	ctx := t.Context()
	long := strings.Repeat("y", 12_000)
	most := 0
	for i := range 1_500 {
		q := &lqp.Query{From: lqp.Source{Table: tbl.ID}, Where: lqp.NewCall("ne", lqp.Ref("", "N"), lqp.Literal(lqp.IntValue(int64(i)+2))),
			Select: []lqp.Named{{Name: "n", Expr: lqp.Ref("", "N")}, {Name: "text", Expr: lqp.Literal(lqp.TextValue(long))}}}
		rows, err := w.owner.Query(ctx, w.workspace, q)
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		plans, _, bytes := livetables.KeptPlans(w.engine)
		require.LessOrEqual(t, bytes, livetables.MaxKeptPlans)
		require.Positive(t, plans)
		most = max(most, plans)
	}
	plans, _, _ := livetables.KeptPlans(w.engine)
	require.Less(t, plans, 1_500, "the test has filled nothing")
	_, err := w.owner.AddColumn(ctx, tbl.ID, minidb.ColumnSpec{Name: "M", Type: minidb.IntegerColumn}, 0)
	require.NoError(t, err)
	rows, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	require.NoError(t, err)
	require.NoError(t, rows.Close())
	plans, _, _ = livetables.KeptPlans(w.engine)
	require.Equal(t, 1, plans, "plans of an older catalogue of the workspace are forgotten, %d at most before", most)
}
