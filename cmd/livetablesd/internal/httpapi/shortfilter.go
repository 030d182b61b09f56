package httpapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// selection is what the query string of a list asks for: which rows, in which order, which of their columns.
type selection struct {
	where   lqp.Expr
	orderBy []lqp.Order
	columns []lqp.Column // of fields, empty for all
	page    lqp.Page
	count   lqp.CountMode
}

// listParams are the parameters of every list of rows.
var listParams = []string{"filter", "syntax", "sort", "fields", "limit", "cursor", "count"}

// maxPage is the longest page of rows.
const maxPage = 1000

// maxFilters bounds the short filters of one request, maxIn the values of one "in".
const (
	maxFilters = 100
	maxIn      = 1000
)

// selection reads the query string against the columns that the caller sees: a column that is hidden from it is unknown,
// like one that never existed.
func (c *call) selection(columns []lqp.Column) (*selection, error) {
	s := &selection{}
	var faults []FieldError
	conditions := make([]lqp.Expr, 0, len(c.params.filters)+1)
	if len(c.params.filters) > maxFilters {
		return nil, invalidProblem(fmt.Sprintf("more than %d filters in the query string; use filter or a query", maxFilters))
	}
	for _, f := range c.params.filters {
		e, fault := shortFilter(columns, f)
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		conditions = append(conditions, e)
	}
	if text, ok := c.params.find("filter"); ok {
		parse, err := c.formulaSyntax()
		if err != nil {
			return nil, err
		}
		e, err := parse(text)
		if err != nil {
			faults = append(faults, formulaFault("?filter", err))
		} else {
			conditions = append(conditions, e)
		}
	}
	s.where = lqp.And(conditions...)
	sorts, err := c.params.list("sort")
	if err != nil {
		return nil, err
	}
	for _, name := range sorts {
		name, desc := strings.CutPrefix(name, "-")
		if name == livetables.ManualOrder {
			s.orderBy = append(s.orderBy, lqp.Order{Expr: lqp.Ref("", name), Desc: desc})
			continue
		}
		col := columnNamed(columns, name)
		if col == nil {
			faults = append(faults, unknownColumn("?sort", name))
			continue
		}
		s.orderBy = append(s.orderBy, lqp.Order{Expr: lqp.Ref("", col.ID), Desc: desc})
	}
	fields, err := c.params.list("fields")
	if err != nil {
		return nil, err
	}
	for _, name := range fields {
		col := columnNamed(columns, name)
		if col == nil {
			faults = append(faults, unknownColumn("?fields", name))
			continue
		}
		s.columns = append(s.columns, *col)
	}
	if len(faults) > 0 {
		return nil, invalidProblem("the query string cannot be used", faults...)
	}
	if s.page.Limit, err = c.params.integer("limit", 0, 1, maxPage); err != nil {
		return nil, err
	}
	s.page.Cursor = c.params.text("cursor")
	switch count := c.params.text("count"); count {
	case "", "none":
	case string(lqp.CountExact):
		s.count = lqp.CountExact
	default:
		return nil, badParam("count", lqp.CodeArgument, "exact or none was expected")
	}
	return s, nil
}

func columnNamed(columns []lqp.Column, name string) *lqp.Column {
	for i := range columns {
		if columns[i].Name == name {
			return &columns[i]
		}
	}
	for i := range columns {
		if columns[i].ID == name {
			return &columns[i]
		}
	}
	return nil
}

func unknownColumn(path, name string) FieldError {
	return FieldError{Path: path, Code: lqp.CodeUnknownColumn, Message: fmt.Sprintf("there is no column %q", clipped(name))}
}

// formulaSyntax is the language of the formula in the query string.
func (c *call) formulaSyntax() (func(string) (lqp.Expr, error), error) {
	name := c.params.text("syntax")
	if name == "" {
		return formula.Parse, nil
	}
	if parse, ok := formula.Syntaxes()[name]; ok {
		return parse, nil
	}
	return nil, badParam("syntax", lqp.CodeArgument, "formula or expr was expected")
}

