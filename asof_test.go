package livetables_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TestThePastIsAsItWas makes a random history, writes down after each step what queries answer, and asks them again of each of
// those moments at the end: with filters, orders, pages, counts, and under a row rule.
func TestThePastIsAsItWas(t *testing.T) {
	seed := testseed.Of(t)
	w, rng := newWorld(t), rand.New(rand.NewPCG(seed, 1))
	ctx := t.Context()
	tbl := w.table("Stock", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Left", Type: minidb.IntegerColumn})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, "Left < 6"),
		Columns: map[string]rbac.Access{tbl.Columns[0].ID: rbac.Hidden}}))
	source := lqp.Source{Table: tbl.ID, Alias: "t"}
	queries := []lqp.Query{
		{From: source, OrderBy: order(t, "t._id"), Select: cols(t, "t._id", "t.Name", "t.Left", "t._version")},
		{From: source, Where: expr(t, "t.Left > 3"), OrderBy: order(t, "-t.Left", "t.Name", "t._id"), Select: cols(t, "t.Name", "t.Left")},
		{From: source, Where: expr(t, "LEN(t.Name & \"x\") = 2"), OrderBy: order(t, "t.Left * -1", "t._id"), Select: cols(t, "twice=t.Left * 2")},
		{From: source, Aggregates: []lqp.Aggregate{{Name: "n", Func: "countall"}, {Name: "s", Func: "sum", Arg: expr(t, "t.Left")}}},
	}
	hidden := lqp.Query{From: source, OrderBy: order(t, "t.Left", "t._id"), Select: cols(t, "t.Left")}
	ask := func(at *livetables.AsOf) (answers [][]string) {
		one := func(a *livetables.Access, q lqp.Query) []string {
			var list []string
			if len(q.Aggregates) == 0 {
				q.Page.Limit = 3
			}
			for {
				var rows *livetables.Rows
				var err error
				if at == nil {
					rows, err = a.Query(ctx, w.workspace, &q)
				} else {
					rows, err = a.QueryAsOf(ctx, w.workspace, &q, *at)
				}
				list = append(list, all(t, rows, err)...)
				if q.Page.Cursor = rows.NextCursor(); q.Page.Cursor == "" {
					return list
				}
			}
		}
		for _, q := range queries {
			answers = append(answers, one(w.owner, q))
		}
		return append(answers, one(w.viewer, hidden))
	}
	type moment struct {
		at      livetables.AsOf
		answers [][]string
	}
	var moments []moment
	var ids []string
	for range 14 {
		switch n := rng.IntN(4); {
		case n == 0 || len(ids) < 4:
			ids = append(ids, w.insert(w.editor, tbl, []string{string('a' + rune(rng.IntN(5))), string('0' + rune(rng.IntN(9)))}, []string{"q", "5"})...)
		case n == 1:
			at := rng.IntN(len(ids))
			w.delete(w.editor, tbl, ids[at])
			ids = append(ids[:at], ids[at+1:]...)
		default:
			require.NoError(t, w.set(w.editor, tbl, ids[rng.IntN(len(ids))], "Left", string('0'+rune(rng.IntN(9))), "Name", string('a'+rune(rng.IntN(5)))))
		}
		m := moment{answers: ask(nil)}
		if len(moments)%3 == 0 {
			time.Sleep(3 * time.Millisecond)
			m.at.Time = time.Now()
			time.Sleep(3 * time.Millisecond)
		} else {
			list, err := w.editor.UndoList(ctx, w.workspace, livetables.UndoScope{})
			require.NoError(t, err)
			m.at.Operation = list.Undo[0].ID
		}
		moments = append(moments, m)
	}
	for i, m := range moments {
		require.Equal(t, m.answers, ask(&m.at), "seed %d, moment %d", seed, i)
	}
	// Before the table was made there is nothing in it, and what comes later changes no answer.
	none := livetables.AsOf{Time: time.Now().Add(-time.Hour)}
	require.Equal(t, []string{"0|0"}, ask(&none)[3])
	_, err := w.owner.AddColumn(ctx, tbl.ID, minidb.ColumnSpec{Name: "More", Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	for i, m := range moments[len(moments)-2:] {
		require.Equal(t, m.answers, ask(&m.at), "seed %d, moment %d from the end", seed, i)
	}
	// A cursor of the past is none of the present.
	q := lqp.Query{From: source, OrderBy: order(t, "t._id"), Page: lqp.Page{Limit: 1}}
	rows, err := w.owner.QueryAsOf(ctx, w.workspace, &q, livetables.AsOf{Time: time.Now()})
	all(t, rows, err)
	q.Page.Cursor = rows.NextCursor()
	require.NotEmpty(t, q.Page.Cursor)
	_, err = w.owner.Query(ctx, w.workspace, &q)
	require.ErrorIs(t, err, livetables.ErrCursor)
	_, err = w.stranger.QueryAsOf(ctx, w.workspace, &queries[0], none)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = w.owner.QueryAsOf(ctx, w.workspace, &lqp.Query{From: lqp.Source{Query: &queries[0], Alias: "x"}}, none)
	require.Equal(t, livetables.CodeInvalid, livetables.Code(err))
}
