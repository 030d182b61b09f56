package rewrite

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// placed is the sight of a table source of a plan.
type placed struct {
	sight *Sight
	alias string
	top   bool // a source of the plan's own block, not of a nested query
}

// guard puts the row rule and the masks of every table source of a bound query at its scan, and the table's whole schema back
// into the source, since rules and masks may read columns that the principal may not.
func (rw *rewriter) guard(q *lqp.Query) (*lqp.Query, error) {
	rw.depth++
	defer func() { rw.depth-- }()
	c := q.Clone()
	outer := slices.ContainsFunc(q.Joins, func(j lqp.Join) bool { return j.Kind == lqp.Right || j.Kind == lqp.Full })
	sights := make([]*Sight, 1+len(c.Joins)) // nil for nested queries
	var err error
	if sights[0], err = rw.source(&c.From); err != nil {
		return nil, err
	}
	withPlace(&c.From, c.OrderBy)
	for i := range c.Joins {
		if sights[i+1], err = rw.source(&c.Joins[i].Source); err != nil {
			return nil, err
		}
	}
	var masked []placed
	inline := make([]bool, len(sights)) // whose rule becomes a part of the block's conditions
	for i, s := range sights {
		if s == nil || s.read == nil && len(s.masks) == 0 {
			continue
		}
		src := &c.From
		if i > 0 {
			src = &c.Joins[i-1].Source
		}
		// A right or full join keeps rows that match nothing: only a scan that is filtered by itself is safe. Where a source
		// may be missing from a row, its masked columns are NULL like all others, and not what the mask makes of NULL.
		if outer || i > 0 && c.Joins[i-1].Kind == lqp.Left && len(s.masks) > 0 {
			*src = s.nested(*src)
			continue
		}
		inline[i] = true
		if len(s.masks) > 0 {
			masked = append(masked, placed{sight: s, alias: src.Alias})
		}
	}
	if len(masked) > 0 {
		c = c.MapExprs(func(e lqp.Expr) lqp.Expr {
			for _, m := range masked {
				e = m.sight.unmask(e, m.alias)
			}
			return e
		})
	}
	// Rules come after the masks were put in, since they read the real values.
	for i, s := range sights {
		switch {
		case !inline[i] || s.read == nil:
		case i == 0:
			c.Where = lqp.And(requalify(s.read, c.From.Alias), c.Where)
		default:
			// For an inner or left join the condition is asked of every row of the right side before it is joined.
			j := &c.Joins[i-1]
			j.On = lqp.And(j.On, requalify(s.read, j.Source.Alias))
		}
	}
	return c, nil
}

// source restores the schema of a table source and answers with its sight. Nested queries are guarded whole.
func (rw *rewriter) source(s *lqp.Source) (*Sight, error) {
	if s.Query != nil {
		nested, err := rw.guard(s.Query)
		s.Query = nested
		return nil, err
	}
	ref := rbac.TableRef{Connection: s.Connection, Table: s.Schema.Name}
	seen, ok := rw.seen[ref]
	if !ok {
		return nil, fmt.Errorf("rewrite: table %s was bound without its policy", ref.Table)
	}
	s.Schema = seen.full
	rw.placed = append(rw.placed, placed{seen, s.Alias, rw.depth == 1})
	return seen, nil
}

// requalify makes an expression over a Sight's table speak of a source of the query. A bound expression stays bound.
func requalify(e lqp.Expr, alias string) lqp.Expr {
	if alias == Alias {
		return e
	}
	return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			return lqp.TypedRef(alias, c.Column, c.Type())
		}
		return e
	})
}

// nested is the source as a nested query of the rows and columns that the principal sees.
func (s *Sight) nested(src lqp.Source) lqp.Source {
	inner := &lqp.Query{From: src, Where: requalify(s.read, src.Alias)}
	for _, col := range s.seen.Columns {
		e := lqp.Expr(lqp.TypedRef(src.Alias, col.ID, col.Type))
		if mask, ok := s.masks[col.ID]; ok {
			e = requalify(mask, src.Alias)
		}
		inner.Select = append(inner.Select, lqp.Named{Name: col.ID, Expr: e})
	}
	if len(inner.Select) == 0 { // rows are counted even where no column can be seen
		inner.Select = []lqp.Named{{Name: "one", Expr: lqp.Literal(lqp.BoolValue(true))}}
	}
	return lqp.Source{Alias: src.Alias, Query: inner}
}
