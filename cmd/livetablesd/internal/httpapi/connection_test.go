package httpapi

import (
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv"
)

func TestConnections(t *testing.T) {
	p := newPlace(t, shared)
	made := p.must(t, 201, "admin", "POST", "/api/v1/connections?workspace_id="+p.workspace, `{"name":"shop","driver":"sqlite","file":"shop.db"}`)
	id := made.text(t, "id")
	con := "/api/v1/connections/" + id
	p.must(t, 200, "owner", "POST", "/api/v1/tables/"+p.table+"/import", "Name,Left\nAnn,1\nBob,2\n", csvType...)
	p.check(t, []request{
		{name: "list", who: "viewer", method: "GET", path: p.at("/connections"), status: 200, want: []string{id}, unwanted: []string{"shop.db"}},
		{name: "list for admins", who: "admin", method: "GET", path: "/api/v1/connections?workspace_id=" + p.workspace, status: 200, want: []string{"shop.db", `"has_password":false`}},
		{name: "test", who: "admin", method: "POST", path: con + "/test", status: 200, want: []string{`"ok":true`}},
		{name: "schema", who: "viewer", method: "GET", path: con + "/schema?refresh=true", status: 200, want: []string{`"name":"invoice"`, `"read_at":"20`, `"key":["id"]`, `"ref_table":"customer"`, `"nullable":true`}},
		{name: "query", who: "viewer", method: "POST", path: con + "/query", body: `{"source":{"table":"customer"},"filters":"country = \"NO\"","columns":["name"],"sorts":["-name"]}`, status: 200, want: []string{`"data":[{"fields":{"name":"Cia"}},{"fields":{"name":"Ann"}}]`}},
		{name: "query with a join", who: "viewer", method: "POST", path: con + "/query", body: `{"source":{"table":"customer","alias":"c"},"joins":[{"source":{"table":"invoice","alias":"i"},"on":"i.customer_id = c.id"}],"group_by":["c.name"],"aggregates":[{"name":"sum","function":"sum","expr":"i.total"}],"sorts":["-sum"]}`, status: 200,
			want: []string{`"data":[{"fields":{"name":"Cia","sum":90}},`}},
		{name: "join with a table of the workspace", who: "viewer", method: "POST", path: con + "/query", body: `{"source":{"table":"` + p.table + `","alias":"t"},"joins":[{"source":{"table":"invoice","alias":"i"},"on":"i.customer_id = t.Left"}],"filters":"t.Name <> \"Bob\"","columns":["t.Name","i.total"],"sorts":["-i.total"]}`, status: 200,
			want: []string{`"data":[{"fields":{"Name":"Ann","total":20}},{"fields":{"Name":"Ann","total":10}}]`}},
		{name: "the same from the workspace", who: "viewer", method: "POST", path: p.at("/query"), body: `{"source":{"connection":"shop","table":"invoice","alias":"i"},"joins":[{"source":{"table":"Things","alias":"t"},"on":"i.customer_id = t.Left"}],"columns":["t.Name","i.total"],"sorts":["i.total"],"pagination":{"limit":1}}`, status: 200,
			want: []string{`"data":[{"fields":{"Name":"Ann","total":10}}]`, `"has_more":true`}},
		{name: "explain", who: "admin", method: "POST", path: con + "/query/explain", body: `{"source":{"table":"customer"}}`, status: 200, want: []string{id}},
		{name: "unknown table", who: "viewer", method: "POST", path: con + "/query", body: `{"source":{"table":"secrets"}}`, status: 400, want: []string{"unknown_table"}},
		{name: "unknown driver", who: "admin", method: "POST", path: p.at("/connections"), body: `{"name":"x","driver":"oracle"}`, status: 400, want: []string{"$.driver"}},
		{name: "outside the directory (19)", who: "admin", method: "POST", path: p.at("/connections"), body: `{"name":"x","driver":"sqlite","file":"../data.db"}`, status: 400, want: []string{"$.file"}},
		{name: "absolute (19)", who: "admin", method: "POST", path: p.at("/connections"), body: `{"name":"x","driver":"sqlite","file":"/etc/passwd"}`, status: 400, want: []string{"$.file"}},
		{name: "an option that is none (15)", who: "admin", method: "POST", path: p.at("/connections"), body: `{"name":"x","driver":"postgres","allowAllFiles":true}`, status: 400, want: []string{"$.allowAllFiles"}},
		{name: "rename", who: "admin", method: "PUT", path: con, body: `{"name":"store","driver":"sqlite","file":"shop.db","version":1}`, status: 200, want: []string{`"version":2`}},
		{name: "an older version", who: "admin", method: "PUT", path: con, body: `{"name":"x","driver":"sqlite","file":"shop.db","version":1}`, status: 409},
		{name: "delete", who: "admin", method: "DELETE", path: con, status: 204},
		{name: "gone", who: "admin", method: "GET", path: con, status: 404},
	})
}

