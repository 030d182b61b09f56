package rbac

// MayGrant says whether the principal may give a role to somebody: nobody gives what they do not hold themselves, nor a role
// that is not bound by what binds them, and roles with power over others are for those who may make admins.
func (p *Policy) MayGrant(pr Principal, r Role) Decision {
	d := p.Can(pr, ManageMembers, "")
	switch {
	case !d.Allowed:
		return d
	case !p.known(r):
		return denied(d.Role, "there is no role %q", r)
	case r.AtLeast(Admin):
		return p.Can(pr, GrantAdmin, "")
	case r.BuiltIn():
		for a := range matrix {
			if held := p.Can(pr, a, ""); r.may(a) && !held.Allowed {
				return denied(d.Role, "the role %s may %s, and you may not", r, a)
			}
		}
		if !p.Can(pr, GrantAdmin, "").Allowed && !p.bindsToo(pr, r) {
			return denied(d.Role, "rules or caps bind you that do not bind the role %s", r)
		}
		return d
	}
	if no := p.exceeds(pr, d, p.Roles[r]); !no.Allowed {
		return no
	}
	return d
}

// MayTake says whether the principal may change what a holder of a role has, or take it away: to take is to give to nobody,
// but those with power over others are left to those who may make admins. It makes no difference whether there is the role.
func (p *Policy) MayTake(pr Principal, r Role) Decision {
	if d := p.Can(pr, ManageMembers, ""); !d.Allowed || !p.Powerful(r) {
		return d
	}
	return p.Can(pr, GrantAdmin, "")
}

// MayDefine says whether the principal may make a custom role: every grant in it must be one's own.
func (p *Policy) MayDefine(pr Principal, role CustomRole) Decision {
	d := p.Can(pr, ManageRoles, "")
	if !d.Allowed {
		return d
	}
	if no := p.exceeds(pr, d, role); !no.Allowed {
		return no
	}
	return d
}

// Powerful reports whether holders of a role decide what others may: admins, owners, and those of custom roles made from
// admin or with a grant of that kind.
func (p *Policy) Powerful(r Role) bool {
	return r.AtLeast(Admin) || p.Roles[r].powerful()
}

func (r CustomRole) powerful() bool {
	if r.Base.AtLeast(Admin) {
		return true
	}
	for _, g := range r.Grants {
		if overPeople[g.Action] {
			return true
		}
	}
	return false
}

// exceeds is a denial when a custom role is more than the principal has; d is what allows it to be asked.
func (p *Policy) exceeds(pr Principal, d Decision, role CustomRole) Decision {
	most := p.Can(pr, GrantAdmin, "")
	if role.powerful() && !most.Allowed {
		return denied(d.Role, "roles with power over others are given by those who may make admins")
	}
	bare := pr
	bare.Scope = nil // what a token may not is found grant by grant
	if !most.Allowed && p.Binds(bare) {
		// The new role might be bound by less than its maker.
		return denied(d.Role, "rules or caps bind you: custom roles are given by those whom none binds")
	}
	for _, g := range role.Grants {
		if held := p.Can(pr, g.Action, g.On); !held.Allowed {
			return denied(d.Role, "you may not %s yourself: %s", g.Action, held.Reason)
		}
	}
	return d
}

// bindsToo reports whether every rule and cap that binds the principal binds the holders of a built-in role as well.
func (p *Policy) bindsToo(pr Principal, r Role) bool {
	role := p.Role(pr)
	if role == Owner {
		return true
	}
	own := p.Roles[role].Base
	alone := func(by Role) bool { return by != "" && (by == role || by == own) && by != r }
	for _, byRole := range p.Rules {
		for by := range byRole {
			if alone(by) {
				return false
			}
		}
	}
	for _, caps := range p.Caps {
		for _, c := range caps {
			if c.User == pr.ID || c.User == "" && alone(c.Role) {
				return false
			}
		}
	}
	return true
}
