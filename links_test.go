package livetables_test

import (
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

// linkWorld has projects, one of which viewers do not see, and tasks that link to them.
type linkWorld struct {
	*world
	projects, tasks *minidb.Table
	ids             []string // of the projects
}

func newLinkWorld(t *testing.T, inverse *minidb.InverseSpec) *linkWorld {
	w := &linkWorld{world: newWorld(t)}
	w.projects = w.table("Projects", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Open", Type: minidb.BooleanColumn})
	w.ids = w.insert(w.owner, w.projects, []string{"Apollo", "true"}, []string{"Gemini, phase 2", "true"}, []string{"Canary", "false"}, []string{"Twin", "true"}, []string{"Twin", "true"})
	w.tasks = w.table("Tasks", minidb.ColumnSpec{Name: "Task", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "Projects", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: w.projects.ID}}, Inverse: inverse})
	return w
}

// closeSome keeps viewers from rows of a table.
func (w *linkWorld) closeSome(table, rule string) {
	w.t.Helper()
	require.NoError(w.t, w.owner.PutRule(w.t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: table}, Role: rbac.Viewer, Read: expr(w.t, rule)}))
}

func cellOf(ids ...string) lqp.Value {
	items := make([]lqp.Value, len(ids))
	for i, id := range ids {
		items[i] = lqp.TextValue(id)
	}
	return lqp.ListValue(items)
}

func TestImportNamesRowsByTheirLabels(t *testing.T) {
	w := newLinkWorld(t, nil)
	file := "Task,Projects\na,Apollo\nb,\"Gemini, phase 2\"\nc,\"[\"\"Apollo\"\",\"\"Gemini, phase 2\"\"]\"\nd,\nf,\"Canary, " + w.ids[0] + "\"\n"
	for _, batch := range []int{0, 2} {
		_, err := importFile(w.world, livetables.ImportSpec{Table: w.tasks.ID, Batch: batch}, file)
		require.NoError(t, err)
	}
	rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: w.tasks.ID}, Select: cols(t, "Task", "Projects"), OrderBy: order(t, "Task")})
	cell := func(ids ...string) string { return cellOf(ids...).String() }
	want := []string{"a|" + cell(w.ids[0]), "b|" + cell(w.ids[1]), "c|" + cell(w.ids[0], w.ids[1]), "d|NULL", "f|" + cell(w.ids[2], w.ids[0])}
	var twice []string
	for _, row := range want {
		twice = append(twice, row, row)
	}
	assert.Equal(t, twice, all(t, rows, err))

	_, err = importFile(w.world, livetables.ImportSpec{Table: w.tasks.ID}, "Task,Projects\na,Apollo\nb,Nobody\nc,\"Apollo,Twin\"\n")
	var faults *livetables.ImportError
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults.Faults, 2)
	assert.Equal(t, 3, faults.Faults[0].Line)
	assert.Contains(t, faults.Faults[0].Message, `called "Nobody"`)
	assert.Contains(t, faults.Faults[1].Message, `several rows of the linked table are called "Twin"`)
	_, err = importFile(w.world, livetables.ImportSpec{Table: w.tasks.ID}, "Task,Projects\na,"+minidb.NewID("row")+"\n")
	require.ErrorAs(t, err, &faults)
	assert.Equal(t, minidb.CodeLink, faults.Faults[0].Code)
}

// TestViewersOfOtherSides asks what members see of links whose rows are out of their sight, on both sides.
func TestViewersOfOtherSides(t *testing.T) {
	w := newLinkWorld(t, &minidb.InverseSpec{Name: "Tasks"})
	ctx := t.Context()
	w.closeSome(w.projects.ID, "Open")
	w.task("x", w.ids[2])
	rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: w.projects.ID}, Select: cols(t, "Name", "n=COUNTA(Tasks)"), OrderBy: order(t, "Name")})
	assert.Equal(t, "Apollo|0", all(t, rows, err)[0])
	labels, err := w.viewer.Labels(ctx, w.projects.ID, w.ids[1:3])
	require.NoError(t, err)
	require.Equal(t, map[string]lqp.Value{w.ids[1]: lqp.TextValue("Gemini, phase 2")}, labels)
	// As another member sees it.
	eyes, err := w.owner.ViewAs(ctx, w.workspace, "viewer")
	require.NoError(t, err)
	rows, err = eyes.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: w.tasks.ID}, Select: cols(t, "Task", "Projects")})
	assert.Equal(t, []string{"x|NULL"}, all(t, rows, err))
	// A rule that takes their own rows from them narrows the other side.
	w.closeSome(w.tasks.ID, `Task = "y"`)
	rows, err = w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: w.projects.ID}, Select: cols(t, "Tasks"), Page: lqp.Page{Limit: 1}})
	assert.Equal(t, []string{"NULL"}, all(t, rows, err))
}

// TestLinksDoNotInterfere changes, in random worlds, links and rows that a viewer does not see, and asks the same questions before and
// after: every answer must be the same.
func TestLinksDoNotInterfere(t *testing.T) {
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := newLinkWorld(t, nil)
	ctx := t.Context()
	tasks := w.insert(w.owner, w.tasks, []string{"x", ""}, []string{"y", ""})
	w.closeSome(w.projects.ID, "Open")
	ask := func() string {
		var b strings.Builder
		for _, q := range []*lqp.Query{
			{From: lqp.Source{Table: w.tasks.ID, Alias: "t"}, Select: cols(t, "Task", "Projects", "n=COUNTA(Projects)", "f=ARRAY_FIRST(Projects)"), OrderBy: order(t, "Task")},
			{From: lqp.Source{Table: w.tasks.ID, Alias: "t"}, Select: cols(t, "Task"), Where: expr(t, "COUNTA(Projects) > 0"), OrderBy: order(t, "Task")},
			{From: lqp.Source{Table: w.tasks.ID, Alias: "t"}, Select: cols(t, "Task"), Where: expr(t, `HAS(Projects, "`+w.ids[2]+`")`)},
			{From: lqp.Source{Table: w.projects.ID, Alias: "t"}, Select: cols(t, "Name"), OrderBy: order(t, "Name")},
		} {
			rows, err := w.viewer.Query(ctx, w.workspace, q)
			fmt.Fprintln(&b, all(t, rows, err))
		}
		return b.String()
	}
	_, err := w.owner.Apply(ctx, w.workspace, update(w.tasks.ID, tasks[1], "Projects", cellOf(w.ids[0], w.ids[3])))
	require.NoError(t, err)
	before := ask()
	for range 30 {
		which := rnd.IntN(2)
		to := []string{w.ids[0], w.ids[3]}[:2*which] // in sight
		if rnd.IntN(2) == 0 {
			to = slices.Insert(to, rnd.IntN(len(to)+1), w.ids[2])
		}
		_, err := w.owner.Apply(ctx, w.workspace, update(w.tasks.ID, tasks[which], "Projects", cellOf(to...)))
		require.NoError(t, err)
		require.Equal(t, before, ask())
	}
}
