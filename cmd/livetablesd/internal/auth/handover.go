package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

const (
	auditLook       = 5 * time.Second  // how often the outbox is looked at unasked: another process may have written
	auditPauseFirst = time.Second      // the wait after an entry was not taken, doubled each time …
	auditPauseLast  = 30 * time.Second // … up to this
	auditLast       = 5 * time.Second  // how long the end of RunAudit may take
	auditBatch      = 100              // entries between two confirmations
	auditStuck      = 5                // failures of one entry after which the next one is tried
)

// RunAudit hands the audit entries of what this service changes to Options.Record, in the order of the changes, until ctx
// ends, and then what is left within five seconds. While Record fails everything waits in the store, and nothing is lost. An
// entry that Record will never take (a *minidb.ValidationError, or five failures while the entry after it is taken) is set
// aside, and tried again by the next process; one of a workspace that is gone (minidb.ErrNotFound) is dropped with the rest of
// the workspace. One process runs it on a store, once; should two, no entry is taken twice. The error is the store's, at the
// start.
func (s *Service) RunAudit(ctx context.Context) error {
	if s.options.Record == nil {
		return nil
	}
	err := s.store.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE auth_outbox SET refused = NULL WHERE refused IS NOT NULL`)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("take up audit entries: %w", err)
	}
	pause := time.Duration(0)
	for {
		err := s.HandOver(ctx)
		switch {
		case err == nil:
			pause = 0
		case ctx.Err() == nil:
			pause = min(max(2*pause, auditPauseFirst), auditPauseLast)
			s.log.ErrorContext(ctx, "audit entries wait", "error", err, "again_after", pause)
		}
		if !await(ctx, s.outbox.wake, pause, auditLook) {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditLast)
			defer cancel()
			if err := s.HandOver(last); err != nil {
				s.log.WarnContext(ctx, "audit entries are left for the next start", "error", err)
			}
			return nil
		}
	}
}

// waitingEntry is a row of auth_outbox.
type waitingEntry struct {
	position int64
	doc      string
}

// HandOver hands over what waits now. RunAudit does so by itself; this is for callers who want to read what they just caused.
func (s *Service) HandOver(ctx context.Context) error {
	if s.options.Record == nil {
		return nil
	}
	select {
	case s.outbox.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.outbox.turn }()
	for {
		batch, err := s.waitingEntries(ctx)
		if err != nil || len(batch) == 0 {
			return err
		}
		var taken, refused []waitingEntry
		var failed error
		for i, e := range batch {
			err := s.offer(ctx, e)
			if err == nil {
				taken = append(taken, e)
				continue
			}
			if invalid := (*minidb.ValidationError)(nil); !errors.As(err, &invalid) && !(s.stuck(e) && i+1 < len(batch) && s.offer(ctx, batch[i+1]) == nil) {
				failed = err
				break
			}
			s.log.ErrorContext(ctx, "audit entry refused", "entry", e.doc, "error", err)
			e.doc = err.Error()
			refused = append(refused, e)
		}
		// What was taken is taken, even if ctx has ended: unconfirmed it would be offered again, to no effect.
		if err := errors.Join(failed, s.settleEntries(context.WithoutCancel(ctx), taken, refused)); err != nil {
			return fmt.Errorf("hand over audit entries: %w", err)
		}
	}
}

// stuck counts the failures of an entry and reports whether there were many.
func (s *Service) stuck(e waitingEntry) bool {
	if s.outbox.failing != e.position {
		s.outbox.failing, s.outbox.failures = e.position, 0
	}
	s.outbox.failures++
	return s.outbox.failures > auditStuck
}

// offer gives one entry to Options.Record.
func (s *Service) offer(ctx context.Context, w waitingEntry) error {
	var e audit.Entry
	if err := json.Unmarshal([]byte(w.doc), &e); err != nil {
		return errors.Join(&minidb.ValidationError{}, err)
	}
	err := s.options.Record(ctx, e)
	if errors.Is(err, minidb.ErrNotFound) {
		s.log.InfoContext(ctx, "audit entry of a deleted workspace dropped", "workspace", e.Workspace, "action", e.Action)
		return nil
	}
	return err
}

// waitingEntries reads those that are next.
func (s *Service) waitingEntries(ctx context.Context) ([]waitingEntry, error) {
	var batch []waitingEntry
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		batch = nil
		return each(ctx, tx, `SELECT position, entry FROM auth_outbox WHERE refused IS NULL ORDER BY position LIMIT ?`,
			[]lqp.Value{lqp.IntValue(auditBatch)}, func(r row) error {
				batch = append(batch, waitingEntry{r.int(0), r.text(1)})
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read audit entries: %w", err)
	}
	return batch, nil
}

// settleEntries writes down what became of entries: those that were taken are forgotten here.
func (s *Service) settleEntries(ctx context.Context, taken, refused []waitingEntry) error {
	if len(taken)+len(refused) == 0 {
		return nil
	}
	return s.store.Write(ctx, func(tx adapter.Tx) error {
		for _, e := range taken {
			if _, err := tx.Exec(ctx, `DELETE FROM auth_outbox WHERE position = ?`, lqp.IntValue(e.position)); err != nil {
				return err
			}
		}
		for _, e := range refused {
			if _, err := tx.Exec(ctx, `UPDATE auth_outbox SET refused = ? WHERE position = ?`, lqp.TextValue(clip(e.doc, 1000)), lqp.IntValue(e.position)); err != nil {
				return err
			}
		}
		return nil
	})
}
