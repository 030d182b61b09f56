package livetables

import (
	"context"
	"fmt"
	"strings"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Breakage is something that a change would touch: a view, a rule, a publication.
type Breakage struct {
	// Kind is "view", "share", "rule" (of a role), "unique", "check" (rules of the table), "index", "column" (one that is
	// computed from it or linked with it) or "table".
	Kind   string `json:"kind"`
	ID     string `json:"id,omitempty"`
	Name   string `json:"name"` // of a rule the role, of a share the slug, of a check its message
	Effect Effect `json:"effect"`
	// Uses says in what places it uses what is changed: "source", "joins", "filters", "columns", "sorts", "groups",
	// "aggregates", "computed"; of rules "read", "create", "update", "delete", "mask".
	Uses []string `json:"uses,omitempty"`
}

// Effect says what becomes of something.
type Effect string

// The effects of a change.
const (
	Breaks  Effect = "breaks"  // it does not run any more
	Closes  Effect = "closes"  // the rule no longer compiles, which closes its table to the role
	Lifted  Effect = "lifted"  // it is taken out of the table, and comes back with what was deleted
	Gone    Effect = "gone"    // it goes along
	Renames Effect = "renames" // its rows have a field of another name
)

// Impact tells what a change would do to other things.
type Impact struct {
	Resource string       `json:"resource_id"`
	Change   ImpactChange `json:"change"`
	Touches  []Breakage   `json:"touches"`
	// Others counts what would be touched beside and that the principal may not know of.
	Others int `json:"others"`
	// Refused says that the change is made only when it is forced: a rule of a role would close its table, or a rule of the
	// table would be lifted.
	Refused bool `json:"refused"`
}

// ImpactChange is a change whose impact can be asked for.
type ImpactChange string

// The changes. A change of type is previewed by Access.PreviewType.
const (
	ImpactDelete ImpactChange = "delete" // of a base, table, view, column or connection
	ImpactRename ImpactChange = "rename" // of a column, table or view
)

// ImpactError says that a change was not made because it would break the policy or the rules of a table, and nobody forced it.
type ImpactError struct{ Impact Impact }

// Error implements error.
func (e *ImpactError) Error() string {
	var names []string
	for _, b := range e.Impact.Touches {
		if b.Effect == Closes || b.Effect == Lifted {
			names = append(names, fmt.Sprintf("%s %q", b.Kind, b.Name))
		}
	}
	if n := e.Impact.Others; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return "it is used by " + strings.Join(names, ", ")
}

// Impact tells what a change of a base, table, view, column or connection would do to views, publications, rules and indexes.
// It asks for the right to make the change. What the principal may not know of is counted and not named.
func (a *Access) Impact(ctx context.Context, resource string, change ImpactChange) (*Impact, error) {
	action := rbac.AlterTables
	switch {
	case strings.HasPrefix(resource, "viw_"):
		action = rbac.AlterViews
	case strings.HasPrefix(resource, "con_"):
		action = rbac.ManageConnections
	}
	s, err := a.at(ctx, resource, action)
	if err != nil {
		return nil, err
	}
	return s.impact(ctx, resource, change)
}

// impact works out the impact of a change that the principal may make.
func (s *entry) impact(ctx context.Context, resource string, change ImpactChange) (*Impact, error) {
	f := &finder{entry: s, ctx: ctx, report: Impact{Resource: resource, Change: change, Touches: []Breakage{}}}
	if change != ImpactDelete && change != ImpactRename {
		return nil, invalidField("change", fmt.Sprintf("%q is not one of delete, rename", change))
	}
	if t, ok := s.TableOfColumn(resource); ok {
		if _, _, err := s.column(ctx, resource); err != nil {
			return nil, err
		}
		f.columns = map[string]bool{resource: true}
		f.renamed = change == ImpactRename
		f.views()
		if change == ImpactDelete {
			f.ofColumn(t, resource)
		}
		return &f.report, nil
	}
	if change == ImpactRename {
		return &f.report, nil // everything else is known by its id
	}
	f.sources = map[string]bool{resource: true}
	if _, ok := s.Base(resource); ok {
		f.ofBase(resource)
	}
	if v, ok := s.View(resource); ok {
		f.share(v, Gone)
	}
	if t, ok := s.AnyTable(resource); ok {
		if _, err := s.sight(ctx, t); err != nil {
			return nil, err
		}
		f.linked(t)
	}
	if _, ok := s.Connection(resource); ok {
		f.connection(resource)
	}
	f.views()
	return &f.report, nil
}

// invalidField is the refusal of one field.
func invalidField(field, message string) error {
	return &minidb.ValidationError{Fields: []minidb.FieldError{{Column: field, Code: minidb.CodeInvalid, Message: message}}}
}
