package httpapi

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testenv"
)

// TestAttack59WritesNeedTheirAudit makes the change log fail: every route that changes a workspace is refused and nothing of
// it is done; when the log works again, so do they.
func TestAttack59WritesNeedTheirAudit(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "admin", "editor", "viewer", "stranger")
	p := newPlace(t, in)
	path, known := pathOf(t, p), bodies(p)
	breaking := func(sql string) {
		require.NoError(t, in.data.Write(t.Context(), func(tx adapter.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		}))
	}
	breaking(`CREATE TRIGGER disk_full BEFORE INSERT ON lt_change BEGIN SELECT RAISE(ABORT, 'no space at /secret/path'); END`)
	state := in.stored(t)
	// Accounts, invites and the keys of service accounts are the daemon's, in a store of its own with its own entries:
	// TestAttack59AccountsNeedTheirAudit.
	accounts := regexp.MustCompile(`^/api/v1/(auth|users|invites)|/(invites?|service-accounts)\b`)
	refused := 0
	for _, r := range routes() {
		if r.method == http.MethodGet || accounts.MatchString(r.path) || r.body == bodyFile {
			continue
		}
		var body any
		if text, ok := known[r.pattern()]; ok {
			body = text
		}
		got := in.do(t, "owner", r.method, path(r), body)
		if got.status >= 500 {
			refused++
			require.Equal(t, 500, got.status, "%s: %s", r.pattern(), got.body)
			require.Equal(t, "internal", got.text(t, "code"), r.pattern())
		}
		for _, unwanted := range append(slices.Clone(foreignWords), "no space", "/secret/path", "lt_change", "disk_full") {
			require.NotContains(t, got.body, unwanted, r.pattern())
		}
		state.unchanged(t, r.pattern())
	}
	require.Greater(t, refused, 15, "most of them were right but for the log")
	for into, file := range map[string]string{"/api/v1/tables/" + p.table + "/import": "Name\nx\ny\n", "/api/v1/bases/" + p.base + "/import?name=F": "a,b\n1,2\n"} {
		require.Equal(t, 500, in.do(t, "owner", "POST", into, file, csvType...).status)
		state.unchanged(t, into)
	}
	breaking(`DROP TRIGGER disk_full`)
	in.must(t, 201, "owner", "POST", p.rows(""), `{"fields":{"Name":"again"}}`)
}

