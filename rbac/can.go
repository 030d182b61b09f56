package rbac

import (
	"fmt"
	"net/netip"
	"slices"
)

// Decision is the answer to the policy question, with its reason in words for people and logs.
type Decision struct {
	Allowed bool   `json:"allowed"`
	Role    Role   `json:"role,omitempty"`
	Reason  string `json:"reason"`
	// Grants are what led to a decision that allows: the role and, of custom roles, the grants that name the action. Of one
	// that denies they are empty.
	Grants []string `json:"grants,omitempty"`
}

func denied(role Role, format string, args ...any) Decision {
	return Decision{Role: role, Reason: fmt.Sprintf(format, args...)}
}

// Can says whether the principal may take the action on a resource: the id of a project, base, table, view or connection,
// or "" for the workspace itself. A nil policy denies. It does not look whether the resource exists.
func (p *Policy) Can(pr Principal, a Action, resource string) Decision {
	if p == nil || pr.ID == "" {
		return denied("", "no principal")
	}
	role := p.Role(pr)
	if role == "" {
		return denied("", "not a member of the workspace")
	}
	return p.decide(pr, role, a, resource, true)
}

// Allows is Can without words, for questions that are asked again and again.
func (p *Policy) Allows(pr Principal, a Action, resource string) bool {
	if p == nil || pr.ID == "" {
		return false
	}
	role := p.Role(pr)
	return role != "" && p.decide(pr, role, a, resource, false).Allowed
}

// CanSomewhere says whether there may be a resource in the workspace on which the principal may take the action. It opens
// doors to lists and queries, whose every part is then asked for with Can or Table.
func (p *Policy) CanSomewhere(pr Principal, a Action) Decision {
	if p == nil || pr.ID == "" {
		return denied("", "no principal")
	}
	role := p.Role(pr)
	if role == "" {
		return denied("", "not a member of the workspace")
	}
	if d, no := p.outside(pr, role, a); no {
		return d
	}
	if role.BuiltIn() {
		return byMatrix(role, a)
	}
	var grants []string
	for _, g := range p.Roles[role].Grants {
		if g.Action == a {
			grants = append(grants, grantText(role, g))
		}
	}
	return byGrants(role, p.Roles[role].Name, a, grants)
}

// decide is Can for a member. Without words it may leave out the reason and the grants.
func (p *Policy) decide(pr Principal, role Role, a Action, resource string, words bool) Decision {
	if d, no := p.outside(pr, role, a); no {
		return d
	}
	if role.BuiltIn() && pr.Scope == nil && len(p.Caps) == 0 {
		return byMatrix(role, a) // where the resource is makes no difference
	}
	var room [maxChain + 1]string
	chain := p.chain(room[:0], resource)
	if !pr.Scope.reaches(chain) {
		return denied(role, "the token does not reach this")
	}
	d := p.granted(role, a, chain, words)
	if !d.Allowed || role == Owner {
		return d
	}
	for _, id := range chain {
		if most, ok := p.cap(pr, role, id); ok && !most.may(a) {
			return denied(role, "%s is narrowed to %s here", a, most)
		}
	}
	return d
}

// outside answers for what no role can lift: keys of views, tokens, networks, unknown actions.
func (p *Policy) outside(pr Principal, role Role, a Action) (Decision, bool) {
	switch {
	case !a.Valid():
		return denied(role, "unknown action %q", a), true
	case pr.View != "" && a != ReadData:
		return denied(role, "the key of a view does not allow %s", a), true
	case !pr.Scope.allows(a):
		return denied(role, "the token does not allow %s", a), true
	case a.Sensitive() && !p.from(pr.Address):
		return denied(role, "%s is not allowed from this address", a), true
	}
	return Decision{}, false
}

// from reports whether sensitive actions may come from an address. What is no address is not in any network.
func (p *Policy) from(address string) bool {
	if len(p.Networks) == 0 {
		return true
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// maxChain bounds the way up from a resource, which a damaged catalogue could make endless.
const maxChain = 8

// chain appends a resource with everything it is inside of, the workspace last.
func (p *Policy) chain(chain []string, resource string) []string {
	for id := resource; id != "" && id != p.Workspace && len(chain) < maxChain; id = p.Parents[id] {
		chain = append(chain, id)
	}
	return append(chain, p.Workspace)
}

// granted is what the role alone says.
func (p *Policy) granted(role Role, a Action, chain []string, words bool) Decision {
	if role.BuiltIn() {
		return byMatrix(role, a)
	}
	var grants []string
	for _, g := range p.Roles[role].Grants {
		if g.Action == a && (g.On == "" || slices.Contains(chain, g.On)) {
			if !words {
				return Decision{Allowed: true, Role: role}
			}
			grants = append(grants, grantText(role, g))
		}
	}
	return byGrants(role, p.Roles[role].Name, a, grants)
}

// byMatrix is the decision of the matrix, which is made once: it is asked for in every request.
func byMatrix(role Role, a Action) Decision { return decisions[role][a] }

var decisions = func() map[Role]map[Action]Decision {
	all := map[Role]map[Action]Decision{}
	for role := range rank {
		all[role] = map[Action]Decision{}
		for a, need := range matrix {
			if role.may(a) {
				all[role][a] = Decision{Allowed: true, Role: role, Grants: []string{string(role)}, Reason: fmt.Sprintf("%s is allowed to the role %s", a, role)}
			} else {
				all[role][a] = denied(role, "%s needs the role %s, not %s", a, need, role)
			}
		}
	}
	return all
}()

func byGrants(role Role, name string, a Action, grants []string) Decision {
	if len(grants) == 0 {
		return denied(role, "the role %q does not grant %s here", name, a)
	}
	return Decision{Allowed: true, Role: role, Grants: grants, Reason: fmt.Sprintf("%s is granted by the role %q", a, name)}
}

func grantText(role Role, g Grant) string {
	if g.On == "" {
		return string(role) + ": " + string(g.Action)
	}
	return string(role) + ": " + string(g.Action) + " on " + g.On
}

// cap is the narrowing of a member at one resource: the user's own, or else the least of those for the role and its base.
func (p *Policy) cap(pr Principal, role Role, resource string) (most Role, ok bool) {
	base := p.Roles[role].Base
	for _, c := range p.Caps[resource] {
		switch {
		case c.User == pr.ID && c.User != "":
			return c.Max, true
		case c.User != "" || c.Role != role && (base == "" || c.Role != base):
		case !ok || most.AtLeast(c.Max) || !c.Max.BuiltIn():
			most, ok = c.Max, true
		}
	}
	return most, ok
}
