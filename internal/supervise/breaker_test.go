package supervise

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
)

// TestBreaker follows a database that goes away and comes back.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := false
		db := always(nil)
		up := db.answer
		db.answer = func(ctx context.Context, call int) (adapter.Rows, error) {
			if away {
				return nil, errRefused
			}
			return up(ctx, call)
		}
		db.ping = func(context.Context, int) error {
			if away {
				return errRefused
			}
			return nil
		}
		var turns []string
		g := New(Options{Connection: "con_1", Name: "shop", Changed: func(from, to State) { turns = append(turns, fmt.Sprint(from, ">", to)) }})
		a := g.Wrap(db)
		defer a.Close()
		require.NoError(t, read(t.Context(), a))
		require.Equal(t, Closed, g.Health().State)
		require.False(t, g.Health().Used.IsZero())

		// One read that fails for good is enough: whether the database is away is found out in the background.
		away = true
		err := read(t.Context(), a)
		require.ErrorIs(t, err, adapter.ErrUnavailable)
		require.NotErrorIs(t, err, ErrOpen)
		require.EqualValues(t, 1+3, db.asked.Load(), "three tries")
		time.Sleep(3 * time.Second)
		require.Equal(t, Open, g.State())
		require.EqualValues(t, 2, db.pinged.Load())

		// Nobody asks it now, and everybody is told at once and by name.
		began := time.Now()
		err = read(t.Context(), a)
		require.Equal(t, began, time.Now())
		require.ErrorIs(t, err, ErrOpen)
		require.ErrorIs(t, err, adapter.ErrUnavailable)
		var f *Failure
		require.ErrorAs(t, err, &f)
		require.Equal(t, "con_1", f.Connection)
		require.ErrorContains(t, err, `connection "shop"`)
		require.Greater(t, f.RetryAfter, time.Second)
		require.LessOrEqual(t, f.RetryAfter, 5*time.Second)
		require.Equal(t, g.Health().RetryAt, began.Add(f.RetryAfter))
		_, err = a.Tables(t.Context())
		require.ErrorIs(t, err, ErrOpen)
		require.EqualValues(t, 4, db.asked.Load())
		require.ErrorIs(t, g.Health().Error, adapter.ErrUnavailable)

		// After a while the next read looks, without being asked itself.
		time.Sleep(5 * time.Second)
		require.Equal(t, HalfOpen, g.State())
		require.ErrorIs(t, read(t.Context(), a), ErrOpen)
		require.EqualValues(t, 4, db.asked.Load())
		require.EqualValues(t, 3, db.pinged.Load())
		require.Equal(t, Open, g.State())

		away = false
		require.ErrorIs(t, read(t.Context(), a), ErrOpen, "not yet")
		time.Sleep(6 * time.Second)
		require.NoError(t, read(t.Context(), a))
		require.Equal(t, Closed, g.State())
		require.Equal(t, []string{"closed>open", "open>half_open", "half_open>open", "open>half_open", "half_open>closed"}, turns)
	})
}

// TestOneLooks: while one read finds out whether the database is back, others do not wait for that.
func TestOneLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := always(errRefused)
		g := New(Options{Name: "shop", Tries: 1, Trip: 1})
		a := g.Wrap(db)
		defer a.Close()
		require.Error(t, read(t.Context(), a))
		time.Sleep(6 * time.Second)
		db.ping = func(ctx context.Context, _ int) error { // it hangs
			<-ctx.Done()
			return ctx.Err()
		}
		first := make(chan error)
		go func() { first <- read(t.Context(), a) }()
		synctest.Wait()
		began := time.Now()
		var f *Failure
		require.ErrorAs(t, read(t.Context(), a), &f)
		require.Equal(t, time.Second, f.RetryAfter)
		require.Equal(t, began, time.Now())
		require.ErrorIs(t, <-first, ErrOpen)
		require.Equal(t, 5*time.Second, time.Since(began), "a ping has its own time")
		require.ErrorContains(t, g.Health().Error, "no answer to a ping in 5s")
	})
}