// TestConnectionSecrets looks for a password everywhere it could have gone (18, 60).
func TestConnectionSecrets(t *testing.T) {
	p := newPlace(t, shared)
	const hidden = "hunter2-never-shown"
	made := p.must(t, 201, "owner", "POST", p.at("/connections"), `{"name":"c","driver":"postgres","host":"127.0.0.1","port":1,"database":"d","user":"u","password":"`+hidden+`","tls":"off"}`)
	con := "/api/v1/connections/" + made.text(t, "id")
	p.check(t, []request{
		{name: "get", who: "owner", method: "GET", path: con, status: 200, want: []string{`"has_password":true`}, unwanted: []string{hidden}},
		{name: "keeping it", who: "owner", method: "PUT", path: con, body: `{"name":"d","driver":"postgres","host":"127.0.0.1","port":1,"database":"d","user":"u","tls":"off"}`, status: 200, want: []string{`"has_password":true`}},
		{name: "but not to another host", who: "owner", method: "PUT", path: con, body: `{"name":"d","driver":"postgres","host":"127.0.0.2","port":1,"database":"d","user":"u","tls":"verify"}`, status: 400, want: []string{"$.password"}},
		{name: "unreachable", who: "owner", method: "POST", path: con + "/test", status: 200, want: []string{`"ok":false`, "source_unavailable"}, unwanted: []string{"127.0.0.1", "refused", hidden}},
		{name: "unreachable query (63)", who: "owner", method: "POST", path: con + "/query", body: `{"source":{"table":"t"}}`, status: 502, want: []string{"source_unavailable", `connection \"d\": `}, unwanted: []string{"127.0.0.1", "dial", hidden}},
		{name: "unreachable schema: left alone by now", who: "owner", method: "GET", path: con + "/schema", status: 503, want: []string{"source_unavailable", `connection \"d\": `, "tried again in "}, unwanted: []string{"127.0.0.1"}},
		{name: "health", who: "viewer", method: "GET", path: con + "/health", status: 200, want: []string{`"state":"open"`, `"retry_at":"`, `"last_error":{"code":"source_unavailable"`}, unwanted: []string{"127.0.0.1", "dial", "refused", hidden, "ping_ms"}},
		{name: "health in the list", who: "viewer", method: "GET", path: p.at("/connections"), status: 200, want: []string{`"health":{"state":"open"`}},
		{name: "health of others", who: "stranger", method: "GET", path: con + "/health", status: 404},
		{name: "audit log", who: "owner", method: "GET", path: "/api/v1/audit-logs?workspace_id=" + p.workspace, status: 200, want: []string{"connection.test_failed"}, unwanted: []string{hidden}},
	})
	require.NotContains(t, p.log.String(), hidden)
}

