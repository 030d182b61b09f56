package httpapi

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAttack6CursorsAreSealed flips every bit of cursors and uses them everywhere else they fit.
func TestAttack6CursorsAreSealed(t *testing.T) {
	p, other := newPlace(t, shared), newPlace(t, shared)
	p.fill()
	other.fill()
	lists := map[string]func(cursor string) (method, path string, body any){
		"rows": func(c string) (string, string, any) { return "GET", p.rows("?sort=Price&limit=2" + c), nil },
		"history": func(c string) (string, string, any) {
			return "GET", "/api/v1/tables/" + p.table + "/history?limit=2" + c, nil
		},
		"audit log": func(c string) (string, string, any) {
			return "GET", "/api/v1/audit-logs?limit=2&workspace_id=" + p.workspace + c, nil
		},
	}
	query := func(cursor string) string {
		return `{"source":{"table":"` + p.table + `"},"sorts":["Price"],"pagination":{"limit":2` + cursor + `}}`
	}
	state := p.stored(t)
	cursors := map[string]string{"query": p.must(t, 200, "owner", "POST", p.at("/query"), query("")).text(t, "page.next_cursor")}
	for name, list := range lists {
		method, path, body := list("")
		cursors[name] = p.must(t, 200, "owner", method, path, body).text(t, "page.next_cursor")
	}
	send := func(what, cursor string, kinds ...string) {
		t.Helper()
		for _, kind := range kinds {
			a := attack{name: kind + " " + what, who: "owner", method: "POST", path: p.at("/query"), body: query(`,"cursor":` + jsonText(cursor))}
			if list, ok := lists[kind]; ok {
				a.method, a.path, a.body = list("&cursor=" + url.QueryEscape(cursor))
			}
			a.code = "invalid_cursor"
			p.refused(t, state, a)
		}
	}
	for name, cursor := range cursors {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		require.NoError(t, err, "%s: %s", name, cursor)
		for i := range raw {
			for _, bit := range []byte{1, 0x80} {
				flipped := append([]byte(nil), raw...)
				flipped[i] ^= bit
				send(fmt.Sprintf("byte %d", i), base64.RawURLEncoding.EncodeToString(flipped), name)
			}
		}
		for i := range len(raw) {
			send(fmt.Sprintf("%d bytes of it", i), base64.RawURLEncoding.EncodeToString(raw[:i])+"=", name)
		}
		for what, changed := range map[string]string{"longer": cursor + "AAAA", "twice": cursor + cursor, "in standard base64": strings.NewReplacer("-", "+", "_", "/").Replace(cursor) + "==",
			"SQL": `' OR 1=1 --`, "JSON": base64.RawURLEncoding.EncodeToString([]byte(`{"after":[1],"offset":0}`)), "long": strings.Repeat("A", 10_000), "not ASCII": "ключ", "a null": "null"} {
			send(what, changed, name)
		}
		for _, kind := range []string{"rows", "history", "audit log", "query"} {
			if kind != name {
				send("that of "+name, cursor, kind)
			}
		}
	}
	// Another table, order, filter, page of another reader, another workspace.
	for _, a := range []attack{
		{name: "another table", who: "owner", path: other.rows("?sort=Price&limit=2&cursor=" + cursors["rows"])},
		{name: "another order", who: "owner", path: p.rows("?sort=-Price&limit=2&cursor=" + cursors["rows"])},
		{name: "another filter", who: "owner", path: p.rows("?sort=Price&limit=2&Live.eq=true&cursor=" + cursors["rows"])},
		{name: "another reader", who: "admin", path: p.rows("?sort=Price&limit=2&cursor=" + cursors["rows"])},
		{name: "another table's history", who: "owner", path: "/api/v1/tables/" + other.table + "/history?limit=2&cursor=" + cursors["history"]},
		{name: "another workspace's log", who: "owner", path: "/api/v1/audit-logs?limit=2&workspace_id=" + other.workspace + "&cursor=" + cursors["audit log"]},
		{name: "another reader of the log", who: "admin", path: "/api/v1/audit-logs?limit=2&workspace_id=" + p.workspace + "&cursor=" + cursors["audit log"]},
	} {
		a.method, a.code = "GET", "invalid_cursor"
		p.refused(t, state, a)
	}
	for name, list := range lists { // and the right ones continue
		method, path, body := list("&cursor=" + cursors[name])
		p.must(t, 200, "owner", method, path, body)
	}
}

// TestAttack85UnknownVersions sends what says that it is of a version that there is none of.
func TestAttack85UnknownVersions(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	list := p.rows("?sort=Price&limit=2")
	cursor := p.must(t, 200, "owner", "GET", list, nil).text(t, "page.next_cursor")
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	require.NoError(t, err)
	state := p.stored(t)
	for version := range 256 {
		if byte(version) == raw[0] {
			continue
		}
		future := append([]byte{byte(version)}, raw[1:]...)
		p.refused(t, state, attack{name: fmt.Sprint("cursor of version ", version), who: "owner", method: "GET", path: list + "&cursor=" + base64.RawURLEncoding.EncodeToString(future), code: "invalid_cursor"})
	}
	for _, version := range []string{`"v":2`, `"version":"9"`, `"$schema":"future"`, `"lqp":3`} {
		for _, a := range []attack{
			{method: "POST", path: p.at("/query"), body: `{` + version + `,"source":{"table":"` + p.table + `"}}`},
			{method: "POST", path: "/api/v1/views", body: `{"base_id":"` + p.base + `","name":"V","query":{` + version + `,"source":{"table":"` + p.table + `"}}}`},
			{method: "PUT", path: p.at("/rules"), body: `{` + version + `,"table":"` + p.table + `","role":"viewer","read":"Price > 1"}`},
			{method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","read":{` + version + `,"k":"call","f":"gt","a":[{"k":"col","id":"Price"},1]}}`},
		} {
			a.name, a.who = version, "owner"
			p.refused(t, state, a)
		}
	}
}
