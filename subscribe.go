package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
	"github.com/livetables/livetables/realtime"
)

// How a subscription began.
const (
	ModeReplay   = "replay"   // the changes after the position given follow, none is missing
	ModeSnapshot = "snapshot" // read the table first; the changes after that follow
)

// revocationCheck is how often a quiet subscription looks whether it is still allowed.
const revocationCheck = 2 * time.Second

// Subscription is a principal's stream of one table's changes. Every change is shown as far as the principal may see it at
// the moment it is delivered; what it may not see at all does not move its offsets. It is used by one goroutine at a time
// and must be closed.
type Subscription struct {
	a         *Access
	workspace string
	table     string
	mode      string
	events    <-chan realtime.Event
	cancel    context.CancelFunc
	epoch     string
	sent      int64 // frames given out in this epoch
	at        int64 // offset in the table's log up to which everything was looked at
	backlog   []realtime.Event
	checked   time.Time
}

// RowChange is one change of a row as a subscriber sees it.
type RowChange struct {
	Op      string          `json:"op"` // insert, update, delete; enter and leave when a row rule let the row in or out
	ID      string          `json:"id"`
	Version int64           `json:"ver,omitempty"`
	Set     json.RawMessage `json:"set,omitempty"` // the row's fields, of an update the changed ones, by column id
	Actor   string          `json:"actor,omitempty"`
}

// Frame is what a subscription delivers: the changes of one commit step, with the place that resumes after them.
type Frame struct {
	Event    string // "data:update" or "schema:update"
	Position realtime.Position
	At       time.Time
	Ops      []RowChange
}

// Subscribe opens the stream of a table's changes. since is the position of a frame received earlier, from this or another
// subscription of the same principal; nil starts now.
func (a *Access) Subscribe(ctx context.Context, table string, since *realtime.Position) (*Subscription, error) {
	if a.eyes != nil {
		return nil, fmt.Errorf("nobody subscribes with the eyes of others: %w", ErrForbidden)
	}
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.tableOf(ctx, table); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	events, err := a.e.broker.Subscribe(ctx, s.Workspace.ID, table)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("subscribe to %s: %w", table, err)
	}
	sub := &Subscription{a: a, workspace: s.Workspace.ID, table: table, mode: ModeSnapshot, events: events, cancel: cancel,
		epoch: strings.TrimPrefix(minidb.NewID("sub"), "sub_"), checked: a.e.clock()}
	// The head is read after subscribing: a change between the two is then either below the head or in the channel.
	head, err := a.e.store.TableOffset(ctx, table)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("subscribe to %s: %w", table, err)
	}
	sub.at = head
	if since == nil {
		return sub, nil
	}
	floor, err := a.e.store.TableFloor(ctx, table)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("subscribe to %s: %w", table, err)
	}
	sub.resume(since.Pos, floor, head) // what it cannot continue starts with a snapshot
	return sub, nil
}

// Start says how the subscription began and where.
func (s *Subscription) Start() (mode string, at realtime.Position) { return s.mode, s.position() }

// Next waits for the next change that the principal may see. It ends with ctx's error, with [ErrRevoked] when the
// principal may no longer read the table, with ErrNotFound when the table is gone, and with a *minidb.HistoryCutError when the
// subscriber was so slow that what follows was cut from the log meanwhile.
func (s *Subscription) Next(ctx context.Context) (*Frame, error) {
	for {
		ev, err := s.take(ctx)
		if err != nil {
			return nil, err
		}
		at, err := s.allowed(ctx)
		if err != nil {
			return nil, err
		}
		if ev == nil {
			continue // nothing happened, but the right to listen was looked at
		}
		s.at = ev.Offset
		if f, err := s.frame(ctx, ev, at); f != nil || err != nil {
			return f, err
		}
	}
}

