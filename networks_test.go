package livetables_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

var noExpiry time.Time

func TestNetworks(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	at := func(user, address string) *livetables.Access {
		return e.engine.As(rbac.Principal{ID: user, Address: address})
	}
	office := []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24"), netip.MustParsePrefix("2001:db8::/32")}
	for name, a := range map[string]*livetables.Access{"no address": e.owner, "an address elsewhere": at("owner", "198.51.100.1"), "no address at all": at("owner", "office")} {
		err := a.SetNetworks(ctx, e.workspace, office)
		assert.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%s would be locked out", name)
	}
	assert.ErrorIs(t, at("admin", "192.0.2.1").SetNetworks(ctx, e.workspace, office), livetables.ErrForbidden)
	_, err := e.owner.Publish(ctx, e.leftView, "left", minidb.SharePublic)
	require.NoError(t, err)
	require.NoError(t, at("owner", "192.0.2.1").SetNetworks(ctx, e.workspace, office))
	list, err := e.owner.Networks(ctx, e.workspace)
	require.NoError(t, err)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}, list)
	_, err = e.viewer.Networks(ctx, e.workspace)
	assert.ErrorIs(t, err, livetables.ErrForbidden)

	for address, inside := range map[string]bool{"192.0.2.200": true, "::ffff:192.0.2.200": true, "2001:db8::1": true, "198.51.100.1": false, "": false, "192.0.2.1:80": false} {
		for _, v := range verbs() {
			a := at("owner", address)
			for _, on := range v.on(e) {
				if v.name == "publish" {
					continue // its undoing is done from nowhere
				}
				err := v.do(ctx, e, a, on)
				if inside || !v.action.Sensitive() {
					assert.NoError(t, err, "%s from %q", v.name, address)
				} else {
					assert.ErrorIs(t, err, livetables.ErrForbidden, "%s from %q", v.name, address)
				}
			}
		}
		_, err := at("owner", address).SetMember(ctx, e.workspace, "x", rbac.Viewer)
		assert.Equal(t, inside, err == nil, address)
		_, err = at("owner", address).ViewAs(ctx, e.workspace, "viewer")
		assert.Equal(t, inside, err == nil, address)
	}
	_, _, err = e.engine.Public(ctx, "left", "")
	require.NoError(t, err, "what is published stays so: it is the act that is bound to a place")
	require.NoError(t, e.viewer.RemoveMember(ctx, e.workspace, "viewer"), "everybody may leave, from everywhere")

	require.ErrorIs(t, e.owner.SetNetworks(ctx, e.workspace, nil), livetables.ErrForbidden)
	require.NoError(t, at("owner", "2001:db8::9").SetNetworks(ctx, e.workspace, nil))
	_, err = e.owner.SetMember(ctx, e.workspace, "y", rbac.Viewer)
	require.NoError(t, err)
	entries, err := e.owner.AuditLog(ctx, e.workspace, livetables.HistoryFilter{Action: "workspace.networks"})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	assert.JSONEq(t, `{"networks":["192.0.2.0/24","2001:db8::/32"]}`, string(entries[1].After))
}
