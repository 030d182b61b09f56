package rbac

import "slices"

// Scope narrows a principal, for example the bearer of an access token: only these actions, only inside these resources.
// It never adds a right. The zero Scope, unlike a nil one, allows nothing.
type Scope struct {
	Actions []Action
	// Resources are ids of workspaces, projects, bases, tables, views or connections. Empty is every resource.
	Resources []string
}

// reaches reports whether the scope includes a resource: by one of the ids of its chain.
func (s *Scope) reaches(chain []string) bool {
	if s == nil || len(s.Resources) == 0 {
		return true
	}
	return slices.ContainsFunc(chain, func(id string) bool { return slices.Contains(s.Resources, id) })
}

func (s *Scope) allows(a Action) bool { return s == nil || slices.Contains(s.Actions, a) }
