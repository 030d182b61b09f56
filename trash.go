package livetables

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// trashTime is how long things stay in the trash by default.
const trashTime = 30 * 24 * time.Hour

// TrashItem is something in the trash as those see it who may restore it.
type TrashItem struct {
	minidb.Trashed
	// ExpiresAt is when it goes for good, nil for what stays without an end.
	ExpiresAt *time.Time `json:"expires_at"`
}

// Trash lists what was deleted in a workspace and can be restored by the principal, the newest first: what it could delete,
// were it still there, and no rule or cap keeps anything of from it. What was in a base or a table that is in the trash too
// is listed once that is restored.
func (a *Access) Trash(ctx context.Context, workspace string) ([]TrashItem, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	tables, views := s.policy.CanSomewhere(s.p, rbac.AlterTables), s.policy.CanSomewhere(s.p, rbac.AlterViews)
	if !tables.Allowed && !views.Allowed {
		return nil, fmt.Errorf("%s: %w", tables.Reason, ErrForbidden)
	}
	list := []TrashItem{}
	for _, t := range s.Snapshot.Trash {
		if s.mayRestore(ctx, t) {
			list = append(list, s.trashItem(t))
		}
	}
	return list, nil
}

// RestoreTrashed brings something back from the trash with its rows, cells, rules and caps; publications do not come back.
// When its name is taken meanwhile the answer is ErrExists, and r can name another one. Who sees a table but for some of its
// rows does not restore columns of it: whether that succeeds tells of all rows.
func (a *Access) RestoreTrashed(ctx context.Context, id string, r minidb.Recovery) (*TrashItem, error) {
	return again(func() (*TrashItem, error) {
		s, t, err := a.atTrash(ctx, id)
		if err != nil {
			return nil, err
		}
		if t.Kind == minidb.TrashedColumn {
			table, seen, err := s.tableOf(ctx, t.Place)
			if err != nil {
				return nil, err
			}
			if err := wholeRows(table, seen); err != nil {
				return nil, err
			}
		}
		back, err := a.e.store.RestoreTrash(ctx, a.granted(s), id, r)
		if err != nil {
			return nil, err
		}
		item := s.trashItem(back)
		return &item, nil
	})
}

// DeleteForever removes something from the trash for good, at once for everybody; [Engine.Run] then removes its rows, in portions. id is
// one that [Access.Trash] lists for the principal, who needs the right to delete the thing itself and all that is in it
// (rbac.AlterTables, of views rbac.AlterViews); every other id is [ErrNotFound].
func (a *Access) DeleteForever(ctx context.Context, id string) error {
	_, err := again(func() (struct{}, error) {
		s, _, err := a.atTrash(ctx, id)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, a.e.store.DeleteForever(ctx, a.granted(s), id)
	})
	if err == nil {
		a.e.deleted()
	}
	return err
}