// TestAttack63ErrorsSayNothingOfTheDatabase provokes what databases complain of: what is answered has no word of theirs.
func TestAttack63ErrorsSayNothingOfTheDatabase(t *testing.T) {
	p := newPlace(t, shared)
	dsn := testenv.Postgres(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(bg)
	run := func(sql string) {
		t.Helper()
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	run(`CREATE TABLE plain (id int PRIMARY KEY, n int); INSERT INTO plain SELECT n, n FROM generate_series(1, 20) n;
		CREATE TABLE gone (id int PRIMARY KEY); CREATE TABLE changed (id int PRIMARY KEY, was text); INSERT INTO changed VALUES (1, 'x');
		CREATE TABLE denied (id int PRIMARY KEY);
		CREATE FUNCTION complain(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'private-detail of host 10.1.2.3 %', n USING HINT = 'private-hint', DETAIL = 'private-more'; END $$;
		CREATE VIEW complaining AS SELECT id, complain(id) AS n FROM plain; CREATE VIEW dividing AS SELECT id, 1 / (id - 7) AS n FROM plain;
		CREATE VIEW casting AS SELECT id, ('private-' || id)::int AS n FROM plain`)
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	password, _ := u.User.Password()
	run(`DROP ROLE IF EXISTS attack63; CREATE ROLE attack63 LOGIN PASSWORD 'private-password'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO attack63; REVOKE ALL ON denied FROM attack63; REVOKE ALL ON FUNCTION complain FROM public`)
	defer func() { _, _ = conn.Exec(bg, `DROP OWNED BY attack63; DROP ROLE attack63`) }()
	connect := func(name, user, password string) string {
		spec := connectionTo(t, u.Host, map[string]any{"name": name, "driver": "postgres", "database": u.Path[1:], "user": user, "tls": "off"}, password)
		return "/api/v1/connections/" + p.must(t, 201, "owner", "POST", p.at("/connections"), spec).text(t, "id")
	}
	con, low := connect("con", u.User.Username(), password), connect("low", "attack63", "private-password")
	for _, c := range []string{con, low} {
		p.must(t, 200, "viewer", "POST", c+"/query", `{"source":{"table":"plain"}}`)
	}
	run(`DROP TABLE gone; ALTER TABLE changed DROP COLUMN was`)
	state := p.stored(t)
	unwanted := append(slices.Clone(foreignWords), "private-", "10.1.2.3", "complain(", "PL/pgSQL", "relation", "does not exist", "permission denied", "division by zero", "SELECT", u.Host, u.Path[1:], "attack63", "pg_", "/main/")
	for _, table := range []string{"complaining", "dividing", "casting", "gone", "changed", "denied"} {
		for _, c := range []string{con, low} {
			for _, rest := range []string{``, `,"filters":"id > 3","sorts":["-id"]`, `,"aggregates":[{"name":"m","function":"max","expr":"id"}]`, `,"aggregates":[{"name":"m","function":"countall"}]`} {
				for _, who := range []string{"viewer", "owner"} {
					a := p.do(t, who, "POST", c+"/query", `{"source":{"table":"`+table+`"}`+rest+`}`)
					if a.status >= 400 {
						require.NotEmpty(t, a.text(t, "code"))
						require.NotEqual(t, "internal", a.text(t, "code"), "%s %s: it is known what this is: %s", table, rest, a.body)
					}
					for _, word := range unwanted {
						require.NotContains(t, a.body, word, "%s %s as %s", table, rest, who)
					}
					if rest == "" && table != "changed" && table != "denied" { // of those not even the name is told to who lacks the right
						require.GreaterOrEqual(t, a.status, 400, table)
					}
				}
			}
		}
	}
	state.unchanged(t, "errors of a source")

	// The mini-DB's own: unique and required columns, types, and sizes.
	column := "/api/v1/tables/" + p.table + "/columns/"
	p.insert(`{"Name":"taken","Secret":"private-taken"}`)
	for _, name := range []string{"Name", "Secret"} {
		p.must(t, 200, "owner", "PATCH", column+p.columns[name], `{"unique":true}`)
	}
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Name <> \"taken\"","columns":{"Secret":"hidden"}}`)
	physical := []string{"UNIQUE", "constraint", p.table + ".", "private-taken", "NOT NULL", "datatype"}
	p.refuses(t, []attack{
		{name: "unique", who: "owner", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"taken"}}`, unwanted: physical},
		{name: "unique, of a row out of sight", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"taken"}}`, unwanted: physical},
		{name: "unique, in bulk", who: "editor", method: "POST", path: p.rows("/bulk"), body: `{"op":"insert","rows":[{"fields":{"Name":"a"}},{"fields":{"Name":"a"}}]}`, unwanted: physical},
		{name: "required", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Left":1}}`, unwanted: physical},
		{name: "too large", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"b","Left":` + strings.Repeat("9", 60) + `}}`, unwanted: physical},
		{name: "imported twice", who: "editor", method: "POST", path: "/api/v1/tables/" + p.table + "/import", body: "Name\nc\nc\n", headers: csvType, unwanted: physical},
	})
}

// TestAttack63BrokenFile connects files that are no databases.
func TestAttack63BrokenFile(t *testing.T) {
	p := newPlace(t, shared)
	name := "broken-" + p.workspace + ".db"
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "files", name), []byte(strings.Repeat("private-content", 400)), 0o600))
	for _, file := range []string{name, "missing.db"} {
		made := p.do(t, "owner", "POST", p.at("/connections"), `{"name":"`+file+`","driver":"sqlite","file":"`+file+`"}`)
		if made.status >= 400 {
			continue
		}
		con := "/api/v1/connections/" + made.text(t, "id")
		for _, a := range []*answer{p.do(t, "owner", "POST", con+"/test", nil), p.do(t, "owner", "GET", con+"/schema", nil), p.do(t, "viewer", "POST", con+"/query", `{"source":{"table":"t"}}`)} {
			for _, word := range append(slices.Clone(foreignWords), "private-", "malformed", "not a database", "no such file", p.dir) {
				require.NotContains(t, a.body, word)
			}
		}
	}
}

// TestAttack84FilterColumnGoes deletes and retypes the columns that locked filters, rules and formulas of views need: they
// close, for everybody, the public included, and the owner is told why.
func TestAttack84FilterColumnGoes(t *testing.T) {
	for name, change := range map[string]func(p *place, column string){
		"deleted": func(p *place, column string) { p.must(p.t, 204, "owner", "DELETE", column+"?force=true", nil) },
		"another type": func(p *place, column string) {
			// A rule that would break keeps its column as it is.
			p.refused(p.t, p.stored(p.t), attack{who: "owner", method: "POST", path: column + "/type", body: `{"type":"integer","accept_loss":true}`, code: "rule"})
			p.must(p.t, 204, "owner", "DELETE", p.at("/rules?role=viewer&table="+p.table), nil)
			p.must(p.t, 200, "owner", "POST", column+"/type", `{"type":"integer","accept_loss":true}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, shared)
			p.fill()
			view := p.must(t, 201, "editor", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"Locked","query":{"source":{"table":"`+p.table+`"},"filters":"Status = \"open\"","columns":["Name"]}}`).text(t, "id")
			of := p.must(t, 201, "editor", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"Of it","query":{"source":{"table":"`+view+`"}}}`).text(t, "id")
			slug := "attack84-" + name[:3] + p.workspace[len(p.workspace)-8:]
			p.must(t, 201, "admin", "POST", "/api/v1/views/"+of+"/api", `{"slug":"`+slug+`","mode":"public"}`)
			p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"viewer","read":"Status = \"open\""}`)
			require.ElementsMatch(t, []string{"bolt", "motor"}, names(t, p.must(t, 200, "", "GET", "/public/views/"+slug+"/data", nil)))
			change(p, "/api/v1/tables/"+p.table+"/columns/"+p.columns["Status"])
			state := p.stored(t)
			for _, v := range []string{view, of} {
				for _, who := range []string{"viewer", "editor", "admin", "owner"} {
					p.refused(t, state, attack{who: who, method: "GET", path: "/api/v1/views/" + v + "/data", status: 422, code: "view_closed", unwanted: []string{"gear", "spring"}})
					p.refused(t, state, attack{who: who, method: "GET", path: "/api/v1/views/" + v + "/data?count=exact&Name.eq=gear", status: 422, unwanted: []string{"gear", "exact"}})
					p.refused(t, state, attack{who: who, method: "POST", path: p.at("/query"), body: `{"source":{"table":"` + v + `"},"aggregates":[{"name":"n","function":"countall"}]}`, code: "view_closed"})
				}
			}
			p.refused(t, state, attack{method: "GET", path: "/public/views/" + slug + "/data", status: 422, code: "view_closed", unwanted: []string{"gear", "Status", p.columns["Status"]}})
			// The rule that needs the column closes the table for those whom it binds, and for nobody else.
			for _, a := range []attack{{method: "GET", path: p.rows("")}, {method: "GET", path: "/api/v1/tables/" + p.table + "/export.csv"}, {method: "GET", path: "/api/v1/tables/" + p.table + "/history"}} {
				if name == "deleted" {
					p.refused(t, state, attack{who: "viewer", method: a.method, path: a.path, status: 404, code: "not_found"})
				}
			}
			require.Len(t, names(t, p.must(t, 200, "owner", "GET", p.rows(""), nil)), 5)
			// Its owner finds the query, to mend it.
			require.Contains(t, p.must(t, 200, "owner", "GET", "/api/v1/views/"+view, nil).body, "filters")
		})
	}
}
