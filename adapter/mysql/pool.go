package mysql

import (
	"context"
	"sync"
	"time"

	"github.com/livetables/livetables/adapter"
)

const (
	maxLifetime = time.Hour
	maxIdle     = 5 * time.Minute
)

// pool keeps sessions, at most as many as it has slots. It is safe for concurrent use.
type pool struct {
	connect func(ctx context.Context) (*session, error)
	slots   chan struct{}
	closing chan struct{}

	mu     sync.Mutex
	parked []*session // the one used last is the last one
	reaper *time.Timer
	closed bool
}

func newPool(size int, connect func(ctx context.Context) (*session, error)) *pool {
	return &pool{connect: connect, slots: make(chan struct{}, size), closing: make(chan struct{})}
}

// get hands out a session, waiting for one if need be. It is given back by put.
func (p *pool) get(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-p.closing:
		return nil, adapter.ErrUnavailable
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.closing:
			return nil, adapter.ErrUnavailable
		}
	}
	for {
		s, ok := p.unpark()
		switch {
		case !ok:
			<-p.slots
			return nil, adapter.ErrUnavailable
		case s == nil:
			s, err := p.connect(ctx)
			if err != nil {
				<-p.slots
				return nil, err
			}
			return s, nil
		case s.usable(ctx):
			return s, nil
		}
		s.close()
	}
}

// unpark takes a parked session, nil if there is none; it is not ok when the pool is closed.
func (p *pool) unpark() (s *session, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false
	}
	if n := len(p.parked); n > 0 {
		s, p.parked = p.parked[n-1], p.parked[:n-1]
	}
	return s, true
}

// put takes a session back, for others to use if it is still good.
func (p *pool) put(s *session, good bool) {
	defer func() { <-p.slots }()
	if !good || !p.park(s) {
		s.close()
	}
}

func (p *pool) park(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	s.parked = time.Now()
	p.parked = append(p.parked, s)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(maxIdle, p.reap)
	}
	return true
}

// reap closes the sessions that nobody used for a while.
func (p *pool) reap() {
	p.mu.Lock()
	var old []*session
	for len(p.parked) > 0 && time.Since(p.parked[0].parked) >= maxIdle {
		old = append(old, p.parked[0])
		p.parked = p.parked[1:]
	}
	p.reaper = nil
	if len(p.parked) > 0 && !p.closed {
		p.reaper = time.AfterFunc(maxIdle-time.Since(p.parked[0].parked), p.reap)
	}
	p.mu.Unlock()
	for _, s := range old {
		s.close()
	}
}

// close ends the parked sessions and makes put end the others.
func (p *pool) close() {
	p.mu.Lock()
	parked := p.parked
	p.parked = nil
	if p.reaper != nil {
		p.reaper.Stop()
	}
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.mu.Unlock()
	for _, s := range parked {
		s.close()
	}
}
