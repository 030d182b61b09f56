package rbac

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/livetables/livetables/lqp"
)

// studio has custom roles, caps and a small tree of resources: the base b in the project p with the table t and the view v;
// the table u and the connection c stand alone.
func studio() *Policy {
	return &Policy{
		Workspace: "w",
		Members:   map[string]Role{"o": Owner, "a": Admin, "e": Editor, "f": Editor, "v": Viewer, "k": "rol_clerk", "r": "rol_reader", "x": "rol_gone"},
		Roles: map[Role]CustomRole{
			"rol_clerk":  {ID: "rol_clerk", Name: "Clerk", Base: Editor, Grants: []Grant{{Action: ReadData}, {Action: WriteRows, On: "t"}}},
			"rol_reader": {ID: "rol_reader", Name: "Reader", Base: Viewer, Grants: []Grant{{Action: ReadData, On: "b"}}},
		},
		Parents: map[string]string{"t": "b", "v": "b", "b": "p"},
		Caps: map[string][]Cap{
			"p": {{Role: Editor, Max: Viewer}, {User: "f", Max: Editor}},
			"c": {{Role: Viewer, Max: Nothing}, {Role: Editor, Max: Nothing}},
		},
	}
}

func TestCan(t *testing.T) {
	for _, c := range []struct {
		name, who string
		action    Action
		on        string
		want      bool
	}{
		{"an editor is narrowed in the project", "e", WriteRows, "t", false},
		{"and still reads there", "e", ReadData, "t", true},
		{"and writes elsewhere", "e", WriteRows, "u", true},
		{"a cap of the user's own stands before that of the role", "f", WriteRows, "t", true},
		{"the cap of editors binds roles made from it", "k", WriteRows, "t", false},
		{"no cap binds an owner", "o", WriteRows, "c", true},
		{"an admin has no cap here", "a", AlterTables, "t", true},
		{"a closed resource cannot be read", "v", ReadData, "c", false},
		{"nor by a role made from the closed one", "r", ReadData, "c", false},
		{"a grant on a base reaches its tables", "r", ReadData, "t", true},
		{"and not its neighbours", "r", ReadData, "u", false},
		{"nor the workspace", "r", ReadData, "", false},
		{"a custom role may what it is granted", "k", ReadData, "u", true},
		{"and nothing else", "k", AlterViews, "u", false},
		{"a role that is gone is none", "x", ReadData, "u", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := studio().Can(Principal{ID: c.who}, c.action, c.on)
			assert.Equal(t, c.want, d.Allowed, d.Reason)
			assert.NotEmpty(t, d.Reason)
			assert.Equal(t, c.want, len(d.Grants) > 0, "what allows is named")
			ref := TableRef{Table: c.on}
			if c.on == "c" {
				ref = TableRef{Connection: "c", Table: "any"}
			}
			if c.action == ReadData && c.on != "" {
				assert.Equal(t, c.want, !studio().Table(Principal{ID: c.who}, ref).Closed)
			}
		})
	}
	assert.True(t, studio().CanSomewhere(Principal{ID: "r"}, ReadData).Allowed)
	assert.True(t, studio().CanSomewhere(Principal{ID: "v"}, ReadData).Allowed)
	assert.False(t, studio().CanSomewhere(Principal{ID: "r"}, WriteRows).Allowed)
	assert.False(t, studio().CanSomewhere(Principal{ID: "x"}, ReadData).Allowed)
	assert.False(t, studio().CanSomewhere(Principal{}, ReadData).Allowed)
	assert.False(t, studio().CanSomewhere(Principal{ID: "o"}, "paint").Allowed)
}

func TestGrantsAreNamed(t *testing.T) {
	p := studio()
	assert.Equal(t, []string{"viewer"}, p.Can(Principal{ID: "v"}, ReadData, "").Grants)
	p.Caps = nil
	assert.Equal(t, []string{"rol_clerk: rows.write on t"}, p.Can(Principal{ID: "k"}, WriteRows, "t").Grants)
	assert.Equal(t, []string{"rol_clerk: data.read"}, p.Can(Principal{ID: "k"}, ReadData, "t").Grants)
}

