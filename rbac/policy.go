package rbac

import (
	"context"
	"net/netip"

	"github.com/livetables/livetables/lqp"
)

// PolicyStore holds the policies. Implementations may be called from many goroutines at once.
type PolicyStore interface {
	// Policy returns the current policy of a workspace. An error, whatever it is, denies everything. The Policy is shared
	// and must not be changed by anybody.
	Policy(ctx context.Context, workspace string) (*Policy, error)
}

// Policy is an immutable snapshot of who is in a workspace and what they may see and do there. The zero Policy has no
// members and denies everything.
type Policy struct {
	Workspace string
	// Version changes with every change of the policy. Cursors and caches are bound to it.
	Version int64
	Members map[string]Role
	// Attributes are facts about members that row rules may ask for, by user id and name. They stand before those that a
	// Principal brings along.
	Attributes map[string]map[string]lqp.Value
	// Roles are the custom roles. A member whose role is none of them and not built in has no rights.
	Roles map[Role]CustomRole
	Rules map[TableRef]map[Role]TableRule
	// Caps narrow roles on a resource and everything inside it: by the resource's id.
	Caps map[string][]Cap
	// Parents says what a resource is inside of: the base of a table or view, the project of a base. What is not listed is
	// directly in the workspace. Where the map is nil, the engine takes that of its catalogue.
	Parents map[string]string
	// Networks, when there are any, are the only ones from which sensitive actions are allowed.
	Networks []netip.Prefix
}

// Cap narrows what a role, or one user, may do with a resource and everything inside it: no more than the built-in role Max
// may. [Nothing] closes the resource: it is as if it did not exist. A cap for the user takes the place of those for the
// user's role at the same resource. No cap binds owners.
type Cap struct {
	// Exactly one of Role and User is set.
	Role Role   `json:"role,omitempty"`
	User string `json:"user,omitempty"`
	Max  Role   `json:"max"`
}

// known reports whether a role means anything in this policy.
func (p *Policy) known(r Role) bool {
	if r.BuiltIn() {
		return true
	}
	_, ok := p.Roles[r]
	return ok
}

// Role is the standing of pr, empty when it has none.
func (p *Policy) Role(pr Principal) Role {
	if p == nil || pr.ID == "" {
		return ""
	}
	if role := p.Members[pr.ID]; p.known(role) {
		return role
	}
	return ""
}

// Attribute is a fact about the principal for row rules.
func (p *Policy) Attribute(pr Principal, name string) (lqp.Value, bool) {
	if v, ok := p.Attributes[pr.ID][name]; ok {
		return v, true
	}
	v, ok := pr.Attributes[name]
	return v, ok
}

// Binds reports whether any rule or cap binds the principal, or a scope narrows it.
func (p *Policy) Binds(pr Principal) bool {
	role := p.Role(pr)
	if role == "" || pr.Scope != nil || pr.View != "" {
		return true
	}
	if role == Owner {
		return false
	}
	base := p.Roles[role].Base
	for _, byRole := range p.Rules {
		if _, ok := byRole[role]; ok {
			return true
		}
		if _, ok := byRole[base]; ok {
			return true
		}
	}
	for _, caps := range p.Caps {
		for _, c := range caps {
			if c.User == pr.ID || c.User == "" && (c.Role == role || c.Role == base) {
				return true
			}
		}
	}
	return false
}

// ReadsAll reports whether the principal reads every cell of every table, those that there are and those that are gone: no
// rule and no cap binds, and a scope, if there is one, allows reading and names no resources. It differs from the opposite of
// Binds for scopes alone: one that leaves out other actions takes nothing from reading.
func (p *Policy) ReadsAll(pr Principal) bool {
	if s := pr.Scope; s != nil && len(s.Resources) == 0 && s.allows(ReadData) {
		pr.Scope = nil
	}
	return !p.Binds(pr)
}

// Table is the rule that binds the principal on a table. A principal who may not read the table gets a closed rule. No rule
// binds owners.
func (p *Policy) Table(pr Principal, t TableRef) TableRule {
	role := p.Role(pr)
	if role == "" || !p.reads(pr, role, t) {
		return TableRule{Closed: true}
	}
	if role == Owner {
		return TableRule{}
	}
	rule := p.Rules[t][role]
	if base := p.Roles[role].Base; base != "" {
		rule = both(p.Rules[t][base], rule)
	}
	return rule
}

// reads is Can for reading a table, without words: it is asked for every table of every query.
func (p *Policy) reads(pr Principal, role Role, t TableRef) bool {
	if role == Owner && pr.Scope == nil {
		return true
	}
	if role.BuiltIn() && pr.Scope == nil && len(p.Caps) == 0 {
		return true
	}
	return p.decide(pr, role, ReadData, t.resource(), false).Allowed
}
