package lqp

import (
	"fmt"
	"strings"
)

// namedPath is the path of the expression of an element that may have been written as a mere name.
func (b *block) namedPath(clause string, i int, n Named) clausePath {
	if c, ok := n.Expr.(*Col); ok && n.Name == "" && c.Source == "" && c.To == 0 {
		return b.element(clause, i, "")
	}
	return b.element(clause, i, ".expr")
}

// group binds group keys, aggregates and having.
func (b *block) group() {
	b.grouped = len(b.in.GroupBy)+len(b.in.Aggregates) > 0
	if !b.grouped {
		if b.in.Having != nil {
			b.problem(b.path+".having", CodeConflict, "having needs group_by or aggregates; use filters for rows")
		}
		return
	}
	taken := map[string]bool{}
	for i, k := range b.in.GroupBy {
		b.groupKey(k, i, taken)
	}
	for i, a := range b.in.Aggregates {
		b.aggregate(a, i, taken)
	}
	if b.in.Having != nil {
		x := b.groupBinder()
		b.out.Having = x.condition(b.in.Having, b.clause("having"))
	}
}

func (b *block) take(name string, path clausePath, taken map[string]bool) bool {
	if !b.checkName(name, path) {
		return false
	}
	if taken[name] {
		b.problem(path.String(), CodeDuplicateName, "two group keys or aggregates are called %s", quoted(name))
		return false
	}
	taken[name] = true
	return true
}

func (b *block) groupKey(k Named, i int, taken map[string]bool) {
	x := b.rowBinder()
	e := x.top(k.Expr, b.namedPath("group_by", i, k))
	if e == nil {
		return
	}
	if kind := e.Type().Kind; kind == JSON || kind == Bytes {
		x.report(k.Expr, nil, CodeTypeMismatch, "rows cannot be grouped by "+article(e.Type()))
		return
	}
	if k.Name == "" {
		k.Name = b.nameOf(k.Expr, e)
	}
	if b.take(k.Name, b.element("group_by", i, ""), taken) {
		b.out.GroupBy = append(b.out.GroupBy, Named{Name: k.Name, Expr: e})
	}
}

func (b *block) aggregate(a Aggregate, i int, taken map[string]bool) {
	path := b.element("aggregates", i, "")
	out := Aggregate{Name: a.Name, Func: strings.ToLower(a.Func)}
	f, ok := LookupAggregate(out.Func)
	if !ok {
		b.problem(path.String()+".function", CodeUnknownAggregate, "there is no aggregate %s%s", quoted(a.Func), suggest(a.Func, aggregateNames()))
	}
	x := b.rowBinder()
	if a.Arg != nil {
		out.Arg = x.top(a.Arg, path.at(".expr"))
	}
	if a.Filter != nil {
		out.Filter = x.condition(a.Filter, path.at(".filter"))
	}
	if !ok || (a.Arg != nil && out.Arg == nil) || (a.Filter != nil && out.Filter == nil) {
		return
	}
	rows := f.Kinds == nil
	switch {
	case rows && a.Arg != nil:
		b.problem(path.String()+".expr", CodeArgument, "%s counts rows and takes no expression; counta counts values", f.Name)
		return
	case !rows && a.Arg == nil:
		b.problem(path.String(), CodeMissing, "the aggregate %s needs an expression", f.Name)
		return
	case !rows:
		t, argErr := f.Result(out.Arg.Type())
		if argErr != nil {
			x.path = path.at(".expr")
			x.report(a.Arg, nil, CodeTypeMismatch, fmt.Sprintf("%s takes %s, not %s", f.Name, argErr.Want, argErr.Got))
			return
		}
		out.typ = t
	default:
		out.typ, _ = f.Result(Type{})
	}
	if f.Ordered {
		out.OrderBy = rowOrder(b.out)
	}
	if out.Name == "" {
		out.Name = out.Func
		if c, isCol := a.Arg.(*Col); isCol {
			out.Name += "_" + b.nameOf(c, out.Arg)
		}
	}
	if b.take(out.Name, path, taken) {
		b.out.Aggregates = append(b.out.Aggregates, out)
	}
}

func aggregateNames() []string {
	all := Aggregates()
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return names
}

// rowBinder binds expressions over the rows of the block.
func (b *block) rowBinder() *exprBinder {
	return &exprBinder{binder: b.binder, scope: b.scope, zone: b.zone, block: b}
}

// quietly binds an expression over the rows and keeps its problems to itself; nil when there are any.
func (b *block) quietly(e Expr) Expr {
	x := b.rowBinder()
	x.binder = &binder{env: b.env, zone: b.binder.zone}
	return x.top(e, clausePath{block: "$"})
}

// groupBinder binds expressions over the groups: they consist of group keys and aggregates.
func (b *block) groupBinder() *exprBinder {
	x := &exprBinder{binder: b.binder, zone: b.zone, named: b.groupName}
	for _, k := range b.out.GroupBy {
		if _, plain := k.Expr.(*Col); !plain {
			x.whole = func(c *Call) Expr { return b.keyEqual(b.quietly(c)) }
		}
	}
	return x
}

// keyEqual is a reference to the group key whose expression is e, nil when there is none.
func (b *block) keyEqual(e Expr) Expr {
	if e == nil {
		return nil
	}
	for _, k := range b.out.GroupBy {
		if EqualExpr(k.Expr, e) {
			return TypedRef("", k.Name, k.Expr.Type())
		}
	}
	return nil
}

// groupName says what a reference means among the groups.
func (b *block) groupName(c *Col) (Expr, *Problem) {
	if c.Source == "" {
		if e := b.groupField(c.Column, func(a, b string) bool { return a == b }); e != nil {
			return e, nil
		}
	}
	row := b.quietly(Ref(c.Source, c.Column))
	if e := b.keyEqual(row); e != nil {
		return e, nil
	}
	if c.Source == "" {
		if e := b.groupField(c.Column, strings.EqualFold); e != nil {
			return e, nil
		}
	}
	name := c.Column
	if c.Source != "" {
		name = c.Source + "." + c.Column
	}
	if row != nil {
		return nil, &Problem{Code: CodeNotGrouped, Message: quoted(name) + " is neither a group key nor an aggregate; add it to group_by or aggregate it"}
	}
	return nil, &Problem{Code: CodeUnknownColumn, Message: "there is no group key, aggregate or column " + quoted(name) + suggest(c.Column, append(b.groupNames(), b.scope.columnNames(anySource)...))}
}

// groupField finds a group key or aggregate by name.
func (b *block) groupField(name string, equal func(a, b string) bool) Expr {
	for _, k := range b.out.GroupBy {
		if equal(k.Name, name) {
			return TypedRef("", k.Name, k.Expr.Type())
		}
	}
	for _, a := range b.out.Aggregates {
		if equal(a.Name, name) {
			return TypedRef("", a.Name, a.typ)
		}
	}
	return nil
}

func (b *block) groupNames() []string {
	var names []string
	for _, k := range b.out.GroupBy {
		names = append(names, k.Name)
	}
	for _, a := range b.out.Aggregates {
		names = append(names, a.Name)
	}
	return names
}
