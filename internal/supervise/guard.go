package supervise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
)

// Options say what a guard keeps to. A zero field has the default named beside it.
type Options struct {
	// Connection is the connection's id and Name what people call it, for errors.
	Connection, Name string
	// Reads may run at once at the connection: 4. As many as MaxWaiting (1000) wait for their turn.
	Reads      int
	MaxWaiting int
	// Workspace is the share of the connection's workspace; nil for none.
	Workspace *Share
	// Tries is how often a read is tried in all when it fails for a moment: 3. The first pause is about Pause (50 ms),
	// later ones grow.
	Tries int
	Pause time.Duration
	// Trip is how many failures in a row open the breaker: 3. It lets somebody look again after Cooldown: 5 s.
	Trip     int
	Cooldown time.Duration
	// PingTime is how long a ping may take before it counts as a failure: 5 s.
	PingTime time.Duration
	// Changed hears of every change of the breaker's state; it must neither block nor ask the guard. nil for nobody.
	Changed func(from, to State)
}

func (o Options) withDefaults() Options {
	count := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	span := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	count(&o.Reads, 4)
	count(&o.MaxWaiting, 1000)
	count(&o.Tries, 3)
	count(&o.Trip, 3)
	span(&o.Pause, 50*time.Millisecond)
	span(&o.Cooldown, 5*time.Second)
	span(&o.PingTime, 5*time.Second)
	return o
}

// Guard watches over one connection, whatever adapters are opened for it one after the other. It is safe for concurrent
// use; make one with [New].
type Guard struct {
	opt     Options
	reads   *Share
	breaker atomic.Pointer[gobreaker.TwoStepCircuitBreaker[struct{}]]
	record  record
	looking sync.Mutex // held by whoever finds out whether a failed database is back
	closing sync.Mutex // held by whoever puts a new breaker in the place of an open one
}

// New makes a guard whose breaker is closed.
func New(opt Options) *Guard {
	g := &Guard{opt: opt.withDefaults()}
	g.reads = NewShare(g.opt.Reads, g.opt.MaxWaiting)
	g.record.h.State = Closed
	g.renew()
	return g
}

// renew begins with a closed breaker that has seen nothing.
func (g *Guard) renew() {
	g.breaker.Store(gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:       g.opt.Cooldown,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(g.opt.Trip) },
		IsSuccessful:  func(err error) bool { return outcomeOf(err) == answered },
		IsExcluded:    func(err error) bool { return outcomeOf(err) == unknown },
		OnStateChange: func(_ string, from, to gobreaker.State) { g.changed(stateOf(from), stateOf(to)) },
	}))
}

func stateOf(s gobreaker.State) State {
	switch s {
	case gobreaker.StateOpen:
		return Open
	case gobreaker.StateHalfOpen:
		return HalfOpen
	default:
		return Closed
	}
}

func (g *Guard) changed(from, to State) {
	now := time.Now()
	g.record.update(func(h *Health) {
		h.State, h.Since, h.RetryAt = to, now, time.Time{}
		if to == Open {
			h.RetryAt = now.Add(g.opt.Cooldown)
		}
	})
	if g.opt.Changed != nil {
		g.opt.Changed(from, to)
	}
}

// State is what the breaker lets through now.
func (g *Guard) State() State { return stateOf(g.breaker.Load().State()) }

// Health is how the connection is doing now.
func (g *Guard) Health() Health {
	state := g.State() // an open breaker whose time is up notices when it is asked
	h := g.record.read()
	h.State = state
	h.Reading, h.Waiting = g.reads.counts()
	return h
}

// Note keeps an error that was met beside the guard, such as one of opening the connection, as the last one.
func (g *Guard) Note(err error) {
	if err == nil || outcomeOf(err) == unknown && !late(err) && !errors.Is(err, adapter.ErrAuth) && !errors.Is(err, netguard.ErrHostNotAllowed) {
		return
	}
	if outcomeOf(err) == answered && !errors.Is(err, adapter.ErrDenied) {
		return // the question was at fault
	}
	g.record.update(func(h *Health) { h.Error, h.ErrorAt = err, time.Now() })
}

