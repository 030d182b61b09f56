package canary

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/livetables/livetables/cmd/livetablesd/internal/httpapi"
	"github.com/livetables/livetables/minidb"
)

// request is one request of a campaign.
type request struct {
	who     *person
	route   *httpapi.Route
	method  string
	path    string // with the query string
	headers [][2]string
	body    []byte
	// role is the highest that the caller has in a workspace whose ids stand in the path or in workspace_id.
	role string
	// victim is a tenant that the caller is no member of and whose id stands in the path or in workspace_id: the answer has
	// to be that there is no such thing.
	victim *tenant
	// table is the one in the path, of the tenant home, empty for none.
	table string
	home  *tenant
}

// standing orders roles.
var standing = map[string]int{"viewer": 1, "editor": 2, "admin": 3, "owner": 4}

// touches notes that an id of a tenant (nil for none) stands in the request.
func (r *request) touches(t *tenant) {
	if t == nil {
		return
	}
	role, member := r.who.roles[t]
	if !member {
		r.victim = t
	}
	if standing[role] > standing[r.role] {
		r.role = role
	}
}

func (r *request) String() string {
	var headers []string
	for _, h := range r.headers {
		if h[0] != "Authorization" && h[0] != "X-Api-Key" { // whose they are is said by name
			headers = append(headers, h[0]+": "+h[1])
		}
	}
	return fmt.Sprintf("%s %s as %s, %q, body %s", r.method, r.path, r.who.name, headers, r.body)
}

// maker makes up requests. It is used by one goroutine.
type maker struct {
	*world
	rnd    *rand.Rand
	pools  *pools
	routes []httpapi.Route
	costly []bool // routes that hash a password or end a session
	looks  []int  // routes that show what is in tables, asked more than the others
}

func one[T any](m *maker, list []T) T { return list[m.rnd.IntN(len(list))] }

func (m *maker) chance(percent int) bool { return m.rnd.IntN(100) < percent }

// costlyRoutes are asked rarely, and only by people whom it does not harm.
func costlyRoutes(routes []httpapi.Route) []bool {
	list := make([]bool, len(routes))
	for i, r := range routes {
		list[i] = strings.HasPrefix(r.Path, "/api/v1/auth/") && r.Method != http.MethodGet && !strings.Contains(r.Path, "{") || r.Caller == "socket"
	}
	return list
}

// lookingRoutes are those that show what is in tables, or would change it.
func lookingRoutes(routes []httpapi.Route) (list []int) {
	for i, r := range routes {
		if strings.Contains(r.Path, "{table}") && (r.Method == http.MethodGet || slices.Contains(r.Params, "dry_run")) || strings.Contains(r.Path, "/query") && r.Body == "json" ||
			strings.HasSuffix(r.Path, "/data") || strings.Contains(r.Path, "{job}") || strings.HasSuffix(r.Path, "do") || strings.HasSuffix(r.Path, "/revert") {
			list = append(list, i)
		}
	}
	return list
}

// next makes up a request. Only what could clear away a tenant's data is left out: changes by those who have the power to
// make them.
func (m *maker) next() *request {
	for {
		i := m.rnd.IntN(len(m.routes))
		if m.chance(40) {
			i = one(m, m.looks)
		}
		route := &m.routes[i]
		if m.costly[i] && !m.chance(2) {
			continue
		}
		r := &request{who: one(m, m.people), route: route, method: route.Method}
		if m.costly[i] {
			r.who = m.people[2] // anonymous
		}
		if slices.Contains(route.Params, "dry_run") && m.chance(60) {
			r.who = one(m, m.tenants).editor // what changes rows is for editors to try
		}
		if public := route.Caller == "reader"; r.who.apiKey != "" && !public && m.chance(90) {
			continue
		}
		t := one(m, m.tenants)
		if own := r.who.tenants(m.tenants); len(own) > 0 && m.chance(70) {
			t = one(m, own)
		}
		m.fill(r, t)
		// A tenant's editors change their rows only for show, lest the tables grow.
		own := r.role == "editor" && slices.Contains(route.Params, "dry_run") || r.role == "editor" && strings.Contains(route.Path, "/rows")
		if q := m.query(r, t, own); q != "" {
			r.path += "?" + q
		}
		if !m.harmless(r) {
			continue
		}
		m.finish(r, t, own)
		return r
	}
}

