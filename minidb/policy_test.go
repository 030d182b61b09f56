package minidb_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func TestStoredRoles(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	before, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	spec := minidb.RoleSpec{Name: " Clerk ", Base: rbac.Editor, Grants: []rbac.Grant{{Action: rbac.ReadData}, {Action: rbac.WriteRows, On: g.ID}}}
	r, err := f.CreateRole(f.ctx, alice, f.workspace.ID, spec)
	require.NoError(t, err)
	require.True(t, r.ID.Custom())
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Greater(t, s.PolicyVersion, before.PolicyVersion)
	require.Equal(t, []*minidb.Role{r}, s.Roles)
	require.Equal(t, "Clerk", r.Name)
	_, err = f.SetMember(f.ctx, alice, f.workspace.ID, "usr_bob", r.ID)
	require.NoError(t, err)
	require.ErrorIs(t, f.DeleteRole(f.ctx, alice, f.workspace.ID, r.ID, 0), minidb.ErrInUse)

	// Another workspace has none of it.
	other, err := f.CreateWorkspace(f.ctx, alice, "Other")
	require.NoError(t, err)
	_, err = f.SetMember(f.ctx, alice, other.ID, "usr_bob", r.ID)
	require.Error(t, err)
	_, err = f.UpdateRole(f.ctx, alice, other.ID, r.ID, spec, 0)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	require.ErrorIs(t, f.DeleteRole(f.ctx, alice, other.ID, r.ID, 0), minidb.ErrNotFound)
	_, err = f.CreateRole(f.ctx, alice, other.ID, spec)
	require.Error(t, err, "a grant on a table of another workspace")
	_, err = f.PutCap(f.ctx, alice, minidb.Cap{Workspace: other.ID, Resource: g.ID, Cap: rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing}})
	require.ErrorIs(t, err, minidb.ErrNotFound)
	_, err = f.PutCap(f.ctx, alice, minidb.Cap{Workspace: other.ID, Resource: other.ID, Cap: rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing}})
	require.ErrorIs(t, err, minidb.ErrNotFound, "a workspace is not narrowed")

	_, err = f.PutCap(f.ctx, alice, minidb.Cap{Workspace: f.workspace.ID, Resource: g.ID, Cap: rbac.Cap{Role: r.ID, Max: rbac.Viewer}})
	require.NoError(t, err)
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: g.ID}, Role: r.ID})
	require.NoError(t, err)
	require.NoError(t, f.RemoveMember(f.ctx, alice, f.workspace.ID, "usr_bob"))
	require.NoError(t, f.DeleteRole(f.ctx, alice, f.workspace.ID, r.ID, r.Version))
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Empty(t, s.Roles)
	require.Empty(t, s.Caps)
	require.Empty(t, s.Rules)
	log, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, ResourceType: "role", Limit: 10})
	require.NoError(t, err)
	require.Len(t, log, 2)
	require.Equal(t, "role.delete", log[0].Action)
}

// A change of who may do what is not made once the policy is another than the one in which its maker had the right.
func TestPolicyVersionOfTheActor(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	actor := minidb.Actor{ID: alice.ID, Policy: s.PolicyVersion}
	_, err = f.SetMember(f.ctx, actor, f.workspace.ID, "usr_bob", rbac.Viewer)
	require.NoError(t, err)
	cap := minidb.Cap{Workspace: f.workspace.ID, Resource: g.ID, Cap: rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing}}
	for name, err := range map[string]error{
		"member":     func() error { _, err := f.SetMember(f.ctx, actor, f.workspace.ID, "usr_bob", rbac.Editor); return err }(),
		"removal":    f.RemoveMember(f.ctx, actor, f.workspace.ID, "usr_bob"),
		"attributes": func() error { _, err := f.SetAttributes(f.ctx, actor, f.workspace.ID, "usr_bob", nil); return err }(),
		"role": func() error {
			_, err := f.CreateRole(f.ctx, actor, f.workspace.ID, minidb.RoleSpec{Name: "R", Base: rbac.Viewer})
			return err
		}(),
		"cap": func() error { _, err := f.PutCap(f.ctx, actor, cap); return err }(),
		"rule": func() error {
			_, err := f.PutRule(f.ctx, actor, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: g.ID}, Role: rbac.Viewer})
			return err
		}(),
		"networks": f.SetNetworks(f.ctx, actor, f.workspace.ID, nil),
	} {
		require.ErrorIs(t, err, minidb.ErrSchemaChanged, name)
	}
	now, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Equal(t, rbac.Viewer, now.Members["usr_bob"])
	require.Empty(t, now.Caps)
}

