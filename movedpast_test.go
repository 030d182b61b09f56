package livetables_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// moves are places that a workspace moves from and to: where the tests run on PostgreSQL, in both directions between it and files.
func moves(t *testing.T) map[string][2]storetest.Place {
	if storetest.Driver() == ddl.Postgres {
		return map[string][2]storetest.Place{"from PostgreSQL to a file": {storetest.New(t), fileOf(t)}, "from a file to PostgreSQL": {fileOf(t), storetest.New(t)}}
	}
	return map[string][2]storetest.Place{"from file to file": {fileOf(t), fileOf(t)}}
}

// archive is the world's workspace in one file.
func (w *world) archive() []byte {
	w.t.Helper()
	x, err := w.owner.ExportWorkspace(w.t.Context(), w.workspace)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, x.Close()) }()
	var b bytes.Buffer
	require.NoError(w.t, x.WriteTo(w.t.Context(), &b))
	return b.Bytes()
}

// movedTo is another world that the workspace of this one is imported into, and that the same people are members of.
func (w *world) movedTo(place storetest.Place) *world {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	archive := w.archive()
	v := &world{t: t, dir: t.TempDir(), place: place, workspace: w.workspace, base: w.base}
	v.open()
	t.Cleanup(func() { v.close() })
	_, err := v.owner.ImportWorkspace(ctx, bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	require.True(t, bytes.Equal(archive, v.archive()), "the archive of the copy is another one")
	for user, role := range map[string]rbac.Role{"admin": rbac.Admin, "editor": rbac.Editor, "viewer": rbac.Viewer} {
		_, err := v.owner.SetMember(ctx, w.workspace, user, role)
		require.NoError(t, err)
	}
	return v
}

// was is what a table was then, or the code of the refusal and from when on there is history.
func (w *world) was(t *minidb.Table, at livetables.AsOf) []string {
	w.t.Helper()
	columns := []string{"t._id", "t._version"}
	for _, c := range w.reload(t).Columns {
		columns = append(columns, "t."+c.Name)
	}
	rows, err := w.owner.QueryAsOf(w.t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: t.ID, Alias: "t"}, OrderBy: order(w.t, "t._id"), Select: cols(w.t, columns...)}, at)
	if err != nil {
		begins, _ := refused(err)
		return []string{livetables.Code(err), begins.UTC().String()}
	}
	return all(w.t, rows, nil)
}

// histories are the entries of the rows of a table that are there, oldest last, without what is another in each database.
func (b *busy) histories(t *minidb.Table) (list []string) {
	b.t.Helper()
	for _, id := range b.ids(t) {
		entries, err := b.owner.RowHistory(b.t.Context(), t.ID, id, livetables.HistoryFilter{})
		require.NoError(b.t, err)
		for _, e := range entries {
			list = append(list, fmt.Sprint(id, " ", e.Version, e.Action, e.Actor, e.Batch, e.At.UnixMicro(), " ", string(e.Before), " ", string(e.After)))
		}
	}
	return list
}

// TestMovedWorkspaceHasItsPast makes a random history, moves the workspace, and asks both the same: what was when, what became of each row,
// what can be undone. Then both undo it and redo it, one operation after the other, and stay alike.
func TestMovedWorkspaceHasItsPast(t *testing.T) {
	seed := testseed.Of(t)
	for name, places := range moves(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			b := newBusy(newWorldAt(t, places[0]), seed)
			var moments []livetables.AsOf
			for n := range 24 {
				user := busyUsers[b.rng.IntN(len(busyUsers))]
				switch k := b.rng.IntN(10); {
				case k < 7:
					b.edit(user)
				case k < 8:
					b.define()
				default:
					_, _ = b.access(user).Undo(ctx, b.workspace, livetables.UndoOptions{}) // nothing to undo is as good
				}
				if list, err := b.access(user).UndoList(ctx, b.workspace, livetables.UndoScope{}); n%2 == 0 && err == nil && len(list.Undo) > 0 {
					moments = append(moments, livetables.AsOf{Operation: list.Undo[0].ID})
				} else {
					time.Sleep(2 * time.Millisecond)
					moments = append(moments, livetables.AsOf{Time: time.Now()})
					time.Sleep(2 * time.Millisecond)
				}
			}
			copied := *b
			copied.world = b.movedTo(places[1])
			both := [2]*busy{b, &copied}
			var past [][]string
			ask := func(w *busy) (answers [][]string) {
				for _, at := range moments {
					answers = append(answers, w.was(b.jobs, at), w.was(b.people, at))
				}
				return answers
			}
			past = ask(b)
			require.Equal(t, past, ask(&copied))
			require.Equal(t, b.state(), copied.state())
			for _, table := range []*minidb.Table{b.jobs, b.people} {
				require.Equal(t, b.histories(table), copied.histories(table))
			}
			step := func(what, user string, do func(*livetables.Access) (*livetables.RevertReport, error)) (more bool) {
				var said [2]string
				for i, w := range both {
					report, err := do(w.access(user))
					if said[i] = livetables.Code(err); err == nil {
						said[i], more = fmt.Sprint(report.Affected, len(report.Rows)), true
					}
				}
				require.Equal(t, said[0], said[1], "%s of %s", what, user)
				require.Equal(t, both[0].state(), both[1].state(), "%s of %s", what, user)
				return more
			}
			steps := 0
			for _, user := range busyUsers {
				lists := [2]*livetables.UndoList{}
				for i, w := range both {
					var err error
					lists[i], err = w.access(user).UndoList(ctx, b.workspace, livetables.UndoScope{})
					require.NoError(t, err)
				}
				named := func(list []livetables.UndoStep) (ids []string) {
					for _, s := range list {
						ids = append(ids, fmt.Sprint(s.ID, s.Kind, s.At.UnixMicro(), s.Changes, s.Target, len(s.Tables)))
					}
					return ids
				}
				require.Equal(t, named(lists[0].Undo), named(lists[1].Undo), user)
				require.Equal(t, named(lists[0].Redo), named(lists[1].Redo), user)
				for step("redo", user, func(a *livetables.Access) (*livetables.RevertReport, error) {
					return a.Redo(ctx, b.workspace, livetables.UndoOptions{})
				}) {
					steps++
				}
				for range 4 {
					if step("undo", user, func(a *livetables.Access) (*livetables.RevertReport, error) {
						return a.Undo(ctx, b.workspace, livetables.UndoOptions{})
					}) {
						steps++
					}
				}
				step("redo", user, func(a *livetables.Access) (*livetables.RevertReport, error) {
					return a.Redo(ctx, b.workspace, livetables.UndoOptions{})
				})
			}
			require.Greater(t, steps, 3)
			require.Equal(t, past, ask(&copied), "what was stays as it was whatever comes after it")
			for _, w := range both {
				require.Nil(t, w.verify(b.workspace, livetables.VerifyOptions{}).Fault)
			}
		})
	}
}

