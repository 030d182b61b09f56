package rbac

import "strings"

// Role names a member's standing in a workspace: one of the four built-in roles, or the id of a custom one.
type Role string

// The built-in roles, highest first. The empty Role is no member.
const (
	Owner  Role = "owner"
	Admin  Role = "admin"
	Editor Role = "editor"
	Viewer Role = "viewer"
)

// Nothing is what a [Cap] leaves when it closes a resource; it is nobody's role.
const Nothing Role = "none"

// RolePrefix begins the ids of custom roles.
const RolePrefix = "rol_"

var rank = map[Role]int{Owner: 4, Admin: 3, Editor: 2, Viewer: 1}

// BuiltIn reports whether r is one of the four built-in roles.
func (r Role) BuiltIn() bool { return rank[r] > 0 }

// Custom reports whether r is written like the id of a custom role. Whether there is one is for the policy to say.
func (r Role) Custom() bool {
	return strings.HasPrefix(string(r), RolePrefix) && len(r) > len(RolePrefix)
}

// AtLeast reports whether r is a built-in role that stands as high as the built-in role o or higher. Of custom roles,
// which have no height, it is false: ask the policy for an action instead.
func (r Role) AtLeast(o Role) bool { return rank[o] > 0 && rank[r] >= rank[o] }

// may reports whether a built-in role may take an action.
func (r Role) may(a Action) bool {
	need, ok := matrix[a]
	return ok && r.AtLeast(need)
}

// Grant is the right to take one action: in the whole workspace, or on one resource and everything inside it.
type Grant struct {
	Action Action `json:"action"`
	On     string `json:"on,omitempty"` // id of a project, base, table, view or connection; empty for the workspace
}

// CustomRole is a name for grants. Its holders may take these actions and no others.
type CustomRole struct {
	ID   Role   `json:"id"`
	Name string `json:"name"`
	// Base is the built-in role, not owner, whose row and column rules and caps bind the holders too, beside those of the
	// custom role itself: a new role sees no more than the one it was made from.
	Base   Role    `json:"base"`
	Grants []Grant `json:"grants"`
}
