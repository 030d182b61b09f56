package httpapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writtenTypes are types of columns with options, as far as they need no other table.
var writtenTypes = []string{`"text"`, `"text","options":{"max_length":5}`, `"long_text"`, `"email"`, `"url"`, `"phone"`, `"uuid"`, `"integer"`, `"decimal","options":{"scale":2}`, `"decimal","options":{"scale":10,"precision":18}`,
	`"currency","options":{"currency":"EUR"}`, `"percent"`, `"duration"`, `"duration","options":{"scale":3}`, `"rating"`, `"boolean"`, `"date"`, `"datetime"`, `"user"`, `"single_select","options":{"choices":[{"name":"a"},{"name":"b"}]}`,
	`"multi_select","options":{"choices":[{"name":"a"},{"name":"b"}]}`, `"geo_point"`, `"json"`, `"autonumber"`, `"created_time"`, `"updated_by"`}

// typed is the body that names a type of writtenTypes.
func typed(t *testing.T, text string, more map[string]any) map[string]any {
	body := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(`{"type":`+text+`}`), &body))
	for k, v := range more {
		body[k] = v
	}
	return body
}

// TestAttackOddCells writes odd values into columns of all types, filters, sorts and groups by them, computes with them, changes the types,
// takes that back, imports and exports: each is answered, and the log stays whole.
func TestAttackOddCells(t *testing.T) {
	o := newOdd(t)
	formulas := []string{`{%s} & ""`, "LEN({%s})", "{%s} + 1", "{%s} * 1.5", "YEAR({%s})", "IF({%s}, 1, 2)", "IS_BLANK({%s})", `{%s} = "a"`, "LIST_COUNT({%s})", "COUNTA({%s})", "VALUE({%s})", "ROUND({%s}, 2)",
		`DATEADD({%s}, 1, "days")`, "UPPER({%s})", "{%s} / 0", "MAX({%s}, 1)", "{%s} < {%s}", "TEXT({%s})", `DATETIME_FORMAT({%s}, "YYYY")`}
	aggregates := []string{"sum", "min", "max", "average", "count", "array_agg", "count_unique", "join", "median"}
	operators := []string{"eq", "neq", "gt", "lt", "gte", "lte", "like", "contains", "has", "has_any", "empty", "in", "starts_with"}
	for round := range 5 {
		id := o.must(t, 201, "owner", "POST", "/api/v1/bases/"+o.base+"/tables", map[string]any{"name": fmt.Sprint("T", round), "columns": []any{typed(t, `"text"`, map[string]any{"name": "k"})}}).text(t, "id")
		table := "/api/v1/tables/" + id
		names, ids := []string{"k"}, map[string]string{}
		for i := range 6 {
			more := map[string]any{"name": fmt.Sprint("c", i), "unique": o.rng.IntN(6) == 0}
			if o.rng.IntN(4) == 0 {
				more["default"] = o.value()
			}
			if a := o.send(t, "POST", table+"/columns", typed(t, one(o, writtenTypes), more)); a.status == 201 {
				names = append(names, fmt.Sprint("c", i))
				ids[names[len(names)-1]] = a.text(t, "id")
			}
		}
		formula := func() string { return strings.ReplaceAll(one(o, formulas), "%s", one(o, names)) }
		fields := func() map[string]any {
			return map[string]any{"fields": map[string]any{one(o, names): o.value(), one(o, names): o.value()}}
		}
		for range 40 {
			column := table + "/columns/" + ids[one(o, names)]
			switch o.rng.IntN(12) {
			case 0, 1:
				o.send(t, "POST", table+"/rows", fields())
			case 2:
				o.send(t, "POST", table+"/rows/bulk", map[string]any{"op": one(o, []string{"insert", "upsert"}), "key": []any{one(o, names)}, "rows": []any{fields(), fields()}, "atomic": o.rng.IntN(2) == 0})
			case 3:
				o.send(t, "GET", table+"/rows?"+one(o, names)+"."+one(o, operators)+"="+url.QueryEscape(o.text())+"&sort=-"+one(o, names)+"&count=exact", nil)
			case 4:
				o.send(t, "GET", table+"/rows?filter="+url.QueryEscape(formula())+"&sort="+one(o, names), nil)
			case 5:
				o.send(t, "POST", o.at("/query"), map[string]any{"source": map[string]any{"table": id}, "group_by": []any{one(o, names)}, "aggregates": []any{map[string]any{"name": "n", "function": one(o, aggregates), "expr": one(o, names)}}})
			case 6:
				o.send(t, "POST", o.at("/query"), map[string]any{"source": map[string]any{"table": id}, "filters": []any{formula()}, "computed_columns": []any{map[string]any{"name": "z", "expr": formula()}}, "sorts": []any{"z"}})
			case 7, 8:
				o.send(t, "POST", column+"/type", typed(t, one(o, writtenTypes), map[string]any{"preview": o.rng.IntN(2) == 0, "accept_loss": o.rng.IntN(3) > 0, "add_choices": true}))
			case 9:
				o.send(t, "POST", table+"/schema/revert", map[string]any{"change": o.rng.IntN(9), "accept_loss": true, "preview": o.rng.IntN(3) == 0})
			case 10:
				cell := func() string { return `"` + strings.ReplaceAll(o.text(), `"`, `""`) + `"` }
				o.send(t, "POST", table+"/import", "k,"+one(o, names)+"\nx,"+cell()+"\ny,"+cell()+"\n")
			case 11:
				o.send(t, "POST", column+"/duplicate", map[string]any{"cells": true})
				o.send(t, "POST", o.at("/undo"), nil)
				o.send(t, "POST", table+"/columns", map[string]any{"name": one(o, []string{"f", "g"}), "type": "formula", "options": map[string]any{"formula": formula()}})
			}
		}
		for _, format := range []string{"csv", "ndjson", "xlsx", "parquet", "json"} {
			o.must(t, 200, "owner", "GET", table+"/export."+format, nil)
		}
		o.send(t, "GET", table+"/history", nil)
	}
	o.intact(t)
}
