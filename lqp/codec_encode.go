package lqp

import (
	"encoding/base64"
	"strconv"
)

// EncodeQuery is the canonical JSON form of a query, which [DecodeQuery] reads back as the same query: keys in a fixed
// order, nothing optional written when it is absent. Equal queries give equal bytes. Positions in formula text, schemas,
// Page.After and the time zones inside bound expressions are not part of it. The query must be complete: every expression
// that must be there is.
func EncodeQuery(q *Query) []byte { return appendQueryJSON(nil, q) }

// EncodeExpr is the canonical JSON form of an expression, which [DecodeExpr] reads back. A nil e is null.
func EncodeExpr(e Expr) []byte { return appendExprJSON(nil, e) }

func appendJSONText(dst []byte, s string) []byte { return textValue(s).AppendJSON(dst) }

// appendMember begins a member of an object.
func appendMember(dst []byte, key string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(append(dst, '"'), key...)
	return append(dst, `":`...)
}

func appendTextMember(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return appendJSONText(appendMember(dst, key), s)
}

func appendExprMember(dst []byte, key string, e Expr) []byte {
	if e == nil {
		return dst
	}
	return appendExprJSON(appendMember(dst, key), e)
}

// appendListMember writes a list of n elements, nothing for none.
func appendListMember(dst []byte, key string, n int, element func(dst []byte, i int) []byte) []byte {
	if n == 0 {
		return dst
	}
	dst = append(appendMember(dst, key), '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, i)
	}
	return append(dst, ']')
}

func appendQueryJSON(dst []byte, q *Query) []byte {
	dst = append(dst, '{')
	dst = appendSourceJSON(appendMember(dst, "source"), &q.From)
	dst = appendListMember(dst, "joins", len(q.Joins), func(dst []byte, i int) []byte {
		j := &q.Joins[i]
		dst = appendTextMember(append(dst, '{'), "kind", string(j.Kind))
		dst = appendSourceJSON(appendMember(dst, "source"), &j.Source)
		return append(appendExprMember(dst, "on", j.On), '}')
	})
	dst = appendFilters(dst, q.Where)
	dst = appendNamedMember(dst, "computed_columns", q.Compute, false)
	dst = appendNamedMember(dst, "group_by", q.GroupBy, true)
	dst = appendListMember(dst, "aggregates", len(q.Aggregates), func(dst []byte, i int) []byte {
		a := &q.Aggregates[i]
		dst = appendTextMember(append(dst, '{'), "name", a.Name)
		dst = appendJSONText(appendMember(dst, "function"), a.Func)
		dst = appendExprMember(dst, "expr", a.Arg)
		return append(appendExprMember(dst, "filter", a.Filter), '}')
	})
	dst = appendExprMember(dst, "having", q.Having)
	dst = appendNamedMember(dst, "columns", q.Select, true)
	dst = appendListMember(dst, "sorts", len(q.OrderBy), func(dst []byte, i int) []byte { return appendOrderJSON(dst, &q.OrderBy[i]) })
	dst = appendPageJSON(dst, &q.Page)
	dst = appendTextMember(dst, "count", string(q.Count))
	dst = appendTextMember(dst, "time_zone", q.TimeZone)
	return append(dst, '}')
}

func appendSourceJSON(dst []byte, s *Source) []byte {
	dst = append(dst, '{')
	if s.Query != nil {
		dst = appendQueryJSON(appendMember(dst, "query"), s.Query)
	} else {
		dst = appendTextMember(dst, "connection", s.Connection)
		dst = appendTextMember(dst, "table", s.Table)
	}
	return append(appendTextMember(dst, "alias", s.Alias), '}')
}

