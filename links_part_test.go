package livetables_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// partWorld is a link world in which viewers and editors see open projects only.
func partWorld(t *testing.T, inverse *minidb.InverseSpec) *linkWorld {
	w := newLinkWorld(t, inverse)
	for _, role := range []rbac.Role{rbac.Viewer, rbac.Editor} {
		require.NoError(t, w.owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: w.projects.ID}, Role: role, Read: expr(t, "Open")}))
	}
	return w
}

// task makes a task with links.
func (w *linkWorld) task(name string, ids ...string) string {
	w.t.Helper()
	r, err := w.owner.Apply(w.t.Context(), w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: w.tasks.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{
		{Column: "Task", Value: lqp.TextValue(name)}, {Column: "Projects", Value: cellOf(ids...)}}}}})
	require.NoError(w.t, err)
	return r[0].Rows[0].ID
}

// cell is what somebody sees of the links of a task.
func (w *linkWorld) cell(a *livetables.Access, task string) string {
	w.t.Helper()
	rows, err := a.Query(w.t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: w.tasks.ID, Alias: "t"}, Select: cols(w.t, "Projects"), Where: expr(w.t, `RECORD_ID() = "`+task+`"`)})
	return strings.Join(all(w.t, rows, err), ";")
}

func TestReadersSeeTheLinksToRowsThatTheySee(t *testing.T) {
	w := partWorld(t, nil)
	ctx := t.Context()
	open, hidden, also := w.ids[0], w.ids[2], w.ids[1]
	x := w.task("x", open, hidden, also)
	w.task("y", hidden)
	from := lqp.Source{Table: w.tasks.ID, Alias: "t"}
	some := cellOf(open, also).String()
	for name, c := range map[string]struct {
		q    *lqp.Query
		want []string
	}{
		"page":    {&lqp.Query{From: from, Select: cols(t, "Task", "Projects"), OrderBy: order(t, "Task")}, []string{"x|" + some, "y|NULL"}},
		"renamed": {&lqp.Query{From: from, Select: cols(t, "p=Projects"), OrderBy: order(t, "Task")}, []string{some, "NULL"}},
		"nested": {&lqp.Query{From: lqp.Source{Alias: "v", Query: &lqp.Query{From: from, Where: expr(t, `Task = "x"`)}}, Select: cols(t, "Projects")},
			[]string{some}},
		"offset":       {&lqp.Query{From: from, Select: cols(t, "Projects"), OrderBy: order(t, "Task"), Page: lqp.Page{Limit: 1, Offset: 1}}, []string{"NULL"}},
		"formulas":     {&lqp.Query{From: from, Select: cols(t, "n=COUNTA(Projects)", "f=ARRAY_FIRST(Projects)"), OrderBy: order(t, "Task")}, []string{"0|NULL", "0|NULL"}},
		"filter":       {&lqp.Query{From: from, Select: cols(t, "Task"), Where: expr(t, `HAS(Projects, "`+hidden+`")`)}, []string{}},
		"count filter": {&lqp.Query{From: from, Select: cols(t, "Task"), Where: expr(t, `COUNTA(Projects) > 0`)}, []string{}},
		"join": {&lqp.Query{From: from, Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Table: w.projects.ID, Alias: "p"}, On: expr(t, `p.Name = "Apollo"`)}},
			Select: cols(t, "p.Name", "t.Projects"), OrderBy: order(t, "t.Task")}, []string{"Apollo|" + some, "Apollo|NULL"}},
	} {
		rows, err := w.viewer.Query(ctx, w.workspace, c.q)
		assert.Equal(t, c.want, all(t, rows, err), name)
		rows, err = w.viewer.Export(ctx, w.workspace, c.q)
		if c.q.Page.Limit == 0 {
			assert.Equal(t, c.want, all(t, rows, err), "export of %s", name)
		}
	}
	shown, err := w.viewer.Table(ctx, w.tasks.ID)
	require.NoError(t, err)
	c, _ := shown.Column(w.tasks.Columns[1].ID)
	assert.Equal(t, w.projects.ID, c.Options.Link.Table)

	// What a row shows follows its linked rows at once, and the past is shown by what is in sight now.
	_, err = w.owner.Apply(ctx, w.workspace, update(w.projects.ID, also, "Open", lqp.BoolValue(false)))
	require.NoError(t, err)
	assert.Equal(t, cellOf(open).String(), w.cell(w.viewer, x))
	_, err = w.owner.Apply(ctx, w.workspace, update(w.tasks.ID, x, "Projects", cellOf(hidden)))
	require.NoError(t, err)
	assert.Equal(t, "NULL", w.cell(w.viewer, x))
	log, err := w.viewer.RowHistory(ctx, w.tasks.ID, x, livetables.HistoryFilter{})
	require.NoError(t, err)
	require.Len(t, log, 2)
	for _, e := range log {
		assert.NotContains(t, string(e.Before)+string(e.After), hidden)
		assert.NotContains(t, string(e.Before)+string(e.After), also)
	}
	assert.Contains(t, string(log[0].Before), open)
	diff, err := w.viewer.RowDiff(ctx, w.tasks.ID, x, minidb.RowMoment{Version: 1}, minidb.RowMoment{Version: 2})
	require.NoError(t, err)
	require.Len(t, diff.Cells, 1)
	assert.Equal(t, cellOf(open).String()+" NULL", diff.Cells[0].From.String()+" "+diff.Cells[0].To.String())
	past, err := w.viewer.QueryAsOf(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: w.tasks.ID}, Select: cols(t, "Projects"), OrderBy: order(t, "Task")}, livetables.AsOf{Time: log[1].At})
	assert.Equal(t, cellOf(open).String(), all(t, past, err)[0])
	_, err = w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Delete, Table: w.tasks.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(x)}}}})
	require.NoError(t, err)
	trash, err := w.viewer.DeletedRows(ctx, w.tasks.ID, "", 0)
	require.NoError(t, err)
	require.Len(t, trash.Rows, 1)
	assert.NotContains(t, fmt.Sprint(trash.Rows[0].Values), hidden)
}

