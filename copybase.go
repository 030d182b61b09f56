package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// DuplicateBase copies a base, in the project where it is, with its tables, views, rules and caps, and its rows when asked, all or nothing; publications are
// not copied. The copy shows nobody more than the original: rules come along before rows do. An empty name is
// that of the original with "copy" behind it, and a number when that is taken.
//
// Where the engine's policies are not those of the catalogue, a base with rules is not copied: nothing would bind the copy.
func (a *Access) DuplicateBase(ctx context.Context, base, name string, rows bool) (*minidb.Base, error) {
	s, err := a.at(ctx, base, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	old, ok := s.Base(base)
	if !ok {
		return nil, fmt.Errorf("base %s: %w", base, ErrNotFound)
	}
	// The copy lands beside the original: what a grant on the base alone allows does not reach there.
	side := s.Workspace.ID
	if old.Project != "" {
		side = old.Project
	}
	if err := s.may(side, rbac.AlterTables); err != nil {
		return nil, err
	}
	d := minidb.Duplicate{Name: name, Rows: rows}
	if _, own := a.e.policies.(*cataloguePolicies); own {
		d.PolicyVersion = s.policy.Version
	} else {
		for _, t := range append(s.TablesOf(base), s.Archived...) {
			if t.Base == base && len(s.policy.Rules[rbac.TableRef{Table: t.ID}])+len(s.policy.Caps[t.ID]) > 0 {
				return nil, fmt.Errorf("the rules of table %s are kept elsewhere and would not bind a copy: %w", t.Name, ErrForbidden)
			}
		}
		for _, v := range s.ViewsOf(base) {
			if len(s.policy.Caps[v.ID]) > 0 {
				return nil, fmt.Errorf("the caps of view %s are kept elsewhere and would not bind a copy: %w", v.Name, ErrForbidden)
			}
		}
		if len(s.policy.Caps[base]) > 0 {
			return nil, fmt.Errorf("the caps of base %s are kept elsewhere and would not bind a copy: %w", base, ErrForbidden)
		}
	}
	made, err := a.e.store.DuplicateBase(ctx, a.actor(""), base, d)
	if errors.Is(err, minidb.ErrRuleOfRows) && s.boundWithin(base) {
		return nil, minidb.ErrRuleOfRows // of which table is not for everybody
	}
	return made, err
}
