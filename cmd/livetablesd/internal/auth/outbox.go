package auth

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// maxOutbox is how many audit entries may wait for Options.Record. Beyond it no change is made any more (ErrBusy): an
// instance whose log cannot be written must come to a stop, and not forget. What anybody can cause without an account,
// failed attempts, gets half of it, so that strangers cannot use up the room that people need to log out or to be shut out.
const maxOutbox = 10_000

// outbox is what the service knows of the entries that wait.
type outbox struct {
	wake chan struct{} // has room for one: there is an entry to hand over
	turn chan struct{} // whoever hands entries over has put something here
	most int64

	// Of the first entry that was not taken, and how often that was; both belong to whoever has the turn.
	failing  int64
	failures int
}

// write runs fn in a transaction whose audit entries are handed over after the commit.
func (s *Service) write(ctx context.Context, fn func(tx adapter.Tx) error) error {
	err := s.store.Write(ctx, fn)
	if err == nil {
		s.wakeOutbox()
	}
	return err
}

// wakeOutbox tells RunAudit that there is something to do.
func (s *Service) wakeOutbox() {
	select {
	case s.outbox.wake <- struct{}{}:
	default: // it knows already
	}
}

// note writes the audit entry of a change of an account in the transaction of the change: both are there, or neither.
func (s *Service) note(ctx context.Context, tx adapter.Tx, from Client, actorID, action, userID, reason string) error {
	return s.put(ctx, tx, s.outbox.most, audit.Entry{
		Actor: actorID, Action: action, ResourceType: "user", Resource: userID, Address: from.address(), Reason: reason,
	})
}

// noteFailure writes the entry of an attempt that failed, which has no other transaction.
func (s *Service) noteFailure(ctx context.Context, from Client, action, userID, reason string) error {
	err := s.write(context.WithoutCancel(ctx), func(tx adapter.Tx) error {
		return s.put(ctx, tx, s.outbox.most/2, audit.Entry{
			Actor: userID, Action: action, ResourceType: "user", Resource: userID, Address: from.address(), Reason: reason,
		})
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", action, err)
	}
	return nil
}

// noteInvite is note for an invite. The address stays out of it: more people read the audit record than may see addresses.
func (s *Service) noteInvite(ctx context.Context, tx adapter.Tx, from Client, actorID, action string, in Invite) error {
	after, err := json.Marshal(struct {
		Role string `json:"role"`
	}{in.Role})
	if err != nil {
		return err
	}
	return s.put(ctx, tx, s.outbox.most, audit.Entry{
		Workspace: in.Workspace, Actor: actorID, Action: action, ResourceType: "invite", Resource: in.ID, After: after, Address: from.address(),
	})
}

// noteService is note for a service account: the entry belongs to its workspace.
func (s *Service) noteService(ctx context.Context, tx adapter.Tx, actor Identity, from Client, action, workspace, id, reason string) error {
	return s.put(ctx, tx, s.outbox.most, audit.Entry{
		Workspace: workspace, Actor: actor.UserID, Action: action, ResourceType: "service_account", Resource: id,
		Address: from.address(), Reason: reason,
	})
}

// put adds an entry to those that wait, as the last one. A full outbox is ErrBusy.
func (s *Service) put(ctx context.Context, tx adapter.Tx, most int64, e audit.Entry) error {
	if s.options.Record == nil {
		return nil
	}
	waiting := int64(0)
	err := each(ctx, tx, `SELECT count(*) FROM auth_outbox`, nil, func(r row) error {
		waiting = r.int(0)
		return nil
	})
	if err != nil {
		return fmt.Errorf("count audit entries: %w", err)
	}
	if waiting >= most {
		return fmt.Errorf("%d audit entries wait to be written: %w", waiting, ErrBusy)
	}
	e.ID, e.At = minidb.NewEventID(), s.clock().UTC()
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write audit entry: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE auth_outbox_last SET position = position + 1`)
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO auth_outbox (position, workspace, entry) SELECT position, ?, ? FROM auth_outbox_last`,
			lqp.TextValue(e.Workspace), lqp.TextValue(string(doc)))
	}
	if err != nil {
		return fmt.Errorf("write audit entry: %w", err)
	}
	return nil
}

// AuditCounts are the audit entries that RunAudit has to do with.
type AuditCounts struct {
	Waiting int64 // to be handed over
	Refused int64 // refused by Options.Record for good, and kept for the operator
}

// AuditCounts counts the audit entries that Options.Record has not taken.
func (s *Service) AuditCounts(ctx context.Context) (c AuditCounts, err error) {
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		return each(ctx, tx, `SELECT count(*) - count(refused), count(refused) FROM auth_outbox`, nil, func(r row) error {
			c = AuditCounts{r.int(0), r.int(1)}
			return nil
		})
	})
	if err != nil {
		return AuditCounts{}, fmt.Errorf("count audit entries: %w", err)
	}
	return c, nil
}