// TestWhatCounts: only what is the database's fault opens the breaker.
func TestWhatCounts(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		opens bool
		shown bool
	}{
		{"unreachable", adapter.ErrUnavailable, true, true},
		{"data error", adapter.ErrData, false, false},
		{"no table", adapter.ErrNoTable, false, false},
		{"denied", adapter.ErrDenied, false, true},
		{"credentials", adapter.ErrAuth, false, true},
		{"cancelled", context.Canceled, false, false},
		{"too slow", adapter.ErrTimeout, false, true},
		{"out of time", context.DeadlineExceeded, false, true},
		{"not supported", adapter.ErrUnsupported, false, false},
		{"conflict", adapter.ErrTemporary, false, false},
		{"our own refusal", fmt.Errorf("%w: %w", adapter.ErrUnavailable, &netguard.DeniedError{}), false, true},
		{"unknown", errors.New("?"), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := always(c.err)
				if late(c.err) {
					db.ping = func(context.Context, int) error { return nil } // the read was slow, not the database
				}
				g := New(Options{})
				a := g.Wrap(db)
				defer a.Close()
				for range 10 {
					require.ErrorIs(t, read(t.Context(), a), c.err)
					if c.opens {
						break
					}
				}
				time.Sleep(time.Second)
				require.Equal(t, c.opens, g.State() == Open)
				require.Equal(t, c.shown, g.Health().Error != nil)
			})
		})
	}
}

// TestHanging: reads that run out of time say nothing, but they raise the question.
func TestHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		db := &database{answer: func(ctx context.Context, _ int) (adapter.Rows, error) { return nil, hang(ctx) },
			ping: func(ctx context.Context, _ int) error { return hang(ctx) }}
		g := New(Options{})
		a := g.Wrap(db)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.ErrorIs(t, read(ctx, a), context.DeadlineExceeded)
		require.Equal(t, Closed, g.State())
		time.Sleep(16 * time.Second)
		require.Equal(t, Open, g.State(), "three pings without an answer")
		require.NoError(t, a.Close())
		require.True(t, db.closed.Load())
	})
}

// TestPing: an explicit ping asks whatever the breaker thinks, and an answer closes it.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := always(errRefused)
		g := New(Options{Name: "shop"})
		a := g.Wrap(db)
		defer a.Close()
		for range 3 {
			require.ErrorContains(t, a.Ping(t.Context()), `connection "shop"`)
		}
		require.Equal(t, Open, g.State())
		require.ErrorIs(t, a.Ping(t.Context()), adapter.ErrUnavailable)
		db.ping = func(context.Context, int) error {
			time.Sleep(7 * time.Millisecond)
			return nil
		}
		require.NoError(t, a.Ping(t.Context()))
		require.Equal(t, Closed, g.State())
		h := g.Health()
		require.Equal(t, 7*time.Millisecond, h.Ping)
		require.Error(t, h.Error, "the last error is remembered")

		// Who leaves while it is asked says nothing about it.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		db.ping = func(ctx context.Context, _ int) error { return ctx.Err() }
		for range 5 {
			require.ErrorIs(t, a.Ping(ctx), context.Canceled)
		}
		require.Equal(t, Closed, g.State())
	})
}

// TestCutResult: a result that breaks off counts as a failure, and is not tried again.
func TestCutResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := always(nil)
		db.answer = func(context.Context, int) (adapter.Rows, error) { return &few{left: 1, err: errRefused}, nil }
		g := New(Options{Name: "shop"})
		a := g.Wrap(db)
		defer a.Close()
		err := read(t.Context(), a)
		require.ErrorIs(t, err, adapter.ErrTemporary)
		require.ErrorContains(t, err, `connection "shop"`)
		require.EqualValues(t, 1, db.asked.Load())
		require.Equal(t, Health{}.Reading, g.Health().Reading)
		synctest.Wait()
		require.EqualValues(t, 1, db.pinged.Load(), "somebody looks whether it is still there")
		require.Equal(t, Closed, g.State())
		require.ErrorIs(t, g.Health().Error, adapter.ErrUnavailable)
	})
}
