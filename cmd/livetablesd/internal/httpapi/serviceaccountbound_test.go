package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// The rules for a role show its holders different rows by their attributes. Who is bound by one does not look through the eyes
// of a service account of the same role, by a new key or by one made before.
func TestServiceAccountLendsNoAttributes(t *testing.T) {
	in := newInstance(t, nil, "owner", "hr")
	p := newPlace(t, in)
	p.fill()
	hr := in.must(t, 201, "owner", "POST", p.at("/roles"), `{"name":"HR","base":"viewer","grants":[{"action":"data.read"},{"action":"members.manage"}]}`).text(t, "id")
	in.join(t, p.workspace, "hr", rbac.Role(hr))
	p.robot("hr", "early", rbac.Viewer)
	require.Contains(t, in.must(t, 200, "early", "GET", p.rows(""), nil).body, "gear")
	account := in.must(t, 201, "owner", "POST", p.at("/service-accounts"), `{"name":"robot","role":"viewer"}`).text(t, "id")
	in.must(t, 200, "owner", "PUT", p.at("/members/"+account), `{"attributes":{"status":{"type":"text","value":"open"}}}`)
	in.must(t, 200, "owner", "PUT", p.at("/members/"+in.id("hr")), `{"attributes":{"status":{"type":"text","value":"done"}}}`)
	in.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"viewer","read":"Status = USER(\"status\")"}`)
	mine := in.must(t, 200, "hr", "GET", p.rows(""), nil).body
	require.Contains(t, mine, "gear")
	require.NotContains(t, mine, "bolt")
	in.must(t, 403, "hr", "POST", p.at("/service-accounts/"+account+"/keys"), `{"name":"k","expires_at":"2099-01-01T00:00:00Z"}`)
	in.must(t, 401, "early", "GET", p.rows(""), nil)
}
