package livetables

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// HistoryFilter selects audit entries, newest first. Zero fields select everything.
type HistoryFilter struct {
	Actor, Action, ResourceType, Resource, Table string
	From, To                                     time.Time
	Cursor                                       string // of HistoryCursor, to go on after its entry
	Limit                                        int    // default 100, at most 1001: a page of 1000 and one that tells whether there are more
}

// AuditLog reads a workspace's audit log. Row entries are shown as today's policy lets the reader see the row; entries of
// rows that it does not let see are left out.
func (a *Access) AuditLog(ctx context.Context, workspace string, f HistoryFilter) ([]audit.Entry, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadAudit)
	if err != nil {
		return nil, err
	}
	return s.history(ctx, f)
}

// TableHistory reads the changes of one table and of its rows, newest first, for those who may read the table (rbac.ReadData); the
// right to the audit log is not needed. What it shows of each entry is what [Access.AuditLog] shows. f.Table is not looked
// at. [ErrArchived] is for a table that is archived, [ErrCursor] for a cursor of another question, principal or policy. Entries that
// retention has removed are not there, see [Access.HistoryBegins].
func (a *Access) TableHistory(ctx context.Context, table string, f HistoryFilter) ([]audit.Entry, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.tableOf(ctx, table); err != nil {
		return nil, err
	}
	f.Table = table
	return s.history(ctx, f)
}

// RowHistory reads the changes of one row, newest first, as [Access.TableHistory] with the row as f.Resource. A row that was
// never there, or that the principal never saw, has no entries and is no error; a deleted one has those that it had.
func (a *Access) RowHistory(ctx context.Context, table, row string, f HistoryFilter) ([]audit.Entry, error) {
	f.ResourceType, f.Resource = "row", row
	return a.TableHistory(ctx, table, f)
}

// ExportAuditLog hands every entry that AuditLog would list to each, newest first, and ends with its error. f.Cursor and f.Limit
// are not looked at. What is written meanwhile is not in it. It asks for the right again with every page, so that an export
// ends when its reader loses it.
func (a *Access) ExportAuditLog(ctx context.Context, workspace string, f HistoryFilter, each func(audit.Entry) error) error {
	f.Cursor, f.Limit = "", 1000
	for before := int64(0); ; {
		s, err := a.enter(ctx, workspace, rbac.ReadAudit)
		if err != nil {
			return err
		}
		page, err := s.historyBefore(ctx, f, before)
		if err != nil {
			return err
		}
		for _, en := range page {
			before = en.Position
			if err := each(en); err != nil {
				return err
			}
		}
		if len(page) < f.Limit {
			return nil
		}
	}
}

// history reads a page of entries.
func (s *entry) history(ctx context.Context, f HistoryFilter) ([]audit.Entry, error) {
	before, err := s.before(f)
	if err != nil {
		return nil, err
	}
	return s.historyBefore(ctx, f, before)
}

// historyBefore reads entries below a position, 0 for the newest, until the page is full, since some of what is read may not
// be shown.
func (s *entry) historyBefore(ctx context.Context, f HistoryFilter, before int64) ([]audit.Entry, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1001)
	q := minidb.HistoryQuery{Workspace: s.Workspace.ID, Actor: f.Actor, Action: f.Action, ResourceType: f.ResourceType, Resource: f.Resource,
		Table: f.Table, From: f.From, To: f.To, Before: before, Limit: limit}
	// Some readers see few of many entries: the search for them ends like that of any query.
	ctx, cancel := context.WithTimeout(ctx, s.limits.QueryTime)
	defer cancel()
	var out []audit.Entry
	for {
		entries, err := s.e.store.History(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		if err := s.lookAhead(ctx, entries); err != nil {
			return nil, err
		}
		for i := range entries {
			if s.show(ctx, &entries[i]) && (f.Actor == "" || entries[i].Actor == f.Actor) { // who may have been taken out of it
				out = append(out, entries[i])
				if len(out) == limit {
					return out, nil
				}
			}
		}
		if len(entries) < q.Limit {
			return out, nil
		}
		q.Before = entries[len(entries)-1].Position
	}
}

// lookAhead looks up the rows that the rows of entries link to, together for all of them.
func (s *entry) lookAhead(ctx context.Context, entries []audit.Entry) error {
	for i := range entries {
		en := &entries[i]
		t, ok := s.AnyTable(en.Table)
		if !ok || !strings.HasPrefix(en.Action, "row.") {
			continue
		}
		seen, err := s.sight(ctx, t)
		if err != nil || !seen.ShowsSomeLinks() {
			continue
		}
		rows, err := s.links().realImages(ctx, t, seen, en)
		if err != nil {
			return err
		}
		for _, row := range rows {
			s.links().want(seen, row)
		}
	}
	return s.links().look(ctx)
}

