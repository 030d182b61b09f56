package formula

import (
	"github.com/livetables/livetables/lqp"
)

// Identify gives the columns of an expression that was just parsed their ids, the form in which formulas are stored:
// what is called by name then is found under every later name. Of several sources the alias is kept; of one it is left
// out. Columns that the scope does not know stay as they are, [lqp.BindExpr] reports them. Parameters stay parameters.
func Identify(e lqp.Expr, scope lqp.Scope) lqp.Expr {
	return lqp.Rewrite(e, func(n lqp.Expr) lqp.Expr {
		c, ok := n.(*lqp.Col)
		if !ok {
			return n
		}
		found, ok := locate(c, scope)
		if !ok {
			return n
		}
		id := &lqp.Col{Column: found.Column, From: c.From, To: c.To}
		if len(scope) > 1 {
			id.Source = found.Source
		}
		return id
	})
}

// locate finds the column that a reference means.
func locate(c *lqp.Col, scope lqp.Scope) (*lqp.Col, bool) {
	bound, err := lqp.BindExpr(c, scope, lqp.Env{})
	if err != nil {
		return nil, false
	}
	found, ok := bound.(*lqp.Col)
	return found, ok
}

// Names answers, for [Print], what people call the columns of stored expressions: the name that the column has now, or
// its id where the name would lead to another column. A column that the scope does not know, because it was deleted or
// may not be seen, keeps its id.
func Names(scope lqp.Scope) func(*lqp.Col) string {
	names := map[[2]string]string{}
	return func(c *lqp.Col) string {
		key := [2]string{c.Source, c.Column}
		if n, ok := names[key]; ok {
			return n
		}
		name := c.Column
		if found, ok := locate(c, scope); ok {
			name = displayed(c, found, scope)
		}
		names[key] = name
		return name
	}
}

func displayed(c, found *lqp.Col, scope lqp.Scope) string {
	for i := range scope {
		if scope[i].Alias != found.Source {
			continue
		}
		for _, col := range scope[i].Columns {
			if col.ID != found.Column || col.Name == "" {
				continue
			}
			again, ok := locate(&lqp.Col{Source: c.Source, Column: col.Name}, scope)
			if ok && again.Source == found.Source && again.Column == found.Column {
				return col.Name
			}
		}
	}
	return c.Column
}
