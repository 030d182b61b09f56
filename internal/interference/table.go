package interference

import (
	"slices"
	"strings"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// table is a table of a world: where it is, all its columns and all its rows.
type table struct {
	ref    rbac.TableRef
	schema *lqp.Table
	rows   [][]lqp.Value // in the order of schema.Columns
	rules  []rule        // that bind the principal, which a row must all satisfy
	closed bool          // no grant leads to it
}

// rule is a table rule, with its expressions ready to be asked of rows; nil is true.
type rule struct {
	given                        rbac.TableRule
	read, create, update, remove lqp.Expr
	masks                        map[string]lqp.Expr
	broken                       bool            // the rule of reading lacks an attribute
	badMasks                     map[string]bool // which lack one
}

// compile prepares a rule for the rows of a table. What lacks an attribute of the principal allows nothing.
func compile(given rbac.TableRule, t *lqp.Table, env lqp.Env) rule {
	r := rule{given: given, masks: map[string]lqp.Expr{}, badMasks: map[string]bool{}}
	over := func(e lqp.Expr) (_ lqp.Expr, ok bool) {
		if e == nil {
			return nil, true
		}
		bound, err := lqp.BindExpr(e, lqp.Scope{{Alias: "row", Columns: t.Columns, Key: t.Key}}, env)
		if err == nil {
			bound, err = lqp.Resolve(bound, func(c *lqp.Col) (int, error) {
				return slices.IndexFunc(t.Columns, func(o lqp.Column) bool { return o.ID == c.Column }), nil
			})
		}
		if err != nil {
			return lqp.Literal(lqp.BoolValue(false)), false
		}
		return bound, true
	}
	var ok bool
	r.read, ok = over(given.Read)
	r.broken = !ok
	r.create, _ = over(given.Create)
	r.update, _ = over(given.Update)
	r.remove, _ = over(given.Delete)
	for id, m := range given.Masks {
		if given.Columns[id] == rbac.Masked {
			r.masks[id], ok = over(m)
			r.badMasks[id] = !ok
		}
	}
	return r
}

// open reports whether the principal can read the table at all: every rule and every mask that counts must be computable.
func (t *table) open() bool {
	if t.closed || slices.ContainsFunc(t.rules, func(r rule) bool { return r.broken }) {
		return false
	}
	for _, c := range t.schema.Columns {
		if m := t.maskOf(c.ID); t.access(c.ID) == rbac.Masked && m != nil && m.badMasks[c.ID] {
			return false
		}
	}
	return true
}

// maskOf is the rule whose mask a masked column shows, nil when it shows nothing: two rules with different masks leave nothing.
func (t *table) maskOf(id string) (found *rule) {
	n := 0
	for i := range t.rules {
		r := &t.rules[i]
		if r.given.Columns[id] != rbac.Masked {
			continue
		}
		if n++; n > 1 && !lqp.EqualExpr(found.given.Masks[id], r.given.Masks[id]) {
			return nil
		}
		found = r
	}
	return found
}

func holds(e lqp.Expr, row []lqp.Value) bool { return e == nil || lqp.Truth(lqp.Eval(e, row)) }

// sees reports whether the principal sees a row.
func (t *table) sees(row []lqp.Value) bool {
	return !slices.ContainsFunc(t.rules, func(r rule) bool { return !holds(r.read, row) })
}

// access is the strictest of what the rules leave of a column.
func (t *table) access(id string) rbac.Access {
	order := []rbac.Access{"", rbac.ReadOnly, rbac.Masked, rbac.Hidden}
	most := 0
	for _, r := range t.rules {
		most = max(most, slices.Index(order, r.given.Columns[id]))
	}
	return order[most]
}

// masked is what a masked column shows of a row.
func (t *table) masked(id string, row []lqp.Value) lqp.Value {
	if r := t.maskOf(id); r != nil && r.masks[id] != nil {
		return lqp.Eval(r.masks[id], row)
	}
	return lqp.NullValue
}

// shown is a row as the principal sees it.
func (t *table) shown(row []lqp.Value) []lqp.Value {
	out := make([]lqp.Value, 0, len(row))
	for i, c := range t.schema.Columns {
		switch t.access(c.ID) {
		case rbac.Hidden:
		case rbac.Masked:
			out = append(out, t.masked(c.ID, row))
		default:
			out = append(out, row[i])
		}
	}
	return out
}

// columns are those that the principal sees.
func (t *table) columns() []lqp.Column {
	return slices.DeleteFunc(slices.Clone(t.schema.Columns), func(c lqp.Column) bool { return t.access(c.ID) == rbac.Hidden })
}

// trace is everything that a row makes the principal see or allows it to do: rows with the same trace are one to it.
func (t *table) trace(row []lqp.Value) string {
	if !t.sees(row) {
		return ""
	}
	var b strings.Builder
	for _, v := range t.shown(row) {
		b.Write(v.AppendKey(nil))
	}
	for _, r := range t.rules {
		for _, e := range []lqp.Expr{r.create, r.update, r.remove} {
			if holds(e, row) {
				b.WriteByte('y')
			} else {
				b.WriteByte('n')
			}
		}
	}
	return "seen " + b.String()
}

// narrowed is the table on a database in which nothing is but what the principal sees.
func (t *table) narrowed() *plantest.Table {
	schema := *t.schema
	touched := func(id string) bool { a := t.access(id); return a == rbac.Hidden || a == rbac.Masked }
	schema.Columns = t.columns()
	for i := range schema.Columns {
		if c := &schema.Columns[i]; t.access(c.ID) == rbac.Masked {
			*c = lqp.Column{ID: c.ID, Name: c.Name, Type: lqp.Type{Kind: c.Type.Kind, Elem: c.Type.Elem}}
		}
	}
	if slices.ContainsFunc(schema.Key, touched) {
		schema.Key = nil
	}
	schema.Uniques = slices.DeleteFunc(slices.Clone(schema.Uniques), func(u []string) bool { return slices.ContainsFunc(u, touched) })
	out := &plantest.Table{Connection: t.ref.Connection, Schema: &schema}
	for _, row := range t.rows {
		if t.sees(row) {
			out.Rows = append(out.Rows, t.shown(row))
		}
	}
	return out
}

// at is the place of a column by its name.
func (t *table) at(name string) int {
	return slices.IndexFunc(t.schema.Columns, func(c lqp.Column) bool { return c.Name == name })
}
