package livetables_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func peopleView(t *testing.T, w *world) (*minidb.Table, *minidb.View) {
	t.Helper()
	tbl := w.table("People", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Pay", Type: minidb.IntegerColumn},
		minidb.ColumnSpec{Name: "Town", Type: minidb.TextColumn})
	w.insert(w.owner, tbl, []string{"Ann", "10", "Oslo"}, []string{"Bob", "20", "Oslo"}, []string{"Cid", "30", "Rome"}, []string{"Dan", "40", "Oslo"})
	v, err := w.editor.CreateView(t.Context(), w.base, livetables.ViewSpec{Name: "Oslo", Query: &lqp.Query{
		From: lqp.Source{Table: "People"}, Where: expr(t, `Town = "Oslo"`), Compute: cols(t, "Double=Pay * 2"),
		Select: cols(t, "Name", "Pay", "Double"), OrderBy: order(t, "-Double"),
	}})
	require.NoError(t, err)
	return tbl, v
}

func viewData(t *testing.T, a *livetables.Access, view string, r livetables.ViewRequest) []string {
	t.Helper()
	rows, err := a.ViewData(t.Context(), view, r)
	return all(t, rows, err)
}

func TestViewSurvivesRenames(t *testing.T) {
	w := newWorld(t)
	tbl, v := peopleView(t, w)
	assert.Equal(t, []string{"Dan|40|80", "Bob|20|40", "Ann|10|20"}, viewData(t, w.viewer, v.ID, livetables.ViewRequest{}))
	name := "Wage; DROP TABLE x --"
	_, err := w.owner.UpdateColumn(t.Context(), tbl.Columns[1].ID, minidb.ColumnPatch{Name: &name}, 0)
	require.NoError(t, err)
	town := "City"
	_, err = w.owner.UpdateColumn(t.Context(), tbl.Columns[2].ID, minidb.ColumnPatch{Name: &town}, 0)
	require.NoError(t, err)
	table := "Folk"
	_, err = w.owner.UpdateTable(t.Context(), tbl.ID, minidb.TablePatch{Name: &table}, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"Dan|40|80", "Bob|20|40", "Ann|10|20"}, viewData(t, w.viewer, v.ID, livetables.ViewRequest{}))
}

func TestViewRequestStaysInsideTheView(t *testing.T) {
	w := newWorld(t)
	_, v := peopleView(t, w)
	assert.Equal(t, []string{"Bob|20|40", "Dan|40|80"}, viewData(t, w.viewer, v.ID, livetables.ViewRequest{Where: expr(t, "Double > 20"), OrderBy: order(t, "Name")}))
	assert.Equal(t, []string{"Dan"}, viewData(t, w.viewer, v.ID, livetables.ViewRequest{Where: expr(t, "Pay > 30 OR FALSE"), Select: cols(t, "Name")}))
	for _, filter := range []string{`Town = "Rome"`, `People.Town = "Rome"`, "_created_by = 1"} {
		_, err := w.viewer.ViewData(t.Context(), v.ID, livetables.ViewRequest{Where: expr(t, filter)})
		assert.Equal(t, livetables.CodeInvalid, livetables.Code(err), filter)
	}
	// Pages of a view go by the view's own order.
	q := lqp.Query{From: lqp.Source{Table: v.ID}}
	assert.Equal(t, []string{"Dan|40|80", "Bob|20|40", "Ann|10|20"}, walk(t, w.viewer, w.workspace, q, 1))
}

func TestViewShowsWhatItsReaderMaySee(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl, v := peopleView(t, w)
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, "Pay < 40"),
		Columns: map[string]rbac.Access{tbl.Columns[2].ID: rbac.Hidden}}))
	_, err := w.viewer.ViewData(ctx, v.ID, livetables.ViewRequest{})
	assert.Error(t, err, "the view's filter needs a column that is hidden")
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, "Pay < 40"),
		Columns: map[string]rbac.Access{tbl.Columns[0].ID: rbac.Hidden}}))
	assert.Equal(t, []string{"20|40", "10|20"}, viewData(t, w.viewer, v.ID, livetables.ViewRequest{}))
	assert.Len(t, viewData(t, w.editor, v.ID, livetables.ViewRequest{}), 3)
}

func TestPublishedView(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl, v := peopleView(t, w)
	_, err := w.editor.Publish(ctx, v.ID, "oslo", minidb.ShareKeyed)
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.admin.Publish(ctx, v.ID, "oslo", minidb.ShareKeyed)
	require.NoError(t, err)
	key, stored, err := w.admin.AddKey(ctx, v.ID, time.Time{})
	require.NoError(t, err)

	_, _, err = w.engine.Public(ctx, "paris", key)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	for _, wrong := range []string{"", "x", key + "x", key[:len(key)-1], stored.Prefix + ".", stored.ID} {
		_, _, err = w.engine.Public(ctx, "oslo", wrong)
		assert.ErrorIs(t, err, livetables.ErrKey, wrong)
	}
	bearer, view, err := w.engine.Public(ctx, "oslo", key)
	require.NoError(t, err)
	assert.Equal(t, v.ID, view)
	assert.Len(t, viewData(t, bearer, view, livetables.ViewRequest{}), 3)

	// The key opens the view and nothing else.
	_, err = bearer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = bearer.Table(ctx, tbl.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = bearer.Subscribe(ctx, tbl.ID, nil)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = bearer.CreateWorkspace(ctx, "mine")
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	other, err := w.editor.CreateView(ctx, w.base, livetables.ViewSpec{Name: "All", Query: &lqp.Query{From: lqp.Source{Table: tbl.ID}}})
	require.NoError(t, err)
	_, err = bearer.ViewData(ctx, other.ID, livetables.ViewRequest{})
	assert.ErrorIs(t, err, livetables.ErrNotFound)

	// It never outranks its publisher.
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Admin, Read: expr(t, "Pay < 40")}))
	assert.Len(t, viewData(t, bearer, view, livetables.ViewRequest{}), 2)
	_, err = w.owner.SetMember(ctx, w.workspace, "admin", rbac.Editor)
	require.NoError(t, err)
	_, _, err = w.engine.Public(ctx, "oslo", key)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = w.owner.SetMember(ctx, w.workspace, "admin", rbac.Admin)
	require.NoError(t, err)

	require.NoError(t, w.admin.RevokeKey(ctx, v.ID, stored.ID))
	_, _, err = w.engine.Public(ctx, "oslo", key)
	assert.ErrorIs(t, err, livetables.ErrKey)
	require.NoError(t, w.admin.Unpublish(ctx, v.ID))
	_, _, err = w.engine.Public(ctx, "oslo", key)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
}
