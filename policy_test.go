package livetables_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func TestRoleMatrix(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	insert := func(a *livetables.Access) error {
		_, err := a.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: tbl.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "N", Value: lqp.IntValue(1)}}}}})
		return err
	}
	view := func(a *livetables.Access) error {
		_, err := a.CreateView(ctx, w.base, livetables.ViewSpec{Name: a.Principal().ID, Query: &lqp.Query{From: lqp.Source{Table: tbl.ID}}})
		return err
	}
	alter := func(a *livetables.Access) error {
		_, err := a.AddColumn(ctx, tbl.ID, minidb.ColumnSpec{Name: a.Principal().ID, Type: minidb.TextColumn}, 0)
		return err
	}
	connect := func(a *livetables.Access) error {
		_, err := a.CreateConnection(ctx, w.workspace, livetables.ConnectionSpec{Name: a.Principal().ID, Driver: "postgres", Host: "db.example", Database: "d", User: "u"})
		return err
	}
	makeAdmin := func(a *livetables.Access) error {
		_, err := a.SetMember(ctx, w.workspace, "somebody", rbac.Admin)
		return err
	}
	read := func(a *livetables.Access) error {
		rows, err := a.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
		if err == nil {
			err = rows.Close()
		}
		return err
	}
	audit := func(a *livetables.Access) error {
		_, err := a.AuditLog(ctx, w.workspace, livetables.HistoryFilter{})
		return err
	}
	for _, tc := range []struct {
		name string
		do   func(*livetables.Access) error
		may  map[string]bool // who else is forbidden
	}{
		{"read data", read, map[string]bool{"owner": true, "admin": true, "editor": true, "viewer": true}},
		{"write rows", insert, map[string]bool{"owner": true, "admin": true, "editor": true}},
		{"make views", view, map[string]bool{"owner": true, "admin": true, "editor": true}},
		{"alter tables", alter, map[string]bool{"owner": true, "admin": true}},
		{"manage connections", connect, map[string]bool{"owner": true, "admin": true}},
		{"read the audit log", audit, map[string]bool{"owner": true, "admin": true}},
		{"grant admin", makeAdmin, map[string]bool{"owner": true}},
	} {
		for _, a := range []*livetables.Access{w.owner, w.admin, w.editor, w.viewer} {
			err := tc.do(a)
			if tc.may[a.Principal().ID] {
				assert.NoError(t, err, "%s: %s", tc.name, a.Principal().ID)
			} else {
				assert.ErrorIs(t, err, livetables.ErrForbidden, "%s: %s", tc.name, a.Principal().ID)
			}
		}
		assert.ErrorIs(t, tc.do(w.stranger), livetables.ErrNotFound, "%s: a stranger", tc.name)
	}
	assert.ErrorIs(t, w.admin.DeleteWorkspace(ctx, w.workspace, 0), livetables.ErrForbidden)
	_, err := w.owner.SetMember(ctx, w.workspace, "owner", rbac.Viewer)
	assert.ErrorIs(t, err, livetables.ErrForbidden, "nobody changes their own role")
	assert.ErrorIs(t, w.owner.RemoveMember(ctx, w.workspace, "owner"), minidb.ErrLastOwner)
}

// A hidden column answers exactly like one that was never there, whatever it is asked in.
func TestHiddenColumnDoesNotExist(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn})
	salary := tbl.Columns[1].ID
	ids := w.insert(w.owner, tbl, []string{"Ann", "100"}, []string{"Bob", "200"})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer,
		Columns: map[string]rbac.Access{salary: rbac.Hidden}}))
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Columns: map[string]rbac.Access{salary: rbac.ReadOnly}}))

	from := lqp.Source{Table: tbl.ID, Alias: "t"}
	for name, q := range map[string]func(column string) lqp.Query{
		"select": func(c string) lqp.Query { return lqp.Query{From: from, Select: cols(t, c)} },
		"filter": func(c string) lqp.Query { return lqp.Query{From: from, Where: expr(t, c+" > 150")} },
		"sort":   func(c string) lqp.Query { return lqp.Query{From: from, OrderBy: order(t, c)} },
		"group":  func(c string) lqp.Query { return lqp.Query{From: from, GroupBy: cols(t, "x="+c)} },
		"max": func(c string) lqp.Query {
			return lqp.Query{From: from, Aggregates: []lqp.Aggregate{{Name: "m", Func: "max", Arg: expr(t, c)}}}
		},
		"compute": func(c string) lqp.Query { return lqp.Query{From: from, Compute: cols(t, "x="+c+" + 1")} },
		"join": func(c string) lqp.Query {
			return lqp.Query{From: from, Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Table: tbl.ID, Alias: "u"}, On: expr(t, "t."+c+" = u."+c)}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(column string) string {
				query := q(column)
				_, err := w.viewer.Query(ctx, w.workspace, &query)
				require.Error(t, err)
				return err.Error()
			}
			hidden, never := ask("Salary"), ask("Celery")
			assert.Equal(t, never, replaceAll(hidden, "Salary", "Celery"))
		})
	}
	query := lqp.Query{From: from}
	rows, err := w.viewer.Query(ctx, w.workspace, &query)
	for _, r := range all(t, rows, err) {
		assert.NotContains(t, r, "100")
	}
	seen, err := w.viewer.Table(ctx, tbl.ID)
	require.NoError(t, err)
	assert.Len(t, seen.Columns, 1)
	assert.Nil(t, seen.Schema().Column(salary))
	history, err := w.viewer.RowHistory(ctx, tbl.ID, ids[0], livetables.HistoryFilter{})
	require.NoError(t, err)
	require.Len(t, history, 1)
	assert.NotContains(t, string(history[0].After), "100")
	assert.Contains(t, string(history[0].After), "Ann")

	_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[0])},
		Set: []lqp.Assignment{{Column: "Salary", Value: lqp.IntValue(1)}}}}})
	assert.ErrorIs(t, err, livetables.ErrForbidden, "read-only is not writable")
}

