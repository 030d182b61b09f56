package canary

import (
	"fmt"
	"strings"
	"time"
)

var formulas = []string{"Left > 1", "Price >= 2 AND Left < 3", `CONTAINS(Name, "cnry")`, `Secret <> ""`, "LEN(Secret) > 3", `Status = "done"`, "IS_BLANK(Secret)",
	`_created_by <> ""`, "1 / 0 > Left", "Left IN (1, 2)", "NOT(", `USER() = "x"`, "Nope = 1", "Name", `Name > "a" OR TRUE`, `country = "NO"`, "total > 20", "id = 1",
	`LEFT(Name, 20) <> Secret`, `view.Name = ""`, "_version > 1", `REPT("x", 100000) = Name`}

var columnNames = []string{"Name", "Price", "Left", "Status", "Secret", "_id", "_version", "_created_at", "_updated_by", "Nope", "country", "name", "total", "customer_id", "id", "note"}

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
	row := map[string]any{"fields": m.fields()}
	switch {
	case strings.Contains(path, "/query"):
		return encode(m.plan(t, 0))
	case strings.HasSuffix(path, "/bulk"):
		return encode(m.bulk(row, t, own))
	case strings.HasSuffix(path, "/lock"):
		return encode(map[string]any{"seconds": 1 + m.rnd.IntN(5)})
	case strings.HasSuffix(path, "/rows/move"):
		return encode(map[string]any{"rows": []string{id("row"), id("row")}, one(m, []string{"before", "after"}): id("row"), "dry_run": m.chance(50)})
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
		return encode(map[string]any{"formula": one(m, []string{"UPPER(Secret)", "UPPER(Name)", "Left *", "TODAY()"}), "column_id": one(m, []string{"", id("column")})})
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

func (m *maker) name() string { return fmt.Sprintf("made up %d", m.rnd.IntN(1e9)) }

// bulk is a change of several rows, some of another tenant's.
func (m *maker) bulk(row map[string]any, t *tenant, own bool) map[string]any {
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
		b["rows"] = []any{row, map[string]any{"id": other, "fields": m.fields()}}
		b["key"] = []any{one(m, columnNames)}
	}
	if m.chance(60) {
		delete(b, one(m, []string{"key", "rows", "filter"}))
	}
	return b
}

// fields are values of a row, some of columns that not everybody has.
func (m *maker) fields() map[string]any {
	f := map[string]any{"Left": m.rnd.IntN(9)}
	for _, c := range []string{"Price", "Secret", "Nope", "_created_by"} {
		if m.chance(12) {
			f[c] = one(m, []any{1, "open", nil, true, []any{}, 1e300})
		}
	}
	return f
}

// source is a table, view or connection of anybody, or a nested query of them.
func (m *maker) source(t *tenant, depth int) map[string]any {
	if m.chance(15) {
		t = one(m, m.tenants)
	}
	s := map[string]any{"table": one(m, t.names), "alias": fmt.Sprintf("s%d", depth)}
	switch n := m.rnd.IntN(10); {
	case n < 2:
		id, _ := m.id("connection", t)
		s["connection"] = one(m, []string{"shop", id})
		s["table"] = one(m, []string{"customer", "invoice"})
	case n == 3 && depth < 3:
		delete(s, "table")
		s["query"] = m.plan(t, depth+1)
	}
	return s
}

// plan makes up a query.
func (m *maker) plan(t *tenant, depth int) map[string]any {
	q := map[string]any{"source": m.source(t, depth)}
	if m.chance(25) {
		right := m.source(t, depth+3)
		q["joins"] = []any{map[string]any{"kind": one(m, []string{"inner", "left", "right", "full"}), "source": right,
			"on": fmt.Sprintf("s%d.%s = s%d.%s", depth, one(m, columnNames), depth+3, one(m, columnNames))}}
	}
	if m.chance(40) {
		q["filters"] = one(m, formulas)
	}
	if m.chance(30) {
		q["columns"] = []any{one(m, columnNames), one(m, columnNames)}
	}
	if m.chance(30) {
		q["sorts"] = []any{one(m, []string{"", "-"}) + one(m, columnNames)}
	}
	if m.chance(20) {
		q["computed_columns"] = []any{map[string]any{"name": "made", "expr": one(m, []string{"UPPER(Secret)", "UPPER(Name)", "Left * 2", `Name & "!"`})}}
	}
	if m.chance(20) {
		q["group_by"] = []any{one(m, columnNames)}
		q["aggregates"] = []any{map[string]any{"name": "agg", "function": one(m, []string{"max", "min", "count_unique", "countall", "sum"}), "expr": one(m, columnNames)}}
	}
	if m.chance(30) && depth == 0 {
		q["count"] = "exact"
		q["pagination"] = map[string]any{"limit": 1 + m.rnd.IntN(4)}
		if m.chance(50) {
			q["pagination"] = map[string]any{"cursor": m.pools.cursor(m.rnd)}
		}
	}
	return q
}
