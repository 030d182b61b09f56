package minidb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// The log is cut in two steps. The first is one short transaction: it moves the floor, and writes an entry that says so. From
// then on nobody reads below the floor. The second removes what is below it, from the oldest on and in portions between which
// others write. A process that ends in between leaves a whole log with something below its floor, which the next removal takes.

// ErrLogFault says that the log is not what was written where it was to be cut; verifying it names the entry.
var ErrLogFault = errors.New("the change log is not what was written")

// LogCut is a beginning of a workspace's log that is to be cut: the entries that [LogCut.Take] was given, from the first one above
// the floor on. It holds little of them, and never a part of a transaction.
type LogCut struct {
	whole cutSpan
	open  cutSpan // of the last transaction, which may have further entries
}

// cutSpan is some entries that follow each other.
type cutSpan struct {
	entries, told int64 // how many there are, and how many of them tell of earlier cuts
	latest        time.Time
	position      int64 // of the last one, as the fields below
	id, batch     string
	sequence      int64
	hash          []byte
	tables        map[string]tableCut
}

// tableCut is what is cut of a table.
type tableCut struct {
	offset, position int64
	latest           time.Time
}

// Take adds the next entry of the log, which has its link.
func (c *LogCut) Take(e *audit.Entry) {
	if c.open.ends(e) {
		c.settle()
	}
	o := &c.open
	o.entries++
	if e.Action == audit.CutAction {
		o.told++
	}
	o.position, o.id, o.batch, o.sequence, o.hash = e.Position, e.ID, e.Batch, e.Chain.Sequence, e.Chain.Hash
	o.latest = later(o.latest, e.At)
	if e.Table == "" {
		return
	}
	if o.tables == nil {
		o.tables = map[string]tableCut{}
	}
	o.tables[e.Table] = tableCut{e.Offset, e.Position, later(o.tables[e.Table].latest, e.At)}
}

// End says which entry follows the last one that was taken, nil for none. Of a transaction that it belongs to nothing is cut.
func (c *LogCut) End(next *audit.Entry) {
	if next == nil || c.open.ends(next) {
		c.settle()
	}
	c.open = cutSpan{}
}

// Entries is how many entries are cut.
func (c *LogCut) Entries() int64 { return c.whole.entries }

// Position is that of the last entry that is cut, 0 for none.
func (c *LogCut) Position() int64 { return c.whole.position }

// Worth reports whether there is more to cut than entries that tell of earlier cuts.
func (c *LogCut) Worth() bool { return c.whole.entries > c.whole.told }

// ends reports whether an entry is of another transaction.
func (s *cutSpan) ends(e *audit.Entry) bool {
	return s.entries > 0 && (e.Batch == "" || e.Batch != s.batch)
}

func (c *LogCut) settle() {
	w, o := &c.whole, &c.open
	if o.entries == 0 {
		return
	}
	tables := w.tables
	if tables == nil {
		tables = map[string]tableCut{}
	}
	for id, t := range o.tables {
		t.latest = later(t.latest, tables[id].latest)
		tables[id] = t
	}
	o.entries, o.told, o.latest, o.tables = o.entries+w.entries, o.told+w.told, later(o.latest, w.latest), tables
	c.whole, c.open = *o, cutSpan{}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// CutLog moves the floor of a workspace's log from where it was found to the end of a cut. It fails with ErrSchemaChanged when the
// floor or the policy is not what it was then, and with ErrLogFault when the log does not say itself where it begins. The entries
// are there until [DB.RemoveCut] was called.
func (db *DB) CutLog(ctx context.Context, from Floor, policy Retention, cut *LogCut) (Floor, error) {
	c, workspace := &cut.whole, from.Workspace
	if c.entries == 0 {
		return from, nil
	}
	var to Floor
	err := db.write(ctx, "cut log of "+workspace, Actor{Reason: policy.text()}, func(u *unit) error {
		now, err := u.floor(workspace)
		if err != nil {
			return err
		}
		set, err := u.retention(workspace)
		if err != nil {
			return err
		}
		if now.Sequence != from.Sequence || set.Retention != policy || !policy.Cuts() {
			return fmt.Errorf("its floor or its policy: %w", ErrSchemaChanged)
		}
		if err := u.checkFloor(&now); err != nil {
			return err
		}
		same, err := u.taken(`SELECT 1 FROM lt_change WHERE position = ? AND workspace = ? AND chain_sequence = ? AND chain_hash = ?`,
			argInt(c.position), argText(workspace), argInt(c.sequence), argBytes(c.hash))
		if err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("entry %d: %w", c.sequence, ErrLogFault)
		}
		mark := c.id
		if c.batch != "" {
			mark = c.batch
		}
		if madeBy(now.mark) > madeBy(mark) {
			mark = now.mark
		}
		latest := c.latest
		if now.Sequence > 0 {
			latest = later(latest, now.Begins.Add(-time.Millisecond))
		}
		to = Floor{Workspace: workspace, Sequence: c.sequence, Hash: c.hash, Position: c.position, Begins: beginsAfter(latest), CutAt: u.now, mark: mark}
		if err := u.moveFloor(&to, latest, c.tables); err != nil {
			return err
		}
		doc, err := json.Marshal(audit.LogCut{Chain: audit.Cut{Sequence: c.sequence, Hash: c.hash}, Entries: c.entries, Begins: to.Begins})
		if err != nil {
			return err
		}
		u.note(audit.Entry{Workspace: workspace, Action: audit.CutAction, ResourceType: "log", Resource: workspace, After: doc})
		return nil
	})
	return to, err
}