// TestMovedWorkspaceOfACutLog moves a workspace whose log was cut: removed, or only given up yet. What is left is verified there, what is gone
// is refused with the same words, and it is cut on.
func TestMovedWorkspaceOfACutLog(t *testing.T) {
	for name, places := range moves(t) {
		for _, removed := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", removed ", removed), func(t *testing.T) {
				ctx, w := t.Context(), newWorldAt(t, fresh(t, places[0]))
				tbl := w.table("Stock", stock[:2]...)
				var moments []livetables.AsOf
				var ids []string
				for i := range 12 {
					if i%3 == 2 {
						require.NoError(t, w.set(w.editor, tbl, ids[0], "Left", strconv.Itoa(i)))
					} else {
						ids = append(ids, w.insert(w.editor, tbl, []string{fmt.Sprint("item ", i), "1"})...)
					}
					list, err := w.editor.UndoList(ctx, w.workspace, livetables.UndoScope{})
					require.NoError(t, err)
					moments = append(moments, livetables.AsOf{Operation: list.Undo[0].ID}, livetables.AsOf{Time: list.Undo[0].At})
				}
				require.NoError(t, w.engine.SignHeads(ctx))
				if cut := w.cutter(); removed {
					w.keep(cut, 6)
				} else {
					w.keepAll(cut, 6)
				}
				v := w.movedTo(fresh(t, places[1]))
				here, there := w.verify(w.workspace, livetables.VerifyOptions{}), v.verify(w.workspace, livetables.VerifyOptions{})
				require.Nil(t, here.Fault)
				require.Nil(t, there.Fault)
				require.Equal(t, here.Floor.Sequence, there.Floor.Sequence)
				require.Equal(t, here.Floor.Hash, there.Floor.Hash)
				require.Positive(t, there.Floor.Sequence)
				begins, err := w.owner.HistoryBegins(ctx, w.workspace, tbl.ID)
				require.NoError(t, err)
				moved, err := v.owner.HistoryBegins(ctx, w.workspace, tbl.ID)
				require.NoError(t, err)
				require.True(t, begins.Equal(moved), "%v, %v", begins, moved)
				gone := 0
				for _, at := range moments {
					was, there := w.was(tbl, at), v.was(tbl, at)
					refused := slices.Contains(there, livetables.CodeHistoryCut)
					if refused {
						gone++
					}
					if removed || !refused { // what was given up and is still there is in no archive
						require.Equal(t, was, there)
					}
				}
				require.Greater(t, gone, 4)
				require.Less(t, gone, len(moments)-4)
				for _, a := range [2]*livetables.Access{w.editor, v.editor} {
					list, err := a.UndoList(ctx, w.workspace, livetables.UndoScope{})
					require.NoError(t, err)
					require.Len(t, list.Undo, 5)
					for range list.Undo {
						_, err := a.Undo(ctx, w.workspace, livetables.UndoOptions{})
						require.NoError(t, err)
					}
					_, err = a.Undo(ctx, w.workspace, livetables.UndoOptions{})
					require.ErrorIs(t, err, livetables.ErrNothingToUndo)
				}
				require.Equal(t, w.cells(tbl, "Name", "Left"), v.cells(tbl, "Name", "Left"))
				require.NoError(t, v.engine.SignHeads(ctx))
				v.keep(v.cutter(), 3)
				again := v.verify(w.workspace, livetables.VerifyOptions{})
				require.Nil(t, again.Fault)
				require.Greater(t, again.Floor.Sequence, there.Floor.Sequence)
				v.close()
				v.open()
				require.Nil(t, v.verify(w.workspace, livetables.VerifyOptions{}).Fault)
			})
		}
	}
}

// fresh is another place of the same kind, for each sub-test one.
func fresh(t *testing.T, p storetest.Place) storetest.Place {
	if p.File != "" {
		return fileOf(t)
	}
	return storetest.New(t)
}
