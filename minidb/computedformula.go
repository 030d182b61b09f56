package minidb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// scope is the table for the binding of expressions over its rows.
func (l *layout) scope(t *Table) lqp.Scope {
	return lqp.Scope{{Alias: sourceAlias, Label: t.Name, Columns: l.shown.Columns, Key: l.shown.Key}}
}

// reading is a formula that was read.
type reading struct {
	tree lqp.Expr // its columns by their ids
	text string   // with the ids of columns in the place of their names
}

// readFormula reads the text of a formula over the columns of a scope, or the tree where there is no text. Mistakes are
// lqp.Problems at the path.
func readFormula(text string, given []byte, scope lqp.Scope, path string) (reading, error) {
	if text == "" {
		e, err := lqp.DecodeExpr(given, lqp.DecodeOptions{})
		if err != nil {
			return reading{}, invalid(strings.TrimPrefix(path, "$."), CodeInvalid, "no expression: %v", err)
		}
		e = formula.Identify(e, scope)
		return reading{e, formula.Print(e, nil)}, problemsAt(path, settled(e))
	}
	e, err := formula.Parse(text)
	if err != nil {
		// Check says all that is wrong, not only the first thing.
		_, err = formula.Check(text, formula.CheckOptions{Scope: scope})
		return reading{}, problemsAt(path, err)
	}
	tree := formula.Identify(e, scope)
	if err := settled(tree); err != nil {
		return reading{}, problemsAt(path, err)
	}
	return reading{tree, retext(text, e, func(c *lqp.Col) string {
		id := formula.Identify(c, scope).(*lqp.Col)
		return formula.Print(id, nil)
	})}, nil
}

// problemsAt moves the problems of a formula to its place in a request.
func problemsAt(path string, err error) error {
	var problems lqp.Problems
	if errors.As(err, &problems) {
		return problems.Under(path)
	}
	return err
}

