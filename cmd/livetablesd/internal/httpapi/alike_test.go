package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// furnished is a workspace with one of everything that has an id, by the name of its path segment.
func furnished(t *testing.T, in *instance) (p *place, ids map[string]string) {
	t.Helper()
	p = newPlace(t, in)
	make := func(method, path string, body any) string {
		t.Helper()
		return p.must(t, 201, "owner", method, path, body).text(t, "id")
	}
	ids = map[string]string{"workspace": p.workspace, "base": p.base, "table": p.table, "column": p.columns["Name"], "user": p.id("root"), "row": p.insert(`{"Name":"a row"}`)}
	ids["project"] = make("POST", p.at("/projects"), `{"name":"P"}`)
	ids["index"] = make("POST", "/api/v1/tables/"+p.table+"/indexes", `{"columns":["Left"]}`)
	ids["view"] = make("POST", p.at("/views"), `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"}}}`)
	p.must(t, 201, "owner", "POST", "/api/v1/views/"+ids["view"]+"/api", `{"slug":"alike-`+strings.ReplaceAll(ids["view"], "_", "-")+`","mode":"key"}`)
	ids["key"] = make("POST", "/api/v1/views/"+ids["view"]+"/api/keys", nil)
	ids["connection"] = make("POST", p.at("/connections"), `{"name":"shop","driver":"sqlite","file":"shop.db"}`)
	ids["role"] = make("POST", p.at("/roles"), `{"name":"Reader","base":"viewer","grants":[{"action":"data.read"}]}`)
	ids["account"] = make("POST", p.at("/service-accounts"), `{"name":"S","role":"viewer"}`)
	ids["invite"] = make("POST", p.at("/invite"), `{"email":"nobody@example.net","role":"viewer"}`)
	ids["trash"] = p.discarded(t)
	ids["job"] = p.exported("owner")
	d := newDrawer(t, p)
	ids["attachment"] = d.put("owner", "a", "a")
	d.keep("owner", ids["attachment"])
	ids["entry"] = p.newestEntry(ids["row"])
	return p, ids
}

// prefixes are those of ids by path segment, for ids that nobody has.
var prefixes = map[string]string{"workspace": "wsp", "base": "bas", "table": "tbl", "column": "col", "user": "usr", "row": "row", "project": "prj", "index": "idx",
	"view": "viw", "key": "key", "connection": "con", "role": "rol", "account": "svc", "invite": "inv", "job": "job", "entry": "chg", "attachment": "att", "trash": "trs"}

// ownAccount are segments that belong to the caller's account and not to a workspace; they have tests of their own.
var ownAccount = []string{"session", "token", "slug", "$"}

// alikeBody is a body with which a route's request would be carried out where the caller may.
func alikeBody(path string) any {
	switch {
	case strings.Contains(path, "/query"):
		return `{"source":{"table":"Things"}}`
	case strings.HasSuffix(path, "/bulk"):
		return `{"op":"delete","all_rows":true}`
	case strings.HasSuffix(path, "/trash/restore"):
		return `{"rows":["row_00000000000000000000000000"]}`
	case strings.HasSuffix(path, "/{workspace}/revert"):
		return `{"actor":"somebody","from":"2026-01-01T00:00:00Z"}`
	case strings.HasSuffix(path, "/undo"), strings.HasSuffix(path, "/redo"), strings.HasSuffix(path, "/revert/{entry}"):
		return nil
	case strings.HasSuffix(path, "/lock"), strings.HasSuffix(path, "/archive"), strings.HasSuffix(path, "/restore"), strings.HasSuffix(path, "/duplicate"):
		return nil
	case strings.HasSuffix(path, "/rows"), strings.HasSuffix(path, "/rows/{row}"):
		return `{"fields":{"Name":"taken over"}}`
	case strings.Contains(path, "/import"):
		return "Name\nimported\n"
	case strings.HasSuffix(path, "/rules"):
		return `{"table":"Things","role":"viewer"}`
	case strings.HasSuffix(path, "/columns"):
		return `{"name":"More","type":"text"}`
	case strings.HasSuffix(path, "/schema/revert"):
		return `{"change":1}`
	case strings.HasSuffix(path, "/tables/order"):
		return `{"tables":["x"]}`
	case strings.HasSuffix(path, "/order"):
		return `{"columns":["x"]}`
	case strings.HasSuffix(path, "/type"):
		return `{"type":"long_text"}`
	case strings.HasSuffix(path, "/indexes"):
		return `{"columns":["Name"]}`
	case strings.HasSuffix(path, "/api"):
		return `{"slug":"taken-over","mode":"public"}`
	case strings.Contains(path, "/members/"):
		return `{"role":"owner"}`
	}
	return `{"name":"taken over"}`
}

