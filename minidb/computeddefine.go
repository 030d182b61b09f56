package minidb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// CodeVolatile is the problem of a formula whose answer is another one at another time or for another user.
const CodeVolatile = "volatile"

// definition works out what computed columns are to be stored with: trees, texts with ids, types of results.
type definition struct {
	u *unit
	t *Table
	// fresh reports whether the options of a column are what somebody gave just now. Others were worked out before and may be broken.
	fresh func(c *Column) bool
	path  func(i int) string // of the options of column i in the request
	scope lqp.Scope          // the columns of t, with the types known so far
	given map[string]string  // texts of fresh formulas as they were given
}

// define works out the computed columns of t. Columns that fresh does not report keep what they have where that does not
// work any more. It does not write.
func (u *unit) define(t *Table, fresh func(c *Column) bool, path func(i int) string) error {
	if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Type.Computed() }) {
		return nil
	}
	l := newLayout(u.db.store, t)
	d := &definition{u: u, t: t, fresh: fresh, path: path, given: map[string]string{},
		scope: lqp.Scope{{Alias: sourceAlias, Label: t.Name, Columns: slices.Clone(l.shown.Columns), Key: l.shown.Key}}}
	defs := make([]formula.Definition, 0, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		if !c.Type.Computed() {
			continue
		}
		def := formula.Definition{ID: c.ID, Name: c.Name}
		if c.Type == FormulaColumn {
			var err error
			if def.Expr, err = d.read(c, i); err != nil {
				return err
			}
		}
		defs = append(defs, def)
	}
	order, err := formula.Depend(defs)
	if err != nil {
		return d.circle(err)
	}
	for _, id := range order.Order() {
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.ID == id })
		c := &t.Columns[i]
		result, broken, err := d.result(c, i)
		if err != nil {
			return err
		}
		c.Options.Broken = broken
		if broken != "" {
			continue
		}
		c.Options.Result = result
		if err := c.checkType(); err != nil {
			return err
		}
		at := slices.IndexFunc(d.scope[0].Columns, func(o lqp.Column) bool { return o.ID == id })
		d.scope[0].Columns[at].Type = c.valueType()
	}
	return nil
}

// every is for the columns of a table that is made: all of them are fresh.
func every(*Column) bool { return true }

// circle says that formulas read each other at the first of them that is in somebody's hands.
func (d *definition) circle(err error) error {
	var circle *formula.CycleError
	if !errors.As(err, &circle) {
		return err
	}
	for i := range d.t.Columns {
		if c := &d.t.Columns[i]; slices.Contains(circle.IDs, c.ID) && d.fresh(c) {
			return lqp.Problems{{Path: d.path(i) + ".formula", Code: lqp.CodeCycle, Message: err.Error()}}
		}
	}
	return lqp.Problems{{Path: "$", Code: lqp.CodeCycle, Message: err.Error()}}
}

// read is the tree of a formula column.
func (d *definition) read(c *Column, i int) (lqp.Expr, error) {
	if !d.fresh(c) {
		return lqp.DecodeExpr(c.Options.Expr, lqp.DecodeOptions{})
	}
	r, err := readFormula(c.Options.Formula, c.Options.Expr, d.scope, d.path(i)+".formula")
	if err != nil {
		return nil, err
	}
	d.given[c.ID] = c.Options.Formula
	c.Options.Formula, c.Options.Expr, c.Options.Result = r.text, lqp.EncodeExpr(r.tree), nil
	return r.tree, nil
}

