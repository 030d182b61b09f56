package supervise

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Wrap puts the guard in front of an adapter, which the result owns. The result implements [adapter.Explainer],
// [adapter.Estimator], [adapter.Examiner] and [adapter.Writer] when a does. A store is not wrapped: its transactions are its owner's business.
//
// Reads that have begun keep their turn until their rows have ended or are closed. Writes are never tried again: nobody
// knows whether the first one happened.
func (g *Guard) Wrap(a adapter.Adapter) adapter.Adapter {
	s := &source{g: g, inner: a}
	s.life, s.end = context.WithCancel(context.Background())
	return s.offering()
}

// source is a guarded adapter.
type source struct {
	g     *Guard
	inner adapter.Adapter

	life       context.Context // ended by Close
	end        context.CancelFunc
	doubting   atomic.Bool
	mu         sync.Mutex // of closed, and of adding to background
	closed     bool
	background sync.WaitGroup
}

// Capabilities implements [adapter.Adapter].
func (s *source) Capabilities() adapter.Capabilities { return s.inner.Capabilities() }

// Plan implements [adapter.Adapter].
func (s *source) Plan(q *lqp.Query) adapter.Split { return s.inner.Plan(q) }

// Tables implements [adapter.Adapter].
func (s *source) Tables(ctx context.Context) (found lqp.Catalog, err error) {
	err = s.read(ctx, func() (err error) {
		found, err = s.inner.Tables(ctx)
		return err
	})
	return found, err
}

// Scan implements [adapter.Adapter].
func (s *source) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	leave, err := s.g.enter(ctx)
	if err != nil {
		return nil, err
	}
	var rows adapter.Rows
	err = s.run(ctx, s.g.opt.Tries, func() (err error) {
		rows, err = s.inner.Scan(ctx, pushed)
		return err
	})
	if err != nil {
		leave()
		return nil, err
	}
	return &result{Rows: rows, s: s, leave: leave}, nil
}

// read does a read that is over when it returns.
func (s *source) read(ctx context.Context, read func() error) error {
	leave, err := s.g.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return s.run(ctx, s.g.opt.Tries, read)
}

func (s *source) run(ctx context.Context, tries int, ask func() error) error {
	err := s.g.run(ctx, s.inner, tries, ask)
	s.doubt(err)
	return err
}

// Ping implements [adapter.Adapter]. It asks the database whatever the guard thinks of it.
func (s *source) Ping(ctx context.Context) error { return s.g.named(s.g.Ping(ctx, s.inner)) }

// doubt looks after a database whose read failed or took too long: was it the read or the database? It pings until the
// database answers or has failed so often that it is left alone; nobody waits for that.
func (s *source) doubt(err error) {
	if outcomeOf(err) != failed && !late(err) || s.g.State() != Closed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.doubting.CompareAndSwap(false, true) {
		return
	}
	s.background.Go(func() {
		defer s.doubting.Store(false)
		for try := range s.g.opt.Trip {
			if try > 0 && !pause(s.life, s.g.opt.Pause<<min(try, 4)) {
				return
			}
			if err := s.g.Ping(s.life, s.inner); err == nil || s.g.State() != Closed {
				return
			}
		}
	})
}

// Close implements [adapter.Adapter].
func (s *source) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	err := s.inner.Close()
	s.background.Wait()
	return err
}

// result is rows that keep their turn until they have ended.
type result struct {
	adapter.Rows
	s     *source
	leave func()
	ended bool
}

// Next implements [adapter.Rows].
func (r *result) Next() bool {
	if r.Rows.Next() {
		return true
	}
	if !r.ended {
		r.ended = true
		r.leave()
		if err := r.Rows.Err(); err != nil {
			r.s.g.broke(err)
			r.s.doubt(err)
		}
	}
	return false
}

// Err implements [adapter.Rows].
func (r *result) Err() error { return r.s.g.named(r.Rows.Err()) }

// Close implements [adapter.Rows].
func (r *result) Close() error {
	defer r.leave()
	return r.Rows.Close()
}

// estimator is the guarded estimator of a source.
type estimator struct {
	s     *source
	inner adapter.Estimator
}

// Estimate implements [adapter.Estimator].
func (e estimator) Estimate(ctx context.Context, pushed *lqp.Query) (rows int64, err error) {
	err = e.s.read(ctx, func() (err error) {
		rows, err = e.inner.Estimate(ctx, pushed)
		return err
	})
	return rows, err
}

// examiner is the guarded examiner of a source.
type examiner struct {
	s     *source
	inner adapter.Examiner
}

// Examine implements [adapter.Examiner].
func (e examiner) Examine(ctx context.Context, pushed *lqp.Query) (found adapter.Examination, err error) {
	err = e.s.read(ctx, func() (err error) {
		found, err = e.inner.Examine(ctx, pushed)
		return err
	})
	return found, err
}