// made-up parts of answers that differ between two requests for the same thing.
var requestNames = regexp.MustCompile(`req_[0-9a-z]{26}`)

// plainly is everything that was answered, ids of the request and those that were asked for aside.
func plainly(t *testing.T, a *answer, ids ...string) string {
	t.Helper()
	header := a.header.Clone()
	for _, name := range []string{"Date", "X-Request-Id"} {
		header.Del(name)
	}
	head, err := json.Marshal(header)
	require.NoError(t, err)
	text := requestNames.ReplaceAllString(fmt.Sprint(a.status, string(head), a.body), "")
	for _, id := range ids {
		text = strings.ReplaceAll(text, id, "ID")
	}
	return text
}

// TestAttack20ForeignAndMissingAnswerAlike sends every route that has an id in its path the ids of another workspace, ids that
// nobody has, and what is no id, and compares every byte of the answers: in the first place of the path, and behind ids of a
// workspace of the caller's own.
func TestAttack20ForeignAndMissingAnswerAlike(t *testing.T) {
	victim, theirs := furnished(t, shared)
	mine, own := furnished(t, shared)
	shared.join(t, mine.workspace, "stranger", rbac.Owner)
	before := victim.must(t, 200, "owner", "GET", victim.rows(""), nil).body
	asked := 0
	for _, r := range routes() {
		var names []string
		for _, m := range regexp.MustCompile(`\{([a-z]+)\}`).FindAllStringSubmatch(r.path, -1) {
			if !slices.Contains(ownAccount, m[1]) {
				require.Contains(t, prefixes, m[1], "%s has ids that this test knows nothing of", r.pattern())
				names = append(names, m[1])
			}
		}
		if len(names) == 0 || r.audience != accounts || strings.HasPrefix(r.path, "/api/v1/users/") {
			continue
		}
		body := alikeBody(r.path)
		if r.body == bodyNone || r.method == http.MethodGet {
			body = nil
		}
		headers := []string{}
		if r.body == bodyFile {
			headers = []string{"Content-Type", "text/csv"}
		}
		// The first id decides for strangers; for the owner of the rest, each of the others.
		for at := range names {
			who := "stranger" // who owns the one workspace and is not in the other
			ask := func(id string) string {
				path := r.path
				for i, name := range names {
					put := own[name]
					if at == 0 {
						put = theirs[name]
					}
					if i == at {
						put = id
					}
					path = strings.Replace(path, "{"+name+"}", put, 1)
				}
				path += alikeQuery(r.path)
				asked++
				return plainly(t, shared.do(t, who, r.method, path, body, headers...), id)
			}
			foreign := ask(theirs[names[at]])
			for _, missing := range []string{minidb.NewID(prefixes[names[at]]), minidb.NewID(prefixes[names[at]])[:20], "not-an-id", "zzz"} {
				assert.Equal(t, ask(missing), foreign, "%s as %s: %s is told from %s", r.pattern(), who, names[at], missing)
			}
			if strings.HasSuffix(r.path, "/history") && foreign[:3] == "200" {
				require.Contains(t, foreign, `"data":[]`, "rows that are gone have a history, those that never were an empty one")
				continue
			}
			require.NotEqual(t, "2", foreign[:1], "%s as %s", r.pattern(), who)
		}
	}
	t.Logf("%d requests", asked)
	require.Greater(t, asked, 300)
	require.Equal(t, before, victim.must(t, 200, "owner", "GET", victim.rows(""), nil).body, "nothing was changed")
}

// alikeQuery is the query string without which a route does not look at its path.
func alikeQuery(path string) string {
	switch {
	case strings.HasSuffix(path, "/can"):
		return "?action=data.read"
	case strings.HasSuffix(path, "/diff"):
		return "?from=1"
	}
	return ""
}

