package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/cmd/livetablesd/internal/metrics"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// planted is what no output may hold.
const planted = "hunter2-planted"

// secretSpec is a connection that leads nowhere.
func secretSpec(change map[string]any) map[string]any {
	spec := map[string]any{"name": "c", "driver": "postgres", "host": "127.0.0.1", "port": 1, "database": "d", "user": "u", "tls": "off"}
	maps.Copy(spec, change)
	return spec
}

// TestAttack18MaskedSecret reads a connection as its owner and writes back what it reads, with the placeholder and with
// every setting changed by itself: no secret comes out, and the stored one is still the same.
func TestAttack18MaskedSecret(t *testing.T) {
	p := newPlace(t, shared)
	made := p.must(t, 201, "owner", "POST", p.at("/connections"), secretSpec(map[string]any{"name": "eighteen", "password": planted}))
	con := "/api/v1/connections/" + made.text(t, "id")
	require.NotContains(t, made.body, planted)
	read := p.must(t, 200, "owner", "GET", con, nil)
	require.NotContains(t, read.body, planted)
	require.NotContains(t, read.body, `"password"`, "not even a mask")
	require.Contains(t, read.body, `"has_password":true`)
	state := p.stored(t)
	for name, body := range map[string]any{
		"placeholder":         secretSpec(map[string]any{"name": "eighteen", "password": "[redacted]", "version": 1}),
		"number":              secretSpec(map[string]any{"name": "eighteen", "password": 7, "version": 1}),
		"object":              secretSpec(map[string]any{"name": "eighteen", "password": map[string]any{"raw": planted}, "version": 1}),
		"list":                secretSpec(map[string]any{"name": "eighteen", "password": []string{planted}, "version": 1}),
		"what was read":       read.body,
		"twice":               `{"name":"eighteen","driver":"postgres","password":"a","password":"` + planted + `","version":1}`,
		"in capitals":         `{"name":"eighteen","driver":"postgres","PASSWORD":"` + planted + `","version":1}`,
		"too long":            secretSpec(map[string]any{"name": "eighteen", "password": strings.Repeat(planted, 2000), "version": 1}),
		"host":                secretSpec(map[string]any{"name": "eighteen", "host": "127.0.0.2", "version": 1}),
		"port":                secretSpec(map[string]any{"name": "eighteen", "port": 2, "version": 1}),
		"user":                secretSpec(map[string]any{"name": "eighteen", "user": "v", "version": 1}),
		"database":            secretSpec(map[string]any{"name": "eighteen", "database": "e", "version": 1}),
		"tls":                 secretSpec(map[string]any{"name": "eighteen", "tls": "verify", "version": 1}),
		"certificate":         secretSpec(map[string]any{"name": "eighteen", "root_ca": "PEM", "version": 1}),
		"file":                secretSpec(map[string]any{"name": "eighteen", "file": "shop.db", "version": 1}),
		"driver":              secretSpec(map[string]any{"name": "eighteen", "driver": "mysql", "version": 1}),
		"nothing but name":    `{"name":"eighteen","driver":"postgres","version":1}`,
		"secret under a name": secretSpec(map[string]any{"name": "eighteen", "secret": planted, "version": 1}),
	} {
		t.Run(name, func(t *testing.T) {
			a := p.do(t, "owner", "PUT", con, body)
			require.Equal(t, 400, a.status, a.body)
			require.NotContains(t, a.body, planted)
			state.unchanged(t, name)
		})
	}
	require.Contains(t, []int{404, 405}, p.do(t, "owner", "PATCH", con, secretSpec(map[string]any{"password": "[redacted]"})).status, "there is no PATCH")
	again := p.must(t, 200, "owner", "PUT", con, secretSpec(map[string]any{"name": "eighteen b", "time_zone": "Europe/Oslo", "version": 1}))
	require.Contains(t, again.body, `"has_password":true`)
	again = p.must(t, 200, "owner", "PUT", con, secretSpec(map[string]any{"name": "eighteen c", "password": nil, "version": 2}))
	require.Contains(t, again.body, `"has_password":true`, "null is no password, and keeps the stored one")
	require.Contains(t, p.must(t, 200, "owner", "POST", con+"/test", nil).body, "source_unavailable", "it still opens")
	entries := p.must(t, 200, "owner", "GET", "/api/v1/audit-logs?resource_type=connection&workspace_id="+p.workspace, nil)
	require.NotContains(t, entries.body, "secret_changed", "it was never another one")
	require.NotContains(t, p.log.String(), planted)
}

