package ws

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/livetables/livetables/realtime"
)

// room is a subscription of a connection.
type room struct {
	name   string
	epoch  string
	stream Stream
	offset atomic.Int64 // of the last frame queued
	acked  atomic.Int64
	cancel context.CancelFunc
	done   chan struct{} // closed when the stream is closed
}

func (r *room) revoked() bool {
	revocable, ok := r.stream.(Revocable)
	return ok && revocable.Revoked()
}

// join starts to send a room's frames.
func (c *conn) join(ctx context.Context, name string, stream Stream, at realtime.Position) {
	ctx, cancel := context.WithCancel(ctx)
	r := &room{name: name, epoch: at.Epoch, stream: stream, cancel: cancel, done: make(chan struct{})}
	r.offset.Store(at.Offset)
	c.mu.Lock()
	c.rooms[name] = r
	c.mu.Unlock()
	c.work.Go(func() {
		defer close(r.done)
		defer cancel()
		defer stream.Close()
		if err := c.pump(ctx, r); err != nil && ctx.Err() == nil {
			c.expel(ctx, r, err)
		}
	})
}

// leave ends a subscription and returns when no further frame of it can be queued; false when there is none.
func (c *conn) leave(name string) bool {
	c.mu.Lock()
	r := c.rooms[name]
	delete(c.rooms, name)
	c.mu.Unlock()
	if r == nil {
		return false
	}
	r.cancel()
	<-r.done
	return true
}

// pump queues the frames of a room as fast as the connection takes them: what has no place stays in the stream. It
// returns nil when the connection ends.
func (c *conn) pump(ctx context.Context, r *room) error {
	for {
		// The place is waited for first: a frame in hand is of the rules at the time when it was made.
		if moving, err := c.queue.wait(ctx, 0, c.limits.Slow); err != nil || !moving {
			return c.stalled(moving, err)
		}
		f, err := r.stream.Next(ctx)
		if err != nil {
			return err
		}
		data := encodeFrame(r.name, f)
		if len(data) > c.limits.FrameOut {
			return errTooLarge
		}
		r.offset.Store(f.Offset)
		if moving, err := c.queue.putWait(ctx, message{data: data, room: r}, c.limits.Slow); err != nil || !moving {
			return c.stalled(moving, err)
		}
	}
}

func (c *conn) stalled(moving bool, err error) error {
	if err == nil && !moving {
		c.fail(CloseSlow, "reading too slowly")
	}
	return err
}

// expel ends a room that its stream ended, and says why.
func (c *conn) expel(ctx context.Context, r *room, err error) {
	code, text, known := explain(err)
	if !known {
		c.h.options.Logger.ErrorContext(ctx, "websocket room failed", "room", r.name, "error", err)
	}
	if errors.Is(err, ErrRevoked) || errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) {
		c.queue.drop(r) // what waits to be sent was allowed a moment ago and is not now
	}
	c.mu.Lock()
	if c.rooms[r.name] == r {
		delete(c.rooms, r.name)
	}
	c.mu.Unlock()
	c.reply(roomError(r.name, code, text))
}
