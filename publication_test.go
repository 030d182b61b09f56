package livetables_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// A published view shows what its publisher may see: whoever may see less must not get to choose what that is, be it by the
// view's query, by that of a view below it, by its slug or mode, or with a key of their own.
func TestPublishedViewIsNotSteeredFromBelow(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Staff", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn},
		minidb.ColumnSpec{Name: "Shown", Type: minidb.BooleanColumn})
	w.insert(w.owner, tbl, []string{"Ann", "100", "true"}, []string{"Bob", "200", "false"})
	for _, role := range []rbac.Role{rbac.Admin, rbac.Editor} {
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: role, Read: expr(t, "Shown"),
			Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden}}))
	}
	view := func(a *livetables.Access, name, from string, where string) string {
		v, err := a.CreateView(ctx, w.base, livetables.ViewSpec{Name: name, Query: &lqp.Query{From: lqp.Source{Table: from, Alias: "s"}, Where: expr(t, where), OrderBy: order(t, "Name")}})
		require.NoError(t, err)
		return v.ID
	}
	lower := view(w.editor, "lower", tbl.ID, "Shown")
	upper := view(w.owner, "upper", lower, "TRUE")
	_, err := w.owner.Publish(ctx, upper, "staff", minidb.SharePublic)
	require.NoError(t, err)
	public := func() []string {
		bearer, v, err := w.engine.Public(ctx, "staff", "")
		require.NoError(t, err)
		return viewData(t, bearer, v, livetables.ViewRequest{})
	}
	require.Len(t, public(), 1)

	wide := livetables.ViewSpec{Query: &lqp.Query{From: lqp.Source{Table: tbl.ID, Alias: "s"}, OrderBy: order(t, "Name")}}
	for _, a := range []*livetables.Access{w.editor, w.admin} {
		for _, v := range []string{upper, lower} {
			_, err := a.UpdateView(ctx, v, 0, wide)
			assert.ErrorIs(t, err, livetables.ErrForbidden, "%s changes the query of %s", a.Principal().ID, v)
		}
		_, err := a.UpdateView(ctx, lower, 0, livetables.ViewSpec{Name: "lower, renamed by " + a.Principal().ID})
		assert.NoError(t, err, "a name shows nothing")
	}
	_, err = w.admin.Publish(ctx, upper, "staff-2", minidb.SharePublic)
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	_, _, err = w.admin.AddKey(ctx, upper, time.Time{})
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	require.Len(t, public(), 1)

	_, err = w.owner.UpdateView(ctx, lower, 0, wide)
	require.NoError(t, err, "the publisher may")
	require.Len(t, public(), 2)
	require.NoError(t, w.admin.Unpublish(ctx, upper), "ending it shows nothing")
	_, err = w.admin.Publish(ctx, upper, "staff", minidb.SharePublic)
	require.NoError(t, err)
	rows := public()
	require.Len(t, rows, 1, "with the rights of who publishes")
	assert.Contains(t, rows[0], "Ann")
	assert.NotContains(t, rows[0], "100")
	_, err = w.owner.Publish(ctx, upper, "staff", minidb.ShareKeyed)
	assert.NoError(t, err, "owners see everything that others may publish")
}

// A key is worth nothing once its maker may not publish any more, whoever has published the view.
func TestKeyEndsWithItsMaker(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, v := peopleView(t, w)
	_, err := w.admin.Publish(ctx, v.ID, "people", minidb.ShareKeyed)
	require.NoError(t, err)
	_, err = w.owner.SetMember(ctx, w.workspace, "second", rbac.Owner)
	require.NoError(t, err)
	second := w.engine.As(rbac.Principal{ID: "second"})
	key, _, err := second.AddKey(ctx, v.ID, time.Time{})
	require.NoError(t, err)
	_, _, err = w.engine.Public(ctx, "people", key)
	require.NoError(t, err)
	require.NoError(t, w.owner.RemoveMember(ctx, w.workspace, "second"))
	_, _, err = w.engine.Public(ctx, "people", key)
	assert.ErrorIs(t, err, livetables.ErrKey)
}

// Views of views multiply their sources: a few small requests must not make a plan of millions.
func TestViewsOfViewsAreBounded(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	below := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}).ID
	began := time.Now()
	for depth := range 7 {
		q := &lqp.Query{From: lqp.Source{Table: below, Alias: "s0"}, Select: cols(t, "N=s0.N")}
		for i := 1; i < lqp.MaxSources; i++ {
			alias := fmt.Sprintf("s%d", i)
			q.Joins = append(q.Joins, lqp.Join{Kind: lqp.Inner, Source: lqp.Source{Table: below, Alias: alias}, On: expr(t, "s0.N = "+alias+".N")})
		}
		v, err := w.editor.CreateView(ctx, w.base, livetables.ViewSpec{Name: fmt.Sprint("v", depth), Query: q})
		if err != nil {
			var problems lqp.Problems
			require.ErrorAs(t, err, &problems)
			assert.Equal(t, lqp.CodeLimit, problems[0].Code)
			assert.Less(t, time.Since(began), 2*time.Second)
			return
		}
		below = v.ID
	}
	t.Fatal("seven views of sixteen sources each were planned")
}

// Who writes views sees the queries of others as far as every name in them is for them.
func TestQueryOfAViewIsForThoseWhoSeeItsColumns(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl, v := peopleView(t, w)
	query := func(a *livetables.Access) string {
		one, err := a.View(ctx, v.ID)
		require.NoError(t, err)
		list, err := a.Views(ctx, w.workspace)
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, string(one.Query), string(list[0].Query))
		return string(one.Query)
	}
	require.Contains(t, query(w.editor), "Oslo")
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Columns: map[string]rbac.Access{tbl.Columns[2].ID: rbac.Hidden}}))
	assert.Equal(t, "null", query(w.editor), "its filter asks for a column hidden from editors")
	renamed, err := w.editor.UpdateView(ctx, v.ID, 0, livetables.ViewSpec{Name: "Renamed"})
	require.NoError(t, err)
	assert.Equal(t, "null", string(renamed.Query))
	assert.Equal(t, "null", query(w.viewer), "viewers write no views")
	assert.Contains(t, query(w.owner), "Oslo")
	assert.Contains(t, query(w.admin), "Oslo")
}

// A page of rows that formulas have made large ends early and is continued by its cursor.
func TestLargePageEndsEarly(t *testing.T) {
	w := newWorld(t)
	tbl, _ := peopleView(t, w)
	small, err := livetables.New(livetables.Options{Store: w.db, Limits: livetables.Limits{PageBytes: 5000}})
	require.NoError(t, err)
	viewer := small.As(w.viewer.Principal())
	q := lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, "n=Name", "long=REPT(Name, 1000)"), OrderBy: order(t, "Name"), Page: lqp.Page{Limit: 3}}
	var seen []string
	var sizes []int
	for {
		rows, err := viewer.Query(t.Context(), w.workspace, &q)
		require.NoError(t, err)
		var buf []byte
		n := 0
		for rows.Next() {
			seen = append(seen, rows.Value(0).Text())
			buf = rows.AppendJSON(rows.AppendJSON(buf, 0), 1)
			n++
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		sizes = append(sizes, n)
		if q.Page.Cursor = rows.NextCursor(); q.Page.Cursor == "" {
			assert.False(t, rows.More())
			break
		}
		assert.True(t, rows.More())
	}
	assert.Equal(t, []string{"Ann", "Bob", "Cid", "Dan"}, seen)
	assert.Equal(t, []int{2, 2}, sizes, "two rows of 3000 characters are more than 5000")
}
