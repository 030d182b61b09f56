package lqp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// exprBinder binds the expressions of one clause.
type exprBinder struct {
	*binder
	scope Scope
	zone  *time.Location
	// block is set where computed columns may be named.
	block *block
	// named, when set, is asked first what a reference means; with neither answer the usual search follows.
	named func(c *Col) (Expr, *Problem)
	// whole, when set, is asked before a call is bound: it may replace the whole call.
	whole func(c *Call) Expr

	path    clausePath
	nodes   int // of the bound expression, computed columns included
	inlined int // levels of computed columns below
}

// place is where in a clause's tree an expression stands. Texts have positions instead.
type place struct {
	parent *place
	arg    int
}

func (p *place) appendTo(path []byte) []byte {
	if p == nil {
		return path
	}
	path = append(p.parent.appendTo(path), ".a["...)
	path = strconv.AppendInt(path, int64(p.arg), 10)
	return append(path, ']')
}

// top binds the expression of a clause, nil after a problem.
func (x *exprBinder) top(e Expr, path clausePath) Expr {
	x.path, x.nodes, x.inlined = path, 0, 0
	if e == nil {
		x.problem(path.String(), CodeMissing, "an expression is missing")
		return nil
	}
	return x.bind(e, nil, 1)
}

// charge counts nodes of the bound expression; false when they are too many.
func (x *exprBinder) charge(n int) bool {
	x.nodes += n
	if x.nodes <= MaxExprNodes {
		return true
	}
	if x.nodes-n <= MaxExprNodes {
		x.problem(x.path.String(), CodeLimit, "the expression is too large with its computed columns; at most %d nodes are allowed", MaxExprNodes)
	}
	return false
}

// condition binds an expression that must be a bool. The literal NULL is one: it counts as false.
func (x *exprBinder) condition(e Expr, path clausePath) Expr {
	bound := x.top(e, path)
	if bound == nil {
		return nil
	}
	if t := bound.Type(); t.Kind != Bool && t.Kind != Null {
		x.report(e, nil, CodeTypeMismatch, "a condition was expected, something that is true or false; this is "+article(t))
		return nil
	}
	return bound
}

// report records a problem of the expression e. Without positions in a text the path leads to e in the tree.
func (x *exprBinder) report(e Expr, at *place, code, message string) {
	p := Problem{Path: x.path.String(), Code: code, Message: message}
	p.From, p.To = span(e)
	if p.To == 0 && at != nil {
		p.Path = string(at.appendTo([]byte(p.Path)))
	}
	x.problems.add(p)
}

// span is the place of e in its text; that of a literal is unknown.
func span(e Expr) (from, to int) {
	switch e := e.(type) {
	case *Col:
		return e.From, e.To
	case *Call:
		return e.From, e.To
	case *Param:
		return e.From, e.To
	}
	return 0, 0
}

func (x *exprBinder) bind(e Expr, at *place, depth int) Expr {
	if !x.charge(1) {
		return nil
	}
	if depth > MaxExprDepth {
		x.problems.add(Problem{Path: x.path.String(), Code: CodeLimit, Message: fmt.Sprintf("the expression is nested too deeply; at most %d levels are allowed", MaxExprDepth)})
		return nil
	}
	switch e := e.(type) {
	case *Lit:
		if e.typ.Kind == Null && !e.Val.IsNull() {
			return Literal(e.Val)
		}
		return e
	case *ListLit:
		return x.list(e, at)
	case *Param:
		return x.param(e, at)
	case *Col:
		return x.column(e, at)
	case *Call:
		return x.call(e, at, depth)
	}
	x.report(e, at, CodeMissing, "an expression is missing")
	return nil
}

func (x *exprBinder) list(l *ListLit, at *place) Expr {
	if len(l.Items) > MaxListItems {
		x.report(l, at, CodeLimit, fmt.Sprintf("the list has %d elements; at most %d are allowed", len(l.Items), MaxListItems))
		return nil
	}
	list := NewList(l.Items...)
	for i, it := range l.Items {
		if k := it.typ.Kind; k != Null && k != list.typ.Elem {
			x.report(l, &place{at, i}, CodeTypeMismatch, "the list has elements of different types, "+list.typ.Elem.String()+" and "+k.String())
			return nil
		}
	}
	return list
}