// take gives the next event of the table's log, nil when it is time to look at the policy.
func (s *Subscription) take(ctx context.Context) (*realtime.Event, error) {
	if len(s.backlog) == 0 {
		if err := s.readLog(ctx); err != nil {
			return nil, err
		}
	}
	if len(s.backlog) > 0 {
		ev := s.backlog[0]
		s.backlog = s.backlog[1:]
		return &ev, nil
	}
	timer := time.NewTimer(revocationCheck)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, nil
		case ev, ok := <-s.events:
			switch {
			case !ok:
				return nil, errors.New("the subscription is closed")
			case ev.Offset <= s.at:
				continue // seen already, from the log
			case ev.Offset == s.at+1:
				return &ev, nil
			}
			// The broker lost some: the log has them.
			if err := s.readLog(ctx); err != nil {
				return nil, err
			}
			if len(s.backlog) > 0 {
				first := s.backlog[0]
				s.backlog = s.backlog[1:]
				return &first, nil
			}
		}
	}
}

func (s *Subscription) readLog(ctx context.Context) error {
	entries, err := s.a.e.store.TableChanges(ctx, s.table, s.at, relayBatch)
	if err != nil {
		return fmt.Errorf("read changes of %s: %w", s.table, err)
	}
	for i := range entries {
		s.backlog = append(s.backlog, eventOf(&entries[i]))
	}
	return nil
}

// listening is a subscriber's standing at one moment.
type listening struct {
	table *minidb.Table
	seen  *rewrite.Sight
	links *linksInSight
}

// allowed asks the policy of this moment.
func (s *Subscription) allowed(ctx context.Context) (listening, error) {
	en, err := s.a.enter(ctx, s.workspace, rbac.ReadData)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden) {
		return listening{}, fmt.Errorf("table %s: %w", s.table, ErrRevoked)
	}
	if err != nil {
		return listening{}, err
	}
	t, seen, err := en.tableOf(ctx, s.table)
	return listening{t, seen, en.links()}, err
}

// frame shows an event as far as the principal may see it; nil when that is nothing.
func (s *Subscription) frame(ctx context.Context, ev *realtime.Event, at listening) (*Frame, error) {
	f := &Frame{Event: "data:update", At: ev.At}
	if !strings.HasPrefix(ev.Action, "row.") {
		f.Event = "schema:update"
	} else {
		op, ok, err := rowChange(ctx, ev, at)
		if !ok || err != nil {
			return nil, err
		}
		f.Ops = []RowChange{op}
	}
	s.sent++
	f.Position = s.position()
	return f, nil
}

func (s *Subscription) position() realtime.Position {
	return realtime.Position{Epoch: s.epoch, Offset: s.sent, Pos: s.sealPos()}
}

// Close ends the subscription. It is safe to call twice.
func (s *Subscription) Close() { s.cancel() }

// The table's own offset goes to the client sealed: it counts changes that the client may not know of.

func (s *Subscription) scope() lqp.CursorScope {
	return lqp.CursorScope{Principal: s.a.p.ID, Workspace: s.workspace + "/" + s.table + "/" + s.a.e.store.Epoch()}
}

// sealPos is the place after the last frame: the table's offset with the epoch and the offset that the client counts by.
func (s *Subscription) sealPos() string {
	now := s.a.e.clock()
	place := []lqp.Value{lqp.IntValue(s.at), lqp.IntValue(s.sent), lqp.TextValue(s.epoch)}
	pos, err := s.a.e.cursors.Seal(lqp.Cursor{After: place}, s.scope(), now.Add(cursorLife))
	if err != nil {
		return "" // the client then starts with a snapshot
	}
	return pos
}

// resume continues after a sealed place, unless it is none of this table's and principal's.
// What follows it must not have been cut.
func (s *Subscription) resume(pos string, floor, head int64) {
	c, err := s.a.e.cursors.Open(pos, s.scope(), s.a.e.clock())
	if err != nil || len(c.After) != 3 || c.After[0].Kind() != lqp.Number || c.After[1].Kind() != lqp.Number || c.After[2].Kind() != lqp.Text {
		return
	}
	at, ok := c.After[0].Decimal().Int64()
	sent, sentOK := c.After[1].Decimal().Int64()
	if ok && sentOK && floor <= at && at <= head {
		s.at, s.sent, s.epoch, s.mode = at, sent, c.After[2].Text(), ModeReplay
	}
}