// enter waits for the turn of a read, first at the connection and then in the workspace: who waits for a slow connection
// takes nothing from the others. A database that is left alone refuses at once.
func (g *Guard) enter(ctx context.Context) (leave func(), err error) {
	if g.State() == Open {
		return nil, g.refusal()
	}
	if err := g.reads.take(ctx); err != nil {
		return nil, g.named(err)
	}
	if err := g.opt.Workspace.take(ctx); err != nil {
		g.reads.give()
		return nil, g.named(err)
	}
	return sync.OnceFunc(func() {
		g.opt.Workspace.give()
		g.reads.give()
	}), nil
}

// run asks the database, up to tries times where that may help, and learns from how it went.
func (g *Guard) run(ctx context.Context, a adapter.Adapter, tries int, ask func() error) error {
	if g.State() == HalfOpen {
		if err := g.look(ctx, a); err != nil {
			return err
		}
	}
	done, err := g.breaker.Load().Allow()
	if err != nil {
		return g.refusal()
	}
	err = g.retry(ctx, tries, ask)
	done(err)
	g.learn(err)
	return g.named(err)
}

// look finds out whether a database that failed is back. One does; others are refused meanwhile.
func (g *Guard) look(ctx context.Context, a adapter.Adapter) error {
	if !g.looking.TryLock() {
		return g.refusal()
	}
	defer g.looking.Unlock()
	if g.State() != HalfOpen { // somebody else has looked
		return nil
	}
	if err := g.Ping(ctx, a); outcomeOf(err) != answered && !errors.Is(err, adapter.ErrAuth) {
		if ended := ctx.Err(); ended != nil {
			return ended
		}
		return g.refusal()
	}
	return nil
}

func (g *Guard) learn(err error) {
	if err == nil {
		g.record.update(func(h *Health) { h.Used = time.Now() })
		return
	}
	g.Note(err)
}

// broke takes note of a failure in the middle of a result, after the read was counted as answered.
func (g *Guard) broke(err error) {
	if outcomeOf(err) == failed {
		if done, refused := g.breaker.Load().Allow(); refused == nil {
			done(err)
		}
	}
	g.Note(err)
}

// Ping asks the database whether it answers, whatever state the breaker is in, and learns from that: an answer closes the
// breaker. A database that does not answer within Options.PingTime has failed.
func (g *Guard) Ping(ctx context.Context, a adapter.Adapter) error {
	b := g.breaker.Load()
	done, refused := b.Allow()
	asked, cancel := context.WithTimeout(ctx, g.opt.PingTime)
	defer cancel()
	began := time.Now()
	err := a.Ping(asked)
	took := time.Since(began)
	if late(err) && ctx.Err() == nil {
		err = fmt.Errorf("%w: no answer to a ping in %s", adapter.ErrUnavailable, g.opt.PingTime)
	}
	back := err == nil || errors.Is(err, adapter.ErrAuth) // it answers, if only to refuse
	switch {
	case refused == nil && back:
		done(nil)
	case refused == nil:
		done(err)
	case back:
		g.close(b)
	}
	g.Note(err)
	if err == nil {
		g.record.update(func(h *Health) { h.Ping, h.PingAt = took, began })
	}
	return err
}

// close begins anew with a closed breaker in the place of b.
func (g *Guard) close(b *gobreaker.TwoStepCircuitBreaker[struct{}]) {
	g.closing.Lock()
	defer g.closing.Unlock()
	if g.breaker.Load() != b || b.State() == gobreaker.StateClosed {
		return
	}
	from := stateOf(b.State())
	g.renew()
	g.changed(from, Closed)
}

// refusal is the error of a breaker that lets nothing through.
func (g *Guard) refusal() error {
	wait := time.Second // somebody is looking
	if at := g.record.read().RetryAt; !at.IsZero() {
		wait = max(time.Until(at), time.Millisecond)
	}
	return &Failure{Connection: g.opt.Connection, Name: g.opt.Name, RetryAfter: wait, Err: ErrOpen}
}

// named is an error of the connection with its name. The caller's own end of time is not the connection's doing.
func (g *Guard) named(err error) error {
	var f *Failure
	if err == nil || errors.As(err, &f) || errors.Is(err, context.Canceled) {
		return err
	}
	f = &Failure{Connection: g.opt.Connection, Name: g.opt.Name, Err: err}
	if errors.Is(err, ErrBusy) || errors.Is(err, adapter.ErrTemporary) && !errors.Is(err, adapter.ErrUnavailable) {
		f.RetryAfter = time.Second
	}
	return f
}
