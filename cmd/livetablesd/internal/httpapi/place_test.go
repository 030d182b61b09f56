package httpapi

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// place is a workspace with a base and a table, its members named by their roles.
type place struct {
	*instance
	t                      testing.TB
	workspace, base, table string
	columns                map[string]string // id by name
}

const thingColumns = `[
	{"name":"Name","type":"text","required":true},
	{"name":"Price","type":"decimal","options":{"scale":2}},
	{"name":"Left","type":"integer"},
	{"name":"Status","type":"single_select","options":{"choices":[{"name":"open"},{"name":"done"}]}},
	{"name":"Day","type":"date"},
	{"name":"Live","type":"boolean"},
	{"name":"Secret","type":"text"}]`

func newPlace(t testing.TB, in *instance) *place {
	t.Helper()
	in.renew(t)
	p := &place{instance: in, t: t, columns: map[string]string{}}
	p.workspace = in.must(t, 201, "owner", "POST", "/api/v1/workspaces", `{"name":"W"}`).text(t, "id")
	for _, role := range []string{"admin", "editor", "viewer"} {
		if _, ok := in.tokens[role]; ok {
			in.join(t, p.workspace, role, rbac.Role(role))
		}
	}
	p.base = in.must(t, 201, "owner", "POST", p.at("/bases"), `{"name":"B"}`).text(t, "id")
	made := in.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Things","columns":`+thingColumns+`}`)
	p.table = made.text(t, "id")
	for i := range 7 {
		p.columns[made.text(t, fmt.Sprintf("columns.%d.name", i))] = made.text(t, fmt.Sprintf("columns.%d.id", i))
	}
	return p
}

func (p *place) at(path string) string   { return "/api/v1/workspaces/" + p.workspace + path }
func (p *place) rows(path string) string { return "/api/v1/tables/" + p.table + "/rows" + path }

// insert adds a row as the owner and answers its id.
func (p *place) insert(fields string) string {
	p.t.Helper()
	return p.must(p.t, 201, "owner", "POST", p.rows(""), `{"fields":`+fields+`}`).text(p.t, "id")
}

// fill adds the five rows that many tests look at.
func (p *place) fill() {
	p.t.Helper()
	p.must(p.t, 200, "owner", "POST", p.rows("/bulk"), `{"op":"insert","rows":[
		{"fields":{"Name":"bolt","Price":0.20,"Left":900,"Status":"open","Day":"2026-01-05","Live":true,"Secret":"s-bolt"}},
		{"fields":{"Name":"gear","Price":14.50,"Left":12,"Status":"done","Day":"2026-02-10","Live":true,"Secret":"s-gear"}},
		{"fields":{"Name":"motor","Price":199,"Left":3,"Status":"open","Day":"2026-03-01","Live":false,"Secret":"s-motor"}},
		{"fields":{"Name":"spring","Price":1.75,"Left":0,"Status":null,"Live":false}},
		{"fields":{"Name":"a,b \"c\"","Price":null}}]}`)
}

// hideSecret hides the column Secret from viewers.
func (p *place) hideSecret() {
	p.t.Helper()
	p.must(p.t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"viewer","columns":{"Secret":"hidden"}}`)
}

// request is one row of a table of requests.
type request struct {
	name, who, method, path string
	body                    any
	headers                 []string
	status                  int
	want, unwanted          []string
}

// check sends requests in order and looks at the answers.
func (in *instance) check(t *testing.T, requests []request) {
	t.Helper()
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			a := in.do(t, r.who, r.method, r.path, r.body, r.headers...)
			require.Equal(t, r.status, a.status, a.body)
			for _, want := range r.want {
				require.Contains(t, a.body, want)
			}
			for _, unwanted := range r.unwanted {
				require.NotContains(t, a.body, unwanted)
			}
			if a.status >= 400 && r.method != http.MethodHead {
				require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
				require.Equal(t, a.header.Get("X-Request-Id"), a.text(t, "request_id"))
			}
		})
	}
}
