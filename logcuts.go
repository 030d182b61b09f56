package livetables

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
)

const (
	// logTime is how long entries of the log are kept at least by default.
	logTime = 7 * 24 * time.Hour
	// cutPause is the time between two looks at what is due to be cut, and cutLook that between two looks whether a policy was
	// set in this process.
	cutPause = time.Hour
	cutLook  = 5 * time.Second
	// sinkPrefix begins the names of sinks among the consumers of the log.
	sinkPrefix = "sink:"
)

// logCuts is what an engine knows of the cutting of logs.
type logCuts struct {
	least time.Duration // that every entry is kept, below 0 for none
	due   atomic.Bool   // a policy was set
	mu    sync.Mutex
	// faults are when logs were found not to be what was written, by workspace.
	faults map[string]time.Time
}

// CutLogs cuts the logs of all workspaces as their retention policies say. Of each it verifies what it cuts, moves the floor and
// then removes the entries in small portions, so that writers wait for none of them long. A log that is not what was written is left
// as it is, as is what a sink has not taken yet. It goes on with the next workspace after an error; ending it at any moment loses
// nothing. Run does it by itself, every hour and soon after a policy was set.
func (e *Engine) CutLogs(ctx context.Context) error {
	var errs []error
	left, err := e.store.CutLeft(ctx, 0)
	errs = append(errs, err)
	for _, workspace := range left { // of a process that ended before it was done
		_, err := e.store.RemoveCut(ctx, workspace)
		errs = append(errs, err)
	}
	const page = 500
	for after := ""; ctx.Err() == nil; {
		sets, err := e.store.Retentions(ctx, after, page)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("cut logs: %w", err))...)
		}
		for i := range sets {
			after = sets[i].Workspace
			if err := e.cutLog(ctx, &sets[i]); err != nil {
				errs = append(errs, fmt.Errorf("cut log of %s: %w", after, err))
			}
		}
		if len(sets) < page {
			break
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// cutLog cuts the log of one workspace.
func (e *Engine) cutLog(ctx context.Context, set *minidb.RetentionSet) error {
	floor, err := e.store.Floor(ctx, set.Workspace)
	if err != nil {
		return err
	}
	due, err := e.dueBy(ctx, set)
	if err != nil {
		return err
	}
	sink, err := e.slowestSink(ctx)
	if err != nil {
		return err
	}
	first, ok, err := e.store.EntryAfter(ctx, set.Workspace, floor.Position)
	if err != nil || !ok || !due.of(&first) || sink.before(&first) {
		return err
	}
	var cut minidb.LogCut
	var next *audit.Entry
	v := e.verifier(set.Workspace, VerifyOptions{})
	v.until = func(en *audit.Entry) bool {
		if !due.of(en) || sink.before(en) {
			next = en
			return true
		}
		cut.Take(en)
		return false
	}
	if err := v.run(ctx); err != nil {
		return err
	}
	if v.report.Fault != nil {
		e.cuts.found(set.Workspace, e.clock())
		return fmt.Errorf("it is not what was written and is kept: %w", v.report.Fault)
	}
	e.cuts.found(set.Workspace, time.Time{})
	cut.End(next)
	if !cut.Worth() {
		return nil
	}
	if floor, err = e.store.CutLog(ctx, floor, set.Retention, &cut); err != nil {
		if errors.Is(err, minidb.ErrSchemaChanged) {
			return nil // somebody has set another policy: the next look sees to it
		}
		return err
	}
	n, err := e.store.RemoveCut(ctx, set.Workspace)
	e.log.InfoContext(ctx, "cut the log of a workspace", "workspace", set.Workspace, "begins", floor.Begins, "removed", n)
	return err
}

// cutDue says which entries a policy lets be cut.
type cutDue struct {
	before   time.Time // entries of this time and later ones are kept
	sequence int64     // those after this one too
}

func (d cutDue) of(en *audit.Entry) bool {
	return en.At.Before(d.before) && en.Chain.Sequence <= d.sequence
}

// dueBy finds what is due by a policy now.
func (e *Engine) dueBy(ctx context.Context, set *minidb.RetentionSet) (cutDue, error) {
	end, err := e.store.ChainEnd(ctx, set.Workspace)
	if err != nil {
		return cutDue{}, err
	}
	kept := max(e.cuts.least, time.Duration(set.Days)*24*time.Hour, 0)
	return cutDue{before: e.clock().Add(-kept), sequence: end.Sequence - set.Entries}, nil
}

// slowest is the sink that is the furthest behind, nil when there are none.
type slowest struct{ *minidb.Consumer }

// before reports whether the sink has not taken an entry yet.
func (s slowest) before(en *audit.Entry) bool { return s.Consumer != nil && en.Position > s.Position }

// slowestSink looks at the sinks of this engine and at all that have a place in the log, whichever process serves them.
func (e *Engine) slowestSink(ctx context.Context) (last slowest, err error) {
	list, err := e.store.Consumers(ctx, sinkPrefix)
	if err != nil {
		return last, err
	}
	placed := map[string]bool{}
	for i := range list {
		placed[list[i].Name] = true
	}
	for name := range e.sinks {
		if !placed[sinkPrefix+name] {
			list = append(list, minidb.Consumer{Name: sinkPrefix + name})
		}
	}
	for i := range list {
		if last.Consumer == nil || list[i].Position < last.Position {
			last.Consumer = &list[i]
		}
	}
	return last, nil
}

// ForgetSink drops the place in the log of a sink that is not used any more, which holds the cutting of logs until then. It fails for
// a sink of this engine, and with ErrNotFound for one that has no place. It belongs to the operator of an installation and asks no
// policy. A sink of that name that is used again begins with the oldest entries that there are then.
func (e *Engine) ForgetSink(ctx context.Context, name string) error {
	if _, used := e.sinks[name]; used {
		return fmt.Errorf("forget sink %s: it is in use", name)
	}
	return e.store.ForgetConsumer(ctx, minidb.Actor{}, sinkPrefix+name)
}

// SlowestSink is the name of the sink that is the furthest behind, with the time at which it last took something, zero when it never
// did; "" without sinks. What it has not taken is not cut from any log.
func (e *Engine) SlowestSink(ctx context.Context) (name string, since time.Time, err error) {
	last, err := e.slowestSink(ctx)
	if err != nil || last.Consumer == nil {
		return "", time.Time{}, err
	}
	return strings.TrimPrefix(last.Name, sinkPrefix), last.At, nil
}

// cutHeld says what keeps due entries from being cut.
func (e *Engine) cutHeld(ctx context.Context, set *minidb.RetentionSet, floor *minidb.Floor) (*RetentionHold, error) {
	if set.Hold {
		return &RetentionHold{By: HoldPolicy, Since: known(set.At)}, nil
	}
	if !set.Cuts() {
		return nil, nil
	}
	if since := e.cuts.fault(set.Workspace); !since.IsZero() {
		return &RetentionHold{By: HoldFault, Since: known(since)}, nil
	}
	sink, err := e.slowestSink(ctx)
	if err != nil || sink.Consumer == nil {
		return nil, err
	}
	due, err := e.dueBy(ctx, set)
	if err != nil {
		return nil, err
	}
	next, ok, err := e.store.EntryAfter(ctx, set.Workspace, max(floor.Position, sink.Position))
	if err != nil || !ok || !due.of(&next) {
		return nil, err
	}
	return &RetentionHold{By: HoldSink, Since: known(sink.At)}, nil
}

// found keeps when a log was first found not to be what was written; the zero time says that it is.
func (c *logCuts) found(workspace string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case at.IsZero():
		delete(c.faults, workspace)
	case c.faults[workspace].IsZero():
		if c.faults == nil {
			c.faults = map[string]time.Time{}
		}
		c.faults[workspace] = at
	}
}

func (c *logCuts) fault(workspace string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.faults[workspace]
}

// cutLogs cuts logs until ctx ends.
func (e *Engine) cutLogs(ctx context.Context) {
	var last time.Time
	for {
		if e.leases.of(leaseLogs).Mine() && (e.cuts.due.Swap(false) || time.Since(last) > cutPause) {
			if err := e.CutLogs(ctx); err != nil && ctx.Err() == nil {
				e.log.ErrorContext(ctx, "logs are not cut as they should be; it will be tried again", "error", err)
			}
			last = time.Now()
		}
		if !sleep(ctx, cutLook) {
			return
		}
	}
}
