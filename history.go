package livetables

import (
	"context"
	"encoding/json"
	"fmt"
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
			if s.show(&entries[i]) {
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
		return true
	}
	t, ok := s.Table(en.Table)
	if !ok {
		// The table is gone and its rules with it: only those who could have written the rules still see its rows.
		return s.policy.Can(s.p, rbac.ManageRules).Allowed
	}
	rule := s.policy.Table(s.p, rbac.TableRef{Table: t.ID})
	if rule.Closed {
		return false
	}
	if !strings.HasPrefix(en.Action, "row.") {
		if en.ResourceType == "column" {
			return rule.Columns[en.Resource] != rbac.Hidden
		}
		for _, access := range rule.Columns {
			if access == rbac.Hidden {
				en.Before, en.After = nil, nil // they list the table's columns
			}
		}
		return true
	}
	if rule.Read == nil && len(rule.Columns) == 0 {
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
	return any
}
