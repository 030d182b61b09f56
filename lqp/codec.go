package lqp

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The bounds of expressions and queries, whether they come as JSON or are built in Go.
const (
	MaxExprDepth  = 100    // nesting of one expression
	MaxExprNodes  = 5_000  // nodes of one expression, computed columns put in their places; a list is one node
	MaxListItems  = 10_000 // literals of one list
	MaxQueryDepth = 8      // nested queries
	MaxSources    = 16     // sources of one block
	MaxClauses    = 1_000  // elements of one clause: output columns, computed columns, sort keys and so on
)

// DecodeOptions tune the decoding of queries and expressions. The zero DecodeOptions refuse formula text and use the
// default limits.
type DecodeOptions struct {
	// Formula parses an expression that is given as text. An error that wraps a Problem, or has a method
	// Span() (from, to int), keeps its place in the text. nil refuses text.
	Formula func(text string) (Expr, error)
	// Syntaxes parse the text of {"formula": "…", "syntax": "NAME"}, which may stand wherever an expression does, by name.
	// Their errors are those of Formula. Other names are refused; without a syntax it is Formula that parses.
	Syntaxes map[string]func(text string) (Expr, error)
	// Limits bound the document. Their MaxDepth defaults to 256 here, which leaves room for an expression of
	// MaxExprDepth in nested queries.
	Limits StrictLimits
}

func (o DecodeOptions) limits() StrictLimits {
	if o.Limits.MaxDepth <= 0 {
		o.Limits.MaxDepth = 256
	}
	return o.Limits
}

// DecodeQuery reads the JSON form of a query:
//
//	{
//	  "source":           {"connection": "con_1", "table": "orders", "alias": "o"},
//	  "joins":            [{"kind": "left", "source": {"table": "customers", "alias": "c"}, "on": "o.customer_id = c.id"}],
//	  "filters":          ["o.total > 100"],
//	  "computed_columns": [{"name": "net", "expr": "o.total / 1.19"}],
//	  "group_by":         ["c.country"],
//	  "aggregates":       [{"name": "sales", "function": "sum", "expr": "net"}],
//	  "having":           "sales > 1000",
//	  "columns":          ["country", "sales"],
//	  "sorts":            ["-sales", {"column": "country", "direction": "asc", "nulls": "last"}],
//	  "pagination":       {"limit": 50, "cursor": "…"},
//	  "count":            "exact",
//	  "time_zone":        "Europe/Berlin"
//	}
//
// Only source is required. A source may be a nested query instead of a table: {"query": {…}, "alias": "q"}. filters is one
// expression or a list of them, all of which must hold. Wherever an expression stands, it is a text in the language of
// DecodeOptions.Formula or a tree as [DecodeExpr] reads it. Unknown, duplicate and case-variant keys are refused.
//
// The query is not bound. The error is a Problems with everything that is wrong with the form, each with its path.
func DecodeQuery(data []byte, opt DecodeOptions) (*Query, error) {
	doc, problem := parseJSON(data, opt.limits())
	if problem != nil {
		return nil, Problems{*problem}
	}
	d := &decoder{jsonDoc: doc, opt: opt, whole: string(data)}
	q := d.query(0, 1)
	if err := d.problems.err(); err != nil {
		return nil, err
	}
	return q, nil
}