// rowChange applies the row rule to both images of a change, and masks and column rules to what is shown of it.
func rowChange(ctx context.Context, ev *realtime.Event, at listening) (c RowChange, shown bool, err error) {
	seen := at.seen
	before, after, err := at.images(ctx, ev)
	columns := seen.Table().Columns
	c = RowChange{ID: ev.Resource, Version: ev.Version, Actor: ev.Actor}
	switch {
	case err != nil || before == nil && after == nil:
		return c, false, err
	case before != nil && after != nil:
		c.Op = "update"
		set, changed := imageJSON(columns, after, before)
		if !changed {
			return c, false, nil
		}
		c.Set = set
	case after != nil:
		c.Op = "enter"
		if len(ev.Before) == 0 {
			c.Op = "insert"
		}
		c.Set, _ = imageJSON(columns, after, nil)
	default:
		c.Op = "leave"
		if len(ev.After) == 0 {
			c.Op = "delete"
		}
		if c.Op == "leave" {
			c.Version, c.Actor = 0, "" // what happened to a row out of sight is not said
		}
	}
	hideBuiltIn(seen, c.Op, &c.Actor, &c.Version)
	return c, true, nil
}

// images are the row before and after a change as the subscriber sees it, nil where it does not.
func (at listening) images(ctx context.Context, ev *realtime.Event) (before, after []lqp.Value, err error) {
	l := at.links
	rows, err := l.realImages(ctx, at.table, at.seen, &audit.Entry{Position: ev.Position, Batch: ev.Batch, Before: ev.Before, After: ev.After})
	if err != nil {
		return nil, nil, err
	}
	before, after = rows[0], rows[1]
	l.want(at.seen, before)
	l.want(at.seen, after)
	if err = l.look(ctx); err == nil && before != nil && after != nil {
		err = l.farewells(ctx, at.seen, before, after)
	}
	if err != nil {
		return nil, nil, err
	}
	before, after = l.show(at.seen, before), l.show(at.seen, after)
	return at.renamed(ctx, ev, before, after)
}

// renamed takes out of the row before what a rename of choices changed in the same batch: it is the same choice, but a subscriber
// has been told its old name.
func (at listening) renamed(ctx context.Context, ev *realtime.Event, before, after []lqp.Value) (_, _ []lqp.Value, err error) {
	if before == nil || after == nil || ev.Batch == "" {
		return before, after, nil
	}
	past, err := at.links.s.e.store.Past(ctx, at.table)
	if err != nil {
		return nil, nil, err
	}
	before = slices.Clone(before)
	for i, c := range at.seen.Table().Columns {
		if at.seen.Shows(c.ID) && past.Renames(c.ID, ev.Batch) {
			before[i] = lqp.Value{}
		}
	}
	return before, after, nil
}

// imageJSON is a row as it is shown, as a JSON object by column id; with an old row only what differs from it.
func imageJSON(columns []lqp.Column, row, old []lqp.Value) (set json.RawMessage, any bool) {
	buf := []byte{'{'}
	for i := range columns {
		c := &columns[i]
		if strings.HasPrefix(c.ID, "_") && c.ID != "_created_at" && c.ID != "_created_by" && c.ID != "_updated_at" && c.ID != "_updated_by" {
			continue // id and version have their own place
		}
		if old != nil && (lqp.Equal(row[i], old[i]) || strings.HasPrefix(c.ID, "_updated")) {
			continue
		}
		if len(buf) > 1 {
			buf = append(buf, ',')
		}
		buf = lqp.TextValue(c.ID).AppendJSON(buf)
		buf = append(buf, ':')
		buf = row[i].AppendJSON(buf)
	}
	return append(buf, '}'), len(buf) > 1
}
