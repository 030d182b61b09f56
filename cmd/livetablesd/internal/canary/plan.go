package canary

import "fmt"

// named is the name of a column: most of the time one of those given, which may be none.
func (m *maker) named(names []string) string {
	if len(names) > 0 && m.chance(85) {
		return one(m, names)
	}
	return one(m, columnNames)
}

// condition is a formula over columns of these names.
func (m *maker) condition(names []string) string {
	if len(names) == 0 || m.chance(30) {
		return one(m, formulas)
	}
	return fmt.Sprintf(one(m, []string{"NOT(IS_BLANK({%s}))", `CONTAINS({%s}, "cnry")`, `{%s} > "a"`, "COUNTA({%s}) > 0", `{%s} <> ""`, `ARRAY_JOIN({%s}, "") > ""`, "{%s} > 0"}), one(m, names))
}

// source is a table, view or connection of anybody, or a nested query of them, and the names of its columns if they are known.
func (m *maker) source(t *tenant, depth int) (map[string]any, []string) {
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
	case n > 4:
		table := one(m, t.ids["table"])
		s["table"] = table
		return s, t.fields[table]
	}
	return s, nil
}

// plan makes up a query.
func (m *maker) plan(t *tenant, depth int) map[string]any {
	from, names := m.source(t, depth)
	q := map[string]any{"source": from}
	if m.chance(20) {
		right, others := m.source(t, depth+3)
		q["joins"] = []any{map[string]any{"kind": one(m, []string{"inner", "left", "right", "full"}), "source": right,
			"on": fmt.Sprintf("s%d.{%s} = s%d.{%s}", depth, m.named(names), depth+3, m.named(others))}}
	}
	if m.chance(35) {
		q["filters"] = m.condition(names)
	}
	if m.chance(30) {
		q["columns"] = []any{m.named(names), m.named(names)}
	}
	if m.chance(20) {
		q["sorts"] = []any{one(m, []string{"", "-"}) + m.named(names)}
	}
	if m.chance(15) {
		q["computed_columns"] = []any{map[string]any{"name": "made", "expr": m.expression(names)}}
	}
	if m.chance(15) {
		q["group_by"] = []any{m.named(names)}
		q["aggregates"] = []any{map[string]any{"name": "agg", "function": one(m, []string{"max", "min", "count_unique", "countall", "array_unique", "join"}), "expr": m.named(names)}}
	}
	if m.chance(30) && depth == 0 {
		q["count"] = "exact"
		q["pagination"] = map[string]any{"limit": 1 + m.rnd.IntN(4)}
		if m.chance(30) {
			q["pagination"] = map[string]any{"cursor": m.pools.cursor(m.rnd)}
		}
	}
	return q
}

// expression is what a query may compute.
func (m *maker) expression(names []string) string {
	if len(names) == 0 || m.chance(40) {
		return one(m, []string{"UPPER(Secret)", "UPPER(Name)", "Left * 2", `Name & "!"`, "Loud", "LOWER(Joined)", `ARRAY_JOIN(NoteInner, ",")`, "ARRAY_FIRST(Part)", "PartNames"})
	}
	return fmt.Sprintf(one(m, []string{"UPPER({%s})", `{%s} & "!"`, "{%s}", `ARRAY_JOIN({%s}, ",")`, "ARRAY_FIRST({%s})"}), one(m, names))
}