// DecodeExpr reads the JSON form of an expression, a tree of
//
//	{"k": "lit", "t": "number", "v": "12.5"}            t: null bool number float text date datetime
//	{"k": "col", "src": "o", "id": "total"}             src, the alias of a source, may be left out
//	{"k": "call", "f": "add", "a": [ … ]}               a function of the catalogue or an operator
//	{"k": "list", "a": [ … ]}                           literals only
//	{"k": "param", "n": "now"}                          now, today, current_user or user.NAME
//
// or a text in the language of DecodeOptions.Formula, or {"formula": "…", "syntax": "expr"}, a text in one of the languages of
// DecodeOptions.Syntaxes. The literal's t may be left out where v says it: null, true, a JSON
// number or a text. The expression is not bound. The error is a Problems.
func DecodeExpr(data []byte, opt DecodeOptions) (Expr, error) {
	doc, problem := parseJSON(data, opt.limits())
	if problem != nil {
		return nil, Problems{*problem}
	}
	d := &decoder{jsonDoc: doc, opt: opt, whole: string(data)}
	e := d.expr(0, 1)
	if err := d.problems.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// QueryHash identifies what a query asks for, page and count aside: two queries with the same hash select the same rows
// in the same order. Cursors are bound to it. Take it of the user's query: a bound one contains the time of its binding.
func QueryHash(q *Query) [sha256.Size]byte {
	bare := *q
	bare.Page, bare.Count = Page{}, CountNone
	return sha256.Sum256(EncodeQuery(&bare))
}

// decoder turns a document into a query. It goes on after a problem in order to find the next.
type decoder struct {
	*jsonDoc
	whole    string // the document; the names and texts of the query are parts of it
	opt      DecodeOptions
	problems Problems
}

func (d *decoder) fail(i int32, code, format string, args ...any) {
	d.problems.add(Problem{Path: d.path(i), Code: code, Message: fmt.Sprintf(format, args...)})
}

// key is the key under which a member of an object stands.
func (d *decoder) key(i int32) string { return d.part(d.nodes[i].keyFrom, d.nodes[i].keyTo) }

// text is the content of a string node.
func (d *decoder) text(i int32) string { return d.part(d.nodes[i].from, d.nodes[i].to) }

func (d *decoder) part(from, to int32) string {
	if bytes.IndexByte(d.data[from:to], '\\') < 0 {
		return d.whole[from+1 : to-1]
	}
	return unquoteJSON(d.data[from:to])
}

func (d *decoder) expect(i int32, what string) {
	d.fail(i, CodeTypeMismatch, "%s was expected, not %s", what, jsonKindName(d.nodes[i].kind))
}

// object reads the members of an object: each key must be one of keys, in any order. The answer has the member's node for
// every key, 0 when it is missing or when the node is no object.
func (d *decoder) object(i int32, what string, keys ...string) []int32 {
	found := make([]int32, len(keys))
	if d.nodes[i].kind != '{' {
		d.expect(i, what)
		return found
	}
members:
	for m := i + 1; m < d.nodes[i].end; m = d.nodes[m].end {
		key := d.key(m)
		for k := range keys {
			if keys[k] == key {
				found[k] = m
				continue members
			}
		}
		d.fail(m, CodeUnknownKey, "%s", unknownKey(key, keys))
	}
	return found
}

// string reads an optional text; node 0 is absent.
func (d *decoder) string(i int32) string {
	if i == 0 {
		return ""
	}
	if d.nodes[i].kind != '"' {
		d.expect(i, "a text")
		return ""
	}
	return d.text(i)
}

// list calls f for every element of an optional list.
func (d *decoder) list(i int32, most int, f func(element int32)) {
	if i == 0 {
		return
	}
	if d.nodes[i].kind != '[' {
		d.expect(i, "a list")
		return
	}
	n := 0
	for e := i + 1; e < d.nodes[i].end; e = d.nodes[e].end {
		if n++; n > most {
			d.fail(i, CodeLimit, "the list is too long; at most %d elements are allowed", most)
			return
		}
		f(e)
	}
}

// elements is how many elements an optional list has, as far as they are allowed.
func (d *decoder) elements(i int32, most int) (n int) {
	if i == 0 || d.nodes[i].kind != '[' {
		return 0
	}
	for e := i + 1; e < d.nodes[i].end && n < most; e = d.nodes[e].end {
		n++
	}
	return n
}

// oneOf reads an optional text that must be one of choices.
func (d *decoder) oneOf(i int32, choices ...string) string {
	s := d.string(i)
	if i == 0 || d.nodes[i].kind != '"' {
		return ""
	}
	for _, c := range choices {
		if c == s {
			return s
		}
	}
	d.fail(i, CodeArgument, "%s is not possible here; one of %s was expected", quoted(s), joinQuoted(choices))
	return ""
}

func joinQuoted(choices []string) string {
	var b []byte
	for i, c := range choices {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, quoted(c)...)
	}
	return string(b)
}

// formula parses an expression given as text.
func (d *decoder) formula(i int32) Expr { return d.formulaBy(i, d.opt.Formula) }

// formulaBy parses an expression given as text in the language of parse.
func (d *decoder) formulaBy(i int32, parse func(text string) (Expr, error)) Expr {
	if parse == nil {
		d.fail(i, CodeTypeMismatch, "an expression tree was expected, not a text")
		return nil
	}
	e, err := parse(d.text(i))
	if err == nil {
		return e
	}
	p := Problem{Code: CodeSyntax, Message: err.Error()}
	var placed interface{ Span() (from, to int) }
	if !errors.As(err, &p) && errors.As(err, &placed) {
		p.From, p.To = placed.Span()
	}
	p.Path = d.path(i)
	d.problems.add(p)
	return nil
}
