package supervise

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

type guess struct{ db *database }

func (g guess) Estimate(ctx context.Context, _ *lqp.Query) (int64, error) {
	_, err := g.db.answer(ctx, int(g.db.asked.Add(1)))
	return 7, err
}

type showing struct{}

func (showing) Native(*lqp.Query) (string, error) { return "SELECT 1", nil }

type look struct{ db *database }

func (l look) Examine(ctx context.Context, _ *lqp.Query) (adapter.Examination, error) {
	_, err := l.db.answer(ctx, int(l.db.asked.Add(1)))
	return adapter.Examination{Read: 8}, err
}

// TestInterfacesStayVisible: what an adapter can do besides, the guarded one can do, and nothing more.
func TestInterfacesStayVisible(t *testing.T) {
	db := always(nil)
	kinds := map[string]adapter.Adapter{
		"": db,
		"x": struct {
			*database
			adapter.Explainer
		}{db, showing{}},
		"e": struct {
			*database
			adapter.Estimator
		}{db, guess{db}},
		"xe": struct {
			*database
			adapter.Explainer
			adapter.Estimator
		}{db, showing{}, guess{db}},
		"m": struct {
			*database
			adapter.Examiner
		}{db, look{db}},
		"xm": struct {
			*database
			adapter.Explainer
			adapter.Examiner
		}{db, showing{}, look{db}},
		"em": struct {
			*database
			adapter.Estimator
			adapter.Examiner
		}{db, guess{db}, look{db}},
		"xem": struct {
			*database
			adapter.Explainer
			adapter.Estimator
			adapter.Examiner
		}{db, showing{}, guess{db}, look{db}},
		"w": struct {
			*database
			adapter.Writer
		}{db, &pen{}},
		"xw": struct {
			*database
			adapter.Explainer
			adapter.Writer
		}{db, showing{}, &pen{}},
		"ew": struct {
			*database
			adapter.Estimator
			adapter.Writer
		}{db, guess{db}, &pen{}},
		"xew": struct {
			*database
			adapter.Explainer
			adapter.Estimator
			adapter.Writer
		}{db, showing{}, guess{db}, &pen{}},
		"mw": struct {
			*database
			adapter.Examiner
			adapter.Writer
		}{db, look{db}, &pen{}},
		"xmw": struct {
			*database
			adapter.Explainer
			adapter.Examiner
			adapter.Writer
		}{db, showing{}, look{db}, &pen{}},
		"emw": struct {
			*database
			adapter.Estimator
			adapter.Examiner
			adapter.Writer
		}{db, guess{db}, look{db}, &pen{}},
		"xemw": struct {
			*database
			adapter.Explainer
			adapter.Estimator
			adapter.Examiner
			adapter.Writer
		}{db, showing{}, guess{db}, look{db}, &pen{}},
	}
	require.Len(t, kinds, 16)
	for name, a := range kinds {
		g := New(Options{}).Wrap(a)
		seen := ""
		if x, ok := g.(adapter.Explainer); ok {
			seen += "x"
			text, err := x.Native(nil)
			require.NoError(t, err)
			require.Equal(t, "SELECT 1", text)
		}
		if e, ok := g.(adapter.Estimator); ok {
			seen += "e"
			n, err := e.Estimate(t.Context(), nil)
			require.NoError(t, err)
			require.EqualValues(t, 7, n)
		}
		if m, ok := g.(adapter.Examiner); ok {
			seen += "m"
			found, err := m.Examine(t.Context(), nil)
			require.NoError(t, err)
			require.EqualValues(t, 8, found.Read)
		}
		if _, ok := g.(adapter.Writer); ok {
			seen += "w"
		}
		require.Equal(t, name, seen)
		require.NoError(t, g.Close())
	}
}

// TestTurns: a read has its turn until its rows have ended or are closed; the workspace's share is taken last, so that
// those who wait for one connection keep nothing from others.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		workspace := NewShare(3, 10)
		one, two := New(Options{Name: "one", Reads: 2, Workspace: workspace}), New(Options{Name: "two", Reads: 2, Workspace: workspace})
		a, b := one.Wrap(always(nil)), two.Wrap(always(nil))
		defer a.Close()
		defer b.Close()
		scan := func(a adapter.Adapter) (adapter.Rows, error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return a.Scan(ctx, &lqp.Query{})
		}
		first, err := scan(a)
		require.NoError(t, err)
		second, err := scan(a)
		require.NoError(t, err)
		_, err = scan(a)
		require.ErrorIs(t, err, ErrBusy)
		require.ErrorContains(t, err, `connection "one": too many reads at once`)
		var f *Failure
		require.ErrorAs(t, err, &f)
		require.Equal(t, time.Second, f.RetryAfter)

		waiting := make(chan error)
		go func() { waiting <- read(t.Context(), a) }()
		synctest.Wait()
		require.Equal(t, 1, one.Health().Waiting)
		third, err := scan(b)
		require.NoError(t, err, "the one that waits has no share of the workspace")
		_, err = scan(b)
		require.ErrorIs(t, err, ErrBusy, "the workspace has no more")
		require.Equal(t, []int{2, 1}, []int{one.Health().Reading, two.Health().Reading})

		require.NoError(t, first.Close())
		require.NoError(t, first.Close(), "twice gives back one turn")
		require.NoError(t, <-waiting)
		for second.Next() {
		}
		require.False(t, second.Next())
		require.Zero(t, one.Health().Reading)
		require.NoError(t, second.Close())
		require.NoError(t, third.Close())
		used, queued := workspace.counts()
		require.Equal(t, []int{0, 0}, []int{used, queued})
		require.Zero(t, two.Health().Reading)
	})
}
