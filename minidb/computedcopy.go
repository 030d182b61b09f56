package minidb

import (
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// copyComputed makes the computed columns of a copied table, which is not stored yet, read the copies of columns.
func (c *baseCopy) copyComputed(t *Table) {
	for i := range t.Columns {
		o := &t.Columns[i].Options
		o.Formula, o.Expr = c.copyFormula(o.Formula, o.Expr)
		if o.Through == nil {
			continue
		}
		th := o.Through.clone()
		th.Link, th.Target = other(th.Link, c.ids), other(th.Target, c.ids)
		th.Filter, th.FilterExpr = c.copyFormula(th.Filter, th.FilterExpr)
		o.Through = th
	}
}

// copyFormula is a stored formula over the copies of its columns, with its tree.
func (c *baseCopy) copyFormula(text string, tree []byte) (string, []byte) {
	if e, err := formula.Parse(text); err == nil {
		text = retext(text, e, func(col *lqp.Col) string { return formula.Print(lqp.Ref(col.Source, other(col.Column, c.ids)), nil) })
	}
	// What cannot be decoded is as broken in the copy as in the original.
	if e, err := lqp.DecodeExpr(tree, lqp.DecodeOptions{}); err == nil {
		tree = lqp.EncodeExpr(renamed(e, c.ids))
	}
	return text, tree
}

// computeCopied computes what looks at ids of linked rows, which are others in a copy.
func (c *baseCopy) computeCopied(t *Table) error {
	if !t.layout.looks {
		return nil
	}
	return c.recomputeAround(t.Workspace, t.ID)
}
