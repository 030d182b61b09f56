package canary

import (
	"context"
	"fmt"
)

// furnishing puts a tenant's data in place, as its owner. The first error stays and ends it.
type furnishing struct {
	*world
	*tenant
	owner, admin *person
	err          error

	parts, orders, notes, ledger string   // tables that lead to each other
	orderRows                    []string // of orders
}

// fail ends the furnishing.
func (f *furnishing) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// furnish fills a tenant's workspace.
func (w *world) furnish(ctx context.Context, t *tenant) error {
	f := &furnishing{world: w, tenant: t}
	for _, p := range w.people {
		switch p.roles[t] {
		case "owner":
			f.owner = p
		case "admin":
			f.admin = p
		}
	}
	f.catalogue()
	f.rows()
	f.connections(ctx)
	f.views()
	f.change()
	if f.bare {
		f.moment()
		f.ids["attachment"], f.ids["operation"] = []string{"att_none"}, []string{"bat_none"}
	} else {
		f.linked()
	}
	f.leave()
	return f.err
}

// do sends a request of the furnishing; after an error it does nothing.
func (f *furnishing) do(who *person, method, path string, body any) *reply {
	if f.err != nil {
		return &reply{}
	}
	got, err := f.send(who, method, path, body)
	if err != nil {
		f.err = err
		return &reply{}
	}
	return got
}

// make sends a request that makes something and keeps its id.
func (f *furnishing) make(kind, path string, body any) string {
	id := f.do(f.owner, "POST", path, body).text("id")
	f.ids[kind] = append(f.ids[kind], id)
	return id
}

func (f *furnishing) at(path string) string { return "/api/v1/workspaces/" + f.workspace + path }

func (f *furnishing) shared(place string) string {
	return f.plant(f.tenant, place, f.members, logged)
}

func (f *furnishing) managed(place string) string {
	return f.plant(f.tenant, place, f.managers, told)
}

func (f *furnishing) rule(connection, table, role, read string, columns map[string]any) {
	f.do(f.owner, "PUT", f.at("/rules"), map[string]any{"connection": connection, "table": table, "role": role, "read": read, "columns": columns})
}

// catalogue makes projects, bases, tables, columns and rules.
func (f *furnishing) catalogue() {
	f.do(f.owner, "PATCH", f.at(""), map[string]any{"settings": map[string]any{"theme": f.plant(f.tenant, "a setting", f.insiders, logged)}})
	project := f.make("project", f.at("/projects"), map[string]any{"name": f.shared("the name of a project"), "description": f.shared("the description of a project")})
	f.make("project", f.at("/projects"), map[string]any{"name": f.shared("the name of an empty project")})
	base := f.make("base", f.at("/bases"), map[string]any{"name": f.shared("the name of a base"), "description": f.shared("the description of a base"), "project_id": project})
	things := f.make("table", "/api/v1/bases/"+base+"/tables", map[string]any{"name": "Things", "description": f.shared("the description of a table"), "columns": []any{
		map[string]any{"name": "Name", "type": "text"}, map[string]any{"name": "Price", "type": "decimal", "options": map[string]any{"scale": 2}},
		map[string]any{"name": "Left", "type": "integer"},
		map[string]any{"name": "Status", "type": "single_select", "options": map[string]any{"choices": []any{map[string]any{"name": "open"}, map[string]any{"name": "done"}, map[string]any{"name": "shown"}}}},
		map[string]any{"name": "Secret", "type": "text"},
		map[string]any{"name": f.shared("the name of a column"), "type": "text", "description": f.shared("the description of a column")},
	}})
	hidden := f.make("column", "/api/v1/tables/"+things+"/columns", map[string]any{"name": f.managed("the name of a hidden column"), "type": "text",
		"description": f.managed("the description of a hidden column"), "default": f.managed("the default of a hidden column")})
	f.keepColumns(things)
	f.make("index", "/api/v1/tables/"+things+"/indexes", map[string]any{"columns": []any{"Left"}})
	for _, role := range []string{"editor", "viewer"} {
		f.rule("", things, role, `Status <> "done" AND Name <> "`+f.managed("a rule")+`"`, map[string]any{"Secret": "hidden", hidden: "hidden"})
	}
	put := f.make("table", "/api/v1/bases/"+base+"/tables", map[string]any{"name": f.shared("the name of an archived table"), "columns": []any{map[string]any{"name": "Name", "type": "text"}}})
	f.make("row", "/api/v1/tables/"+put+"/rows", map[string]any{"fields": map[string]any{"Name": f.shared("a row of an archived table")}})
	f.do(f.owner, "POST", "/api/v1/tables/"+put+"/archive", nil)
	f.names = append(f.names, "Things", things, put)
}

