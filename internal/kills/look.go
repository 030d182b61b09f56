package kills

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
)

// look stops the daemon, which the caller starts again, and compares everything that is there with what the writers know.
// Nobody may be writing.
func (c *campaign) look(ctx context.Context, damage func(Place) error) error {
	if err := c.daemon.AwaitReady(ctx); err != nil {
		return err
	}
	rows := map[string]storedRow{}
	read := func() error {
		for _, t := range c.tables {
			if err := c.readRows(ctx, t, rows); err != nil {
				return err
			}
		}
		return nil
	}
	if damage == nil {
		if err := read(); err != nil {
			return err
		}
	}
	if err := c.stop(); err != nil {
		return err
	}
	if damage != nil {
		if err := damage(c.place); err != nil {
			return err
		}
		if err := c.start(ctx); err != nil {
			return err
		}
		if err := errors.Join(read(), c.stop()); err != nil {
			return err
		}
	}
	k := newChecker(c)
	if err := c.readLog(ctx, k.entry, k.stored); err != nil {
		return err
	}
	k.compare(rows)
	if err := c.sinkHas(k); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, c.program, append([]string{"audit", "verify", "--data-dir", filepath.Join(c.dir, "data")}, c.place.Args()...)...).CombinedOutput(); err != nil {
		c.violation("audit verify: %v: %s", err, out)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Looks++
	c.report.Entries = k.entries
	k.settle(&c.report)
	return nil
}

// storedRow is a row as a reader sees it.
type storedRow struct {
	table   string
	Version int64                      `json:"version"`
	Fields  map[string]json.RawMessage `json:"fields"`
}

// readRows reads all rows of a table from the daemon.
func (c *campaign) readRows(ctx context.Context, t *table, into map[string]storedRow) error {
	direct := *c.client
	direct.Base = c.daemon.URL
	for cursor := ""; ; {
		var page struct {
			Data []struct {
				ID string `json:"id"`
				storedRow
			} `json:"data"`
			Page struct {
				Next string `json:"next_cursor"`
			} `json:"page"`
		}
		answer, err := direct.Send(ctx, http.MethodGet, t.path+"/rows?limit=1000&keys=id"+cursor, nil)
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		switch answer.Status {
		case http.StatusOK:
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			// The account, the token and the table were acknowledged before the first write.
			c.violation("table %s is lost, or whoever may read it: status %d: %.200s", t.id, answer.Status, answer.Body)
			return nil
		default:
			return fmt.Errorf("read rows: status %d: %.500s", answer.Status, answer.Body)
		}
		if err := answer.Decode(&page); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		for _, row := range page.Data {
			if _, twice := into[row.ID]; twice {
				c.violation("row %s is there twice", row.ID)
			}
			row.table = t.id
			into[row.ID] = row.storedRow
		}
		if page.Page.Next == "" {
			return nil
		}
		cursor = "&cursor=" + page.Page.Next
	}
}

// readLog reads the whole change log beside the daemon, which is stopped, and lets the store be looked at after that.
func (c *campaign) readLog(ctx context.Context, entry func(*audit.Entry), stored func(context.Context, adapter.Store) error) (err error) {
	store, err := c.place.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for after := int64(0); ; {
		list, err := db.Changes(ctx, after, 0)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return stored(ctx, store)
		}
		for i := range list {
			entry(&list[i])
			after = list[i].Position
		}
	}
}

// sinkHas looks whether the file of audit records has every entry, and every one at its place but for repeats.
func (c *campaign) sinkHas(k *checker) error {
	text, err := os.ReadFile(filepath.Join(c.dir, "audit.jsonl"))
	if err != nil {
		return err
	}
	last := int64(0)
	for line := range bytes.Lines(text) {
		var e audit.Entry
		if json.Unmarshal(line, &e) != nil {
			continue // half a line, which a kill left and which comes again
		}
		if e.Position > last+1 {
			c.violation("the audit file goes from position %d to %d", last, e.Position)
		}
		last = max(last, e.Position)
	}
	if last > k.position { // less is no fault: what was not handed over before the end is so after the next start
		c.violation("the audit file ends at position %d, the log at %d", last, k.position)
	}
	return nil
}
