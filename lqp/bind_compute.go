package lqp

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxInlining   = 16  // levels of computed columns that use computed columns
	maxNameLength = 200 // code points of a name or alias
)

// computedColumn is a computed column of a block. It is bound when it is first used.
type computedColumn struct {
	name  string
	index int
	state computedState
	expr  Expr // bound; nil after a problem, which was reported
	nodes int
	level int // 1 when it uses no other computed column
}

type computedState uint8

const (
	computedNew computedState = iota
	computedBusy
	computedDone
)

// computeAll binds every computed column, used or not, so that each problem is told.
func (b *block) computeAll() {
	if len(b.in.Compute) == 0 {
		return
	}
	b.computed = make(map[string]*computedColumn, len(b.in.Compute))
	for i := range b.in.Compute {
		name := b.in.Compute[i].Name
		path := b.element("computed_columns", i, "")
		switch {
		case !b.checkName(name, path):
		case b.computed[name] != nil:
			b.problem(path.String()+".name", CodeDuplicateName, "two computed columns are called %s", quoted(name))
		default:
			b.computed[name] = &computedColumn{name: name, index: i}
		}
	}
	for i := range b.in.Compute {
		if col := b.computed[b.in.Compute[i].Name]; col != nil && col.index == i && col.state == computedNew {
			b.compute(col)
		}
	}
}

// compute binds one computed column, and before it those it uses.
func (b *block) compute(col *computedColumn) {
	path := b.element("computed_columns", col.index, ".expr")
	col.state = computedBusy
	b.computing = append(b.computing, col)
	x := &exprBinder{binder: b.binder, scope: b.scope, zone: b.zone, block: b}
	col.expr = x.top(b.in.Compute[col.index].Expr, path)
	col.nodes, col.level = x.nodes, x.inlined+1
	b.computing = b.computing[:len(b.computing)-1]
	col.state = computedDone
}

// computedColumn finds the computed column that a reference means, by its exact name, or regardless of case when no
// source has a column of that name.
func (x *exprBinder) computedColumn(c *Col) *computedColumn {
	if x.block == nil || c.Source != "" || len(x.block.computed) == 0 {
		return nil
	}
	if col := x.block.computed[c.Column]; col != nil {
		return col
	}
	if _, hits := x.scope.findColumn(c.Column, anySource); hits > 0 {
		return nil
	}
	var only *computedColumn
	for name, col := range x.block.computed {
		if strings.EqualFold(name, c.Column) {
			if only != nil {
				return nil
			}
			only = col
		}
	}
	return only
}

// inline is the expression of a computed column, to stand in the place of its name.
func (x *exprBinder) inline(col *computedColumn, c *Col, at *place) Expr {
	b := x.block
	switch {
	case col.state == computedBusy:
		x.report(c, at, CodeCycle, "the computed column "+quoted(col.name)+" depends on itself: "+b.cycle(col))
		return nil
	case col.state == computedNew && len(b.computing) >= maxInlining, col.level >= maxInlining && len(b.computing) > 0:
		x.report(c, at, CodeLimit, fmt.Sprintf("computed columns use each other over too many steps; at most %d are allowed", maxInlining))
		return nil
	case col.state == computedNew:
		b.compute(col)
	}
	if col.expr == nil || !x.charge(col.nodes) {
		return nil
	}
	x.inlined = max(x.inlined, col.level)
	return col.expr
}

// cycle shows the way from a computed column back to itself.
func (b *block) cycle(col *computedColumn) string {
	var way []string
	for _, c := range b.computing {
		if c == col || len(way) > 0 {
			way = append(way, quoted(c.name))
		}
	}
	return strings.Join(append(way, quoted(col.name)), " uses ")
}

func (b *block) computedNames() []string {
	names := make([]string, 0, len(b.computed))
	for i := range b.in.Compute {
		n := b.in.Compute[i].Name
		if col := b.computed[n]; col != nil && col.index == i {
			names = append(names, n)
		}
	}
	return names
}

// validName reports whether s can name an output column or a source.
func validName(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxNameLength && strings.IndexFunc(s, unicode.IsControl) < 0
}

func (b *block) checkName(name string, path clausePath) bool {
	if validName(name) {
		return true
	}
	if name == "" {
		b.problem(path.String(), CodeMissing, "a name is missing")
	} else {
		b.problem(path.String()+".name", CodeArgument, "the name %s must have 1 to %d characters, none of them a control character", quoted(name), maxNameLength)
	}
	return false
}

// where binds the filter. A conjunction that was not one text is bound element by element: problems name the element.
func (b *block) where() Expr {
	if b.in.Where == nil {
		return nil
	}
	x := &exprBinder{binder: b.binder, scope: b.scope, zone: b.zone, block: b}
	c, ok := b.in.Where.(*Call)
	if !ok || c.Func != "and" || c.To > 0 || len(c.Args) < 2 {
		return x.condition(b.in.Where, b.clause("filters"))
	}
	if len(c.Args) > MaxClauses {
		b.problem(b.path+".filters", CodeLimit, "there are %d elements; at most %d are allowed", len(c.Args), MaxClauses)
		return nil
	}
	bound := make([]Expr, 0, len(c.Args))
	for i, a := range c.Args {
		if e := x.condition(a, b.element("filters", i, "")); e != nil {
			bound = append(bound, e)
		}
	}
	return And(bound...)
}
