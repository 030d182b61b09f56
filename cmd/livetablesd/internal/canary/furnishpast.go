package canary

import "time"

// moment notes what as_of may be asked for.
func (f *furnishing) moment() {
	f.moments = append(f.moments, time.Now().UTC().Format(time.RFC3339Nano))
	time.Sleep(2 * time.Millisecond) // the log counts milliseconds
}

// past changes orders so that what they were and are is not for the same people, and gives the editor something to undo.
func (f *furnishing) past() {
	if f.err != nil {
		return
	}
	f.moment()
	o := f.orderRows
	in, out := f.ordering|1<<f.orderKey.number, f.managers|1<<f.narrow.number
	name := func(place string, seen crowd) string { return f.plant(f.tenant, place, seen, told) }
	// From out of sight into sight, and the other way round.
	f.setRow(f.owner, f.orders, o[1], cells{"Name": name("an order about to be opened", out), "Part": []string{f.inside[f.parts]["row"][1]}})
	f.setRow(f.owner, f.orders, o[1], cells{"Name": name("an order opened", in), "State": "open"})
	f.moment()
	f.setRow(f.owner, f.orders, o[0], cells{"Name": name("an order closed", out), "State": "closed"})
	// What the editor did is undone over what an owner did out of the editor's sight.
	f.setRow(f.editor, f.orders, o[3], cells{"Name": name("an order that the editor changed", in)})
	f.setRow(f.owner, f.orders, o[3], cells{"Secret": f.ownersOrder("a hidden cell of an order, changed"), "Card": "abc-" + f.ownersOrder("a masked cell of an order, changed")})
	f.setRow(f.editor, f.orders, o[6], cells{"Name": name("an order that the editor changed first", in)})
	f.setRow(f.owner, f.orders, o[6], cells{"Name": name("an order that went out of sight after the editor's change", out), "State": "closed"})
	made := f.addRow(f.editor, f.orders, cells{"Name": name("an order that the editor made", in), "State": "open"})
	f.setRow(f.owner, f.orders, made, cells{"Secret": f.ownersOrder("a hidden cell of an order of the editor's")})
	f.moment()
	// The links of a row are others, what they lead to changes, files leave their cells.
	f.setRow(f.owner, f.orders, o[4], cells{"Part": []string{f.inside[f.parts]["row"][3], f.inside[f.parts]["row"][0]}})
	f.setRow(f.owner, f.parts, f.inside[f.parts]["row"][3], cells{"Name": f.managed("a part top, changed"), "Code": f.managed("a hidden cell of a part, changed")})
	f.setRow(f.owner, f.parts, f.inside[f.parts]["row"][5], cells{"Name": f.plant(f.tenant, "a part that came into sight", f.members, told), "Level": "open"})
	f.setRow(f.owner, f.orders, o[4], cells{"Files": []string{}, "Papers": []string{}})
	f.do(f.owner, "POST", "/api/v1/tables/"+f.orders+"/rows/move", map[string]any{"rows": []string{o[4], o[7]}, "first": true, "reason": f.ownersOrder("the reason of a move out of sight")})
	// Choices are called otherwise, those of a hidden column too.
	for _, c := range []struct{ column, called string }{{"Tags", f.shared("the new name of a choice")}, {"Seals", f.managed("the new name of a choice of a hidden column")}} {
		id := f.columnID(f.parts, c.column)
		options, _ := f.ask("/api/v1/tables/"+f.parts+"/columns").one("data", "id", id)["options"].(map[string]any)
		kept := (&reply{doc: options}).objects("choices")
		if len(kept) != 2 {
			f.fail("a column has %d choices", len(kept))
			return
		}
		kept[1]["name"] = c.called
		f.do(f.owner, "PATCH", "/api/v1/tables/"+f.parts+"/columns/"+id, map[string]any{"options": map[string]any{"choices": kept}})
	}
	f.moment()
}

// remove puts rows, columns, a table and a view into the trash.
func (f *furnishing) remove() {
	if f.err != nil {
		return
	}
	files := f.columnID(f.orders, "Files")
	out := f.managers | 1<<f.narrow.number
	for _, state := range []string{"open", "closed"} {
		seen := f.ordering
		if state == "closed" {
			seen = out
		}
		row := f.addRow(f.owner, f.orders, cells{"Name": f.plant(f.tenant, "a deleted order "+state, seen, told), "State": state, "Secret": f.ownersOrder("a hidden cell of a deleted order"),
			"Part": f.inside[f.parts]["row"][:2], "Files": []string{f.upload(f.owner, f.orders, files, "a file of a deleted order "+state, seen)}})
		f.do(f.owner, "DELETE", "/api/v1/tables/"+f.orders+"/rows/"+row+"?overwrite=true", nil)
		f.keep(f.orders, "deleted", row)
	}
	for _, seen := range []string{"read_only", "hidden"} {
		id := f.addColumn(f.ledger, "Gone "+seen, "text", nil)
		for _, role := range []string{"editor", "viewer"} {
			f.masked(f.ledger, role, "", map[string]any{id: "hidden"}, nil)
		}
		f.setRow(f.owner, f.ledger, f.inside[f.ledger]["row"][0], cells{"Gone " + seen: f.managed("a cell of a deleted column")})
		f.do(f.owner, "DELETE", "/api/v1/tables/"+f.ledger+"/columns/"+id, nil)
	}
	copied := f.do(f.owner, "POST", "/api/v1/tables/"+f.orders+"/columns/"+f.columnID(f.orders, "Secret")+"/duplicate", map[string]any{"name": "Secret copy", "cells": true}).text("id")
	f.keep(f.orders, "column", copied)
	gone := f.newTable("Gone", column("Name", "text", nil), column("Order", "link", map[string]any{"link": map[string]any{"table_id": f.orders}}))
	f.addRow(f.owner, gone, cells{"Name": f.managed("a row of a deleted table"), "Order": f.orderRows[:2]})
	f.do(f.owner, "DELETE", "/api/v1/tables/"+gone, nil)
	view := f.make("view", f.at("/views"), map[string]any{"base_id": f.ids["base"][0], "name": f.shared("the name of a deleted view"), "query": map[string]any{"source": map[string]any{"table": f.orders},
		"filters": `Secret <> "` + f.managed("the query of a deleted view") + `"`}})
	f.do(f.owner, "DELETE", "/api/v1/views/"+view, nil)
	twin := f.do(f.owner, "POST", "/api/v1/tables/"+f.orders+"/duplicate", map[string]any{"name": "Orders copy", "rows": true}).text("id")
	f.ids["table"] = append(f.ids["table"], twin)
	f.names = append(f.names, "Orders copy")
	f.keepColumns(twin)
}