// result is the type of the values of a computed column, or why one that was worked out before is broken now.
func (d *definition) result(c *Column, i int) (r *ResultType, broken string, err error) {
	fresh := d.fresh(c)
	if c.Type.looks() {
		return d.throughResult(c, i)
	}
	path, text := d.path(i)+".formula", d.given[c.ID]
	var bound lqp.Expr
	if fresh && text != "" {
		var checked *formula.Checked
		if checked, err = formula.Check(text, formula.CheckOptions{Scope: d.scope}); err == nil {
			bound = checked.Bound
		}
	} else {
		var tree lqp.Expr
		if tree, err = lqp.DecodeExpr(c.Options.Expr, lqp.DecodeOptions{}); err == nil {
			bound, err = bindFormula(tree, d.scope)
		}
	}
	if err == nil {
		if r, err = resultOf(bound.Type()); err != nil {
			err = lqp.Problems{{Path: "$", Code: lqp.CodeTypeMismatch, To: len([]rune(text)), Message: "the values of the formula cannot be kept: " + err.Error()}}
		}
	}
	switch {
	case err == nil:
		return r, "", nil
	case fresh:
		return nil, "", problemsAt(path, err)
	}
	return nil, brokenBecause(err), nil
}

// throughResult finds what a lookup, rollup or count column looks at, and the type of its values.
func (d *definition) throughResult(c *Column, i int) (r *ResultType, broken string, err error) {
	fresh := d.fresh(c)
	if fresh {
		if err := d.readThrough(c, i); err != nil {
			return nil, "", err
		}
	}
	t, err := d.table(d.t.ID)
	if err != nil {
		return nil, "", err
	}
	v, err := newLens(t, c, d.table)
	var fault *lensFault
	switch {
	case err == nil:
		return v.result, "", nil
	case !errors.As(err, &fault):
		return nil, "", err
	case !fresh:
		return nil, fault.message, nil
	}
	return nil, "", invalid(d.field(i, fault.part), fault.code, "%s", fault.message)
}

// readThrough gives what the options of a new column name its ids.
func (d *definition) readThrough(c *Column, i int) error {
	th := c.Options.Through.clone()
	c.Options.Through, c.Options.Result = th, nil
	link, ok := d.t.Column(columnNamed(d.t, th.Link))
	if !ok || link.Type != LinkColumn {
		return invalid(d.field(i, "link"), CodeUnknownColumn, "%q is no link column of the table", cleanText(th.Link, maxName))
	}
	target, err := d.table(link.Options.Link.Table)
	if err != nil {
		return err
	}
	th.Link = link.ID
	if th.Target != "" {
		th.Target = columnNamed(target, th.Target)
	}
	if th.Filter == "" && len(th.FilterExpr) == 0 {
		return nil
	}
	path, scope := d.path(i)+".through.filter", target.layout.scope(target)
	given := th.Filter
	r, err := readFormula(given, th.FilterExpr, scope, path)
	if err != nil {
		return err
	}
	th.Filter, th.FilterExpr = r.text, lqp.EncodeExpr(r.tree)
	if given == "" {
		return nil
	}
	_, err = formula.Check(given, formula.CheckOptions{Scope: scope, Want: lqp.Bool})
	return problemsAt(path, err)
}

// table is a table of the transaction, the one that is being defined as it will be.
func (d *definition) table(id string) (*Table, error) {
	if id == d.t.ID {
		t := *d.t
		t.layout = newLayout(d.u.db.store, d.t)
		return &t, nil
	}
	return d.u.table(id)
}

// field is the name of a part of the options of column i in a ValidationError.
func (d *definition) field(i int, part string) string {
	return strings.TrimPrefix(d.path(i), "$.") + ".through." + part
}

// columnNamed is the id of the column that people call so, or what they said.
func columnNamed(t *Table, name string) string {
	if _, ok := t.Column(name); ok {
		return name
	}
	for i := range t.Columns {
		if nameKey(t.Columns[i].Name) == nameKey(name) {
			return t.Columns[i].ID
		}
	}
	return name
}

// pathOfColumn is the path of the options of a column that is given by itself.
func pathOfColumn(int) string { return "$.options" }

// pathOfColumns is the path of the options of a column that is given with its table.
func pathOfColumns(i int) string { return fmt.Sprintf("$.columns[%d].options", i) }