func formulaFault(path string, err error) FieldError {
	f := FieldError{Path: path, Code: lqp.CodeSyntax, Message: err.Error()}
	if p, ok := asProblem(err); ok {
		f.Code, f.Message, f.From, f.To = p.Code, p.Message, p.From, p.To
	}
	return f
}

// operators are what a short filter can ask, by the word after the last dot.
var operators = map[string]string{
	"eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "lte": "le", "gte": "ge", "in": "in",
	"contains": "contains", "starts_with": "starts_with", "is_empty": "is_blank", "has": "has",
}

const operatorList = "eq, ne, lt, lte, gt, gte, in, contains, starts_with, has, is_empty"

// shortFilter is the condition of a parameter such as Price.gte=10: a column, an operator, a value of the column's type.
func shortFilter(columns []lqp.Column, f param) (lqp.Expr, *FieldError) {
	dot := strings.LastIndexByte(f.name, '.')
	name, word := f.name[:dot], f.name[dot+1:]
	path := "?" + clipped(f.name)
	col := columnNamed(columns, name)
	if col == nil {
		fault := unknownColumn(path, name)
		return nil, &fault
	}
	op, ok := operators[word]
	if !ok {
		return nil, &FieldError{Path: path, Code: lqp.CodeUnknownFunction, Message: fmt.Sprintf("unknown operator %q; known are %s", clipped(word), operatorList)}
	}
	ref := lqp.Ref("", col.ID)
	bad := func(err error) *FieldError {
		return &FieldError{Path: path, Code: lqp.CodeTypeMismatch, Message: err.Error()}
	}
	switch op {
	case "is_blank":
		switch f.value {
		case "true":
			return lqp.NewCall("is_blank", ref), nil
		case "false":
			return lqp.NewCall("not", lqp.NewCall("is_blank", ref)), nil
		}
		return nil, &FieldError{Path: path, Code: lqp.CodeArgument, Message: "true or false was expected"}
	case "contains", "starts_with":
		if col.Type.Kind != lqp.Text {
			return nil, &FieldError{Path: path, Code: lqp.CodeTypeMismatch, Message: fmt.Sprintf("%s is for text columns, not for %s", word, col.Type)}
		}
		return lqp.NewCall(op, ref, lqp.Literal(lqp.TextValue(f.value))), nil
	case "has":
		if col.Type.Kind != lqp.List {
			return nil, &FieldError{Path: path, Code: lqp.CodeTypeMismatch, Message: fmt.Sprintf("has is for columns of lists, not for %s", col.Type)}
		}
		v, err := filterValue(lqp.Type{Kind: col.Type.Elem}, f.value)
		if err != nil {
			return nil, bad(err)
		}
		return lqp.NewCall(op, ref, lqp.Literal(v)), nil
	case "in":
		items, err := splitList(f.name, f.value)
		if err != nil {
			return nil, &FieldError{Path: path, Code: lqp.CodeSyntax, Message: `a list such as a,b,"with, comma" was expected`}
		}
		if len(items) > maxIn {
			return nil, &FieldError{Path: path, Code: lqp.CodeLimit, Message: fmt.Sprintf("%d values are more than %d", len(items), maxIn)}
		}
		list := make([]*lqp.Lit, len(items))
		for i, item := range items {
			v, err := filterValue(col.Type, item)
			if err != nil {
				return nil, bad(err)
			}
			list[i] = lqp.Literal(v)
		}
		return lqp.NewCall("in", ref, lqp.NewList(list...)), nil
	}
	v, err := filterValue(col.Type, f.value)
	if err != nil {
		return nil, bad(err)
	}
	return lqp.NewCall(op, ref, lqp.Literal(v)), nil
}

// filterValue reads a value of a short filter. The empty text is itself; no other type has an empty value.
func filterValue(t lqp.Type, s string) (lqp.Value, error) {
	if t.Kind == lqp.Text {
		return lqp.TextValue(s), nil
	}
	if !t.Kind.Orderable() {
		return lqp.NullValue, fmt.Errorf("a %s cannot be compared", t)
	}
	v, err := lqp.ParseText(t.Nullable(), s)
	if err == nil && v.IsNull() {
		return v, errors.New("a value is needed; is_empty=true finds rows without one")
	}
	return v, err
}
