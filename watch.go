package livetables

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/supervise"
	"github.com/livetables/livetables/minidb"
)

// watchPause is how often the open connections are gone through.
const watchPause = time.Second

// watch looks after the open connections until ctx ends: it pings those that nobody uses, closes those that nobody has
// used for long, and finds out when a database that failed is back.
func (s *sources) watch(ctx context.Context) {
	tick := time.NewTicker(watchPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.attend(ctx, time.Now())
		}
	}
}

// attend goes through the open connections once.
func (s *sources) attend(ctx context.Context, now time.Time) {
	for _, src := range s.unused(now) {
		switch src.guard.State() {
		case supervise.Open:
			continue // it is to be left alone
		case supervise.Closed:
			if now.Before(src.looked) {
				continue
			}
		case supervise.HalfOpen:
		}
		s.look(ctx, src)
	}
}

// unused closes what nobody has used for Limits.SourceIdle, and gives what else nobody is using.
func (s *sources) unused(now time.Time) []*source {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*source
	for id, src := range s.open {
		switch {
		case src.leases > 0 || src.looking:
		case now.Sub(src.used) >= s.e.limits.SourceIdle:
			delete(s.open, id)
			s.retire(src)
		default:
			list = append(list, src)
		}
	}
	return list
}

// look pings a source in the background.
func (s *sources) look(ctx context.Context, src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || src.looking {
		return
	}
	src.looking = true
	s.work.Go(func() {
		err := src.adapter.Ping(ctx)
		if err != nil && ctx.Err() == nil {
			s.e.log.DebugContext(ctx, "a connected database does not answer", "error", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		src.looking, src.looked = false, s.nextLook(time.Now())
	})
}

// nextLook is when a source that was looked at now is looked at next. Those that were opened together drift apart.
func (s *sources) nextLook(now time.Time) time.Time {
	pause := s.e.limits.SourcePing
	return now.Add(pause*4/5 + rand.N(pause*2/5+1))
}

// turned hears that a breaker has opened or closed. It is called in the middle of reads and must not wait.
func (s *sources) turned(workspace, connection string, from, to supervise.State) {
	action := ""
	switch {
	case from == supervise.Closed && to == supervise.Open:
		action = "connection.down"
	case to == supervise.Closed:
		action = "connection.up"
	default:
		return // still away
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.guards[connection] == nil {
		return
	}
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.e.log.WarnContext(ctx, action, "connection", connection)
		entry := audit.Entry{Workspace: workspace, Action: action, ResourceType: "connection", Resource: connection,
			After: json.RawMessage(fmt.Sprintf(`{"state":%q}`, to))}
		if err := s.e.store.Record(ctx, minidb.Actor{}, entry); err != nil {
			s.e.log.WarnContext(ctx, "change of a connection not recorded", "connection", connection, "error", err)
		}
	})
}
