package livetables

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// HistoryFilter selects audit entries, newest first. Zero fields select everything.
type HistoryFilter struct {
	Actor, Action, ResourceType, Resource, Table string
	From, To                                     time.Time
	Before                                       int64 // position of the last entry already seen
	Limit                                        int   // default 100, at most 1000
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

// TableHistory reads the changes of one table and of its rows.
func (a *Access) TableHistory(ctx context.Context, table string, f HistoryFilter) ([]audit.Entry, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if _, err := s.tableOf(table); err != nil {
		return nil, err
	}
	f.Table = table
	return s.history(ctx, f)
}

// RowHistory reads the changes of one row.
func (a *Access) RowHistory(ctx context.Context, table, row string, f HistoryFilter) ([]audit.Entry, error) {
	f.ResourceType, f.Resource = "row", row
	return a.TableHistory(ctx, table, f)
}

// history reads entries until the page is full, since some of what is read may not be shown.
func (s *entry) history(ctx context.Context, f HistoryFilter) ([]audit.Entry, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	q := minidb.HistoryQuery{Workspace: s.Workspace.ID, Actor: f.Actor, Action: f.Action, ResourceType: f.ResourceType, Resource: f.Resource,
		Table: f.Table, From: f.From, To: f.To, Before: f.Before, Limit: limit}
	var out []audit.Entry
	for {
		entries, err := s.e.store.History(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		for i := range entries {
			if s.show(&entries[i]) && (f.Actor == "" || entries[i].Actor == f.Actor) { // who may have been taken out of it
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

// show narrows an entry to what today's policy lets the reader see, false when that is nothing.
func (s *entry) show(en *audit.Entry) bool {
	if en.Table == "" {
		return en.ResourceType != "lock" || s.showLock(en)
	}
	t, ok := s.AnyTable(en.Table)
	if !ok {
		// The table is gone and its rules with it: only those who could have written the rules still see its rows.
		return s.policy.Can(s.p, rbac.ManageRules, "").Allowed
	}
	rule := s.policy.Table(s.p, rbac.TableRef{Table: t.ID})
	if rule.Closed {
		return false
	}
	if !strings.HasPrefix(en.Action, "row.") {
		return s.showDefinition(en, t, rule)
	}
	// Only those who manage the rules see what was in columns that are gone, whose grants nobody knows any more.
	if rule.Read == nil && len(rule.Columns) == 0 && s.policy.Can(s.p, rbac.ManageRules, "").Allowed {
		return true
	}
	guard, err := s.guard(t)
	if err != nil {
		return false
	}
	full := t.Schema()
	seen := rewrite.Visible(full, rule)
	any := false
	for _, side := range []*json.RawMessage{&en.Before, &en.After} {
		row, ok := imageVisible(*side, t, guard.Read)
		if !ok {
			*side = nil
			continue
		}
		any = true
		*side, _ = imageJSON(full, seen, row, nil)
	}
	hideBuiltIn(seen, strings.TrimPrefix(en.Action, "row."), &en.Actor, &en.Version)
	return any
}

// showDefinition narrows an entry about a table or one of its columns. A column that is gone has taken its grants with it,
// so that nobody can tell from whom it was hidden: it is for those who manage the rules.
func (s *entry) showDefinition(en *audit.Entry, t *minidb.Table, rule rbac.TableRule) bool {
	past := s.policy.Can(s.p, rbac.ManageRules, "").Allowed
	if en.ResourceType == "column" {
		_, exists := t.Column(en.Resource)
		return rule.Columns[en.Resource] != rbac.Hidden && (exists || past)
	}
	hides := false
	for _, access := range rule.Columns {
		hides = hides || access == rbac.Hidden
	}
	if hides || !past {
		en.Before, en.After = withoutColumns(en.Before), withoutColumns(en.After)
	}
	return true
}

// withoutColumns is the image of a table without the columns that it lists.
func withoutColumns(image json.RawMessage) json.RawMessage {
	var doc map[string]json.RawMessage
	if len(image) == 0 || json.Unmarshal(image, &doc) != nil {
		return nil
	}
	for _, list := range []string{"columns", "order"} {
		delete(doc, list)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	return out
}

// showLock reports whether an entry about the lock of a row may be shown: where a rule keeps rows out of sight, their ids
// are too.
func (s *entry) showLock(en *audit.Entry) bool {
	for _, image := range []json.RawMessage{en.Before, en.After} {
		var lock minidb.RowLock
		if len(image) == 0 || json.Unmarshal(image, &lock) != nil {
			continue
		}
		rule := s.policy.Table(s.p, rbac.TableRef{Table: lock.Table})
		if rule.Closed || rule.Read != nil {
			return false
		}
	}
	return true
}

// hideBuiltIn takes from the envelope of a change what it tells of built-in columns that the principal cannot see.
func hideBuiltIn(seen *lqp.Table, op string, actor *string, version *int64) {
	if seen.Column(minidb.ColumnUpdatedBy) == nil || op == "insert" && seen.Column(minidb.ColumnCreatedBy) == nil {
		*actor = ""
	}
	if seen.Column(minidb.ColumnVersion) == nil {
		*version = 0
	}
}
