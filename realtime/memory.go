package realtime

import (
	"context"
	"sync"
)

// MemoryOptions tune a [Memory]. The zero value is good.
type MemoryOptions struct {
	// Buffer is how many events wait for one receiver, default 256.
	Buffer int
}

// Memory is a Broker within one process. It starts no goroutines and has nothing to close; its memory for a subscription
// is released when the subscription's context ends.
type Memory struct {
	buffer int

	mu   sync.Mutex
	subs map[topic]map[*memorySub]struct{}
}

var _ Quiet = (*Memory)(nil)

type topic struct{ workspace, table string }

type memorySub struct{ events chan Event }

// NewMemory returns a broker without subscriptions.
func NewMemory(options MemoryOptions) *Memory {
	if options.Buffer <= 0 {
		options.Buffer = 256
	}
	return &Memory{buffer: options.Buffer, subs: make(map[topic]map[*memorySub]struct{})}
}

// Publish implements [Broker]. It never waits for a receiver. Concurrent calls are delivered one after the other, to all
// receivers in the same order. The receivers share the events' row images and must not write to them.
func (m *Memory) Publish(ctx context.Context, events []Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		for sub := range m.subs[topic{e.Workspace, e.Table}] {
			sub.push(e)
		}
	}
	return nil
}

// Quiet implements [Quiet].
func (m *Memory) Quiet() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.subs) == 0
}

// push adds an event; the lock of the broker is held. A full buffer loses its oldest event and not the new one: a
// receiver learns of a loss by what comes after it, and after the last event of a burst nothing may come for hours.
func (s *memorySub) push(e Event) {
	for {
		select {
		case s.events <- e:
			return
		default:
		}
		select {
		case <-s.events:
		default: // the receiver was faster
		}
	}
}

// Subscribe implements [Broker]. The channel has no event published before the call.
func (m *Memory) Subscribe(ctx context.Context, workspace, table string) (<-chan Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sub := &memorySub{events: make(chan Event, m.buffer)}
	key := topic{workspace, table}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.subs[key] == nil {
		m.subs[key] = make(map[*memorySub]struct{})
	}
	m.subs[key][sub] = struct{}{}
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.subs[key], sub)
		if len(m.subs[key]) == 0 {
			delete(m.subs, key)
		}
		close(sub.events) // under the lock: nobody pushes any more
	})
	return sub.events, nil
}