func TestStoredCaps(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	put := func(resource string, c rbac.Cap) error {
		_, err := f.PutCap(f.ctx, alice, minidb.Cap{Workspace: f.workspace.ID, Resource: resource, Cap: c})
		return err
	}
	for name, c := range map[string]rbac.Cap{
		"neither": {Max: rbac.Viewer}, "both": {Role: rbac.Viewer, User: "u", Max: rbac.Viewer}, "owners": {Role: rbac.Owner, Max: rbac.Viewer},
		"to owner": {Role: rbac.Viewer, Max: rbac.Owner}, "to nothing known": {Role: rbac.Viewer, Max: "some"}, "to a custom role": {Role: rbac.Viewer, Max: "rol_x"},
		"an unknown role": {Role: "rol_x", Max: rbac.Viewer}, "a user of control characters": {User: "\x00", Max: rbac.Viewer},
	} {
		require.Error(t, put(g.ID, c), name)
	}
	require.NoError(t, put(g.ID, rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing}))
	require.NoError(t, put(g.ID, rbac.Cap{Role: rbac.Viewer, Max: rbac.Viewer}))
	require.NoError(t, put(f.base.ID, rbac.Cap{User: "usr_bob", Max: rbac.Editor}))
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.Caps, 2, "one in the place of the other")
	copied, err := f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy"})
	require.NoError(t, err)
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.Caps, 4, "a copy is narrowed as the original is")
	require.NoError(t, f.DeleteBase(f.ctx, alice, copied.ID, 0))
	f.gone(copied.ID)
	require.NoError(t, f.DeleteCap(f.ctx, alice, f.workspace.ID, g.ID, rbac.Viewer, ""))
	require.ErrorIs(t, f.DeleteCap(f.ctx, alice, f.workspace.ID, g.ID, rbac.Viewer, ""), minidb.ErrNotFound)
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.Caps, 1)
}

func TestStoredNetworks(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	for name, list := range map[string][]netip.Prefix{"none": {{}}, "mapped": {netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.1"), 104)},
		"many": make([]netip.Prefix, minidb.MaxNetworks+1)} {
		require.Error(t, f.SetNetworks(f.ctx, alice, f.workspace.ID, list), name)
	}
	require.NoError(t, f.SetNetworks(f.ctx, alice, f.workspace.ID, []netip.Prefix{netip.MustParsePrefix("10.1.2.3/8")}))
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, s.Networks)
	require.ErrorIs(t, f.SetNetworks(f.ctx, alice, "wsp_none", nil), minidb.ErrNotFound)
}

// Attributes come back from storage as they were.
func TestAttributesRoundTrip(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 7))
	f := newFixture(t, minidb.Options{})
	scalar := func(kind int) lqp.Value {
		switch kind {
		case 0:
			return lqp.TextValue(strings.Repeat("ä\"\\", r.IntN(4)))
		case 1:
			return lqp.IntValue(r.Int64N(1000) - 500)
		case 2:
			return lqp.BoolValue(r.IntN(2) == 0)
		case 3:
			return lqp.DateValue(r.Int64N(20_000))
		}
		return lqp.DateTimeValue(r.Int64N(1 << 40))
	}
	for range 50 {
		a := minidb.Attributes{}
		for range r.IntN(6) {
			kind := r.IntN(5)
			v := scalar(kind)
			if r.IntN(3) == 0 {
				list := make([]lqp.Value, 1+r.IntN(3))
				for i := range list {
					list[i] = scalar(kind)
				}
				v = lqp.ListValue(list)
			}
			a[strings.Repeat("n", 1+r.IntN(5))] = v
		}
		_, err := f.SetAttributes(f.ctx, alice, f.workspace.ID, alice.ID, a)
		require.NoError(t, err)
		s, err := f.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		require.Len(t, s.MemberList[0].Attributes, len(a))
		for name, v := range a {
			require.True(t, lqp.Equal(v, s.MemberList[0].Attributes[name]), "%s: %s", minidb.AttributeType(v), v)
		}
	}
	for _, bad := range []string{`{"a":{"type":"json","value":{}}}`, `{"a":{"type":"text","value":null}}`, `{"a":{"type":"text"}}`, `{"a":1}`, `[]`, `{"a":{"type":"list<text>","value":[null]}}`} {
		var a minidb.Attributes
		require.Error(t, json.Unmarshal([]byte(bad), &a), bad)
	}
	many := minidb.Attributes{}
	for i := range minidb.MaxAttributes + 1 {
		many[strings.Repeat("x", i+1)] = lqp.IntValue(1)
	}
	for name, a := range map[string]minidb.Attributes{"many": many, "long": {"a": lqp.TextValue(strings.Repeat("x", minidb.MaxAttributeText+1))},
		"a long list": {"a": lqp.ListValue(make([]lqp.Value, minidb.MaxAttributeItems+1))}} {
		_, err := f.SetAttributes(f.ctx, alice, f.workspace.ID, alice.ID, a)
		require.Error(t, err, name)
	}
}