// Row rules may speak of columns that their subject does not know.
func TestExplainKeepsRulesToThemselves(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn})
	salary := tbl.Columns[1].ID
	for _, role := range []rbac.Role{rbac.Viewer, rbac.Admin} {
		require.NoError(t, w.owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: role,
			Read: expr(t, "Salary < 1234"), Columns: map[string]rbac.Access{salary: rbac.Hidden}}))
	}
	w.insert(w.owner, tbl, []string{"b", "1"}, []string{"c", "5000"}, []string{"d", "5000"})
	q := &lqp.Query{From: lqp.Source{Table: tbl.ID, Alias: "t"}, Where: expr(t, `Name > "a"`), OrderBy: order(t, "Name")}
	for name, explain := range map[string]func(*livetables.Access) (*livetables.Explanation, error){
		"explain": func(a *livetables.Access) (*livetables.Explanation, error) {
			return a.Explain(t.Context(), w.workspace, q)
		},
		"analyze": func(a *livetables.Access) (*livetables.Explanation, error) {
			return a.Analyze(t.Context(), w.workspace, q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := explain(w.viewer)
			require.NoError(t, err)
			for _, text := range []string{x.String(), string(mustJSON(t, x))} {
				assert.NotContains(t, text, "Salary")
				assert.NotContains(t, text, salary)
				assert.NotContains(t, text, "1234")
				assert.Contains(t, text, "viewer", "that there is a rule is said")
			}
			assert.Nil(t, x.Tree)
			x2, err := explain(w.admin)
			require.NoError(t, err)
			assert.Contains(t, x2.String(), "Salary} < 1234")
			assert.Contains(t, x2.Parts[0].Native, salary)
			if name == "analyze" {
				assert.Equal(t, &exec.Actual{Rows: 1}, x.Actual, "not how many rows there were to read, nor how long that took")
				assert.Equal(t, &exec.Actual{Rows: 1}, x2.Actual, "who manages rules is bound by them")
				assert.Nil(t, x2.Tree.Actual)
				x3, err := explain(w.owner)
				require.NoError(t, err)
				assert.Equal(t, int64(3), x3.Tree.Actual.Rows)
			}
		})
	}
}