func (x *exprBinder) column(c *Col, at *place) Expr {
	var e Expr
	var problem *Problem
	if x.named != nil {
		e, problem = x.named(c)
	}
	if e == nil && problem == nil {
		if col := x.computedColumn(c); col != nil {
			return x.inline(col, c, at)
		}
		var bound *Col
		if bound, problem = x.scope.resolve(c); bound != nil {
			return bound
		}
	}
	if e != nil {
		return e
	}
	if problem == nil {
		names := x.scope.columnNames(anySource)
		if x.block != nil {
			names = append(names, x.block.computedNames()...)
		}
		problem = &Problem{Code: CodeUnknownColumn, Message: "there is no column " + quoted(c.Column) + suggest(c.Column, names)}
	}
	x.report(c, at, problem.Code, problem.Message)
	return nil
}

func (x *exprBinder) call(c *Call, at *place, depth int) Expr {
	if x.whole != nil {
		if e := x.whole(c); e != nil {
			return e
		}
	}
	f, ok := LookupFunction(strings.ToLower(c.Func))
	if !ok {
		if e, known := x.record(c, at); known {
			return e
		}
		x.report(c, at, CodeUnknownFunction, "there is no function "+quoted(c.Func)+suggest(c.Func, functionNames()))
		return nil
	}
	args := make([]Expr, len(c.Args))
	whole := true
	for i, a := range c.Args {
		args[i] = x.bind(a, &place{at, i}, depth+1)
		whole = whole && args[i] != nil
	}
	if !whole {
		return nil
	}
	if !x.coerce(f, c, args, at) {
		return nil
	}
	args = gather(f, args)
	t, argErr := f.Check(args)
	if argErr != nil {
		x.argument(f, c, argErr, at)
		return nil
	}
	bound := &Call{Func: f.Name, Args: args, From: c.From, To: c.To, typ: t, fn: f}
	if f.Zoned && x.zone != time.UTC {
		bound.zone = x.zone
	}
	return bound
}

func functionNames() []string {
	all := Functions()
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return names
}

// argument reports what is wrong with the arguments of a call.
func (x *exprBinder) argument(f *Function, c *Call, e *ArgError, at *place) {
	if e.Arg < 0 || e.Arg >= len(c.Args) {
		x.report(c, at, CodeArgument, fmt.Sprintf("%s takes %s, not %s", f.Name, e.Want, e.Got))
		return
	}
	code := CodeTypeMismatch
	if f.Param(e.Arg).Constant() {
		code = CodeArgument
	}
	arg := c.Args[e.Arg]
	p := Problem{Path: x.path.String(), Code: code, Message: fmt.Sprintf("argument %d of %s must be %s, not %s", e.Arg+1, f.Name, e.Want, e.Got)}
	if p.From, p.To = span(arg); p.To == 0 {
		p.From, p.To = span(c)
	}
	if p.To == 0 {
		p.Path = string((&place{at, e.Arg}).appendTo([]byte(p.Path)))
	}
	x.problems.add(p)
}

// article names a type with its article.
func article(t Type) string { return "a " + t.String() }

// param replaces a parameter by its value.
func (x *exprBinder) param(p *Param, at *place) Expr {
	if x.env.Timed != nil && (p.Name == "now" || p.Name == "today") {
		x.env.Timed()
	}
	switch p.Name {
	case "now":
		return Literal(DateTimeValue(x.env.Now.UnixMilli()))
	case "today":
		y, m, d := x.env.Now.In(x.zone).Date()
		return Literal(DateValue(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400))
	case "current_user":
		if x.env.User == "" {
			x.report(p, at, CodeMissingParameter, "there is no current user")
			return nil
		}
		return Literal(TextValue(x.env.User))
	}
	name, ok := strings.CutPrefix(p.Name, "user.")
	if !ok || name == "" {
		x.report(p, at, CodeUnknownParameter, "there is no parameter "+quoted(p.Name)+suggest(p.Name, []string{"now", "today", "current_user"}))
		return nil
	}
	var v Value
	if x.env.Attribute != nil {
		v, ok = x.env.Attribute(name)
	}
	if !ok || v.IsNull() {
		x.report(p, at, CodeMissingParameter, "the current user has no attribute "+quoted(name))
		return nil
	}
	if v.Kind() != List {
		return Literal(v)
	}
	items := make([]*Lit, len(v.Items()))
	for i, it := range v.Items() {
		items[i] = Literal(it)
	}
	return x.list(NewList(items...), at)
}
