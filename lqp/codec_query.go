package lqp

import (
	"math"
	"strconv"
	"strings"
)

// query reads a block; depth counts the blocks around it and itself.
func (d *decoder) query(i int32, depth int) *Query {
	if depth > MaxQueryDepth {
		d.fail(i, CodeLimit, "queries are nested too deeply; at most %d levels are allowed", MaxQueryDepth)
		return nil
	}
	m := d.object(i, "a query", "source", "joins", "filters", "computed_columns", "group_by", "aggregates", "having",
		"columns", "sorts", "pagination", "count", "time_zone")
	q := &Query{}
	if m[0] != 0 {
		q.From = d.source(m[0], depth)
	} else if d.nodes[i].kind == '{' {
		d.fail(i, CodeMissing, "the query has no source")
	}
	d.list(m[1], MaxClauses, func(e int32) { q.Joins = append(q.Joins, d.join(e, depth)) })
	q.Where = d.filters(m[2])
	d.list(m[3], MaxClauses, func(e int32) { q.Compute = append(q.Compute, d.named(e, false)) })
	d.list(m[4], MaxClauses, func(e int32) { q.GroupBy = append(q.GroupBy, d.named(e, true)) })
	d.list(m[5], MaxClauses, func(e int32) { q.Aggregates = append(q.Aggregates, d.aggregate(e)) })
	q.Having = d.optional(m[6])
	if n := d.elements(m[7], MaxClauses); n > 0 {
		q.Select = make([]Named, 0, n)
	}
	d.list(m[7], MaxClauses, func(e int32) { q.Select = append(q.Select, d.named(e, true)) })
	d.list(m[8], MaxClauses, func(e int32) { q.OrderBy = append(q.OrderBy, d.order(e)) })
	if m[9] != 0 {
		q.Page = d.page(m[9])
	}
	if c := d.oneOf(m[10], "none", string(CountEstimated), string(CountExact)); c != "none" {
		q.Count = CountMode(c)
	}
	q.TimeZone = d.string(m[11])
	return q
}

func (d *decoder) source(i int32, depth int) Source {
	m := d.object(i, "a source", "connection", "table", "query", "alias")
	s := Source{Connection: d.string(m[0]), Table: d.string(m[1]), Alias: d.string(m[3])}
	if m[2] != 0 {
		if m[0] != 0 || m[1] != 0 {
			d.fail(i, CodeConflict, "a source is either a table or a query, not both")
		}
		s.Query = d.query(m[2], depth+1)
	} else if s.Table == "" && d.nodes[i].kind == '{' && (m[1] == 0 || d.nodes[m[1]].kind == '"') {
		d.fail(i, CodeMissing, "the source names no table")
	}
	return s
}

func (d *decoder) join(i int32, depth int) Join {
	m := d.object(i, "a join", "kind", "source", "on")
	j := Join{Kind: JoinKind(d.oneOf(m[0], string(Inner), string(Left), string(Right), string(Full))), On: d.optional(m[2])}
	if j.Kind == "" {
		j.Kind = Inner
	}
	if m[1] != 0 {
		j.Source = d.source(m[1], depth)
	} else if d.nodes[i].kind == '{' {
		d.fail(i, CodeMissing, "the join has no source")
	}
	return j
}

// filters reads one expression or a list of expressions. A list becomes one conjunction that keeps its elements apart, so
// that later problems can name the element.
func (d *decoder) filters(i int32) Expr {
	if i == 0 {
		return nil
	}
	if d.nodes[i].kind != '[' {
		return d.expr(i, 1)
	}
	var all []Expr
	d.list(i, MaxClauses, func(e int32) {
		if x := d.expr(e, 1); x != nil {
			all = append(all, x)
		}
	})
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return NewCall("and", all...)
}

// named reads {"name", "expr"} or, where short is allowed, the name of a column.
func (d *decoder) named(i int32, short bool) Named {
	if short && d.nodes[i].kind == '"' {
		return Named{Expr: d.name(i, d.text(i))}
	}
	m := d.object(i, "a named expression", "name", "expr")
	return Named{Name: d.string(m[0]), Expr: d.required(i, m[1], "expr")}
}

// name is a column by its name alone.
func (d *decoder) name(i int32, name string) *Col {
	if name == "" && d.nodes[i].kind == '"' {
		d.fail(i, CodeMissing, "the name of a column is missing")
	}
	return Ref("", name)
}

func (d *decoder) aggregate(i int32) Aggregate {
	m := d.object(i, "an aggregate", "name", "function", "expr", "filter")
	a := Aggregate{Name: d.string(m[0]), Func: d.string(m[1]), Arg: d.optional(m[2]), Filter: d.optional(m[3])}
	if m[1] == 0 && d.nodes[i].kind == '{' {
		d.fail(i, CodeMissing, "the key \"function\" is missing")
	}
	return a
}

// order reads {"column" or "expr", "direction", "nulls"} or "name" or "-name".
func (d *decoder) order(i int32) Order {
	if d.nodes[i].kind == '"' {
		name, desc := strings.CutPrefix(d.text(i), "-")
		return Order{Expr: d.name(i, name), Desc: desc}
	}
	m := d.object(i, "a sort key", "column", "expr", "direction", "nulls")
	var o Order
	switch {
	case m[0] != 0 && m[1] != 0:
		d.fail(i, CodeConflict, "a sort key has a column or an expr, not both")
	case m[0] != 0:
		o.Expr = d.name(m[0], d.string(m[0]))
	default:
		o.Expr = d.required(i, m[1], "expr")
	}
	o.Desc = d.oneOf(m[2], "asc", "desc") == "desc"
	switch d.oneOf(m[3], "first", "last") {
	case "first":
		o.Nulls = NullsFirst
	case "last":
		o.Nulls = NullsLast
	}
	return o
}

func (d *decoder) page(i int32) Page {
	m := d.object(i, "a page", "limit", "offset", "cursor")
	return Page{Limit: d.count(m[0]), Offset: d.count(m[1]), Cursor: d.string(m[2])}
}

// count reads an optional whole number from 0.
func (d *decoder) count(i int32) int {
	if i == 0 {
		return 0
	}
	if d.nodes[i].kind != '0' {
		d.expect(i, "a whole number")
		return 0
	}
	n, err := strconv.ParseInt(string(d.raw(i)), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt32 {
		d.fail(i, CodeArgument, "a whole number from 0 to %d was expected, not %s", math.MaxInt32, d.raw(i))
		return 0
	}
	return int(n)
}