// fill puts ids into the path: most of one tenant, some of others, of nobody, of another kind, or garbage.
func (m *maker) fill(r *request, t *tenant) {
	segments := strings.Split(r.route.Path, "/")
	table := ""
	for i, s := range segments {
		name, ok := strings.CutPrefix(s, "{")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		if name == "$" {
			segments[i] = ""
			continue
		}
		id, of := m.id(name, t)
		// Most of what is asked of a table is something that it has.
		if list := t.inside[table][name]; len(list) > 0 && m.chance(85) {
			id, of = one(m, list), t
		}
		if segments[i] = id; name == "table" {
			table = id
		}
		if of == nil || name == "slug" || name == "user" || name == "session" || name == "token" {
			continue
		}
		r.touches(of)
	}
	r.path = strings.Join(segments, "/")
	r.table, r.home = table, t
	for suffix, whole := range map[string][]string{"{attachment}": t.attached, "{entry}": t.reverts} { // a file is in one cell only
		if strings.HasSuffix(r.route.Path, suffix) && len(whole) > 0 && m.chance(80) {
			r.path, r.role, r.victim = one(m, whole), "", nil
			r.touches(t)
		}
	}
}

// id is an id for a path segment, and whose it is.
func (m *maker) id(kind string, t *tenant) (string, *tenant) {
	if kind == "slug" {
		return one(m, one(m, m.tenants).slugs), nil
	}
	switch n := m.rnd.IntN(100); {
	case n < 80:
	case n < 90:
		t = one(m, m.tenants)
	case n < 94:
		return minidb.NewID(one(m, []string{"tbl", "row", "wsp", "viw", "con", "prj"})), nil
	case n < 97:
		kind = one(m, []string{"table", "row", "view", "connection", "base", "project", "column"})
	default:
		return one(m, []string{"x", "tbl_", "'", "order", "null", "0"}), nil
	}
	if list := t.ids[kind]; len(list) > 0 {
		return one(m, list), t
	}
	// A kind that nothing was made of: ids of every kind are tried.
	all := t.ids[one(m, []string{"table", "row", "view", "connection", "base", "project", "user", "key"})]
	return one(m, all), t
}

// asks are routes that only look although they are no GET.
func asks(r *httpapi.Route) bool {
	return r.Method == http.MethodGet || strings.Contains(r.Path, "/query") || strings.HasSuffix(r.Path, "/test")
}

// harmless says whether a request may be sent: it only looks, or who sends it may not do it, or does little harm.
func (m *maker) harmless(r *request) bool {
	self := slices.ContainsFunc(r.who.own, func(id string) bool { return strings.Contains(r.path, id) })
	switch {
	case asks(r.route):
		return true
	case self, strings.HasPrefix(r.route.Path, "/api/v1/auth/me"):
		return false // one's own account and membership
	case r.victim != nil, r.who.id == "":
		return true
	case r.who.number == m.root:
		return false
	case !strings.Contains(r.route.Path, "{"):
		// What takes new things makes some of the caller's own, which must not become many.
		return m.chance(1)
	case r.role == "owner" || r.role == "admin":
		return false
	case r.role == "editor":
		if strings.Contains(r.path, "dry_run=true") || strings.HasSuffix(r.route.Path, "/preview") || strings.HasSuffix(r.route.Path, "/formula") {
			return true
		}
		if strings.HasSuffix(r.route.Path, "/export") || strings.HasSuffix(r.route.Path, "/attachments") { // which leave something
			return m.chance(5)
		}
		return strings.HasSuffix(r.route.Path, "/rows/{row}") && r.method != http.MethodDelete || strings.HasSuffix(r.route.Path, "/lock") ||
			strings.HasSuffix(r.route.Path, "/rows/bulk") || strings.HasSuffix(r.route.Path, "/rows")
	}
	return true
}