func TestSubscribersHearOfTheLinksThatTheySee(t *testing.T) {
	w := partWorld(t, nil)
	ctx := t.Context()
	open, hidden, also := w.ids[0], w.ids[2], w.ids[1]
	column := w.tasks.Columns[1].ID
	x := w.task("x")
	sub, err := w.viewer.Subscribe(ctx, w.tasks.ID, nil)
	require.NoError(t, err)
	defer sub.Close()
	set := func(ids ...string) {
		_, err := w.owner.Apply(ctx, w.workspace, update(w.tasks.ID, x, "Projects", cellOf(ids...)))
		require.NoError(t, err)
	}
	heard := func() string {
		f := next(t, sub)
		require.Len(t, f.Ops, 1)
		var cells map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(f.Ops[0].Set, &cells))
		return string(cells[column])
	}
	set(hidden, open)
	assert.JSONEq(t, `["`+open+`"]`, heard())
	set(open)
	nothing(t, sub)
	set(open, hidden, also)
	assert.JSONEq(t, `["`+open+`","`+also+`"]`, heard())
	// A row that goes takes its link along: who saw it is told, who did not is not.
	gone := func(id string) {
		_, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Delete, Table: w.projects.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}}}})
		require.NoError(t, err)
	}
	gone(also)
	assert.JSONEq(t, `["`+open+`"]`, heard())
	gone(hidden)
	nothing(t, sub)
	gone(open)
	assert.Equal(t, `null`, heard())
}

func TestWritersOfSomeLinksKeepTheOthers(t *testing.T) {
	for _, inverse := range []*minidb.InverseSpec{nil, {Name: "Tasks"}} {
		w := partWorld(t, inverse)
		ctx := t.Context()
		open, hidden, also := w.ids[0], w.ids[2], w.ids[1]
		x := w.task("x", hidden, open)
		put := func(version int64, ids ...string) ([]livetables.Result, error) {
			m := update(w.tasks.ID, x, "Projects", cellOf(ids...))
			if len(ids) == 0 {
				m = update(w.tasks.ID, x, "Projects", lqp.Value{})
			}
			m.Rows[0].Version, m.Rows[0].Merge = version, version != 0
			return w.editor.Apply(ctx, w.workspace, m)
		}
		r, err := put(0, also, open)
		require.NoError(t, err)
		assert.NotContains(t, fmt.Sprint(r[0].Rows[0].Before, r[0].Rows[0].After), hidden)
		assert.Contains(t, fmt.Sprint(r[0].Rows[0].After), also)
		assert.Equal(t, cellOf(also, open, hidden).String(), w.cell(w.owner, x))
		r, err = put(0, also, open) // what is in sight already
		require.NoError(t, err)
		assert.False(t, r[0].Rows[0].Changed)
		_, err = put(0)
		require.NoError(t, err)
		assert.Equal(t, cellOf(hidden).String(), w.cell(w.owner, x))
		assert.Equal(t, "NULL", w.cell(w.editor, x))

		// By filter, in one write with rows of its own, and partially.
		_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: w.tasks.ID, Where: expr(t, `Task = "x"`), MaxAffected: 5,
			Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "Projects", Value: cellOf(open)}}}}})
		require.NoError(t, err)
		assert.Equal(t, cellOf(open, hidden).String(), w.cell(w.owner, x))
		_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Upsert, Partial: true, Table: w.tasks.ID, Key: []string{"Task"}, Rows: []lqp.RowChange{
			{Set: []lqp.Assignment{{Column: "Task", Value: lqp.TextValue("x")}, {Column: "Projects", Value: cellOf(also)}}},
			{Set: []lqp.Assignment{{Column: "Task", Value: lqp.TextValue("z")}, {Column: "Projects", Value: cellOf(open)}}}}})
		require.NoError(t, err)
		assert.Equal(t, cellOf(also, hidden).String(), w.cell(w.owner, x))
		if inverse != nil {
			rows, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: w.projects.ID}, Select: cols(t, "Name", "n=COUNTA(Tasks)"), OrderBy: order(t, "Name")})
			assert.Equal(t, []string{"Apollo|1", "Canary|1", "Gemini, phase 2|1", "Twin|0", "Twin|0"}, all(t, rows, err), "both sides agree")
		}
		// Merged with a change of somebody else.
		_, err = w.owner.Apply(ctx, w.workspace, update(w.tasks.ID, x, "Task", lqp.TextValue("renamed")))
		require.NoError(t, err)
		before, err := w.owner.RowHistory(ctx, w.tasks.ID, x, livetables.HistoryFilter{Limit: 1})
		require.NoError(t, err)
		_, err = put(before[0].Version-1, open)
		require.NoError(t, err)
		assert.Equal(t, cellOf(open, hidden).String(), w.cell(w.owner, x))
		_, err = put(before[0].Version, open, also)
		var conflict *livetables.Conflict
		require.ErrorAs(t, err, &conflict)
		told := fmt.Sprint(conflict.Values, conflict.Fields)
		assert.NotContains(t, told, hidden)
		assert.Contains(t, told, also)
	}
}