// rows are open (to members and key holders), done (to managers) and shown (to everybody, by a public view).
func (f *furnishing) rows() {
	path := "/api/v1/tables/" + f.table() + "/rows"
	everybody := ^crowd(0)
	for i := range 18 {
		status, seen := "open", f.members|1<<f.keyed.number
		switch i % 3 {
		case 1:
			status, seen = "done", f.managers
		case 2:
			status, seen = "shown", everybody
		}
		made := f.make("row", path, map[string]any{"reason": f.plant(f.tenant, "the reason of a change", seen&f.members, told), "fields": map[string]any{
			"Name": f.plant(f.tenant, "a row "+status, seen, told), "Price": i, "Left": i % 4, "Status": status, "Secret": f.managed("a hidden cell")}})
		f.inside[f.table()]["row"] = append(f.inside[f.table()]["row"], made)
	}
	f.do(f.owner, "POST", "/api/v1/tables/"+f.table()+"/import", "Name,Status\n"+f.managed("an imported row")+",done\n")
}

func (f *furnishing) table() string { return f.ids["table"][0] }

// connections are a file, and a server that does not answer.
func (f *furnishing) connections(ctx context.Context) {
	if f.err != nil {
		return
	}
	file, err := f.shop(ctx, f.tenant)
	if err != nil {
		f.err = fmt.Errorf("external database: %w", err)
		return
	}
	shop := f.make("connection", f.at("/connections"), map[string]any{"name": "shop", "driver": "sqlite", "file": file})
	for _, role := range []string{"editor", "viewer"} {
		f.rule(shop, "customer", role, `country = "SE"`, map[string]any{"country": "hidden"})
	}
	f.make("connection", f.at("/connections"), map[string]any{"name": f.shared("the name of a connection"), "driver": "postgres", "host": "127.0.0.1", "port": 1,
		"tls": "off", "database": f.plant(f.tenant, "the database of a connection", f.managers, logged), "user": f.plant(f.tenant, "the user of a connection", f.managers, logged),
		"password": f.plant(f.tenant, "the password of a connection", 0, secret)})
	f.names = append(f.names, "customer", "invoice")
}

// views are one behind a key, one for everybody, one that asks for what is hidden and one that shows what its reader may see.
func (f *furnishing) views() {
	view := func(query map[string]any) string {
		return f.make("view", f.at("/views"), map[string]any{"base_id": f.ids["base"][0], "name": f.shared("the name of a view"), "query": query})
	}
	things := map[string]any{"table": f.table()}
	keyed := view(map[string]any{"source": things, "filters": `Status = "open"`, "columns": []any{"Name", "Price", "Left"}, "sorts": []any{"Name"}})
	public := view(map[string]any{"source": things, "filters": `Status = "shown"`, "columns": []any{"Name", "Left"}})
	closed := view(map[string]any{"source": things, "filters": `Secret <> "` + f.managed("the query of a view") + `"`, "columns": []any{"Name"}})
	whole := view(map[string]any{"source": things})
	for _, p := range []struct{ view, mode string }{{keyed, "key"}, {public, "public"}} {
		slug := f.plant(f.tenant, "the slug of a view", f.managers, logged)
		f.slugs = append(f.slugs, slug)
		f.do(f.admin, "POST", "/api/v1/views/"+p.view+"/api", map[string]any{"slug": slug, "mode": p.mode})
	}
	key := f.do(f.admin, "POST", "/api/v1/views/"+keyed+"/api/keys", nil)
	f.keyed.apiKey = key.text("key")
	f.ids["key"] = append(f.ids["key"], key.text("id"))
	f.names = append(f.names, keyed, public, closed, whole)
}

// change gives rows and resources a history.
func (f *furnishing) change() {
	if f.err != nil {
		return
	}
	rows := f.ids["row"][1:]
	path := "/api/v1/tables/" + f.table() + "/rows/"
	f.do(f.owner, "PATCH", path+rows[0], map[string]any{"fields": map[string]any{"Secret": f.managed("a hidden cell, changed")}})
	f.do(f.owner, "PATCH", path+rows[1], map[string]any{"fields": map[string]any{"Name": f.managed("a row done, changed")}, "reason": f.managed("the reason of a change")})
	// A row that goes out of sight: what it was before stays with those who saw it, what it is after does not reach them.
	f.do(f.owner, "PATCH", path+rows[3], map[string]any{"fields": map[string]any{"Status": "done", "Name": f.managed("a row that went out of sight")}})
	f.do(f.editor, "POST", path+rows[6]+"/lock", map[string]any{"seconds": 3600})
}

// leave takes the former member out.
func (f *furnishing) leave() {
	for _, p := range f.people {
		if p.roles[f.tenant] == "former" {
			f.do(f.owner, "DELETE", f.at("/members/"+p.id), nil)
			delete(p.roles, f.tenant)
		}
	}
}
