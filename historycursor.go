package livetables

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// HistoryCursor is an opaque text with which a filter continues after an entry, as [HistoryFilter].Cursor: f as it was
// given to [Access.AuditLog], or to [Access.TableHistory] with the table in it, or to [Access.RowHistory] with the table,
// the resource and its type "row"; last is the last entry shown. It is encrypted, for positions of the change log tell what
// goes on in other workspaces, and it is good for the same question of the same principal for 24 hours, unless rights were
// changed in between. Its maker needs no right: reading asks for them.
func (a *Access) HistoryCursor(ctx context.Context, f HistoryFilter, last audit.Entry) (string, error) {
	policy, err := a.e.policies.Policy(ctx, last.Workspace)
	if err != nil {
		return "", fmt.Errorf("policy of %s: %w", last.Workspace, err)
	}
	token, err := a.historyCursors(f, last.Workspace, policy.Version).seal(lqp.Cursor{After: []lqp.Value{lqp.IntValue(last.Position)}})
	if err != nil {
		return "", fmt.Errorf("cursor of a history: %w", err)
	}
	return token, nil
}

// historyCursors makes and reads the cursors of one question to one workspace's log.
func (a *Access) historyCursors(f HistoryFilter, workspace string, policy int64) *cursorMaker {
	f.Cursor, f.Limit = "", 0
	question, err := json.Marshal(f)
	if err != nil {
		panic(err) // texts and times
	}
	return &cursorMaker{key: a.e.cursors, now: a.e.clock(), scope: lqp.CursorScope{
		Query: sha256.Sum256(append([]byte("history "), question...)), Principal: a.who(), Workspace: workspace,
		Policy: strconv.FormatInt(policy, 10),
	}}
}

// before is the position that the filter's cursor continues below, 0 for none.
func (s *entry) before(f HistoryFilter) (int64, error) {
	if f.Cursor == "" {
		return 0, nil
	}
	m := (&Access{e: s.e, p: s.p, eyes: s.eyes}).historyCursors(f, s.Workspace.ID, s.policy.Version)
	place, err := m.key.Open(f.Cursor, m.scope, m.now)
	if err != nil {
		return 0, err
	}
	if len(place.After) == 1 && place.After[0].Kind() == lqp.Number {
		if n, ok := place.After[0].Decimal().Int64(); ok && n > 0 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: %w", ErrCursor, errors.New("no place in a history"))
}