// TestAttack60SecretsInTheRecord makes, changes and deletes what has a secret, and reads everything that is recorded of it.
func TestAttack60SecretsInTheRecord(t *testing.T) {
	p := newPlace(t, shared)
	made := p.must(t, 201, "owner", "POST", p.at("/connections"), secretSpec(map[string]any{"name": "sixty", "password": planted}))
	con := "/api/v1/connections/" + made.text(t, "id")
	p.must(t, 200, "owner", "PUT", con, secretSpec(map[string]any{"name": "sixty", "password": planted + "-2", "version": 1}))
	p.must(t, 200, "owner", "PUT", con, secretSpec(map[string]any{"name": "sixty b", "version": 2}))
	p.must(t, 200, "owner", "POST", con+"/test", nil)
	p.must(t, 204, "owner", "DELETE", con, nil)
	p.must(t, 201, "owner", "POST", p.at("/connections"), secretSpec(map[string]any{"name": "kept", "password": planted + "-3"}))
	view := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/duplicate", nil)
	require.NotContains(t, view.body, planted)
	log := ""
	for _, path := range []string{"/api/v1/audit-logs?limit=500&workspace_id=" + p.workspace, "/api/v1/audit-logs?resource_type=connection&workspace_id=" + p.workspace,
		"/api/v1/tables/" + p.table + "/history", p.at("/connections"), p.at("")} {
		a := p.must(t, 200, "owner", "GET", path, nil)
		require.NotContains(t, a.body, planted, path)
		log += a.body
	}
	for _, action := range []string{"connection.create", "connection.update", "connection.test_failed", "connection.delete", `"secret_changed":true`} {
		require.Contains(t, log, action)
	}
	p.stored(t).lacks(t, planted)
	require.NotContains(t, p.log.String(), planted)
}

// lacks looks for a text in everything that is stored.
func (s *storedState) lacks(t *testing.T, text string) {
	t.Helper()
	for where, rows := range s.tables {
		require.NotContains(t, rows, text, where)
	}
}

// secretFields are the names that bodies have for what must not be seen.
var secretFields = []string{"password", "current_password", "new_password", "setup_token", "invite_token", "refresh_token", "token", "key", "secret", "client_secret"}

var inBraces = regexp.MustCompile(`\{[^}]+\}`)

// TestPlantedSecrets puts a secret into every secret field and goes through the ways in which things fail (P14): at every
// route that takes a body in many shapes, at real servers that refuse it, with stored boxes that are broken. It is in no
// answer, no log and no table.
func TestPlantedSecrets(t *testing.T) {
	figures := metrics.New()
	p := newPlace(t, newInstance(t, func(o *Options) { o.Metrics = figures }, "owner", "admin", "editor", "viewer", "stranger"))
	secret := func(i int) string { return fmt.Sprintf("%s-%d", planted, i) }
	n := 0
	look := func(t *testing.T, a *answer) {
		t.Helper()
		require.NotContains(t, a.body, planted)
		for _, values := range a.header {
			require.NotContains(t, strings.Join(values, " "), planted)
		}
	}
	t.Run("every route", func(t *testing.T) {
		for _, r := range routes() {
			if r.body == bodyNone || r.body == bodyFile {
				continue
			}
			path := inBraces.ReplaceAllStringFunc(r.path, func(name string) string {
				switch name {
				case "{workspace}":
					return p.workspace
				case "{base}":
					return p.base
				case "{table}":
					return p.table
				}
				return "con_00000000000000000000000000"
			})
			for _, field := range secretFields {
				s := func() string { n++; return secret(n) }
				for _, body := range []string{
					`{"` + field + `":"` + s() + `"}`,
					`{"email":"nobody@example.com","name":"N","` + field + `":"` + s() + `"}`,
					`{"` + field + `":{"raw":"` + s() + `"}}`,
					`{"` + field + `":["` + s() + `"]}`,
					`{"` + field + `":"` + s() + `"`,
					`{"` + field + `":"` + s() + "\x00" + `"}`,
					`"` + s() + `"`,
				} {
					for _, who := range []string{"", "owner", "viewer"} {
						look(t, p.do(t, who, r.method, path, body))
					}
				}
				look(t, p.do(t, "", "POST", "/api/v1/auth/login", "password="+s(), "Content-Type", "application/x-www-form-urlencoded"))
			}
		}
	})
	t.Run("accounts", func(t *testing.T) {
		for _, body := range []any{
			map[string]any{"email": mail("owner"), "password": secret(1)},
			map[string]any{"email": mail("nobody"), "password": secret(2)},
			map[string]any{"email": mail("owner"), "password": strings.Repeat(planted, 500)},
		} {
			look(t, p.do(t, "", "POST", "/api/v1/auth/login", body))
		}
		look(t, p.do(t, "owner", "POST", "/api/v1/auth/password", map[string]any{"current_password": secret(3), "new_password": secret(4)}))
		look(t, p.do(t, "", "POST", "/api/v1/auth/refresh", map[string]any{"refresh_token": secret(5)}))
		look(t, p.do(t, "", "GET", "/api/v1/auth/me", nil, "Authorization", "Bearer "+secret(6)))
		look(t, p.do(t, "", "GET", "/api/v1/auth/me", nil, "Authorization", "Basic "+secret(7)))
		look(t, p.do(t, "", "GET", "/public/views/none/data", nil, "Authorization", "Bearer "+secret(8)))
	})
	t.Run("servers", func(t *testing.T) { p.plantAtServers(t, look) })
	t.Run("stored boxes", func(t *testing.T) { p.breakBoxes(t, look) })
	look(t, p.must(t, 200, "owner", "GET", "/api/v1/audit-logs?limit=500&workspace_id="+p.workspace, nil))
	p.stored(t).lacks(t, planted)
	require.NotContains(t, p.log.String(), planted)
	w := httptest.NewRecorder()
	figures.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, w.Body.String(), "livetables_")
	require.NotContains(t, w.Body.String(), planted)
}

