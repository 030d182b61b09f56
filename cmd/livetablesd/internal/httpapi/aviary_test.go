package httpapi

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// canary is a text that was planted where only some may read it.
type canary struct {
	text string
	seen []string // by whom it may be seen; nobody at all for secrets
	// logged may be told to the operator: names and addresses, where something failed
	logged bool
}

// aviary is an instance full of canaries: a workspace with members of every role, rules and connections, another one of a
// stranger, and people who are in neither.
type aviary struct {
	*place
	canaries []canary
	rnd      *rand.Rand
	foreign  map[string][]string // ids of the stranger's workspace by the name of their path segment
	ids      map[string][]string // ids of the members' workspace
	tables   []string
	slugs    []string
	key      string
}

// plant makes a canary for those who may see it.
func (a *aviary) plant(seen ...string) string {
	c := canary{text: fmt.Sprintf("canary%08x", a.rnd.Uint32()), seen: seen}
	a.canaries = append(a.canaries, c)
	return c.text
}

// plantName is plant for a name, which the operator may be told.
func (a *aviary) plantName(seen ...string) string {
	text := a.plant(seen...)
	a.canaries[len(a.canaries)-1].logged = true
	return text
}

func newAviary(t *testing.T, rnd *rand.Rand) *aviary {
	t.Helper()
	in := newInstance(t, nil, "root", "owner", "admin", "editor", "viewer", "stranger", "former")
	a := &aviary{place: newPlace(t, in), rnd: rnd, foreign: map[string][]string{}, ids: map[string][]string{}}
	managers, writers := []string{"owner", "admin"}, []string{"owner", "admin", "editor"}
	members := append(slices.Clone(writers), "viewer")

	// What the members share, and nobody else may know of.
	a.join(t, a.workspace, "former", rbac.Editor)
	name := func(kind string) string { return kind + " " + a.plantName(members...) }
	a.must(t, 200, "owner", "PATCH", a.at(""), `{"name":"`+name("workspace")+`"}`)
	a.must(t, 200, "owner", "PATCH", "/api/v1/bases/"+a.base, `{"name":"`+name("base")+`","description":"`+name("about")+`"}`)
	a.must(t, 200, "owner", "PATCH", "/api/v1/tables/"+a.table, `{"description":"`+name("table")+`"}`)
	// A column that only managers see, its name, its description and its default included.
	column := a.must(t, 201, "owner", "POST", "/api/v1/tables/"+a.table+"/columns", `{"name":"`+a.plantName(managers...)+`","type":"text","description":"`+a.plant(managers...)+`","default":"`+a.plant(managers...)+`"}`).text(t, "id")
	rule := func(connection, table, role, read string, columns ...string) {
		hidden := map[string]string{}
		for _, c := range columns {
			hidden[c] = "hidden"
		}
		a.must(t, 200, "owner", "PUT", a.at("/rules"), map[string]any{"connection": connection, "table": table, "role": role, "read": read, "columns": hidden})
	}
	for _, role := range []string{"editor", "viewer"} {
		rule("", a.table, role, `Status = "open" AND Name <> "`+a.plant(managers...)+`"`, "Secret", column)
	}
	var rows []string
	for i := range 12 {
		status, seen := "open", append(slices.Clone(members), "key", "public")
		if i%3 == 0 {
			status, seen = "done", managers
		}
		rows = append(rows, a.insert(fmt.Sprintf(`{"Name":"row %s","Price":%d,"Left":%d,"Status":%q,"Secret":%q}`, a.plant(seen...), i, i%4, status, a.plant(managers...))))
	}
	a.must(t, 200, "owner", "PATCH", a.rows("/"+rows[0]), `{"fields":{"Secret":"`+a.plant(managers...)+`","Left":9}}`)

	// Connections: a file whose name and some of whose content is not for all, and a server that does not answer.
	file := a.plantName(managers...) + ".db"
	require.NoError(t, writeShop(t.Context(), filepath.Join(in.dir, "files", file)))
	shop := a.must(t, 201, "owner", "POST", a.at("/connections"), `{"name":"shop","driver":"sqlite","file":"`+file+`"}`).text(t, "id")
	for _, role := range []string{"editor", "viewer"} {
		rule(shop, "customer", role, "country = \"SE\"", "country")
	}
	a.canaries = append(a.canaries, canary{text: "Ann", seen: managers}, canary{text: "Cia", seen: managers}) // customers outside of the rule
	mute := a.must(t, 201, "owner", "POST", a.at("/connections"), `{"name":"mute","driver":"postgres","host":"127.0.0.1","port":1,"tls":"off","database":"`+a.plantName(managers...)+`","user":"`+a.plantName(managers...)+`","password":"`+a.plant()+`"}`).text(t, "id")

	// Views: one that everybody may read, one that asks for what is hidden, one that shows what its reader may see.
	view := func(query string) string {
		return a.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+a.base+`","name":"`+name("view")+`","query":`+query+`}`).text(t, "id")
	}
	open := view(`{"source":{"table":"` + a.table + `"},"filters":"Status = \"open\"","columns":["Name","Price","Left"],"sorts":["Name"]}`)
	closed := view(`{"source":{"table":"` + a.table + `"},"filters":"Secret <> \"` + a.plant(managers...) + `\"","columns":["Name"]}`)
	whole := view(`{"source":{"table":"` + a.table + `"}}`)
	a.slugs = []string{"aviary-key", "aviary-public"}
	a.must(t, 201, "admin", "POST", "/api/v1/views/"+open+"/api", `{"slug":"aviary-key","mode":"key"}`)
	key := a.must(t, 201, "admin", "POST", "/api/v1/views/"+open+"/api/keys", nil)
	a.key = key.text(t, "key")
	second := view(`{"source":{"table":"` + open + `"},"columns":["Name","Left"]}`)
	a.must(t, 201, "admin", "POST", "/api/v1/views/"+second+"/api", `{"slug":"aviary-public","mode":"public"}`)

	a.ids = map[string][]string{"workspace": {a.workspace}, "base": {a.base}, "table": {a.table}, "column": append([]string{column}, values(a.columns)...),
		"row": rows, "view": {open, closed, whole, second}, "connection": {shop, mute}, "key": {key.text(t, "id")}, "user": {a.id("owner"), a.id("viewer"), a.id("stranger")}}
	a.tables = []string{a.table, "Things", "customer", "invoice", open, closed, whole, "nothing"}

	// The stranger's workspace.
	mine := a.must(t, 201, "stranger", "POST", "/api/v1/workspaces", `{"name":"`+a.plantName("stranger")+`"}`).text(t, "id")
	base := a.must(t, 201, "stranger", "POST", "/api/v1/workspaces/"+mine+"/bases", `{"name":"`+a.plantName("stranger")+`"}`).text(t, "id")
	table := a.must(t, 201, "stranger", "POST", "/api/v1/bases/"+base+"/tables", `{"name":"`+a.plantName("stranger")+`","columns":[{"name":"Name","type":"text"}]}`).text(t, "id")
	row := a.must(t, 201, "stranger", "POST", "/api/v1/tables/"+table+"/rows", `{"fields":{"Name":"`+a.plant("stranger")+`"}}`).text(t, "id")
	theirs := a.must(t, 201, "stranger", "POST", "/api/v1/views", `{"base_id":"`+base+`","name":"`+a.plantName("stranger")+`","query":{"source":{"table":"`+table+`"}}}`).text(t, "id")
	con := a.must(t, 201, "stranger", "POST", "/api/v1/workspaces/"+mine+"/connections", `{"name":"`+a.plantName("stranger")+`","driver":"postgres","host":"127.0.0.1","port":1,"tls":"off","database":"d","user":"u","password":"`+a.plant()+`"}`).text(t, "id")
	a.foreign = map[string][]string{"workspace": {mine}, "base": {base}, "table": {table}, "row": {row}, "view": {theirs}, "connection": {con}}
	a.tables = append(a.tables, table, theirs)

	a.must(t, 204, "owner", "DELETE", a.at("/members/"+a.id("former")), nil)
	for _, who := range []string{"owner", "admin", "editor", "viewer", "stranger", "former", "root"} {
		a.canaries = append(a.canaries, canary{text: mail(who), seen: []string{who, "owner", "admin", "root"}, logged: true})
	}
	a.canaries = append(a.canaries, canary{text: a.key}, canary{text: a.tokens["owner"].Refresh.Reveal()}, canary{text: a.tokens["viewer"].Access.Reveal()})
	return a
}

func values(m map[string]string) (list []string) {
	for _, v := range m {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}