// finish adds headers and body.
func (m *maker) finish(r *request, t *tenant, own bool) {
	if r.method == http.MethodGet && m.chance(3) {
		r.method = http.MethodHead
	}
	if r.route.Body != "" && r.method != http.MethodGet {
		r.body = m.body(r, t, own)
		kind := "application/json"
		if r.route.Body == "file" {
			kind = "text/csv"
		}
		r.headers = append(r.headers, [2]string{"Content-Type", kind})
	}
	if r.who.apiKey != "" {
		r.headers = append(r.headers, [2]string{"X-Api-Key", r.who.apiKey})
	} else if token := r.who.token(); token != "" && !(r.route.Caller == "reader" && m.chance(50)) {
		r.headers = append(r.headers, [2]string{"Authorization", "Bearer " + token})
	}
	if m.chance(10) && r.method != http.MethodGet && r.method != http.MethodHead {
		r.headers = append(r.headers, [2]string{"Idempotency-Key", fmt.Sprintf("key-%d", m.rnd.IntN(4))})
	}
	if tag := m.pools.tag(m.rnd); tag != "" && m.chance(10) {
		r.headers = append(r.headers, [2]string{one(m, []string{"If-None-Match", "If-Match", "If-Range"}), tag})
	}
	if m.chance(5) {
		r.headers = append(r.headers, [2]string{"Accept", one(m, []string{"text/plain", "text/html", "*/*"})})
	}
	if m.chance(3) {
		r.headers = append(r.headers, [2]string{one(m, []string{"X-Workspace-Id", "X-User-Id", "X-Original-Url", "X-Http-Method-Override", "X-Request-Id"}), one(m, []string{t.workspace, "owner", "DELETE"})})
	}
}

// query makes up a query string of the parameters that the route knows.
func (m *maker) query(r *request, t *tenant, own bool) string {
	v := url.Values{}
	for _, name := range r.route.Params {
		if name == "workspace_id" {
			id, of := m.id("workspace", t)
			v.Set(name, id)
			r.touches(of)
			continue
		}
		if name == "dry_run" && own {
			v.Set(name, "true")
			continue
		}
		if !m.chance(20) {
			continue
		}
		switch name {
		case "filter":
			v.Set(name, m.condition(r.home.fields[r.table]))
		case "sort":
			v.Set(name, one(m, []string{"", "-"})+m.named(r.home.fields[r.table]))
		case "fields":
			v.Set(name, m.named(r.home.fields[r.table])+","+m.named(r.home.fields[r.table]))
		case "limit":
			v.Set(name, one(m, []string{"1", "2", "3", "1000", "0", "-1"}))
		case "cursor":
			v.Set(name, m.pools.cursor(m.rnd))
		case "count":
			v.Set(name, "exact")
		case "keys":
			v.Set(name, one(m, []string{"id", "name"}))
		case "dry_run", "archived", "break", "analyze", "keep_bases":
			v.Set(name, one(m, []string{"true", "false"}))
		case "as_of":
			v.Set(name, one(m, [][]string{t.moments, t.ids["operation"], {"x"}}[m.rnd.IntN(2)]))
		case "expand":
			v.Set(name, one(m, []string{"links", "attachments", "links,attachments", "x"}))
		case "from", "to", "version", "before":
			v.Set(name, one(m, []string{"1", "2", "3", "9", one(m, t.moments)}))
		case "change":
			v.Set(name, one(m, []string{"delete", "rename"}))
		case "format":
			v.Set(name, one(m, []string{"csv", "ndjson", "json", "xlsx", "parquet"}))
		case "operation", "batch", "async", "separator", "encoding", "sheet", "columns", "key":
			continue // files are of one kind
		case "refresh":
			if m.chance(5) { // it reads the external database
				v.Set(name, "true")
			}
		case "action":
			v.Set(name, one(m, []string{"row.update", "row.insert", "data.read", "rows.write", "members.manage"}))
		default:
			kind := strings.TrimSuffix(name, "_id")
			if len(t.ids[kind]) == 0 {
				kind = one(m, []string{"row", "table", "user", "view", "connection", "base"})
			}
			id, _ := m.id(kind, one(m, m.tenants))
			v.Set(name, id)
		}
	}
	if r.route.Filters && m.chance(20) {
		v.Set(m.named(r.home.fields[r.table])+"."+one(m, []string{"eq", "ne", "gt", "in", "contains", "starts_with", "is_empty", "has"}), one(m, []string{"1", "row", "true", "open", mark, one(m, t.ids["row"])}))
	}
	if m.chance(2) && !v.Has("workspace_id") {
		v.Set(one(m, []string{"workspace_id", "access_token", "key"}), one(m, m.tenants).workspace)
	}
	return v.Encode()
}

// encode is a body as JSON.
func encode(v any) []byte {
	doc, err := json.Marshal(v)
	if err != nil { // maps of plain values
		panic(err)
	}
	return doc
}