// TestAttack20IdsInQueriesAndBodies names what belongs to another workspace where a route takes ids in its query string or
// its body: each answer is that for an id nobody has.
func TestAttack20IdsInQueriesAndBodies(t *testing.T) {
	// The owner has both workspaces, and ids of the one are none in the other; the stranger has one of them.
	for _, who := range []string{"owner", "stranger"} {
		t.Run(who, func(t *testing.T) { idsElsewhere(t, who) })
	}
}

func idsElsewhere(t *testing.T, who string) {
	_, theirs := furnished(t, shared)
	mine, own := furnished(t, shared)
	shared.join(t, mine.workspace, "stranger", rbac.Owner)
	base, table := "/api/v1/bases/"+own["base"], "/api/v1/tables/"+own["table"]
	for _, c := range []struct{ kind, method, path, body string }{
		{"workspace", "GET", "/api/v1/connections?workspace_id=%s", ""}, {"workspace", "GET", "/api/v1/views?workspace_id=%s", ""},
		{"workspace", "GET", "/api/v1/projects?workspace_id=%s", ""}, {"workspace", "GET", "/api/v1/audit-logs?workspace_id=%s", ""},
		{"workspace", "POST", "/api/v1/projects?workspace_id=%s", `{"name":"Q"}`},
		{"workspace", "POST", "/api/v1/connections?workspace_id=%s", `{"name":"c","driver":"sqlite","file":"shop.db"}`},
		{"workspace", "GET", "/api/v1/ws?workspace_id=%s", ""},
		{"base", "POST", "/api/v1/views", `{"base_id":"%s","name":"W","query":{"source":{"table":"Things"}}}`},
		{"base", "POST", mine.at("/views"), `{"base_id":"%s","name":"W","query":{"source":{"table":"Things"}}}`},
		{"project", "POST", mine.at("/bases"), `{"name":"N","project_id":"%s"}`}, {"project", "PATCH", base, `{"project_id":"%s"}`},
		{"table", "PUT", mine.at("/rules"), `{"table":"%s","role":"viewer"}`}, {"table", "PUT", mine.at("/rules"), `{"table":"%s","role":"viewer","columns":{"Name":"hidden"}}`},
		{"connection", "PUT", mine.at("/rules"), `{"connection":"%s","table":"customer","role":"viewer","read":"country = \"NO\""}`},
		{"column", "PUT", mine.at("/rules"), `{"table":"` + own["table"] + `","role":"viewer","columns":{"%s":"hidden"}}`},
		{"table", "DELETE", mine.at("/rules?role=viewer&table=%s"), ""}, {"connection", "DELETE", mine.at("/rules?role=viewer&table=customer&connection=%s"), ""},
		{"table", "POST", mine.at("/query"), `{"source":{"table":"%s"}}`}, {"view", "POST", mine.at("/query"), `{"source":{"table":"%s"}}`},
		{"connection", "POST", mine.at("/query"), `{"source":{"connection":"%s","table":"customer"}}`},
		{"table", "POST", mine.at("/query"), `{"source":{"table":"Things","alias":"a"},"joins":[{"kind":"inner","source":{"table":"%s","alias":"b"},"on":"a.Name = b.Name"}]}`},
		{"column", "POST", mine.at("/query"), `{"source":{"table":"Things"},"columns":["%s"]}`},
		{"table", "POST", mine.at("/query/explain"), `{"source":{"table":"%s"}}`}, {"table", "POST", mine.at("/query/export.csv"), `{"source":{"table":"%s"}}`},
		{"table", "POST", "/api/v1/connections/" + own["connection"] + "/query", `{"source":{"table":"%s"}}`},
		{"table", "POST", "/api/v1/views", `{"base_id":"` + own["base"] + `","name":"W","query":{"source":{"table":"%s"}}}`},
		{"view", "PATCH", "/api/v1/views/" + own["view"], `{"query":{"source":{"table":"%s"}}}`},
		{"row", "POST", table + "/rows/bulk", `{"op":"update","rows":[{"id":"%s","fields":{"Left":1}}]}`}, {"row", "POST", table + "/rows/bulk", `{"op":"delete","rows":[{"id":"%s"}]}`},
		{"column", "POST", table + "/rows", `{"fields":{"%s":1}}`}, {"column", "GET", table + "/rows?sort=%s", ""}, {"column", "GET", table + "/rows?%s.eq=1", ""},
		{"column", "PUT", table + "/columns/order", `{"columns":["%s"]}`}, {"column", "POST", table + "/indexes", `{"columns":["%s"]}`},
		{"user", "POST", mine.at("/members"), `{"user_id":"%s","role":"viewer"}`},
		{"table", "GET", "/api/v1/audit-logs?workspace_id=" + own["workspace"] + "&table_id=%s", ""}, {"row", "GET", "/api/v1/audit-logs?workspace_id=" + own["workspace"] + "&resource_id=%s", ""},
		{"table", "GET", mine.at("/can?action=data.read&resource=%s"), ""}, {"project", "PUT", mine.at("/caps"), `{"resource":"%s","role":"viewer","max":"viewer"}`},
		{"table", "DELETE", mine.at("/caps?role=viewer&resource=%s"), ""},
		{"role", "PUT", mine.at("/members/") + own["user"], `{"role":"%s"}`}, {"role", "POST", mine.at("/service-accounts"), `{"name":"T","role":"%s"}`},
		{"table", "POST", mine.at("/roles"), `{"name":"Narrow","base":"viewer","grants":[{"action":"data.read","on":"%s"}]}`},
	} {
		foreign := theirs[c.kind]
		switch {
		case c.kind == "user":
			foreign = shared.id("root") // who shares no workspace with them
		case who == "owner" && !strings.Contains(c.path+c.body, own["workspace"]) && !strings.Contains(c.path+c.body, own["table"]) && !strings.Contains(c.path, base):
			continue // the owner's own
		}
		ask := func(id string) string {
			path, body := c.path, any(nil)
			if strings.Contains(path, "%s") {
				path = fmt.Sprintf(path, id)
			}
			if c.body != "" {
				body = c.body
				if strings.Contains(c.body, "%s") {
					body = fmt.Sprintf(c.body, id)
				}
			}
			return plainly(t, shared.do(t, who, c.method, path, body), id)
		}
		got := ask(foreign)
		assert.Equal(t, ask(minidb.NewID(prefixes[c.kind])), got, "%s %s %s", c.method, c.path, c.body)
	}
}