// clerks are somebody with a role for one table and a token of the owner for one table.
func (f *furnishing) clerks() {
	role := f.make("role", f.at("/roles"), map[string]any{"name": f.plant(f.tenant, "the name of a role", f.insiders, told), "base": "viewer", "grants": []any{map[string]any{"action": "data.read", "on": f.orders}}})
	f.do(f.owner, "PUT", f.at("/members/"+f.clerk.id), map[string]any{"role": role})
	made := f.do(f.owner, "POST", "/api/v1/auth/tokens", map[string]any{"name": f.plant(f.tenant, "the name of a token for a table", 1<<f.owner.number, told),
		"scopes": []string{"data.read"}, "resources": []string{f.orders}, "expires_at": time.Now().Add(24 * time.Hour)})
	f.narrow.access.Store(made.text("token"))
	f.ids["token"] = append(f.ids["token"], made.text("id"))
	f.owner.own = append(f.owner.own, made.text("id"))
}

// published puts open orders behind a key, with computed columns and files.
func (f *furnishing) published() {
	view := f.make("view", f.at("/views"), map[string]any{"base_id": f.ids["base"][0], "name": f.shared("the name of a view of orders"), "query": map[string]any{"source": map[string]any{"table": f.orders},
		"filters": `State = "open"`, "columns": []any{"Name", "Plain", "Part", "PartNames", "LastPart", "AllCodes", "Many", "Files", "Earlier", "Joined"}}})
	slug := f.plant(f.tenant, "the slug of a view of orders", f.managers, logged)
	f.slugs = append(f.slugs, slug)
	f.names = append(f.names, view)
	f.do(f.admin, "POST", "/api/v1/views/"+view+"/api", map[string]any{"slug": slug, "mode": "key"})
	key := f.do(f.admin, "POST", "/api/v1/views/"+view+"/api/keys", nil)
	f.orderKey.apiKey = key.text("key")
	f.ids["key"] = append(f.ids["key"], key.text("id"))
}

// jobs leave files of exports.
func (f *furnishing) jobs() {
	for _, who := range []*person{f.owner, f.editor} {
		for _, format := range []string{"csv", "parquet"} {
			f.ids["job"] = append(f.ids["job"], f.do(who, "POST", "/api/v1/tables/"+f.orders+"/export?format="+format, nil).text("id"))
			for wait := time.Now(); f.err == nil && time.Since(wait) < 5*time.Second; time.Sleep(5 * time.Millisecond) {
				if f.do(who, "GET", "/api/v1/jobs/"+f.ids["job"][len(f.ids["job"])-1], nil).text("state") != "running" {
					break
				}
			}
		}
	}
}

// stirring names cells of linked rows to be changed later: each is out of sight of most in another way.
func (f *furnishing) stirring() {
	if f.err != nil {
		return
	}
	f.stirred = []stirred{{f.orders, f.orderRows[7], "Name"}, {f.orders, f.orderRows[2], "Secret"}, {f.parts, f.inside[f.parts]["row"][1], "Name"}, {f.parts, f.inside[f.parts]["row"][0], "Code"},
		{f.notes, f.inside[f.notes]["row"][1], "Inner"}}
}

// collect keeps ids of the log and the trash, which only an owner is told all of, for everybody to try.
func (f *furnishing) collect() {
	for _, table := range []string{f.table(), f.parts, f.orders, f.ledger} {
		got := f.ask("/api/v1/tables/" + table + "/history?limit=200")
		for _, e := range got.objects("data") {
			text := func(member string) string { s, _ := e[member].(string); return s }
			f.keep(table, "entry", text("id"))
			f.ids["operation"] = append(f.ids["operation"], text("id"))
			if batch := text("batch"); batch != "" {
				f.ids["operation"] = append(f.ids["operation"], batch)
			}
			if text("resource_type") == "row" {
				f.reverts = append(f.reverts, "/api/v1/tables/"+table+"/rows/"+text("resource_id")+"/revert/"+text("id"))
			}
		}
	}
	f.ids["trash"] = append(f.ids["trash"], f.ask(f.at("/trash")).each("data", "id")...)
	if len(f.ids["trash"]) < 4 {
		f.fail("the trash has too little in it: %q", f.ids["trash"])
	}
}