// TestAttack68LinksToHiddenRowsTellNothing tries to learn by writing which rows out of sight are linked.
func TestAttack68LinksToHiddenRowsTellNothing(t *testing.T) {
	w := partWorld(t, nil)
	ctx := t.Context()
	open, hidden, never := w.ids[0], w.ids[2], minidb.NewID("row")
	x := w.task("x", open, hidden)
	words := map[string]bool{}
	for _, id := range []string{hidden, never} { // linked already, and no row at all
		for _, cell := range [][]string{{id}, {open, id}, {id, open}} {
			_, err := w.editor.Apply(ctx, w.workspace, update(w.tasks.ID, x, "Projects", cellOf(cell...)))
			var faults *minidb.ValidationError
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults.Fields, 1)
			assert.Equal(t, minidb.CodeLink, faults.Fields[0].Code)
			words[strings.ReplaceAll(faults.Fields[0].Message, id, "ID")] = true
		}
		_, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: w.tasks.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "Projects", Value: cellOf(id)}}}}})
		require.Error(t, err)
	}
	assert.Len(t, words, 1, "all are refused in the same words: %v", words)
	assert.Equal(t, cellOf(open, hidden).String(), w.cell(w.owner, x))

	// One link at most: a row out of sight that has the place is not pushed out of it.
	single := w.table("Notes", minidb.ColumnSpec{Name: "Project", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: w.projects.ID, Single: true}}})
	r, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: single.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "Project", Value: cellOf(hidden)}}}}})
	require.NoError(t, err)
	_, err = w.editor.Apply(ctx, w.workspace, update(single.ID, r[0].Rows[0].ID, "Project", cellOf(open)))
	var faults *minidb.ValidationError
	require.ErrorAs(t, err, &faults)
	assert.NotContains(t, err.Error(), hidden)

	// Taking back is for those who see everything that comes back.
	entries, err := w.editor.RowHistory(ctx, w.tasks.ID, x, livetables.HistoryFilter{Limit: 1})
	require.NoError(t, err)
	_, err = w.owner.Apply(ctx, w.workspace, update(w.tasks.ID, x, "Projects", cellOf(open)))
	require.NoError(t, err)
	last, err := w.editor.RowHistory(ctx, w.tasks.ID, x, livetables.HistoryFilter{Limit: 1})
	require.NoError(t, err)
	require.NotEqual(t, entries[0].ID, last[0].ID)
	_, err = w.editor.RevertRow(ctx, w.tasks.ID, x, last[0].ID, livetables.RevertOptions{})
	require.True(t, errors.Is(err, livetables.ErrForbidden), "%v", err)
	// Rollups and lookups go over all rows, and stay closed.
	_, err = w.owner.AddColumn(ctx, w.tasks.ID, minidb.ColumnSpec{Name: "Names", Type: minidb.LookupColumn, Options: minidb.ColumnOptions{Through: &minidb.Through{Link: "Projects", Target: "Name"}}}, 0)
	require.NoError(t, err)
	_, err = w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: w.tasks.ID}, Select: cols(t, "Names")})
	var problems lqp.Problems
	require.ErrorAs(t, err, &problems)
	// A column of the reader's own that is read-only stays so.
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: w.tasks.ID}, Role: rbac.Editor, Columns: map[string]rbac.Access{w.tasks.Columns[1].ID: rbac.ReadOnly}}))
	_, err = w.editor.Apply(ctx, w.workspace, update(w.tasks.ID, x, "Projects", lqp.Value{}))
	require.ErrorIs(t, err, livetables.ErrForbidden)
	assert.Equal(t, cellOf(open).String(), w.cell(w.editor, x))
	// Without the linked table there is nothing to see.
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: w.projects.ID}, Role: rbac.Viewer, Read: expr(t, `Name = "nothing"`)}))
	assert.Equal(t, "NULL", w.cell(w.viewer, x))
}

