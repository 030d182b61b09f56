package minidb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// unit is one write transaction: a verb of the catalogue, an Apply or an import. It gathers the change-log entries, which
// are written last, and the workspaces whose snapshots the commit makes stale.
type unit struct {
	session
	db    *DB
	actor Actor
	now   time.Time
	batch string
	seq   sequence
	// entries wait for flush, which gives them their positions.
	entries []audit.Entry
	stale   map[string]struct{}
	writer  lqp.Value              // the actor when a member of the workspace of the table that was looked at last, else NULL
	locked  bool                   // rows of the table that was looked at last are locked, by whomever
	stores  int                    // how often rows were stored
	salts   []byte                 // for the next entries, random
	shapes  map[string]*imageShape // that images of rows were stored in, the last one of each table
	stored  func()                 // to be called once the rows that are stored next are not looked at any more, nil for nothing
	behind  bool                   // new rows stay as they are once they are given to be stored: the transaction may go on meanwhile
	// revision is that of the catalogue that rows were planned on, 0 when not known; touches counts changes of the catalogue.
	revision int64
	touches  int
	// graph is that of the workspace graphed, found after so many touches.
	graph        *graph
	graphed      string
	graphTouches int
	// operation is what the transaction does to rows; defines says that it changes definitions too.
	operation Operation
	defines   bool
	// linkOrders are the orders in which cells had their links before what is taken back.
	linkOrders map[cellPlace][]string
	group      *groupWork // that the unit is a call of, nil for a transaction of its own
	shared     bool       // the unit is the transaction of a group, whose entries go out with everything else
	// numbered are the numbers taken for autonumber columns, to be given back by changes that are refused one by one.
	numbered []numbering
}

// write runs fn in a write transaction with its change-log entries; what follows from them is done once all is durable.
func (db *DB) write(ctx context.Context, op string, actor Actor, fn func(*unit) error) error {
	actor = actor.clean()
	var u *unit
	err := db.store.Write(ctx, func(tx adapter.Tx) error {
		u = &unit{session: session{ctx, tx}, db: db, actor: actor, now: db.now()}
		if err := fn(u); err != nil {
			return err
		}
		if err := u.keepStep(); err != nil {
			return err
		}
		if err := u.flush(); err != nil {
			return err
		}
		return adapter.Deferred(tx, func() error { return errors.Join(u.keepChains(), u.keepOperation()) })
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	db.committed(u)
	return nil
}

// flush writes the entries gathered so far. A transaction of many rows calls it now and then to bound its memory.
func (u *unit) flush() error {
	if len(u.entries) == 0 {
		return nil
	}
	if u.batch == "" && len(u.entries) > 1 {
		u.batch = NewID(prefixBatch)
	}
	if err := u.db.log.append(u, u.entries); err != nil {
		return fmt.Errorf("write change log: %w", err)
	}
	clear(u.entries)
	u.entries = u.entries[:0]
	return nil
}

// note adds an entry about a change made in this transaction.
func (u *unit) note(e audit.Entry) {
	e.ID, e.At = NewID(prefixChange), u.now
	e.Actor, e.Request, e.Address = u.actor.ID, u.actor.Request, u.actor.Address
	if e.Reason == "" {
		e.Reason = u.actor.Reason
	}
	u.entries = append(u.entries, e)
}

// resource adds an entry about a resource of the catalogue. before and after are the resource as it was and is, either of
// them nil; of a resource that has both, only the fields that differ are kept.
func (u *unit) resource(e audit.Entry, before, after any) error {
	var err error
	if e.Before, err = image(before); err != nil {
		return err
	}
	if e.After, err = image(after); err != nil {
		return err
	}
	if e.Before != nil && e.After != nil {
		if e.Before, e.After, err = differences(e.Before, e.After); err != nil {
			return err
		}
	}
	u.note(e)
	return nil
}

// image is the JSON object of a resource, nil for nil.
func image(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	doc, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("image of %T: %w", v, err)
	}
	return doc, nil
}

// differences reduces two objects to the fields in which they differ.
func differences(before, after json.RawMessage) (b, a json.RawMessage, err error) {
	var bm, am map[string]json.RawMessage
	if err = json.Unmarshal(before, &bm); err != nil {
		return nil, nil, err
	}
	if err = json.Unmarshal(after, &am); err != nil {
		return nil, nil, err
	}
	for k, v := range bm {
		if w, ok := am[k]; ok && bytes.Equal(v, w) {
			delete(bm, k)
			delete(am, k)
		}
	}
	if b, err = json.Marshal(bm); err == nil {
		a, err = json.Marshal(am)
	}
	return b, a, err
}

// touch marks the workspace's catalogue as changed, and its policy when members, rules or publications changed. It fails with
// ErrNotFound when there is no such workspace and with ErrSchemaChanged when the actor's right was found in another policy.
func (u *unit) touch(workspace string, policy bool) error {
	if u.actor.Policy != 0 {
		if err := u.checkPolicy(workspace, u.actor.Policy); err != nil {
			return err
		}
		u.actor.Policy = 0 // what follows in the transaction is our own doing
	}
	n, err := u.exec(`UPDATE lt_workspace SET revision = revision + 1, policy_version = policy_version + ? WHERE id = ?`,
		argFlag(policy), argText(workspace))
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("workspace: %w", ErrNotFound)
	}
	if u.stale == nil {
		u.stale = make(map[string]struct{}, 1)
	}
	u.stale[workspace] = struct{}{}
	u.touches++
	return nil
}

// taken reports whether a query on names finds any row.
func (u *unit) taken(sql string, args ...lqp.Value) (bool, error) {
	_, ok, err := one(u.session, func(record) struct{} { return struct{}{} }, sql, args...)
	return ok, err
}
