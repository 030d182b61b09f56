package rbac

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/livetables/livetables/internal/testseed"
)

func TestMayGrant(t *testing.T) {
	p := studio()
	p.Roles["rol_boss"] = CustomRole{ID: "rol_boss", Name: "Boss", Base: Admin, Grants: []Grant{{Action: ManageMembers}}}
	p.Roles["rol_wide"] = CustomRole{ID: "rol_wide", Name: "Wide", Base: Viewer, Grants: []Grant{{Action: ManageRules}}}
	p.Roles["rol_hr"] = CustomRole{ID: "rol_hr", Name: "HR", Base: Viewer, Grants: []Grant{{Action: ReadData}, {Action: ManageMembers}}}
	p.Members["h"] = "rol_hr"
	for _, c := range []struct {
		who  string
		role Role
		want bool
	}{
		{"o", Owner, true}, {"o", Admin, true}, {"o", "rol_boss", true}, {"o", "rol_wide", true}, {"o", "rol_none", false}, {"o", Nothing, false}, {"o", "", false},
		{"a", Owner, false}, {"a", Admin, false}, {"a", Editor, true}, {"a", Viewer, true}, {"a", "rol_clerk", true}, {"a", "rol_boss", false}, {"a", "rol_wide", false},
		{"e", Viewer, false}, {"v", Viewer, false}, {"x", Viewer, false}, {"", Viewer, false},
		{"h", Viewer, true}, {"h", Editor, false}, {"h", "rol_hr", false}, {"h", "rol_reader", false},
	} {
		d := p.MayGrant(Principal{ID: c.who}, c.role)
		assert.Equal(t, c.want, d.Allowed, "%s gives %s: %s", c.who, c.role, d.Reason)
	}
	assert.False(t, p.MayGrant(Principal{ID: "o", Scope: &Scope{Actions: []Action{ReadData}}}, Viewer).Allowed)
	p.Rules = map[TableRef]map[Role]TableRule{{Table: "t"}: {Admin: {Columns: map[string]Access{"c": Hidden}}}}
	assert.False(t, p.MayGrant(Principal{ID: "a"}, "rol_clerk").Allowed, "whom a rule binds gives no role that it might not bind")
	assert.True(t, p.MayGrant(Principal{ID: "o"}, "rol_clerk").Allowed)
}

// TestNobodyGrantsMoreThanTheyHold: for random policies, whoever is given a role can do nothing that its giver could not,
// unless the giver may make admins.
func TestNobodyGrantsMoreThanTheyHold(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 1))
	resources := []string{"", "p", "b", "t", "v", "u", "c"}
	for range 20_000 {
		p := randomPolicy(r, resources)
		giver, taker := Principal{ID: "giver"}, Principal{ID: "taker"}
		role := anyRole(r, p)
		if !p.MayGrant(giver, role).Allowed || p.Can(giver, GrantAdmin, "").Allowed {
			continue
		}
		p.Members["taker"] = role
		for a := range Actions() {
			for _, on := range resources {
				p.Caps = map[string][]Cap{} // caps may bind the giver alone: they are about places, not about power
				if p.Can(taker, a, on).Allowed && !p.Can(giver, a, on).Allowed {
					t.Fatalf("%s gave %s, which may %s on %q", p.Members["giver"], role, a, on)
				}
			}
		}
	}
}

// TestTableAgreesWithCan: the short way by which tables are asked for says what Can says.
func TestTableAgreesWithCan(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 2))
	resources := []string{"p", "b", "t", "v", "u", "c"}
	for range 20_000 {
		p := randomPolicy(r, resources)
		who := Principal{ID: "giver"}
		if r.IntN(3) == 0 {
			who.Scope = &Scope{Actions: []Action{ReadData}[:r.IntN(2)], Resources: []string{resources[r.IntN(len(resources))]}[:r.IntN(2)]}
		}
		on := resources[r.IntN(len(resources))]
		assert.Equal(t, p.Can(who, ReadData, on).Allowed, !p.Table(who, TableRef{Table: on}).Closed, "%+v %+v %s", p, who, on)
		for a := range Actions() {
			assert.Equal(t, p.Can(who, a, on).Allowed, p.Allows(who, a, on), "%+v %+v %s %s", p, who, a, on)
		}
		if p.Can(who, ReadData, on).Allowed {
			assert.True(t, p.CanSomewhere(who, ReadData).Allowed)
		}
	}
}

func randomPolicy(r *rand.Rand, resources []string) *Policy {
	p := &Policy{Workspace: "w", Members: map[string]Role{}, Roles: map[Role]CustomRole{}, Parents: map[string]string{"t": "b", "v": "b", "b": "p"}, Caps: map[string][]Cap{}}
	for _, id := range []Role{"rol_1", "rol_2"} {
		c := CustomRole{ID: id, Name: string(id), Base: []Role{Admin, Editor, Viewer}[r.IntN(3)]}
		for a := range Actions() {
			if r.IntN(3) == 0 {
				c.Grants = append(c.Grants, Grant{Action: a, On: resources[r.IntN(len(resources))]})
			}
			if r.IntN(4) == 0 {
				c.Grants = append(c.Grants, Grant{Action: a})
			}
		}
		p.Roles[id] = c
	}
	p.Members["giver"] = anyRole(r, p)
	for range r.IntN(3) {
		on := resources[r.IntN(len(resources))]
		c := Cap{Role: anyRole(r, p), Max: []Role{Admin, Editor, Viewer, Nothing}[r.IntN(4)]}
		if r.IntN(3) == 0 {
			c.Role, c.User = "", "giver"
		}
		p.Caps[on] = append(p.Caps[on], c)
	}
	return p
}

func anyRole(r *rand.Rand, p *Policy) Role {
	all := []Role{Owner, Admin, Editor, Viewer, "rol_1", "rol_2", "rol_gone"}
	return all[r.IntN(len(all))]
}