func TestScopes(t *testing.T) {
	p := studio()
	read := Principal{ID: "o", Scope: &Scope{Actions: []Action{ReadData}, Resources: []string{"b"}}}
	assert.True(t, p.Can(read, ReadData, "t").Allowed, "inside a resource of the token")
	assert.False(t, p.Can(read, ReadData, "u").Allowed, "outside")
	assert.False(t, p.Can(read, ReadData, "").Allowed, "the workspace is more than the base")
	assert.True(t, p.CanSomewhere(read, ReadData).Allowed)
	assert.False(t, p.Can(read, WriteRows, "t").Allowed, "an action that the token lacks, an owner's")
	assert.True(t, p.Table(read, TableRef{Table: "u"}).Closed, "no token opens what it does not name")
	assert.False(t, p.Table(read, TableRef{Table: "t"}).Closed)

	whole := Principal{ID: "v", Scope: &Scope{Actions: []Action{ReadData, WriteRows}, Resources: []string{"w"}}}
	assert.True(t, p.Can(whole, ReadData, "").Allowed)
	assert.False(t, p.Can(whole, WriteRows, "u").Allowed, "a scope adds nothing to the role")
	nothing := Principal{ID: "o", Scope: &Scope{}}
	assert.False(t, p.CanSomewhere(nothing, ReadData).Allowed, "the zero scope allows nothing")
}

func TestNetworks(t *testing.T) {
	p := studio()
	p.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for address, inside := range map[string]bool{
		"203.0.113.7": true, "::ffff:203.0.113.7": true, "2001:db8::1": true, "2001:db8::1%eth0": true,
		"198.51.100.1": false, "2001:db9::1": false, "": false, "203.0.113.7:443": false, "somewhere": false,
	} {
		who := Principal{ID: "o", Address: address}
		assert.Equal(t, inside, p.Can(who, ManageMembers, "").Allowed, address)
		assert.True(t, p.Can(who, WriteRows, "").Allowed, "writing rows is not sensitive: %s", address)
	}
	for a := range Actions() {
		assert.Equal(t, !a.Sensitive(), p.Can(Principal{ID: "o"}, a, "").Allowed, a)
	}
}

func TestEndlessParents(t *testing.T) {
	p := studio()
	p.Parents["p"] = "t"
	assert.True(t, p.Can(Principal{ID: "a"}, ReadData, "t").Allowed, "a circle of parents ends")
}

func TestAttributes(t *testing.T) {
	p := studio()
	p.Attributes = map[string]map[string]lqp.Value{"e": {"region": lqp.TextValue("north")}}
	own := Principal{ID: "e", Attributes: map[string]lqp.Value{"region": lqp.TextValue("south"), "team": lqp.TextValue("red")}}
	v, ok := p.Attribute(own, "region")
	assert.True(t, ok)
	assert.Equal(t, "north", v.Text(), "what the policy keeps is not replaced by what the principal brings")
	v, ok = p.Attribute(own, "team")
	assert.True(t, ok)
	assert.Equal(t, "red", v.Text())
	_, ok = p.Attribute(own, "rank")
	assert.False(t, ok)
}

func TestBinds(t *testing.T) {
	p := studio()
	for who, bound := range map[string]bool{"o": false, "a": false, "e": true, "f": true, "v": true, "k": true, "r": true, "x": true, "": true} {
		assert.Equal(t, bound, p.Binds(Principal{ID: who}), who)
	}
	p.Caps = nil
	assert.False(t, p.Binds(Principal{ID: "e"}))
	assert.True(t, p.Binds(Principal{ID: "o", Scope: &Scope{}}))
	assert.True(t, p.Binds(Principal{ID: "o", View: "v"}))
	p.Rules = map[TableRef]map[Role]TableRule{{Table: "t"}: {Editor: {}}}
	assert.True(t, p.Binds(Principal{ID: "k"}), "rules of the role it was made from")
	p.Rules = map[TableRef]map[Role]TableRule{{Table: "t"}: {"rol_reader": {}}}
	assert.True(t, p.Binds(Principal{ID: "r"}))
}

func TestReadsAll(t *testing.T) {
	p := studio()
	for name, c := range map[string]struct {
		who Principal
		all bool
	}{
		"an owner":                       {Principal{ID: "o"}, true},
		"who is bound":                   {Principal{ID: "e"}, false},
		"nobody":                         {Principal{ID: "x"}, false},
		"a token that reads":             {Principal{ID: "o", Scope: &Scope{Actions: []Action{ReadData}}}, true},
		"a token that does not read":     {Principal{ID: "o", Scope: &Scope{Actions: []Action{WriteRows}}}, false},
		"a token for a table":            {Principal{ID: "o", Scope: &Scope{Actions: []Action{ReadData}, Resources: []string{"t"}}}, false},
		"a token of who is bound":        {Principal{ID: "e", Scope: &Scope{Actions: []Action{ReadData}}}, false},
		"the bearer of a view's key":     {Principal{ID: "o", View: "v"}, false},
		"the same with a scope too":      {Principal{ID: "o", View: "v", Scope: &Scope{Actions: []Action{ReadData}}}, false},
		"a scope without any action":     {Principal{ID: "o", Scope: &Scope{}}, false},
		"a scope of nobody in the place": {Principal{ID: "x", Scope: &Scope{Actions: []Action{ReadData}}}, false},
	} {
		assert.Equal(t, c.all, p.ReadsAll(c.who), name)
	}
}
