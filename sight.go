package livetables

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// reader is the principal of the entry, for looking at tables.
func (s *entry) reader() rewrite.Reader {
	return rewrite.Reader{Principal: s.p, Policy: s.policy, Now: s.e.clock()}
}

// sight is a table of the mini-DB as the principal sees it; ErrNotFound when it is closed or its rule is broken.
func (s *entry) sight(ctx context.Context, t *minidb.Table) (*rewrite.Sight, error) {
	if seen, ok := s.sights[t.ID]; ok {
		return seen, nil
	}
	seen, err := s.look(ctx, rbac.TableRef{Table: t.ID}, t.Schema())
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.ID, ErrNotFound)
	}
	if s.sights == nil {
		s.sights = map[string]*rewrite.Sight{}
	}
	s.sights[t.ID] = seen
	return seen, nil
}

// look binds the policy of a table. What is broken is told to the log.
func (s *entry) look(ctx context.Context, ref rbac.TableRef, t *lqp.Table) (*rewrite.Sight, error) {
	seen, err := s.reader().Look(ref, t)
	var broken *rewrite.BrokenError
	if errors.As(err, &broken) {
		s.broken(ctx, ref, broken)
	}
	return seen, err
}

func (s *entry) broken(ctx context.Context, table rbac.TableRef, err error) {
	s.e.log.ErrorContext(ctx, "a broken rule closes its table", "table", table.Table, "connection", table.Connection, "error", err)
}

// tableOf finds a table of the mini-DB that is in use and not closed to the principal, with its sight.
func (s *entry) tableOf(ctx context.Context, id string) (*minidb.Table, *rewrite.Sight, error) {
	t, ok := s.AnyTable(id)
	if !ok {
		return nil, nil, fmt.Errorf("table %s: %w", id, ErrNotFound)
	}
	seen, err := s.sight(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if t.Archived() {
		return nil, nil, fmt.Errorf("table %q: %w", t.Name, ErrArchived)
	}
	return t, seen, nil
}

// shown is the table without hidden columns and with what masks leave of masked ones, nil when it is closed.
func (s *entry) shown(ctx context.Context, t *minidb.Table) *minidb.Table {
	seen, err := s.sight(ctx, t)
	if err != nil {
		return nil
	}
	return t.Shown(seen.Table(), func(column string) bool {
		_, some := seen.Linked(column)
		return !seen.Shows(column) && !some
	})
}

// anyTable enters the workspace of a table, archived or not, that the principal may alter and that is not closed to it.
func (a *Access) anyTable(ctx context.Context, id string) (*entry, error) {
	s, err := a.at(ctx, id, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, ok := s.AnyTable(id)
	if !ok {
		return nil, fmt.Errorf("table %s: %w", id, ErrNotFound)
	}
	_, err = s.sight(ctx, t)
	return s, err
}

// changed is a table that the principal has just changed, as the principal sees it.
func (s *entry) changed(ctx context.Context, t *minidb.Table) (*minidb.Table, error) {
	delete(s.sights, t.ID)
	if v := s.shown(ctx, t); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("table %s: %w", t.ID, ErrNotFound)
}

// guardOf is the rule of a table in the form that the mini-DB checks writes with. There is no other way to a guard.
func (s *entry) guardOf(seen *rewrite.Sight, t *minidb.Table) (minidb.Guard, error) {
	rules, err := seen.Guard()
	if err != nil {
		return minidb.Guard{}, fmt.Errorf("table %s: its rule does not compile: %w", t.ID, ErrNotFound)
	}
	g := minidb.Guard{Read: rules.Read, Create: rules.Create, Update: rules.Update, Delete: rules.Delete, RequireVersion: t.Rules.RequireVersion}
	if _, own := s.e.policies.(*cataloguePolicies); own {
		g.PolicyVersion = s.policy.Version // a right revoked before the commit is not used
	}
	g.Links, err = s.linkGuards(t)
	return g, err
}

// column finds a column that the principal has all of, with its table: what is hidden or in a closed table is not there, and
// what is masked or read-only is not changed.
func (s *entry) column(ctx context.Context, id string) (*minidb.Table, *rewrite.Sight, error) {
	t, ok := s.TableOfColumn(id)
	if !ok {
		return nil, nil, fmt.Errorf("column %s: %w", id, ErrNotFound)
	}
	seen, err := s.sight(ctx, t)
	if err != nil || seen.Table().Column(id) == nil {
		return nil, nil, fmt.Errorf("column %s: %w", id, ErrNotFound)
	}
	if access := seen.Access(id); access != "" {
		return nil, nil, fmt.Errorf("column %s is %s for you: %w", id, strings.ReplaceAll(string(access), "_", "-"), ErrForbidden)
	}
	return t, seen, nil
}
