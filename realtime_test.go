package livetables_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func update(table, row, column string, v lqp.Value) *lqp.Mutation {
	return &lqp.Mutation{Op: lqp.Update, Table: table, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(row)}, Set: []lqp.Assignment{{Column: column, Value: v}}}}}
}

func next(t *testing.T, s *livetables.Subscription) *livetables.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	f, err := s.Next(ctx)
	require.NoError(t, err)
	return f
}

// nothing reports that no frame comes for a while.
func nothing(t *testing.T, s *livetables.Subscription) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	f, err := s.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded, "%+v", f)
}

func TestSubscriberSeesWhatTheReaderMay(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Team", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Note", Type: minidb.TextColumn})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer,
		Read: expr(t, `Team = "red"`), Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden}}))
	sub, err := w.viewer.Subscribe(ctx, tbl.ID, nil)
	require.NoError(t, err)
	defer sub.Close()

	ids := w.insert(w.owner, tbl, []string{"blue", "1", "x"}, []string{"red", "2", "y"})
	f := next(t, sub)
	assert.Equal(t, "insert", f.Ops[0].Op)
	assert.Equal(t, ids[1], f.Ops[0].ID)
	assert.EqualValues(t, 1, f.Position.Offset, "the invisible row does not move the offset")
	assert.NotContains(t, string(f.Ops[0].Set), tbl.Columns[1].ID)
	assert.Contains(t, string(f.Ops[0].Set), `"y"`)

	apply := func(m *lqp.Mutation) {
		_, err := w.owner.Apply(ctx, w.workspace, m)
		require.NoError(t, err)
	}
	apply(update(tbl.ID, ids[1], "Salary", lqp.IntValue(3))) // hidden: nothing may be seen of it
	apply(update(tbl.ID, ids[0], "Note", lqp.TextValue("z")))
	nothing(t, sub)
	apply(update(tbl.ID, ids[0], "Team", lqp.TextValue("red")))
	f = next(t, sub)
	assert.Equal(t, "enter", f.Ops[0].Op)
	assert.Contains(t, string(f.Ops[0].Set), `"z"`)
	apply(update(tbl.ID, ids[1], "Team", lqp.TextValue("blue")))
	f = next(t, sub)
	assert.Equal(t, "leave", f.Ops[0].Op)
	assert.Empty(t, f.Ops[0].Set, "no new values of a row that left")
	assert.NotContains(t, string(mustJSON(t, f)), "blue")
	apply(&lqp.Mutation{Op: lqp.Delete, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[0])}}}})
	f = next(t, sub)
	assert.Equal(t, "delete", f.Ops[0].Op)
	assert.EqualValues(t, 4, f.Position.Offset)

	require.NoError(t, w.owner.RemoveMember(ctx, w.workspace, "viewer"))
	begin := time.Now()
	_, err = sub.Next(ctx)
	assert.ErrorIs(t, err, livetables.ErrRevoked)
	assert.Less(t, time.Since(begin), 5*time.Second)
}

func mustJSON(t *testing.T, v any) []byte {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

// TestSubscriberAloneMissesNothing: while nobody is subscribed changes are not read from the log for the broker. Who comes back, in the
// middle of others' writes, large ones too, gets all of them.
func TestSubscriberAloneMissesNothing(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	sub, err := w.viewer.Subscribe(t.Context(), tbl.ID, nil)
	require.NoError(t, err)
	_, at := sub.Start()
	sub.Close()
	random := rand.New(rand.NewPCG(testseed.Of(t), 0))
	const writes = 40
	file := "N\n" + strings.Repeat("1\n", 600) // more than is remembered of what was written last
	total := make(chan int64, 1)
	go func() {
		n := int64(0)
		for i := range writes {
			if i%10 == 3 {
				report, err := importFile(w, livetables.ImportSpec{Table: tbl.ID}, file)
				if assert.NoError(t, err) {
					n += report.Rows
				}
				continue
			}
			w.insert(w.editor, tbl, []string{sprint("%d", i)})
			n++
			time.Sleep(time.Millisecond)
		}
		total <- n
	}()
	want := int64(-1)
	for got := int64(0); got != want; {
		sub, err := w.viewer.Subscribe(t.Context(), tbl.ID, &at)
		require.NoError(t, err)
		for range 1 + random.IntN(300) {
			if want < 0 {
				select {
				case want = <-total:
				default:
				}
			}
			if got == want {
				break
			}
			patience := 10 * time.Second
			if want < 0 { // it may be known before there is another change
				patience = 50 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			f, err := sub.Next(ctx)
			cancel()
			if want < 0 && errors.Is(err, context.DeadlineExceeded) {
				break
			}
			require.NoError(t, err)
			got++
			require.EqualValues(t, got, f.Position.Offset)
			at = f.Position
		}
		sub.Close()
		time.Sleep(time.Duration(random.IntN(3)) * time.Millisecond)
	}
}

// Every change reaches every subscriber once and in order, also across a break in the middle that is resumed by position.
func TestSubscribersMissNothing(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	const writers, each = 6, 60
	subscribe := func(since *livetables.Frame) *livetables.Subscription {
		var s *livetables.Subscription
		var err error
		if since == nil {
			s, err = w.viewer.Subscribe(ctx, tbl.ID, nil)
		} else {
			s, err = w.viewer.Subscribe(ctx, tbl.ID, &since.Position)
			mode, at := s.Start()
			assert.Equal(t, livetables.ModeReplay, mode)
			assert.Equal(t, since.Position.Epoch, at.Epoch)
			assert.Equal(t, since.Position.Offset, at.Offset)
		}
		require.NoError(t, err)
		return s
	}
	first, steady := subscribe(nil), subscribe(nil)
	defer steady.Close()
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				w.insert(w.editor, tbl, []string{sprint("%d", i*each+j)})
			}
		})
	}
	var broken []string
	var last *livetables.Frame
	random := rand.New(rand.NewPCG(testseed.Of(t), 0))
	for len(broken) < writers*each {
		last = next(t, first)
		require.EqualValues(t, len(broken)+1, last.Position.Offset, "offsets are dense across a resume")
		broken = append(broken, last.Ops[0].ID)
		if random.IntN(20) == 0 {
			first.Close()
			first = subscribe(last)
		}
	}
	first.Close()
	wg.Wait()
	seen := map[string]bool{}
	var order []string
	for i := range writers * each {
		f := next(t, steady)
		require.EqualValues(t, i+1, f.Position.Offset)
		require.False(t, seen[f.Ops[0].ID], "twice")
		seen[f.Ops[0].ID] = true
		order = append(order, f.Ops[0].ID)
	}
	assert.Equal(t, order, broken, "both saw the same changes in the same order")
	nothing(t, steady)
}