// What a principal sees equals what it would see had everything invisible been deleted: random rules, random filters,
// against rows filtered one by one.
func TestRowRulesAgainstFilteredCopy(t *testing.T) {
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	ctx := t.Context()
	columns := []minidb.ColumnSpec{{Name: "G", Type: minidb.TextColumn}, {Name: "N", Type: minidb.IntegerColumn}}
	whole, copied := w.table("Whole", columns...), w.table("Copy", columns...)
	other := w.table("Other", minidb.ColumnSpec{Name: "G", Type: minidb.TextColumn})
	w.insert(w.owner, other, []string{"a"}, []string{"b"}, []string{"c"}, []string{""})
	var rows [][]string
	for range 60 {
		rows = append(rows, []string{[]string{"a", "b", "c", ""}[rnd.IntN(4)], []string{"", sprint("%d", rnd.IntN(9))}[min(1, rnd.IntN(6))]})
	}
	w.insert(w.owner, whole, rows...)

	predicates := []string{"N > 3", "N <= 5", `G = "a"`, `G <> "b"`, "IS_BLANK(N)", `N > 2 AND G IN ("a", "c")`, `OR(G = "c", N = 1)`, "NOT(N < 4)", "TRUE"}
	queries := func(table string) []lqp.Query {
		from := lqp.Source{Table: table, Alias: "t"}
		filter := expr(t, predicates[rnd.IntN(len(predicates))])
		return []lqp.Query{
			{From: from, Where: filter, Select: cols(t, "G", "N"), OrderBy: order(t, "-N", "G"), Count: lqp.CountExact},
			{From: from, Where: filter, GroupBy: cols(t, "g=G"), Aggregates: []lqp.Aggregate{{Name: "s", Func: "sum", Arg: expr(t, "N")}, {Name: "n", Func: "countall"}}, OrderBy: order(t, "g")},
			{From: from, Where: filter, Aggregates: []lqp.Aggregate{{Name: "m", Func: "max", Arg: expr(t, "N")}, {Name: "n", Func: "countall"}}},
			{From: lqp.Source{Table: other.ID, Alias: "o"}, Joins: []lqp.Join{{Kind: lqp.Left, Source: from, On: expr(t, "t.G = o.G AND "+predicates[rnd.IntN(2)])}}, Select: cols(t, "o.G", "t.N"), OrderBy: order(t, "o.G", "t.N")},
			{From: lqp.Source{Table: other.ID, Alias: "o"}, Joins: []lqp.Join{{Kind: lqp.Full, Source: from, On: expr(t, "t.G = o.G")}}, Select: cols(t, "x=o.G", "t.N"), OrderBy: order(t, "o.G", "t.N")},
			{From: from, Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Table: table, Alias: "u"}, On: expr(t, "t.G = u.G AND t.N < u.N")}}, Select: cols(t, "t.N", "m=u.N"), OrderBy: order(t, "t.N", "u.N")},
			{From: lqp.Source{Query: &lqp.Query{From: from, GroupBy: cols(t, "g=G"), Aggregates: []lqp.Aggregate{{Name: "n", Func: "countall"}}}, Alias: "v"}, Where: expr(t, "n > 2"), OrderBy: order(t, "g")},
		}
	}
	for range 25 {
		rule := predicates[rnd.IntN(len(predicates))]
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: whole.ID}, Role: rbac.Viewer, Read: expr(t, rule)}))
		_, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Delete, Table: copied.ID, AllRows: true})
		require.NoError(t, err)
		visible, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: whole.ID}, Where: expr(t, rule), Select: cols(t, "G", "N"), Page: lqp.Page{Limit: 1000}})
		var kept [][]string
		for _, r := range all(t, visible, err) {
			kept = append(kept, unnull(r))
		}
		if len(kept) > 0 {
			w.insert(w.owner, copied, kept...)
		}
		state := rnd.Uint64()
		rnd = rand.New(rand.NewPCG(state, 1))
		ruled := queries(whole.ID)
		rnd = rand.New(rand.NewPCG(state, 1))
		naive := queries(copied.ID)
		for i := range ruled {
			got, err := w.viewer.Query(ctx, w.workspace, &ruled[i])
			gotRows := all(t, got, err)
			want, err := w.owner.Query(ctx, w.workspace, &naive[i])
			wantRows := all(t, want, err)
			assert.ElementsMatch(t, wantRows, gotRows, "rule %s, query %d, seed %d", rule, i, seed)
			gotCount, _ := got.Count()
			wantCount, _ := want.Count()
			assert.Equal(t, wantCount, gotCount, "rule %s, query %d, seed %d", rule, i, seed)
		}
	}
}

// A broken rule closes its table; it never opens it.
func TestBrokenRuleCloses(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Team", Type: minidb.TextColumn})
	w.insert(w.owner, tbl, []string{"1", "x"})
	rule := func(text string) {
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, text)}))
	}
	rule(`Team = "x"`)
	rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	require.Len(t, all(t, rows, err), 1)
	var impact *livetables.ImpactError
	require.ErrorAs(t, w.owner.DeleteColumn(ctx, tbl.Columns[1].ID, 0), &impact, "it is not broken by accident")
	require.NoError(t, w.owner.RemoveColumn(ctx, tbl.Columns[1].ID, minidb.Removal{Force: true}))
	_, err = w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	broken := err
	_, err = w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: minidb.NewID("tbl")}})
	assert.Equal(t, withoutIDs(err), withoutIDs(broken), "closed is like never there")
	rows, err = w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.Len(t, all(t, rows, err), 1, "the rule is the viewer's alone")
}

func TestWritesAreCheckedBeforeAndAfter(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Team", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	ids := w.insert(w.owner, tbl, []string{"red", "1"}, []string{"blue", "2"})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Read: expr(t, `Team = "red" OR N > 100`), Create: expr(t, `Team = "red"`), Update: expr(t, `Team = "red"`)}))
	update := func(id, column string, v lqp.Value) error {
		_, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}, Set: []lqp.Assignment{{Column: column, Value: v}}}}})
		return err
	}
	assert.NoError(t, update(ids[0], "N", lqp.IntValue(7)))
	assert.ErrorIs(t, update(ids[0], "Team", lqp.TextValue("blue")), livetables.ErrForbidden, "a row is not moved out of reach")
	assert.ErrorIs(t, update(ids[1], "N", lqp.IntValue(7)), livetables.ErrNotFound, "a row out of sight is missing")
	_, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: tbl.ID, Rows: []lqp.RowChange{
		{Set: []lqp.Assignment{{Column: "Team", Value: lqp.TextValue("red")}}}, {Set: []lqp.Assignment{{Column: "Team", Value: lqp.TextValue("blue")}}}}})
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	rows, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.Len(t, all(t, rows, err), 2, "a refused batch leaves nothing")
}