// EmptyTrash removes for good what Trash lists, what is put away without an end excepted, and answers how many entries those
// were.
func (a *Access) EmptyTrash(ctx context.Context, workspace string) (n int, err error) {
	list, err := a.Trash(ctx, workspace)
	if err != nil {
		return 0, err
	}
	for _, t := range list {
		if t.Archived {
			continue
		}
		err := a.DeleteForever(ctx, t.ID)
		if errors.Is(err, ErrNotFound) {
			continue // it went with something else
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// deleteTableForever removes a table past the trash.
func (a *Access) deleteTableForever(ctx context.Context, id string) error {
	if _, err := a.anyTable(ctx, id); err != nil {
		return err
	}
	err := a.e.store.DeleteTableForever(ctx, a.actor(""), id, 0)
	if err == nil {
		a.e.deleted()
	}
	return err
}

func (s *entry) trashItem(t *minidb.Trashed) TrashItem {
	item := TrashItem{Trashed: *t}
	if s.e.keep > 0 && !t.Archived {
		at := t.DeletedAt.Add(s.e.keep)
		item.ExpiresAt = &at
	}
	return item
}

// atTrash enters the workspace of something in the trash that the principal may restore.
func (a *Access) atTrash(ctx context.Context, id string) (*entry, *minidb.Trashed, error) {
	if a.p.ID == "" {
		return nil, nil, ErrNoPrincipal
	}
	missing := fmt.Errorf("%s: %w", id, ErrNotFound)
	if a.p.View != "" {
		return nil, nil, missing
	}
	workspace, err := a.e.store.WorkspaceOf(ctx, id)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", id, err)
	}
	s, err := a.load(ctx, workspace)
	if err != nil {
		return nil, nil, err
	}
	t, ok := s.Trashed(id)
	if !ok || !s.mayRestore(ctx, t) {
		return nil, nil, missing
	}
	return s, t, a.admit(ctx, s, trashAction(t))
}

// mayRestore reports whether the principal may know of something in the trash and bring it back. It asks what deleting it
// would ask now, of the thing, of what is inside it and of the place it comes back to; and whom a rule bound on a table, or a
// grant on a column, is not told that there was one, since what the rule would leave of it cannot be shown any more.
func (s *entry) mayRestore(ctx context.Context, t *minidb.Trashed) bool {
	if s.e.keep > 0 && !t.Archived && !s.e.clock().Before(t.DeletedAt.Add(s.e.keep)) {
		return false
	}
	action := trashAction(t)
	switch t.Kind {
	case minidb.TrashedBase:
		if _, ok := s.Project(t.Place); t.Place != "" && ok && !s.policy.Allows(s.p, action, t.Place) {
			return false
		}
	case minidb.TrashedTable, minidb.TrashedView:
		if _, ok := s.Base(t.Place); !ok || !s.policy.Allows(s.p, action, t.Place) {
			return false
		}
	case minidb.TrashedColumn:
		table, ok := s.AnyTable(t.Place)
		if !ok || !s.policy.Allows(s.p, action, t.Place) || !s.readable(t.Place) {
			return false
		}
		if _, err := s.sight(ctx, table); err != nil {
			return false
		}
		return !s.bindsColumn(t)
	default:
		return false
	}
	for _, id := range append(t.Inside(), t.Resource) {
		if !s.policy.Allows(s.p, action, id) || !s.readable(id) || s.bindsTable(id) {
			return false
		}
	}
	return true
}

// trashAction is the action that brings something back.
func trashAction(t *minidb.Trashed) rbac.Action {
	if t.Kind == minidb.TrashedView {
		return rbac.AlterViews
	}
	return rbac.AlterTables
}

// bindsColumn reports whether a grant bound the principal on a column in the trash.
func (s *entry) bindsColumn(t *minidb.Trashed) bool {
	role := s.policy.Role(s.p)
	if role == rbac.Owner {
		return false
	}
	for _, r := range []rbac.Role{role, s.policy.Roles[role].Base} {
		if _, bound := t.Grants[r]; bound {
			return true
		}
	}
	_, bound := s.policy.Table(s.p, rbac.TableRef{Table: t.Place}).Columns[t.Resource]
	return bound
}

// bindsTable reports whether a rule of a table binds the principal.
func (s *entry) bindsTable(id string) bool {
	r := s.policy.Table(s.p, rbac.TableRef{Table: id})
	return r.Closed || r.Read != nil || r.Create != nil || r.Update != nil || r.Delete != nil || len(r.Columns)+len(r.Masks) > 0
}

// PurgeTrash removes for good what has been in the trash for longer than Options.TrashTime, and the rows of what was deleted
// for good before. Run does so by itself, in portions that other writers do not wait for long.
func (e *Engine) PurgeTrash(ctx context.Context) error {
	if e.keep > 0 {
		n, err := e.store.PurgeTrash(ctx, e.clock().Add(-e.keep))
		if err != nil {
			return fmt.Errorf("purge trash: %w", err)
		}
		if n > 0 {
			e.log.InfoContext(ctx, "removed what was in the trash for long", "entries", n)
		}
	}
	if err := e.store.SweepTrash(ctx); err != nil {
		return fmt.Errorf("purge trash: %w", err)
	}
	return nil
}

// trashDue reports whether PurgeTrash has anything to do.
func (e *Engine) trashDue(ctx context.Context) (bool, error) {
	before := time.Time{}
	if e.keep > 0 {
		before = e.clock().Add(-e.keep)
	}
	return e.store.TrashDue(ctx, before)
}