// plantAtServers connects to real servers with passwords that they refuse, and in other ways that cannot work.
func (p *place) plantAtServers(t *testing.T, look func(*testing.T, *answer)) {
	specs := map[string]map[string]any{
		"unreachable": secretSpec(nil),
		"not allowed": secretSpec(map[string]any{"host": "10.0.0.5", "tls": "verify"}),
		"no name":     secretSpec(map[string]any{"host": "no-such-host.invalid", "tls": "verify"}),
	}
	add := func(name, driver, address, user, database string) {
		host, text, err := net.SplitHostPort(address)
		require.NoError(t, err)
		port, err := strconv.Atoi(text)
		require.NoError(t, err)
		for _, tls := range []string{"off", "verify"} {
			specs[name+" with tls "+tls] = secretSpec(map[string]any{"driver": driver, "host": host, "port": port, "user": user, "database": database, "tls": tls})
		}
	}
	u, err := url.Parse(testenv.Postgres(t))
	require.NoError(t, err)
	add("PostgreSQL", "postgres", u.Host, "nobody_of_that_name", u.Path[1:])
	for name, dsn := range map[string]string{"MySQL": testenv.MySQL(t), "MariaDB": testenv.MariaDB(t)} {
		c, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		add(name, "mysql", c.Addr, c.User, c.DBName)
	}
	dsn, _ := testenv.Mongo(t)
	u, err = url.Parse(dsn)
	require.NoError(t, err)
	add("MongoDB", "mongodb", u.Host, "nobody", "d")
	refused := 0
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		spec := specs[name]
		spec["name"], spec["password"] = name, planted+" of "+name
		made := p.do(t, "owner", "POST", p.at("/connections"), spec)
		look(t, made)
		require.Equal(t, 201, made.status, made.body)
		con := "/api/v1/connections/" + made.text(t, "id")
		tried := p.must(t, 200, "owner", "POST", con+"/test", nil)
		look(t, tried)
		require.Contains(t, tried.body, `"ok":false`, name)
		if strings.Contains(tried.body, "source_auth") {
			refused++
		}
		look(t, p.do(t, "owner", "GET", con+"/schema", nil))
		look(t, p.do(t, "owner", "POST", con+"/query", `{"source":{"table":"t"}}`))
		look(t, p.do(t, "owner", "POST", con+"/query/explain", `{"source":{"table":"t"}}`))
		look(t, p.do(t, "owner", "GET", con+"/health", nil))
	}
	require.GreaterOrEqual(t, refused, 3, "servers that looked at the password")
}

// breakBoxes damages stored passwords behind the program's back.
func (p *place) breakBoxes(t *testing.T, look func(*testing.T, *answer)) {
	for i, sql := range []string{
		`UPDATE lt_connection SET secret = substr(secret, 1, 30) WHERE id = ?`,
		`UPDATE lt_connection SET secret = x'00' WHERE id = ?`,
		`UPDATE lt_connection SET secret = (SELECT secret FROM lt_connection c WHERE c.secret IS NOT NULL AND c.id <> lt_connection.id LIMIT 1) WHERE id = ?`,
	} {
		made := p.must(t, 201, "owner", "POST", p.at("/connections"), secretSpec(map[string]any{"name": fmt.Sprintf("broken %d", i), "password": planted}))
		id := made.text(t, "id")
		err := p.data.Write(t.Context(), func(tx adapter.Tx) error {
			_, err := tx.Exec(t.Context(), sql, lqp.TextValue(id))
			return err
		})
		require.NoError(t, err)
		// Another change of the workspace makes the engine read it again.
		p.must(t, 201, "owner", "POST", p.at("/connections"), secretSpec(map[string]any{"name": fmt.Sprintf("other %d", i)}))
		con := "/api/v1/connections/" + id
		for _, a := range []*answer{
			p.must(t, 200, "owner", "POST", con+"/test", nil),
			p.must(t, 409, "owner", "GET", con+"/schema", nil),
			p.must(t, 409, "owner", "POST", con+"/query", `{"source":{"table":"t"}}`),
			p.must(t, 409, "owner", "PUT", con, secretSpec(map[string]any{"name": "broken still", "version": 1})),
		} {
			look(t, a)
			require.Contains(t, a.body, "secret_unreadable")
			require.True(t, json.Valid([]byte(a.body)))
		}
		p.must(t, 200, "owner", "PUT", con, secretSpec(map[string]any{"name": fmt.Sprintf("healed %d", i), "password": planted, "version": 1}))
		require.Contains(t, p.must(t, 200, "owner", "POST", con+"/test", nil).body, "source_unavailable")
	}
}
