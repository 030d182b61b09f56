package livetables

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/realtime"
)

// Timing of the relay.
const (
	relayBatch    = 512                    // changes handed over at once
	relayPoll     = 2 * time.Second        // how long a change made by another process may stay unnoticed …
	relayPollMany = 250 * time.Millisecond // … and how long where other processes are expected
	relayRetry    = time.Second            // first pause after a consumer's error; doubles up to relayRetryMax
	relayRetryMax = time.Minute
)

// consumer is somebody who is handed every change in order: the broker or a sink.
type consumer struct {
	name    string
	durable bool // its position is kept across restarts
	deliver func(ctx context.Context, entries []audit.Entry) error
	// lease is that of the process that serves the consumer, nil for one that each process has of its own.
	lease *minidb.Lease
	// quiet reports that at this moment nobody would hear of what is delivered; nil is never.
	quiet func() bool
}

// idle reports that the consumer needs nothing of what was read before the call.
func (c *consumer) idle() bool { return c.quiet != nil && c.quiet() }

// ours reports whether this process serves the consumer.
func (c *consumer) ours() bool { return c.lease == nil || c.lease.Mine() }

// Run owns the engine's background work until ctx ends: it looks after the connections to external databases, takes up jobs
// that another process has left, and hands
// committed changes to the broker and to the sinks, each at its own pace and from its own place in the log. A consumer that fails is asked again and delays nobody else. Run returns
// nil when ctx ends. Without Run, changes are kept but nobody hears of them, and connections that nobody uses stay open.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.spill.Clear(); err != nil { // of an earlier process
		e.log.WarnContext(ctx, "temporary files may be left", "error", err)
	}
	broker := consumer{name: "broker", deliver: e.publish}
	if b, ok := e.broker.(realtime.Quiet); ok {
		broker.quiet = b.Quiet
	}
	consumers := []consumer{broker}
	for name, sink := range e.sinks {
		name = "sink:" + name
		consumers = append(consumers, consumer{name: name, durable: true, deliver: sink.WriteEntries, lease: e.leases.of(name)})
	}
	e.leases.of(leaseHeads)
	e.leases.of(leasePurge)
	e.leases.of(leaseLogs)
	e.leases.claim(ctx)
	defer e.leases.release(ctx)
	wakers := make([]chan struct{}, len(consumers))
	var wg sync.WaitGroup
	for i, c := range consumers {
		wakers[i] = make(chan struct{}, 1)
		wg.Go(func() { e.relay(ctx, c, wakers[i]) })
	}
	wg.Go(func() { e.sources.watch(ctx) })
	wg.Go(func() { e.purge(ctx) })
	wg.Go(func() { e.signHeads(ctx) })
	wg.Go(func() { e.cutLogs(ctx) })
	wg.Go(func() { e.resumeJobs(ctx) })
	wg.Go(func() { e.leases.keep(ctx) })
	committed, stop := e.store.Committed()
	defer stop()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case _, open := <-committed:
			if !open {
				committed = nil // the store is closed; the consumers notice by themselves
			}
			for _, w := range wakers {
				select {
				case w <- struct{}{}:
				default: // it is awake already
				}
			}
		}
	}
	wg.Wait()
	return nil
}

// relay serves one consumer.
func (e *Engine) relay(ctx context.Context, c consumer, wake <-chan struct{}) {
	pause := relayRetry
	position, started := int64(0), false
	poll := relayPoll
	if e.store.Shared() {
		poll = relayPollMany
	}
	for {
		err := func() (err error) {
			if !c.ours() {
				started = false // another process goes on from where we stopped
				return nil
			}
			if !started {
				if position, err = e.startOf(ctx, c); err != nil {
					return err
				}
				started = true
			}
			position, err = e.relayFrom(ctx, c, position)
			return err
		}()
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "relay of changes failed; it will be tried again", "consumer", c.name, "after", position, "error", err)
			// Between half and all of the pause, so that many do not come back to a receiver at the same moment.
			wait := pause/2 + rand.N(pause/2)
			pause = min(2*pause, relayRetryMax)
			if !sleep(ctx, wait) { // whatever is written meanwhile
				return
			}
			continue
		}
		pause = relayRetry
		timer := time.NewTimer(poll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// startOf is where a consumer begins: a sink where it was, the broker at the head, since nobody is subscribed yet.
func (e *Engine) startOf(ctx context.Context, c consumer) (int64, error) {
	if c.durable {
		return e.store.Cursor(ctx, c.name)
	}
	return e.store.LastPosition(ctx)
}

// relayFrom hands over everything after a position.
func (e *Engine) relayFrom(ctx context.Context, c consumer, position int64) (int64, error) {
	for {
		// What was written here a moment ago need not be read again.
		entries := e.store.Newest(position, relayBatch)
		if len(entries) == 0 && c.idle() {
			last, err := e.store.LastPosition(ctx)
			if err != nil {
				return position, fmt.Errorf("look for changes: %w", err)
			}
			if c.idle() { // whoever subscribes from now on reads from the log what is in it, see Subscribe
				return max(position, last), nil
			}
		}
		if len(entries) == 0 {
			var err error
			if entries, err = e.store.Changes(ctx, position, relayBatch); err != nil {
				return position, fmt.Errorf("read changes: %w", err)
			}
		}
		if len(entries) == 0 || !c.ours() {
			return position, nil
		}
		if err := c.deliver(ctx, entries); err != nil {
			return position, err
		}
		position = entries[len(entries)-1].Position
		if c.durable {
			if err := e.store.SetCursor(ctx, c.name, position); err != nil {
				return position, fmt.Errorf("keep position: %w", err)
			}
		}
		if len(entries) < relayBatch && position >= e.store.Written() {
			return position, nil // of what follows, if anything does by now, a signal is still to come
		}
	}
}

func (e *Engine) publish(ctx context.Context, entries []audit.Entry) error {
	events := make([]realtime.Event, 0, len(entries))
	for i := range entries {
		if entries[i].Table != "" && entries[i].Offset > 0 {
			events = append(events, eventOf(&entries[i]))
		}
	}
	if len(events) == 0 {
		return nil
	}
	if err := e.broker.Publish(ctx, events); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

func eventOf(en *audit.Entry) realtime.Event {
	return realtime.Event{Workspace: en.Workspace, Table: en.Table, Offset: en.Offset, Position: en.Position, Batch: en.Batch, Action: en.Action, Resource: en.Resource,
		Version: en.Version, Actor: en.Actor, At: en.At, Before: en.Before, After: en.After}
}
