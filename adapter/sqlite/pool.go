package sqlite

import (
	"context"
	"errors"
	"sync"
)

var errClosed = errors.New("adapter is closed")

// pool hands out connections that read. At most cap(slots) exist; idle ones wait on a stack, so that the most recently
// used, whose page cache is warm, goes out first.
type pool struct {
	open  func(ctx context.Context) (*conn, error)
	slots chan struct{}

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func newPool(n int, open func(ctx context.Context) (*conn, error)) *pool {
	return &pool{open: open, slots: make(chan struct{}, n)}
}

// get waits for a connection until ctx is done.
func (p *pool) get(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.slots
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// put takes a connection back; a broken one, or any after close, is ended.
func (p *pool) put(c *conn) {
	c.db.SetInterrupt(context.Background())
	p.mu.Lock()
	keep := !p.closed && !c.broken
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
	<-p.slots
}

// close ends the idle connections and waits for the others to come back, or for ctx.
func (p *pool) close(ctx context.Context) error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
	for i := range cap(p.slots) {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			for range i {
				<-p.slots
			}
			return ctx.Err()
		}
	}
	for range cap(p.slots) {
		<-p.slots
	}
	return nil
}