// appendFilters writes the elements of a conjunction as a list, the form in which they were given; texts are alone.
func appendFilters(dst []byte, where Expr) []byte {
	if where == nil {
		return dst
	}
	all := []Expr{where}
	if c, ok := where.(*Call); ok && c.Func == "and" && len(c.Args) >= 2 {
		all = c.Args
	}
	return appendListMember(dst, "filters", len(all), func(dst []byte, i int) []byte { return appendExprJSON(dst, all[i]) })
}

// appendNamedMember writes named expressions; a column that goes by its own name is written as the name, where short.
func appendNamedMember(dst []byte, key string, named []Named, short bool) []byte {
	return appendListMember(dst, key, len(named), func(dst []byte, i int) []byte {
		n := &named[i]
		if c, ok := n.Expr.(*Col); ok && short && n.Name == "" && c.Source == "" {
			return appendJSONText(dst, c.Column)
		}
		dst = appendTextMember(append(dst, '{'), "name", n.Name)
		return append(appendExprMember(dst, "expr", n.Expr), '}')
	})
}

func appendOrderJSON(dst []byte, o *Order) []byte {
	dst = appendExprMember(append(dst, '{'), "expr", o.Expr)
	direction := "asc"
	if o.Desc {
		direction = "desc"
	}
	dst = appendTextMember(dst, "direction", direction)
	switch o.Nulls {
	case NullsFirst:
		dst = appendTextMember(dst, "nulls", "first")
	case NullsLast:
		dst = appendTextMember(dst, "nulls", "last")
	}
	return append(dst, '}')
}

func appendPageJSON(dst []byte, p *Page) []byte {
	if p.Limit == 0 && p.Offset == 0 && p.Cursor == "" {
		return dst
	}
	dst = append(appendMember(dst, "pagination"), '{')
	if p.Limit != 0 {
		dst = strconv.AppendInt(appendMember(dst, "limit"), int64(p.Limit), 10)
	}
	if p.Offset != 0 {
		dst = strconv.AppendInt(appendMember(dst, "offset"), int64(p.Offset), 10)
	}
	return append(appendTextMember(dst, "cursor", p.Cursor), '}')
}

func appendExprJSON(dst []byte, e Expr) []byte {
	switch e := e.(type) {
	case *Lit:
		return appendLiteralJSON(dst, e)
	case *Col:
		dst = append(dst, `{"k":"col"`...)
		dst = appendTextMember(dst, "src", e.Source)
		dst = appendJSONText(appendMember(dst, "id"), e.Column)
	case *Call:
		dst = append(dst, `{"k":"call"`...)
		dst = appendJSONText(appendMember(dst, "f"), e.Func)
		dst = appendListMember(dst, "a", len(e.Args), func(dst []byte, i int) []byte { return appendExprJSON(dst, e.Args[i]) })
	case *ListLit:
		dst = append(dst, `{"k":"list","a":[`...)
		for i, it := range e.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendLiteralJSON(dst, it)
		}
		dst = append(dst, ']')
	case *Param:
		dst = append(dst, `{"k":"param"`...)
		dst = appendJSONText(appendMember(dst, "n"), e.Name)
	default:
		return append(dst, "null"...)
	}
	return append(dst, '}')
}

// appendLiteralJSON writes a constant with its kind. Numbers are texts: no JSON library then makes doubles of them.
func appendLiteralJSON(dst []byte, l *Lit) []byte {
	v, kind := l.Val, l.Val.Kind()
	if v.IsNull() {
		kind = l.typ.Kind
	}
	dst = append(dst, `{"k":"lit"`...)
	dst = appendTextMember(dst, "t", kind.String())
	dst = appendMember(dst, "v")
	switch {
	case v.IsNull():
		dst = append(dst, "null"...)
	case kind == Number || kind == Float:
		dst = append(v.AppendJSON(append(dst, '"')), '"')
	case kind == JSON:
		dst = appendJSONText(dst, v.Text())
	case kind == Bytes:
		dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), []byte(v.Text())), '"')
	default:
		dst = v.AppendJSON(dst)
	}
	return append(dst, '}')
}
