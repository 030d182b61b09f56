package lqp

import (
	"strconv"
	"strings"
)

// Format writes a query as text for people, one clause on a line and always the same way; it is what Explain and golden
// files show. Nested queries are indented. A list longer than twenty literals is cut short in its middle.
//
//	from orders o
//	left join customers c on {o.customer_id} = {c.id}
//	where {o.total} > 100
//	order by {o.total} desc nulls last
//	limit 50
//	select id = {o.id}, name = {c.name}
func Format(q *Query) string {
	var f formatter
	f.query(q, "")
	return f.String()
}

type formatter struct{ strings.Builder }

func (f *formatter) line(indent, keyword, text string) {
	f.WriteString(indent)
	f.WriteString(keyword)
	if text != "" {
		f.WriteString(" " + text)
	}
	f.WriteByte('\n')
}

func (f *formatter) query(q *Query, indent string) {
	f.source("from", &q.From, nil, indent)
	for i := range q.Joins {
		j := &q.Joins[i]
		kind := j.Kind
		if kind == "" {
			kind = Inner
		}
		f.source(string(kind)+" join", &j.Source, j.On, indent)
	}
	if q.Where != nil {
		f.line(indent, "where", formatExpr(q.Where))
	}
	f.named("compute", q.Compute, indent)
	f.named("group by", q.GroupBy, indent)
	for i := range q.Aggregates {
		f.aggregate(&q.Aggregates[i], indent)
	}
	if q.Having != nil {
		f.line(indent, "having", formatExpr(q.Having))
	}
	if len(q.OrderBy) > 0 {
		keys := make([]string, len(q.OrderBy))
		for i := range q.OrderBy {
			keys[i] = formatKey(&q.OrderBy[i])
		}
		f.line(indent, "order by", strings.Join(keys, ", "))
	}
	f.page(&q.Page, indent)
	if q.Count != CountNone {
		f.line(indent, "count", string(q.Count))
	}
	if q.TimeZone != "" {
		f.line(indent, "time zone", q.TimeZone)
	}
	f.named("select", q.Select, indent)
}

func (f *formatter) source(keyword string, s *Source, on Expr, indent string) {
	condition := ""
	if on != nil {
		condition = " on " + formatExpr(on)
	}
	alias := ""
	if s.Alias != "" {
		alias = " " + plainName(s.Alias)
	}
	if s.Query != nil {
		f.line(indent, keyword, "(")
		f.query(s.Query, indent+"  ")
		f.line(indent, ")"+alias+condition, "")
		return
	}
	name := plainName(s.Table)
	if s.Connection != "" {
		name = plainName(s.Connection) + ":" + name
	}
	f.line(indent, keyword, name+alias+condition)
}

func (f *formatter) named(keyword string, named []Named, indent string) {
	if len(named) == 0 {
		return
	}
	parts := make([]string, len(named))
	for i, n := range named {
		parts[i] = formatExpr(n.Expr)
		if n.Name != "" {
			parts[i] = plainName(n.Name) + " = " + parts[i]
		}
	}
	f.line(indent, keyword, strings.Join(parts, ", "))
}

func (f *formatter) aggregate(a *Aggregate, indent string) {
	text := strings.ToLower(a.Func) + "(" + formatExpr(a.Arg) + ")"
	if a.Name != "" {
		text = plainName(a.Name) + " = " + text
	}
	if a.Filter != nil {
		text += " where " + formatExpr(a.Filter)
	}
	if len(a.OrderBy) > 0 {
		keys := make([]string, len(a.OrderBy))
		for i := range a.OrderBy {
			keys[i] = formatKey(&a.OrderBy[i])
		}
		text += " in the order of " + strings.Join(keys, ", ")
	}
	f.line(indent, "aggregate", text)
}

func formatKey(o *Order) string {
	text := formatExpr(o.Expr)
	if o.Desc {
		text += " desc"
	}
	switch o.Nulls {
	case NullsFirst:
		text += " nulls first"
	case NullsLast:
		text += " nulls last"
	}
	if o.Whole {
		text += " whole"
	}
	return text
}

func (f *formatter) page(p *Page, indent string) {
	if p.After != nil {
		values := make([]string, len(p.After))
		for i, v := range p.After {
			values[i] = FormatExpr(Literal(v))
		}
		f.line(indent, "after", strings.Join(values, ", "))
	}
	if p.Cursor != "" {
		f.line(indent, "after cursor", "")
	}
	if p.Offset > 0 {
		f.line(indent, "offset", strconv.Itoa(p.Offset))
	}
	if p.Limit > 0 {
		f.line(indent, "limit", strconv.Itoa(p.Limit))
	}
}

// formatExpr is FormatExpr with long lists cut short.
func formatExpr(e Expr) string {
	const most = 20
	cut := false
	Walk(e, func(n Expr) bool {
		l, ok := n.(*ListLit)
		cut = cut || ok && len(l.Items) > most
		return !cut
	})
	if cut {
		e = Rewrite(e, func(n Expr) Expr {
			l, ok := n.(*ListLit)
			if !ok || len(l.Items) <= most {
				return n
			}
			rest := strconv.Itoa(len(l.Items)-most) + " more"
			return &ListLit{Items: append(append([]*Lit(nil), l.Items[:most]...), Literal(TextValue("… "+rest))), typ: l.typ}
		})
	}
	return FormatExpr(e)
}

// plainName is a name as it is when it is one word, else in braces.
func plainName(s string) string {
	for _, r := range s {
		if r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return "{" + strings.NewReplacer(`\`, `\\`, `}`, `\}`, "\n", `\n`).Replace(s) + "}"
		}
	}
	if s == "" {
		return "{}"
	}
	return s
}
