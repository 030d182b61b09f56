package minidb

import (
	"context"
	"strings"
	"time"

	"github.com/livetables/livetables/audit"
)

// prefixEvent begins the ids of entries that come from another store.
const prefixEvent = "evt_"

// NewEventID is the id of an entry that [DB.TakeOver] is to be given: evt_…
func NewEventID() string { return NewID(prefixEvent) }

// TakeOver is Record for an entry that waits in another store until this log has it. ID, from NewEventID, At and Actor,
// Request, Address and Reason are taken as given. An entry whose ID the log has already is left alone and is no error: the
// other store, which may have died before it knew, can hand it over again. The lookup and the entry are one transaction.
//
// ErrNotFound means that the entry's workspace is gone, and a *ValidationError that the entry will never be taken; every
// other error is worth another try.
func (db *DB) TakeOver(ctx context.Context, e audit.Entry) error {
	if !strings.HasPrefix(e.ID, prefixEvent) || len(e.ID) > maxActorText || e.At.IsZero() {
		return invalid("id", CodeInvalid, "an entry from elsewhere has an id of its own and a time")
	}
	if err := cleanEvent(&e); err != nil {
		return err
	}
	e.At = e.At.UTC().Truncate(time.Millisecond)
	return db.write(ctx, "take over "+e.Action, Actor{ID: e.Actor, Request: e.Request, Address: e.Address, Reason: e.Reason}, func(u *unit) error {
		has, err := u.taken("SELECT 1 FROM lt_change WHERE id = ? AND id >= 'evt_' AND id < 'evt`'", argText(e.ID))
		if err != nil || has {
			return err
		}
		id, at := e.ID, e.At
		if err := u.event(e); err != nil {
			return err
		}
		noted := &u.entries[len(u.entries)-1]
		noted.ID, noted.At = id, at
		return nil
	})
}
