package rbac

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// PolicyStore holds the policies. Implementations may be called from many goroutines at once.
type PolicyStore interface {
	// Policy returns the current policy of a workspace. An error, whatever it is, denies everything. The Policy is shared
	// and must not be changed by anybody.
	Policy(ctx context.Context, workspace string) (*Policy, error)
}

// TableRef names a table as policies know it: the connection's id (empty for the mini-DB) and the table's name there.
type TableRef struct {
	Connection string `json:"connection,omitempty"`
	Table      string `json:"table"`
}

// Policy is an immutable snapshot of who is in a workspace and what they may see there.
type Policy struct {
	Workspace string
	// Version changes with every change of the policy. Cursors and caches are bound to it.
	Version int64
	Members map[string]Role
	Rules   map[TableRef]map[Role]TableRule
}

// TableRule narrows what a role may do with one table. The zero TableRule narrows nothing.
type TableRule struct {
	// Read, Update, Delete are predicates that a row must satisfy to be seen, changed, removed; Create and Update are
	// also asked of the row as it is after the write. nil is true. They are unbound: columns are named by id.
	Read, Create, Update, Delete lqp.Expr
	// Columns lists the columns, by id, that are not fully accessible.
	Columns map[string]Access
	// Closed denies the table altogether: a rule that no longer compiles, or an explicit denial.
	Closed bool
}

// Access says what remains of a column.
type Access string

// The accesses. A Hidden column does not exist for the principal; ReadOnly can be read but not written.
const (
	Hidden   Access = "hidden"
	ReadOnly Access = "read_only"
)

// Decision is the answer to the policy question, with its reason in words for people and logs.
type Decision struct {
	Allowed bool
	Role    Role
	Reason  string
}

// Role is the standing of p, empty when it has none.
func (p *Policy) Role(pr Principal) Role {
	if p == nil || pr.ID == "" {
		return ""
	}
	return p.Members[pr.ID]
}

// Can says whether the principal may take the action in this workspace. A nil policy denies.
func (p *Policy) Can(pr Principal, a Action) Decision {
	if p == nil || pr.ID == "" {
		return Decision{Reason: "no principal"}
	}
	role, ok := p.Members[pr.ID]
	if !ok || !role.Valid() {
		return Decision{Reason: "not a member of the workspace"}
	}
	if pr.View != "" && a != ReadData {
		return Decision{Role: role, Reason: fmt.Sprintf("the key of a view does not allow %s", a)}
	}
	need, ok := matrix[a]
	if !ok {
		return Decision{Role: role, Reason: fmt.Sprintf("unknown action %q", a)}
	}
	if !role.AtLeast(need) {
		return Decision{Role: role, Reason: fmt.Sprintf("%s needs the role %s, not %s", a, need, role)}
	}
	return Decision{Allowed: true, Role: role, Reason: fmt.Sprintf("%s is allowed to the role %s", a, role)}
}

// Binds reports whether any rule of a table binds the principal.
func (p *Policy) Binds(pr Principal) bool {
	role := p.Role(pr)
	for _, byRole := range p.Rules {
		if _, ok := byRole[role]; ok {
			return true
		}
	}
	return !role.Valid()
}

// Table is the rule that binds the principal on a table. A principal without a role gets a closed rule.
func (p *Policy) Table(pr Principal, t TableRef) TableRule {
	role := p.Role(pr)
	if !role.Valid() {
		return TableRule{Closed: true}
	}
	return p.Rules[t][role]
}