// TestHostsNotAllowed tries addresses inside the network (11).
func TestHostsNotAllowed(t *testing.T) {
	p := newPlace(t, shared)
	for _, host := range []string{"::1", "0.0.0.0", "10.0.0.5", "169.254.169.254", "::ffff:10.0.0.5", "192.168.1.1"} {
		made := p.do(t, "owner", "POST", p.at("/connections"), `{"name":"`+host+`","driver":"postgres","host":"`+host+`","database":"d","user":"u"}`)
		require.Equal(t, 201, made.status, made.body)
		con := "/api/v1/connections/" + made.text(t, "id")
		a := p.must(t, 200, "owner", "POST", con+"/test", nil)
		require.Contains(t, a.body, "host_not_allowed", host)
		require.Contains(t, p.must(t, 422, "owner", "POST", con+"/query", `{"source":{"table":"t"}}`).body, "host_not_allowed")
	}
}

// TestPostgres asks a real PostgreSQL server over HTTP.
func TestPostgres(t *testing.T) {
	p := newPlace(t, shared)
	dsn := testenv.Postgres(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(bg)
	_, err = conn.Exec(t.Context(), `CREATE TABLE invoice (id int PRIMARY KEY, customer_id int NOT NULL, total numeric(10,2), at date NOT NULL);
		INSERT INTO invoice SELECT n, n % 3, n * 1.5, date '2024-01-01' + n FROM generate_series(1, 30) n`)
	require.NoError(t, err)
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(u.Host)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	spec := map[string]any{"name": "pg", "driver": "postgres", "host": host, "port": number, "database": u.Path[1:], "user": u.User.Username(), "tls": "off"}
	if password, ok := u.User.Password(); ok {
		spec["password"] = password
	}
	con := "/api/v1/connections/" + p.must(t, 201, "owner", "POST", p.at("/connections"), spec).text(t, "id")
	p.must(t, 200, "owner", "POST", "/api/v1/tables/"+p.table+"/import", "Name,Left\nAnn,1\nBob,2\n", csvType...)
	spec["name"], spec["user"], spec["password"] = "wrong", "nobody_of_that_name", "wrong"
	wrong := "/api/v1/connections/" + p.must(t, 201, "owner", "POST", p.at("/connections"), spec).text(t, "id")
	p.check(t, []request{
		{name: "test", who: "owner", method: "POST", path: con + "/test", status: 200, want: []string{`"ok":true`}},
		{name: "schema", who: "viewer", method: "GET", path: con + "/schema", status: 200, want: []string{`"invoice"`, `"native":"numeric(10,2)"`, `"key":["id"]`}},
		{name: "filter, group, sort", who: "viewer", method: "POST", path: con + "/query", body: `{"source":{"table":"invoice"},"filters":"YEAR(at) = 2024 AND total > 3","group_by":["customer_id"],"aggregates":[{"name":"sum","function":"sum","expr":"total"}],"sorts":["-sum"],"pagination":{"limit":1}}`, status: 200,
			want: []string{`{"customer_id":0,"sum":247.5}`, `"has_more":true`}},
		{name: "join with the workspace", who: "viewer", method: "POST", path: con + "/query", body: `{"source":{"table":"` + p.table + `","alias":"t"},"joins":[{"source":{"table":"invoice","alias":"i"},"on":"i.customer_id = t.Left"}],"filters":"t.Name = \"Ann\"","columns":["t.Name","i.total"],"sorts":["-i.total"],"pagination":{"limit":2}}`, status: 200,
			want: []string{`"data":[{"fields":{"Name":"Ann","total":42}},{"fields":{"Name":"Ann","total":37.5}}]`}},
		{name: "wrong user or password", who: "owner", method: "POST", path: wrong + "/test", status: 200, want: []string{`"ok":false`, "source_auth"}, unwanted: []string{"nobody_of_that_name"}},
		{name: "and a query with it (63)", who: "owner", method: "POST", path: wrong + "/query", body: `{"source":{"table":"invoice"}}`, status: 502, want: []string{"source_auth"}, unwanted: []string{"nobody_of_that_name", "role"}},
	})
}
