package canary

import (
	"fmt"
	"strings"
	"time"
)

var formulas = []string{"Left > 1", "Price >= 2 AND Left < 3", `CONTAINS(Name, "cnry")`, `Secret <> ""`, "LEN(Secret) > 3", `Status = "done"`, "IS_BLANK(Secret)",
	`_created_by <> ""`, "1 / 0 > Left", "Left IN (1, 2)", "NOT(", `USER() = "x"`, "Nope = 1", "Name", `Name > "a" OR TRUE`, `country = "NO"`, "total > 20", "id = 1",
	`LEFT(Name, 20) <> Secret`, `State = "closed"`, `Loud > "A"`, `COUNTA(Part) > 1`, `CONTAINS(Joined, "cnry")`, "Many > 0", `CONTAINS(LastPart, "c")`, `LIST_COUNT(Files) > 0`, `COUNTA(Papers) > 0`,
	`CONTAINS(Whole, "cnry")`, `CONTAINS(Card, "cnry")`, `Card = "abc"`, `CONTAINS(ARRAY_JOIN(NoteInner, "-"), "cnry")`, `ARRAY_JOIN(Part, "") > ""`, `Level = "top"`, `view.Name = ""`, "_version > 1", `REPT("x", 100000) = Name`}

var columnNames = []string{"Name", "Price", "Left", "Status", "Secret", "_id", "_version", "_created_at", "_updated_by", "Nope", "country", "name", "total", "customer_id", "id", "note",
	"State", "Card", "Part", "Before", "PartNames", "PartCards", "LastPart", "AllCodes", "Many", "Earlier", "Loud", "Shout", "Louder", "Plain", "Mixed", "Joined", "Files", "Papers",
	"OrderNames", "OrderParts", "OrderLoud", "OrderCards", "NoteInner", "NoteNames", "Whole", "Inner", "Code", "Tags", "Seals", "Level", "Orders", "Order", "Note", "Secret copy", "Gone hidden", "_order"}

// linkedFields are of the tables that lead to each other.
var linkedFields = []string{"Name", "Secret", "Card", "Loud", "Part", "Before", "Order", "Note", "Files", "Papers", "Tags", "State", "Level", "Orders", "Gone hidden"}

// body makes up what a route might take. own says that the caller may really do it, and does it for show.
func (m *maker) body(r *request, t *tenant, own bool) []byte {
	path := r.route.Path
	if r.route.Body == "file" {
		return []byte(one(m, []string{"Name,Left\nimported,1\n", "Name,Secret\nx,y\n", "\"", "Nope\n1\n", "Name,Left\nx,notanumber\n"}))
	}
	if m.chance(3) {
		return []byte(one(m, []string{"", "{", "[]", `{"a":1,"a":2}`, `{"Fields":{}}`, "null"}))
	}
	other := one(m, m.tenants)
	id := func(kind string) string {
		v, _ := m.id(kind, one(m, []*tenant{t, other}))
		return v
	}
	row := map[string]any{"fields": m.fields(r.home.fields[r.table])}
	switch {
	case strings.HasSuffix(path, "/undo"), strings.HasSuffix(path, "/redo"):
		return encode(m.takeBack(map[string]any{"operation": id("operation"), "table_id": id("table"), "base_id": id("base")}))
	case strings.HasSuffix(path, "{workspace}/revert"):
		return encode(m.takeBack(map[string]any{"operation": id("operation"), "actor": id("user"), "table_id": id("table"), "row_id": id("row"),
			"from": one(m, t.moments), "to": one(m, t.moments), "portion": true}))
	case strings.HasSuffix(path, "/revert/{entry}"):
		return encode(m.takeBack(map[string]any{}))
	case strings.HasSuffix(path, "/trash/restore"):
		return encode(map[string]any{"rows": []string{one(m, append(r.home.inside[r.table]["deleted"], id("row")))}})
	case strings.HasPrefix(path, "/api/v1/trash/"):
		return encode(map[string]any{"name": m.name(), "loose": m.chance(50)})
	case strings.Contains(path, "/query"):
		return encode(m.plan(t, 0))
	case strings.HasSuffix(path, "/bulk"):
		return encode(m.bulk(r, row, t, own))
	case strings.HasSuffix(path, "/lock"):
		return encode(map[string]any{"seconds": 1 + m.rnd.IntN(5)})
	case strings.HasSuffix(path, "/rows/move"):
		rows := append(r.home.inside[r.table]["row"], id("row"))
		return encode(map[string]any{"rows": []string{one(m, rows)}, one(m, []string{"before", "after"}): one(m, rows), "dry_run": own || m.chance(50)})
	case strings.Contains(path, "/rows"):
		if m.chance(20) {
			row["id"] = id("row")
		}
		if m.chance(30) {
			row["version"] = 1 + m.rnd.IntN(3)
		}
		return encode(row)
	case strings.HasSuffix(path, "/rules"):
		return encode(map[string]any{"connection": one(m, []string{"", id("connection")}), "table": id("table"), "role": "viewer", "columns": map[string]any{id("column"): "hidden"}})
	case strings.Contains(path, "/caps"):
		return encode(map[string]any{"resource": id(one(m, []string{"project", "base", "table", "view"})), "role": "viewer", "max": "viewer"})
	case strings.Contains(path, "/auth/"):
		return encode(map[string]any{"email": one(m, m.people).mail, "name": "x", "password": "not the password", "refresh_token": "x.y.z"})
	case strings.Contains(path, "/members"):
		return encode(map[string]any{"user_id": id("user"), "role": one(m, []string{"viewer", "owner"})})
	case strings.HasSuffix(path, "/invite"):
		return encode(map[string]any{"email": one(m, m.people).mail, "role": one(m, []string{"viewer", "owner"})})
	case strings.HasSuffix(path, "/keys"):
		return encode(map[string]any{"name": m.name(), "expires_at": time.Now().Add(time.Hour)})
	case strings.Contains(path, "/service-accounts"):
		return encode(map[string]any{"name": m.name(), "role": "viewer"})
	case strings.HasSuffix(path, "/accept"):
		return encode(map[string]any{"token": "x.y"})
	case strings.HasSuffix(path, "/tokens"):
		return encode(map[string]any{"name": m.name(), "scopes": []string{"data.read"}, "resources": []string{id(one(m, []string{"workspace", "table", "base"}))}, "expires_at": time.Now().Add(time.Hour)})
	case strings.HasSuffix(path, "/api"):
		return encode(map[string]any{"slug": one(m, other.slugs), "mode": one(m, []string{"key", "public"})})
	case strings.Contains(path, "/views"):
		return encode(map[string]any{"base_id": id("base"), "name": m.name(), "query": m.plan(other, 0)})
	case strings.Contains(path, "/projects"):
		return encode(map[string]any{"name": m.name(), "description": "x"})
	case strings.HasSuffix(path, "/tables"):
		return encode(map[string]any{"name": m.name(), "columns": []any{map[string]any{"name": "Name", "type": "text"}}})
	case strings.HasSuffix(path, "/formula"):
		return encode(map[string]any{"formula": one(m, []string{"UPPER(Secret)", "UPPER(Name)", "Left *", "TODAY()", "Loud", "PartNames", "Whole", "Joined", "Nope"}), "column_id": one(m, []string{"", id("column")})})
	case strings.HasSuffix(path, "/columns"):
		return encode(map[string]any{"name": m.name(), "type": "text"})
	case strings.HasSuffix(path, "/tables/order"):
		return encode(map[string]any{"tables": []string{id("table"), id("table")}})
	case strings.HasSuffix(path, "/schema/revert"):
		return encode(map[string]any{"change": m.rnd.IntN(6), "accept_loss": m.chance(50), "preview": m.chance(80)})
	case strings.HasSuffix(path, "/columns/{column}/duplicate"):
		return encode(map[string]any{"name": m.name(), "cells": m.chance(50)})
	case strings.HasSuffix(path, "/order"):
		return encode(map[string]any{"columns": []string{id("column"), id("column")}})
	case strings.HasSuffix(path, "/indexes"):
		return encode(map[string]any{"columns": []string{one(m, columnNames)}})
	case strings.HasSuffix(path, "/type"):
		return encode(map[string]any{"type": "long_text", "preview": true})
	case strings.Contains(path, "/bases/{base}/duplicate"):
		return encode(map[string]any{"name": m.name(), "rows": true})
	case strings.Contains(path, "/bases"):
		return encode(map[string]any{"name": m.name(), "project_id": id("project")})
	case strings.Contains(path, "/connections"):
		return encode(map[string]any{"name": m.name(), "driver": "sqlite", "file": one(m, []string{"shop.db", "../data/livetables.db", "/etc/passwd"})})
	}
	return encode(map[string]any{"name": m.name()})
}

