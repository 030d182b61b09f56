package livetables_test

import (
	"errors"
	"math/rand/v2"
	"slices"
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

// cutter is an engine beside the world's that cuts whatever a policy says, of whatever age.
func (w *world) cutter() *livetables.Engine {
	w.t.Helper()
	return w.beside(livetables.Options{LogTime: -1})
}

// keep cuts the log of the world's workspace down to its newest entries. The entry that tells of it comes on top.
func (w *world) keep(e *livetables.Engine, entries int64) {
	w.t.Helper()
	require.NoError(w.t, e.As(rbac.Principal{ID: "owner"}).SetRetention(w.t.Context(), w.workspace, minidb.Retention{Entries: entries}))
	require.NoError(w.t, e.CutLogs(w.t.Context()))
}

// keepAll cuts as keep does and stops before anything is removed, as a process that ends there.
func (w *world) keepAll(e *livetables.Engine, entries int64) {
	w.t.Helper()
	ctx, policy := w.t.Context(), minidb.Retention{Entries: entries}
	require.NoError(w.t, e.As(rbac.Principal{ID: "owner"}).SetRetention(ctx, w.workspace, policy))
	floor, err := w.db.Floor(ctx, w.workspace)
	require.NoError(w.t, err)
	page, end, last, err := w.db.ChainedPage(ctx, w.workspace, floor.Position, 0)
	require.NoError(w.t, err)
	require.True(w.t, last)
	var cut minidb.LogCut
	for i := range page {
		if page[i].Chain.Sequence > end.Sequence-entries {
			cut.End(&page[i])
			break
		}
		cut.Take(&page[i])
	}
	_, err = w.db.CutLog(ctx, floor, policy, &cut)
	require.NoError(w.t, err)
}

// refused reports whether an error says that history was cut, and from when on there is some.
func refused(err error) (begins time.Time, ok bool) {
	var cut *minidb.HistoryCutError
	if errors.As(err, &cut) {
		return cut.Begins, livetables.Code(err) == livetables.CodeHistoryCut
	}
	return begins, false
}

// pastVersion is what a version of a row was.
type pastVersion struct {
	row     string
	version int64
	at      time.Time
	text    string
}

// TestThePastAboveTheFloor makes a random history that is cut again and again, in the middle of removing too, and asks for every
// moment and every version that there ever was: what is not before the floor is answered as it was, everything else as it was or not
// at all. The log is as it was written all the time.
func TestThePastAboveTheFloor(t *testing.T) {
	seed := testseed.Of(t)
	w, rng := newWorld(t), rand.New(rand.NewPCG(seed, 1))
	ctx, e := t.Context(), w.cutter()
	tables := []*minidb.Table{w.table("Stock", stock[:2]...), w.table("Other", stock[:2]...)}
	text := func(at *livetables.AsOf, tbl *minidb.Table) (string, error) {
		q := lqp.Query{From: lqp.Source{Table: tbl.ID, Alias: "t"}, OrderBy: order(t, "t._id"), Select: cols(t, "t._id", "t._version", "t.Name", "t.Left")}
		if at == nil {
			rows, err := w.owner.Query(ctx, w.workspace, &q)
			return strings.Join(all(t, rows, err), "\n"), nil
		}
		rows, err := w.owner.QueryAsOf(ctx, w.workspace, &q, *at)
		if err != nil {
			return "", err
		}
		return strings.Join(all(t, rows, nil), "\n"), nil
	}
	type moment struct {
		time, operation livetables.AsOf
		since           time.Time // when the operation was
		answers         [2]string
	}
	var moments []moment
	var versions []pastVersion
	ids, numbers := [2][]string{}, 0
	asked, cuts := 0, 0
	check := func() {
		for i, tbl := range tables {
			begins, err := w.owner.HistoryBegins(ctx, w.workspace, tbl.ID)
			require.NoError(t, err)
			for range min(8, len(moments)) {
				m := moments[rng.IntN(len(moments))]
				for _, at := range []livetables.AsOf{m.time, m.operation} {
					got, err := text(&at, tbl)
					said, cut := refused(err)
					if cut {
						asked++
						require.False(t, said.Before(begins), "seed %d", seed) // of an operation it may be that of the whole log
						require.True(t, m.since.Before(said), "seed %d: %v is not before %v", seed, m.since, said)
						continue
					}
					require.NoError(t, err, "seed %d", seed)
					require.Equal(t, m.answers[i], got, "seed %d: as of %v %s", seed, at.Time, at.Operation)
					if !at.Time.IsZero() {
						require.False(t, at.Time.Before(begins), "seed %d", seed)
					}
				}
			}
		}
		for range min(30, len(versions)) {
			v := versions[rng.IntN(len(versions))]
			tbl := tables[strings.IndexByte(v.text, ' ')]
			past, err := w.db.RowAt(ctx, w.reload(tbl), v.row, minidb.RowMoment{Version: v.version})
			if _, cut := refused(err); cut || errors.Is(err, minidb.ErrNotFound) {
				begins, err := w.owner.HistoryBegins(ctx, w.workspace, tbl.ID)
				require.NoError(t, err)
				require.True(t, v.at.Before(begins), "seed %d: version %d of %s: %v", seed, v.version, v.row, v.at)
				continue
			}
			require.NoError(t, err, "seed %d", seed)
			require.Equal(t, v.text[strings.IndexByte(v.text, ' ')+1:], rowText(tbl, past.Values), "seed %d: version %d of %s", seed, v.version, v.row)
		}
		require.Nil(t, w.verify(w.workspace, livetables.VerifyOptions{}).Fault, "seed %d", seed)
	}
	for range 28 {
		n := rng.IntN(2)
		tbl, list := tables[n], &ids[n]
		switch do := rng.IntN(5); {
		case do == 0 || len(*list) < 3:
			numbers += 2
			*list = append(*list, w.insert(w.editor, tbl, []string{"n" + string('a'+rune(numbers/26)) + string('a'+rune(numbers%26)), "1"},
				[]string{"n" + string('a'+rune(numbers/26)) + string('a'+rune(numbers%26)) + "'", "2"})...)
		case do == 1:
			at := rng.IntN(len(*list))
			w.delete(w.editor, tbl, (*list)[at])
			*list = append((*list)[:at], (*list)[at+1:]...)
		default:
			require.NoError(t, w.set(w.editor, tbl, (*list)[rng.IntN(len(*list))], "Left", string('0'+rune(rng.IntN(9)))))
		}
		undo, err := w.editor.UndoList(ctx, w.workspace, livetables.UndoScope{})
		require.NoError(t, err)
		m := moment{operation: livetables.AsOf{Operation: undo.Undo[0].ID}, since: undo.Undo[0].At}
		time.Sleep(2 * time.Millisecond)
		m.time.Time = time.Now()
		time.Sleep(2 * time.Millisecond)
		for i, tbl := range tables {
			m.answers[i], _ = text(nil, tbl)
		}
		moments = append(moments, m)
		for _, id := range *list {
			now, err := w.db.RowAt(ctx, tbl, id, minidb.RowMoment{})
			require.NoError(t, err)
			v := pastVersion{row: id, at: now.At, text: strings.Repeat("x", n) + " " + rowText(tbl, now.Values)}
			v.version, _ = now.Values[slotOf(tbl, minidb.ColumnVersion)].Decimal().Int64()
			versions = append(versions, v)
		}
		switch rng.IntN(8) {
		case 0:
			w.keep(e, 3+rng.Int64N(30))
			cuts++
		case 1:
			w.keepAll(e, 3+rng.Int64N(30))
			cuts++
		case 2:
			require.NoError(t, w.engine.SignHeads(ctx))
		default:
			continue
		}
		check()
	}
	w.keep(e, 5)
	check()
	require.NotZero(t, asked, "seed %d: nothing was refused after %d cuts", seed, cuts)
	// Whatever is left or not, places in the logs of tables go on where they were.
	for i, tbl := range tables {
		before, err := w.db.TableOffset(ctx, tbl.ID)
		require.NoError(t, err)
		w.keep(e, 1)
		after, err := w.db.TableOffset(ctx, tbl.ID)
		require.NoError(t, err)
		require.Equal(t, before, after)
		w.insert(w.editor, tbl, []string{"last " + string('a'+rune(i)), ""})
		after, err = w.db.TableOffset(ctx, tbl.ID)
		require.NoError(t, err)
		require.Equal(t, before+1, after)
	}
	require.Nil(t, w.verify(w.workspace, livetables.VerifyOptions{}).Fault)
}

// rowText is the first two columns of a row.
func rowText(t *minidb.Table, row []lqp.Value) string {
	if row == nil {
		return "no row"
	}
	return row[slotOf(t, t.Columns[0].ID)].String() + "|" + row[slotOf(t, t.Columns[1].ID)].String()
}

func slotOf(t *minidb.Table, column string) int {
	return slices.IndexFunc(t.Schema().Columns, func(c lqp.Column) bool { return c.ID == column })
}