// TestPortionsOfLinksEqualTheModel reads random cells in pages of random sizes and exports, over several portions.
func TestPortionsOfLinksEqualTheModel(t *testing.T) {
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := partWorld(t, nil)
	ctx := t.Context()
	const n = 1_203
	var changes []lqp.RowChange
	var want []string
	for i := range n {
		var ids, seen []string
		for _, k := range rnd.Perm(3)[:rnd.IntN(4)] {
			ids = append(ids, w.ids[k])
			if k != 2 {
				seen = append(seen, w.ids[k])
			}
		}
		name := fmt.Sprintf("%04d", i)
		change := lqp.RowChange{Set: []lqp.Assignment{{Column: "Task", Value: lqp.TextValue(name)}}}
		if len(ids) > 0 {
			change.Set = append(change.Set, lqp.Assignment{Column: "Projects", Value: cellOf(ids...)})
		}
		changes = append(changes, change)
		cell := "NULL"
		if len(seen) > 0 {
			cell = cellOf(seen...).String()
		}
		want = append(want, name+"|"+cell)
	}
	for chunk := range slices.Chunk(changes, 500) {
		_, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: w.tasks.ID, Rows: chunk})
		require.NoError(t, err)
	}
	q := &lqp.Query{From: lqp.Source{Table: w.tasks.ID}, Select: cols(t, "Task", "Projects"), OrderBy: order(t, "Task")}
	rows, err := w.viewer.Export(ctx, w.workspace, q)
	require.Equal(t, want, all(t, rows, err))
	var got []string
	for q.Page.Limit = 100 + rnd.IntN(900); ; {
		rows, err := w.viewer.Query(ctx, w.workspace, q)
		got = append(got, all(t, rows, err)...)
		if q.Page.Cursor = rows.NextCursor(); q.Page.Cursor == "" {
			break
		}
	}
	require.Equal(t, want, got)
}

func TestExportsByLabelAreImportedToTheSameRows(t *testing.T) {
	w := newLinkWorld(t, nil)
	ctx := t.Context()
	w.closeSome(w.projects.ID, "Open")
	apollo, gemini, canary, twin := w.ids[0], w.ids[1], w.ids[2], w.ids[3]
	w.task("a", apollo, gemini, canary)
	w.task("b", twin)
	w.task("c")
	q := &lqp.Query{From: lqp.Source{Table: w.tasks.ID}, Select: cols(t, "Task", "Projects"), OrderBy: order(t, "Task")}
	for _, format := range []livetables.Format{livetables.FormatCSV, livetables.FormatXLSX, livetables.FormatNDJSON} {
		rows, err := w.owner.ExportLabelled(ctx, w.workspace, q)
		require.NoError(t, err)
		var file bytes.Buffer
		_, err = livetables.WriteRows(&file, rows, format)
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		if format == livetables.FormatNDJSON {
			assert.Contains(t, file.String(), `["Apollo","Gemini, phase 2","Canary"]`)
			assert.Contains(t, file.String(), `["`+twin+`"]`, "two rows have the label")
		}
		_, err = importFile(w.world, livetables.ImportSpec{Table: w.tasks.ID, Format: format}, file.String())
		require.NoError(t, err)
		rows, err = w.owner.Export(ctx, w.workspace, q)
		cells := all(t, rows, err)
		for i := 0; i < len(cells); i += len(cells) / 3 {
			for _, other := range cells[i : i+len(cells)/3] {
				require.Equal(t, cells[i], other, "%s", format)
			}
		}
	}
	rows, err := w.viewer.ExportLabelled(ctx, w.workspace, q)
	shown := all(t, rows, err)
	assert.Equal(t, `a|["Apollo","Gemini, phase 2"]`, shown[0])
	assert.NotContains(t, strings.Join(shown, " "), canary)
	assert.NotContains(t, strings.Join(shown, " "), "Canary")
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: w.projects.ID}, Role: rbac.Viewer, Columns: map[string]rbac.Access{w.projects.Columns[0].ID: rbac.Hidden}}))
	rows, err = w.viewer.ExportLabelled(ctx, w.workspace, q)
	assert.NotContains(t, strings.Join(all(t, rows, err), " "), "Apollo")
}