// takeBack is a request to take changes back, some of what it may be told left out.
func (m *maker) takeBack(b map[string]any) map[string]any {
	for _, k := range []string{"operation", "table_id", "base_id", "actor", "row_id", "from", "to", "portion"} {
		if m.chance(55) {
			delete(b, k)
		}
	}
	if m.chance(70) {
		b["conflicts"] = one(m, []string{"keep", "refuse", "force"})
	}
	return b
}

func (m *maker) name() string { return fmt.Sprintf("made up %d", m.rnd.IntN(1e9)) }

// bulk is a change of several rows, some of another tenant's.
func (m *maker) bulk(r *request, row map[string]any, t *tenant, own bool) map[string]any {
	b := map[string]any{"op": one(m, []string{"insert", "update", "upsert", "delete"})}
	if own || m.chance(50) {
		b["dry_run"] = true
	}
	if m.chance(40) {
		b["filter"] = one(m, formulas)
		b["rows"] = []any{row}
	} else {
		id, _ := m.id("row", t)
		other, _ := m.id("row", one(m, m.tenants))
		row["id"] = id
		b["rows"] = []any{row, map[string]any{"id": other, "fields": m.fields(r.home.fields[r.table])}}
		b["key"] = []any{one(m, columnNames)}
	}
	if m.chance(60) {
		delete(b, one(m, []string{"key", "rows", "filter"}))
	}
	return b
}

// fields are values of a row whose table has columns of these names, some of columns that not everybody has.
func (m *maker) fields(names []string) map[string]any {
	if len(names) > 0 && m.chance(30) {
		return map[string]any{"Name": "made up"}
	}
	if len(names) > 0 && m.chance(50) {
		return map[string]any{one(m, names): one(m, []any{"made up", "open", nil, 1})}
	}
	f := map[string]any{"Left": m.rnd.IntN(9)}
	for _, c := range []string{"Price", "Secret", "Nope", "_created_by"} {
		if m.chance(12) {
			f[c] = one(m, []any{1, "open", nil, true, []any{}, 1e300})
		}
	}
	if m.chance(30) { // of a row of orders and the like
		t := one(m, m.tenants)
		f = map[string]any{}
		for range 1 + m.rnd.IntN(2) {
			f[one(m, linkedFields)] = one(m, []any{"made up", "open", nil, []string{one(m, t.ids["row"])}, []string{one(m, t.ids["attachment"])}, []string{"plain"}})
		}
	}
	return f
}
