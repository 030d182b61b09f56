package supervise

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
	"github.com/livetables/livetables/lqp"
)

func TestRetry(t *testing.T) {
	refusedByUs := fmt.Errorf("%w: %w", errRefused, &netguard.DeniedError{})
	for _, c := range []struct {
		name  string
		errs  []error // of the calls, in order; then it works
		asked int64
		fails bool
		least time.Duration
	}{
		{name: "once", errs: []error{errRefused}, asked: 2, least: 25 * time.Millisecond},
		{name: "twice", errs: []error{errRefused, adapter.ErrTemporary}, asked: 3, least: 75 * time.Millisecond},
		{name: "too often", errs: []error{errRefused, errRefused, errRefused}, asked: 3, fails: true, least: 75 * time.Millisecond},
		{name: "for good", errs: []error{adapter.ErrUnavailable}, asked: 1, fails: true},
		{name: "a data error", errs: []error{adapter.ErrData}, asked: 1, fails: true},
		{name: "an address that is not allowed", errs: []error{refusedByUs}, asked: 1, fails: true},
		{name: "time", errs: []error{adapter.ErrTimeout}, asked: 1, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := always(nil)
				up := db.answer
				db.answer = func(ctx context.Context, call int) (adapter.Rows, error) {
					if call <= len(c.errs) {
						return nil, c.errs[call-1]
					}
					return up(ctx, call)
				}
				a := New(Options{}).Wrap(db)
				defer a.Close()
				began := time.Now()
				require.Equal(t, c.fails, read(t.Context(), a) != nil)
				require.Equal(t, c.asked, db.asked.Load())
				require.GreaterOrEqual(t, time.Since(began), c.least)
				require.LessOrEqual(t, time.Since(began), 4*c.least, "pauses vary, but not beyond measure")
			})
		})
	}
}

// TestRetryKeepsToTheDeadline: no pause that the caller could not wait for.
func TestRetryKeepsToTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := always(errRefused)
		a := New(Options{Pause: time.Second}).Wrap(db)
		defer a.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, read(ctx, a), adapter.ErrUnavailable)
		require.Equal(t, began, time.Now(), "the answer is known, and is told at once")
		require.EqualValues(t, 1, db.asked.Load())

		ctx, cancel = context.WithCancel(t.Context())
		go func() {
			time.Sleep(10 * time.Millisecond)
			cancel()
		}()
		require.Error(t, read(ctx, a))
		require.Equal(t, 10*time.Millisecond, time.Since(began))
		require.EqualValues(t, 2, db.asked.Load())
	})
}

// pen is a database that can be written.
type pen struct {
	*database
	adapter.Writer
	err   error
	wrote int
}

func (p *pen) Insert(context.Context, *lqp.Table, []string, [][]lqp.Value) error {
	p.wrote++
	return p.err
}

func (p *pen) Update(context.Context, *lqp.Table, []lqp.Value, []lqp.Assignment, []lqp.Assignment) (int64, error) {
	p.wrote++
	return 1, p.err
}

func (p *pen) Delete(context.Context, *lqp.Table, []lqp.Value, []lqp.Assignment) (int64, error) {
	p.wrote++
	return 1, p.err
}

// TestWritesAreTriedOnce: nobody knows whether a write happened whose connection broke.
func TestWritesAreTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pen{database: always(errRefused), err: errRefused}
		g := New(Options{Name: "shop", Trip: 4})
		a := g.Wrap(p)
		defer a.Close()
		w := a.(adapter.Writer)
		require.ErrorIs(t, w.Insert(t.Context(), nil, nil, nil), adapter.ErrUnavailable)
		_, err := w.Update(t.Context(), nil, nil, nil, nil)
		require.ErrorContains(t, err, `connection "shop"`)
		_, err = w.Delete(t.Context(), nil, nil, nil)
		require.ErrorIs(t, err, adapter.ErrUnavailable)
		require.Equal(t, 3, p.wrote)
		time.Sleep(time.Second)
		require.ErrorIs(t, w.Insert(t.Context(), nil, nil, nil), ErrOpen, "the breaker is of writes too")
		require.Equal(t, 3, p.wrote)
	})
}
