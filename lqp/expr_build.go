package lqp

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Literal is the constant v; its type carries the facets of that one value.
func Literal(v Value) *Lit { return &Lit{Val: v, typ: valueType(v)} }

// TypedNull is the constant NULL of a known type.
func TypedNull(t Type) *Lit { return &Lit{typ: t.Nullable()} }

// Ref refers to a column by name or id; source is an alias or empty. Its type is unknown until [Bind].
func Ref(source, column string) *Col { return &Col{Source: source, Column: column} }

// TypedRef is [Ref] to a column whose type is known, for code that builds bound expressions.
func TypedRef(source, column string, t Type) *Col {
	return &Col{Source: source, Column: column, typ: t}
}

// NewList is a list of constants, typed by its first item that is not NULL.
func NewList(items ...*Lit) *ListLit {
	t := Type{Kind: List, NotNull: true}
	for _, it := range items {
		if k := it.typ.Kind; k != Null {
			t.Elem = k
			break
		}
	}
	return &ListLit{Items: items, typ: t}
}

// NewCall applies a function. Its name may be in any case or an alias: the call carries the catalogue's own name. When
// the types of all arguments are known and right, the call is typed; an unknown function or a wrong argument is left for
// [Bind] to report.
func NewCall(fn string, args ...Expr) *Call {
	c := &Call{Func: strings.ToLower(fn), Args: args}
	f, ok := LookupFunction(c.Func)
	if !ok {
		return c
	}
	c.Func, c.fn = f.Name, f
	for _, a := range args {
		if !typed(a) {
			return c
		}
	}
	if t, err := f.Check(args); err == nil {
		c.typ = t
	}
	return c
}

// typed reports whether e's type is known; the type of the literal NULL is.
func typed(e Expr) bool {
	switch e := e.(type) {
	case nil:
		return false
	case *Lit, *ListLit:
		return true
	case *Call:
		return e.typ.Kind != Null || e.Func == "blank"
	}
	return e.Type().Kind != Null
}

// valueType is the most exact type of a single value.
func valueType(v Value) Type {
	t := Type{Kind: v.kind, NotNull: v.kind != Null}
	switch v.kind {
	case Number:
		t.Precision, t.Scale = numberFacets(v.num)
	case Text:
		t.MaxLen = utf8.RuneCountInString(v.str)
		t.ASCII = t.MaxLen == len(v.str)
	case List:
		for _, e := range v.Items() {
			if e.kind != Null {
				t.Elem = e.kind
				break
			}
		}
	}
	return t
}

func numberFacets(d Decimal) (precision, scale int) {
	text := d.Abs().AppendText(make([]byte, 0, 40))
	precision = len(text)
	for i, c := range text {
		if c == '.' {
			precision--
			scale = len(text) - i - 1
		}
	}
	if _, fits := d.Int64(); scale == 0 && precision == 19 && !fits {
		precision = 20 // nineteen digits promise an int64, see Type.Integer
	}
	return precision, scale
}

// Walk calls f for e and everything below it, parents first; f answers whether to go below its node. A list is a leaf:
// its items are constants. A nil e is no node.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	if c, ok := e.(*Call); ok {
		for _, a := range c.Args {
			Walk(a, f)
		}
	}
}

// Rewrite replaces nodes bottom-up: f gets every node after its arguments were rewritten and answers with the node to
// put in its place, often the same. Nodes are never changed, only copied where something below them changed; f must do
// likewise. A list is a leaf. A nil e stays nil.
func Rewrite(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	c, ok := e.(*Call)
	if !ok {
		return f(e)
	}
	var args []Expr
	for i, a := range c.Args {
		b := Rewrite(a, f)
		if b != a && args == nil {
			args = append([]Expr(nil), c.Args...)
		}
		if args != nil {
			args[i] = b
		}
	}
	if args != nil {
		cp := *c
		cp.Args = args
		return f(&cp)
	}
	return f(c)
}

// Columns lists the references in e from left to right, repetitions included.
func Columns(e Expr) []*Col {
	var cols []*Col
	Walk(e, func(n Expr) bool {
		if c, ok := n.(*Col); ok {
			cols = append(cols, c)
		}
		return true
	})
	return cols
}

// EqualExpr reports whether two expressions are the same tree: same functions, zones, columns and constants (of the same
// kind). Positions and types are not compared. A nil expression equals only nil.
func EqualExpr(a, b Expr) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case *Lit:
		b, ok := b.(*Lit)
		return ok && equalLit(a, b)
	case *Col:
		b, ok := b.(*Col)
		return ok && a.Source == b.Source && a.Column == b.Column
	case *Param:
		b, ok := b.(*Param)
		return ok && a.Name == b.Name
	case *ListLit:
		b, ok := b.(*ListLit)
		if !ok || len(a.Items) != len(b.Items) {
			return false
		}
		for i := range a.Items {
			if !equalLit(a.Items[i], b.Items[i]) {
				return false
			}
		}
		return true
	case *Call:
		b, ok := b.(*Call)
		if !ok || a.Func != b.Func || len(a.Args) != len(b.Args) || a.Zone().String() != b.Zone().String() {
			return false
		}
		for i := range a.Args {
			if !EqualExpr(a.Args[i], b.Args[i]) {
				return false
			}
		}
		return true
	}
	return false
}

func equalLit(a, b *Lit) bool { return a.Val.kind == b.Val.kind && Equal(a.Val, b.Val) }

// And is the conjunction of its arguments: nils are left out, nested conjunctions flattened. Of nothing it is nil, of
// one argument that argument itself. It is meant for predicates of which only TRUE matters: of one nullable argument it
// may be NULL where the function and would answer FALSE.
func And(exprs ...Expr) Expr {
	var all []Expr
	for _, e := range exprs {
		all = append(all, Conjuncts(e)...)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	f, _ := LookupFunction("and")
	return &Call{Func: "and", Args: all, fn: f, typ: Type{Kind: Bool, NotNull: true}}
}

// Conjuncts splits a predicate at its top-level conjunctions; nil has none.
func Conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	c, ok := e.(*Call)
	if !ok || c.Func != "and" {
		return []Expr{e}
	}
	var all []Expr
	for _, a := range c.Args {
		all = append(all, Conjuncts(a)...)
	}
	return all
}

// Zone is the time zone in which the call works with dates, never nil; UTC unless [InZone] set another.
func (e *Call) Zone() *time.Location {
	if e.zone == nil {
		return time.UTC
	}
	return e.zone
}

// InZone is e with every call whose meaning depends on a time zone set to work in zone; nil is UTC. Calls of other
// functions, and all zones that mean UTC, are left alone.
func InZone(e Expr, zone *time.Location) Expr {
	if zone == time.UTC || zone != nil && zone.String() == "UTC" {
		zone = nil
	}
	return Rewrite(e, func(n Expr) Expr {
		c, ok := n.(*Call)
		if !ok || c.zone == zone {
			return n
		}
		if f, ok := LookupFunction(c.Func); !ok || !f.Zoned {
			return n
		}
		cp := *c
		cp.zone = zone
		return &cp
	})
}