// show narrows an entry to what today's policy lets the reader see, false when that is nothing.
func (s *entry) show(ctx context.Context, en *audit.Entry) bool {
	if en.Table == "" {
		if en.ResourceType == "lock" {
			return s.showLock(ctx, en)
		}
		return s.showAbout(en)
	}
	t, ok := s.AnyTable(en.Table)
	if !ok {
		// The table is gone and its rules with it: nobody can tell from whom they kept what.
		if en.ResourceType == "row" {
			return s.seesGone()
		}
		return s.tellOnly(en, s.seesGone())
	}
	seen, err := s.sight(ctx, t)
	if err != nil {
		return false
	}
	past := s.seesGone()
	if !strings.HasPrefix(en.Action, "row.") {
		return s.showDefinition(en, t, seen, past)
	}
	// What was in columns that are gone, whose grants nobody knows any more, is for those whom none ever bound.
	if seen.Whole() && past {
		return true
	}
	rows, err := s.links().images(ctx, t, seen, en)
	if err != nil {
		return false
	}
	changedInSight := len(en.After) == 0
	any := false
	for i, side := range []*json.RawMessage{&en.Before, &en.After} {
		row := rows[i]
		if row == nil {
			*side = nil
			continue
		}
		any = true
		changedInSight = changedInSight || side == &en.After
		*side, _ = imageJSON(seen.Table().Columns, row, nil)
	}
	if !changedInSight { // what happened to a row out of sight is not said
		en.Actor, en.Version, en.Reason, en.Request, en.Address = "", 0, "", "", ""
	}
	hideBuiltIn(seen, strings.TrimPrefix(en.Action, "row."), &en.Actor, &en.Version)
	if en.Action == minidb.ActionCompute && bytes.Equal(en.Before, en.After) {
		return false // what changed is out of sight: frames do not tell of it either
	}
	return any
}

// showDefinition narrows an entry about a table or one of its columns; past says that the reader sees what is gone. A column
// that is gone has taken its grants with it, so that nobody can tell from whom it was hidden: those who manage the rules are
// told that there was one.
func (s *entry) showDefinition(en *audit.Entry, t *minidb.Table, seen *rewrite.Sight, past bool) bool {
	if en.ResourceType == "column" {
		_, exists := t.Column(en.Resource)
		if !exists {
			return s.tellOnly(en, past) && (past || s.policy.Can(s.p, rbac.ManageRules, t.ID).Allowed)
		}
		if !seen.Shows(en.Resource) {
			en.Before, en.After = nil, nil // what the column may hold is said of values that are not shown
		}
		return seen.Access(en.Resource) != rbac.Hidden
	}
	if en.ResourceType == "index" && seen.Table() != t.Schema() && !slices.ContainsFunc(t.Indexes(), func(x minidb.Index) bool {
		return x.ID == en.Resource && !hidesIndex(seen, x.Columns)
	}) {
		return false
	}
	if seen.Table() != t.Schema() || !past {
		en.Before, en.After = without(en.Before, "columns", "order", "rules"), without(en.After, "columns", "order", "rules")
	}
	return true
}

// showLock reports whether an entry about the lock of a row may be shown: where a rule keeps rows out of sight, their ids
// are too.
func (s *entry) showLock(ctx context.Context, en *audit.Entry) bool {
	for _, image := range []json.RawMessage{en.Before, en.After} {
		var lock minidb.RowLock
		if len(image) == 0 || json.Unmarshal(image, &lock) != nil {
			continue
		}
		if t, ok := s.AnyTable(lock.Table); ok {
			if seen, err := s.sight(ctx, t); err != nil || seen.Narrows() {
				return false
			}
		} else if !s.seesGone() {
			return false
		}
	}
	return true
}

// hideBuiltIn takes from the envelope of a change what it tells of built-in columns that the principal cannot see.
func hideBuiltIn(seen *rewrite.Sight, op string, actor *string, version *int64) {
	if !seen.Shows(minidb.ColumnUpdatedBy) || op == "insert" && !seen.Shows(minidb.ColumnCreatedBy) {
		*actor = ""
	}
	if !seen.Shows(minidb.ColumnVersion) {
		*version = 0
	}
}