// text says which policy it is, as the reason of a cut.
func (r Retention) text() string { return fmt.Sprintf("kept: %d days, %d entries", r.Days, r.Entries) }

// checkFloor holds a floor against what the newest entry about a cut says.
func (u *unit) checkFloor(f *Floor) error {
	doc, told, err := one(u.session, func(r record) json.RawMessage { return r.document(0) }, `SELECT after_doc FROM lt_change
		WHERE resource = ? AND action = ? AND workspace || '' = ? ORDER BY position DESC LIMIT 1`,
		argText(f.Workspace), argText(audit.CutAction), argText(f.Workspace))
	if err != nil {
		return err
	}
	var said audit.LogCut
	if told {
		if err := json.Unmarshal(doc, &said); err != nil {
			return fmt.Errorf("entry about a cut: %w", errors.Join(err, ErrLogFault))
		}
	}
	if said.Chain.Sequence != f.Sequence || !bytes.Equal(said.Chain.Hash, f.Hash) {
		return fmt.Errorf("the log begins after entry %d and says %d: %w", f.Sequence, said.Chain.Sequence, ErrLogFault)
	}
	return nil
}

func (u *unit) moveFloor(to *Floor, latest time.Time, tables map[string]tableCut) error {
	if _, err := u.exec(`INSERT INTO lt_floor (workspace, sequence, hash, position, latest, mark, cut_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (workspace) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, position = excluded.position,
			latest = excluded.latest, mark = excluded.mark, cut_at = excluded.cut_at`,
		argText(to.Workspace), argInt(to.Sequence), argBytes(to.Hash), argInt(to.Position), argTime(latest), argText(to.mark), argTime(to.CutAt)); err != nil {
		return fmt.Errorf("move floor: %w", err)
	}
	for id, t := range tables {
		if _, err := u.exec(`INSERT INTO lt_floor_table (table_id, workspace, table_offset, position, latest) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (table_id) DO UPDATE SET table_offset = excluded.table_offset, position = excluded.position,
				latest = CASE WHEN excluded.latest > lt_floor_table.latest THEN excluded.latest ELSE lt_floor_table.latest END`,
			argText(id), argText(to.Workspace), argInt(t.offset), argInt(t.position), argTime(t.latest)); err != nil {
			return fmt.Errorf("move floor of table %s: %w", id, err)
		}
	}
	return nil
}

// removePortion is how many entries one transaction removes of what was cut. Writers wait for no more.
const removePortion = 500

// RemoveCut removes what is left below the floor of a workspace's log: entries, the operations that they were and signed heads.
// Between two portions it leaves the store to others for as long as a portion took. A floor that the log does not tell of is
// ErrLogFault, and nothing is removed. It reports how many entries it removed. The
// end of ctx leaves the rest for the next call.
func (db *DB) RemoveCut(ctx context.Context, workspace string) (removed int64, err error) {
	for {
		began := time.Now()
		n, err := db.removePortion(ctx, workspace)
		removed += n
		if err != nil || n < removePortion {
			return removed, err
		}
		timer := time.NewTimer(time.Since(began))
		select {
		case <-ctx.Done():
			timer.Stop()
			return removed, ctx.Err()
		case <-timer.C:
		}
	}
}

func (db *DB) removePortion(ctx context.Context, workspace string) (n int64, err error) {
	err = db.write(ctx, "remove cut entries of "+workspace, Actor{}, func(u *unit) error {
		f, err := u.floor(workspace)
		if err != nil || f.Sequence == 0 {
			return err
		}
		if err := u.checkFloor(&f); err != nil { // a floor that somebody else put there removes nothing
			return err
		}
		positions, err := all(u.session, func(r record) int64 { return r.integer(0) },
			`SELECT position FROM lt_change WHERE workspace = ? AND position <= ? ORDER BY position LIMIT ?`,
			argText(workspace), argInt(f.Position), argInt(removePortion))
		if err != nil || len(positions) == 0 {
			return err
		}
		span := []lqp.Value{argText(workspace), argInt(positions[0]), argInt(positions[len(positions)-1])}
		const entries = `workspace = ? AND position >= ? AND position <= ?`
		if _, err := u.exec(`DELETE FROM lt_operation WHERE id IN (SELECT CASE batch WHEN '' THEN id ELSE batch END FROM lt_change WHERE `+
			entries+`) AND last_position <= ?`, append(span[:3:3], argInt(f.Position))...); err != nil {
			return fmt.Errorf("remove operations: %w", err)
		}
		if n, err = u.exec(`DELETE FROM lt_change WHERE `+entries, span...); err != nil {
			return fmt.Errorf("remove entries: %w", err)
		}
		// The last head stays: the chain is known to be signed that far.
		_, err = u.exec(`DELETE FROM lt_head WHERE workspace = ? AND sequence < ? AND sequence < (SELECT signed FROM lt_chain WHERE workspace = ?)`,
			argText(workspace), argInt(f.Sequence), argText(workspace))
		return err
	})
	if err != nil {
		n = 0
	}
	db.recent.forget()
	return n, err
}

// CutLeft lists workspaces below whose floor there are still entries, at most limit (as in Changes).
func (db *DB) CutLeft(ctx context.Context, limit int) (list []string, err error) {
	err = db.read(ctx, "look for cut entries", func(s session) (err error) {
		list, err = all(s, func(r record) string { return r.text(0) }, `SELECT workspace FROM lt_floor f
			WHERE EXISTS (SELECT 1 FROM lt_change c WHERE c.workspace = f.workspace AND c.position <= f.position) ORDER BY workspace LIMIT ?`,
			entryLimit(limit))
		return err
	})
	return list, err
}