// settled refuses what has another answer at another time or for somebody else: it cannot be kept.
func settled(e lqp.Expr) error {
	var problems lqp.Problems
	lqp.Walk(e, func(e lqp.Expr) bool {
		if c, ok := e.(*lqp.Col); ok && c.Column == ColumnVersion {
			problems = append(problems, lqp.Problem{Path: "$", Code: CodeVolatile, From: c.From, To: c.To,
				Message: "the version of a row counts the changes of what is computed in it, too: nothing can be computed from it"})
		}
		if p, ok := e.(*lqp.Param); ok {
			name := strings.ToUpper(p.Name) + "()"
			switch p.Name {
			case "now", "today":
				name += " changes with time"
			default:
				name += " depends on who asks"
			}
			problems = append(problems, lqp.Problem{Path: "$", Code: CodeVolatile, From: p.From, To: p.To,
				Message: name + ", while the values of the column are kept in its rows; compute it in a view instead"})
		}
		return true
	})
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// retext is a formula with other names of its columns; all else that people wrote, blanks and comments too, stays.
func retext(text string, e lqp.Expr, name func(*lqp.Col) string) string {
	cols := lqp.Columns(e)
	slices.SortFunc(cols, func(a, b *lqp.Col) int { return a.From - b.From })
	runes := []rune(text)
	var b strings.Builder
	at := 0
	for _, c := range cols {
		if c.To <= c.From || c.From < at || c.To > len(runes) {
			continue // the same reference once more
		}
		b.WriteString(string(runes[at:c.From]))
		b.WriteString(name(c))
		at = c.To
	}
	b.WriteString(string(runes[at:]))
	return b.String()
}

// named is a stored formula as people read it: with the names that its columns have now. A column that is gone keeps its id.
func named(text string, scope lqp.Scope) string {
	e, err := formula.Parse(text)
	if err != nil {
		return text
	}
	name := formula.Names(scope)
	return retext(text, e, func(c *lqp.Col) string { return formula.Print(lqp.Ref(c.Source, name(c)), nil) })
}

// bindFormula binds the tree of a stored formula.
func bindFormula(tree lqp.Expr, scope lqp.Scope) (lqp.Expr, error) {
	if err := settled(tree); err != nil {
		return nil, err
	}
	return lqp.BindExpr(tree, scope, lqp.Env{})
}

// program makes a bound expression ready to run on the rows of the layout.
func (l *layout) program(bound lqp.Expr) (*formula.Program, error) {
	placed, err := lqp.Resolve(bound, l.slot)
	if err != nil {
		return nil, err
	}
	return formula.Compile(placed)
}

// computedCell is a computed column of a layout.
type computedCell struct {
	column int // place in the Table
	slot   int
	// program computes a formula; nil for another column, and for one that is broken.
	program *formula.Program
	broken  string   // why the column has no values, empty when it has
	reads   []string // columns of the row
	// looksAt are the columns of the linked table that it looks at, and filter its condition as people read it, where the graph of
	// the workspace has told.
	looksAt []string
	filter  string
}

// compile makes the computed columns ready and notes what they are made of. What is looked at through links only the graph of
// the workspace knows: until it says so, such a column is made of something that nobody sees.
func (l *layout) compile(t *Table) {
	l.computed = l.computedCells(t)
	for i := range l.computed {
		cell := &l.computed[i]
		column := &l.schema.Columns[cell.slot]
		column.Derived = true
		if t.Columns[cell.column].Type.looks() {
			column.Origins = []lqp.Origin{{}}
		} else {
			column.Origins = l.origins(cell.reads)
		}
	}
}

// computedCells are the computed columns of a table in an order in which they can be computed.
func (l *layout) computedCells(t *Table) []computedCell {
	var defs []formula.Definition
	cells := make(map[string]computedCell)
	for i := range t.Columns {
		c := &t.Columns[i]
		if !c.Type.Computed() {
			continue
		}
		cell := computedCell{column: i, slot: l.user[i]}
		def := formula.Definition{ID: c.ID, Name: c.Name}
		if c.Type == FormulaColumn {
			def.Expr, cell.program, cell.broken = l.formula(t, c)
			cell.reads = formula.Reads(def.Expr)
		} else {
			cell.reads, l.looks = []string{c.through().Link}, true
		}
		defs = append(defs, def)
		cells[c.ID] = cell
	}
	if len(defs) == 0 {
		return nil
	}
	order, err := formula.Depend(defs)
	list := make([]computedCell, 0, len(defs))
	if err != nil { // nobody could store that
		for _, d := range defs {
			cell := cells[d.ID]
			cell.program, cell.broken = nil, err.Error()
			list = append(list, cell)
		}
		return list
	}
	for _, id := range order.Order() {
		list = append(list, cells[id])
	}
	return list
}

// formula compiles a formula column; it answers why where that cannot be done.
func (l *layout) formula(t *Table, c *Column) (tree lqp.Expr, p *formula.Program, broken string) {
	tree, err := lqp.DecodeExpr(c.Options.Expr, lqp.DecodeOptions{})
	if err != nil {
		return nil, nil, err.Error()
	}
	bound, err := bindFormula(tree, l.scope(t))
	if err != nil {
		return tree, nil, brokenBecause(err)
	}
	if r, err := resultOf(bound.Type()); err != nil || c.Options.Result == nil || *r != *c.Options.Result {
		return tree, nil, fmt.Sprintf("its values would be %s now", bound.Type())
	}
	if p, err = l.program(bound); err != nil {
		return tree, nil, err.Error()
	}
	return bound, p, "" // functions of the record read columns, which the tree does not name
}

// brokenBecause is the first reason why a formula does not bind.
func brokenBecause(err error) string {
	var problems lqp.Problems
	if errors.As(err, &problems) && len(problems) > 0 {
		return problems[0].Message
	}
	return err.Error()
}

// computeRow gives a row the values of its formula columns. All that they read is there, what is read through links too.
func (l *layout) computeRow(row []lqp.Value) {
	for i := range l.computed {
		c := &l.computed[i]
		switch {
		case c.program != nil:
			row[c.slot] = kept(c.program.Eval(row))
		case c.broken != "":
			row[c.slot] = lqp.Value{}
		}
	}
}