// TestAttack21OneForeignRowAmongHundred changes a hundred rows at once, one of them another workspace's: none is changed.
func TestAttack21OneForeignRowAmongHundred(t *testing.T) {
	victim, theirs := furnished(t, shared)
	mine, _ := furnished(t, shared)
	var rows []string
	for i := range 99 {
		rows = append(rows, mine.insert(fmt.Sprintf(`{"Name":"row %d","Left":1}`, i)))
	}
	rows = slices.Insert(rows, 57, theirs["row"])
	count := "/api/v1/tables/" + mine.table + "/rows?Left.eq=1&count=exact&limit=1"
	for _, op := range []string{"update", "delete"} {
		var list []map[string]any
		for _, id := range rows {
			row := map[string]any{"id": id}
			if op == "update" {
				row["fields"] = map[string]any{"Left": 2}
			}
			list = append(list, row)
		}
		a := mine.do(t, "owner", "POST", mine.rows("/bulk"), map[string]any{"op": op, "rows": list})
		require.Equal(t, 404, a.status, a.body)
		require.EqualValues(t, 99, mine.must(t, 200, "owner", "GET", count, nil).get(t, "count.exact"), "%s: none of the 99 was changed", op)
	}
	require.Equal(t, "a row", victim.must(t, 200, "owner", "GET", victim.rows("/"+theirs["row"]), nil).get(t, "fields.Name"))
}

// TestForeignAndMissingTakeTheSameTime compares the times of the two: what takes as long cannot be told apart by waiting.
func TestForeignAndMissingTakeTheSameTime(t *testing.T) {
	_, theirs := furnished(t, shared)
	const rounds = 300
	for _, kind := range []string{"workspace", "table", "view"} {
		path := "/api/v1/" + kind + "s/"
		times := [2][]time.Duration{}
		for range rounds {
			for i, id := range []string{theirs[kind], minidb.NewID(prefixes[kind])} {
				began := time.Now()
				require.Equal(t, 404, shared.do(t, "stranger", "GET", path+id, nil).status)
				times[i] = append(times[i], time.Since(began))
			}
		}
		for i := range times {
			slices.Sort(times[i])
		}
		foreign, missing := times[0][rounds/2], times[1][rounds/2]
		t.Logf("%s: foreign %s, missing %s in the median of %d", kind, foreign, missing, rounds)
		require.Less(t, max(foreign, missing), 2*min(foreign, missing)+time.Millisecond, kind)
	}
}
