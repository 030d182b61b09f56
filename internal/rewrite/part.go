package rewrite

import (
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// part says of a column of links that its reader sees some of the linked rows: those that a row rule of their table lets.
//
// For whoever does not look the rows up it is a column that NULL masks, in conditions, orders and groups of plans too. Where
// cells are only shown, the doors of the engine look up which of the rows are in sight and show those.
type part struct {
	table    string   // whose rows the cells name
	readOnly bool     // by the rule of the column itself
	read     lqp.Expr // the row rule
}

// partOf finds out whether a column that is closed because of its origins shows links to some rows: it has no other origin than
// the ids of the linked rows, and nothing but a row rule keeps its reader from them. rule is that of the column's own table.
func (r Reader) partOf(ref rbac.TableRef, rule rbac.TableRule, c *lqp.Column) (part, bool) {
	own := rule.Columns[c.ID]
	if c.Derived || len(c.Origins) != 1 || own == rbac.Masked || r.Principal.View != "" {
		return part{}, false
	}
	o := c.Origins[0]
	if o.Table == "" {
		return part{}, false
	}
	from := rbac.TableRef{Connection: ref.Connection, Table: o.Table}
	of := rule
	if from != ref {
		of = r.Policy.Table(r.Principal, from)
	}
	a := of.Columns[o.Column]
	if of.Closed || of.Read == nil || hides(a) || a == rbac.Masked {
		return part{}, false
	}
	return part{table: o.Table, readOnly: own == rbac.ReadOnly, read: of.Read}, true
}

func sameParts(a, b map[string]part) bool {
	if len(a) != len(b) {
		return false
	}
	for id, p := range a {
		if o, ok := b[id]; !ok || o.table != p.table || o.readOnly != p.readOnly || !lqp.EqualExpr(o.read, p.read) {
			return false
		}
	}
	return true
}

// Linked is the id of the table whose rows a column names, for a column of links of which the principal sees those to the rows
// that a row rule lets it see. [Sight.Show] leaves nothing of it; [Sight.ShowLinks] shows it.
func (s *Sight) Linked(column string) (table string, ok bool) {
	p, ok := s.parts[column]
	return p.table, ok
}

// WritesLinks reports whether the principal may write a column as far as it sees it: one of [Sight.Linked] that no rule makes
// read-only.
func (s *Sight) WritesLinks(column string) bool {
	p, ok := s.parts[column]
	return ok && !p.readOnly
}

// ShowsSomeLinks reports whether there are columns of [Sight.Linked].
func (s *Sight) ShowsSomeLinks() bool { return len(s.parts) > 0 }

// EachLink calls f with every row that the columns of [Sight.Linked] name in a real row.
func (s *Sight) EachLink(row []lqp.Value, f func(table, id string)) {
	if row == nil || len(s.parts) == 0 {
		return
	}
	for i := range s.full.Columns {
		if p, ok := s.parts[s.full.Columns[i].ID]; ok {
			for _, item := range row[i].Items() {
				f(p.table, item.Text())
			}
		}
	}
}

// ShowLinks is Show with the links to the rows that inSight knows.
func (s *Sight) ShowLinks(row []lqp.Value, inSight func(table, id string) bool) []lqp.Value {
	out := s.Show(row)
	if row == nil || len(s.parts) == 0 {
		return out
	}
	for i := range s.seen.Columns {
		id := s.seen.Columns[i].ID
		p, ok := s.parts[id]
		if !ok {
			continue
		}
		at := slices.IndexFunc(s.full.Columns, func(c lqp.Column) bool { return c.ID == id })
		out[i] = LinksInSight(row[at], func(row string) bool { return inSight(p.table, row) })
	}
	return out
}

// LinksInSight is a cell of links with those that are kept, NULL for none.
func LinksInSight(cell lqp.Value, keep func(row string) bool) lqp.Value {
	items := cell.Items()
	var kept []lqp.Value
	for _, item := range items {
		if keep(item.Text()) {
			kept = append(kept, item)
		}
	}
	switch len(kept) {
	case 0:
		return lqp.Value{}
	case len(items):
		return cell
	}
	return lqp.ListValue(kept)
}

// LinkCells says that an output of a plan are cells of links to rows of a table, of which only those in sight may be shown.
type LinkCells struct {
	At    int    // the output's place
	Table string // whose rows they name
	Some  bool   // only those in sight may be shown; else they all are
}

// WithLinks is the plan with real cells in the place of NULL where an output is a column of [Sight.Linked] and nothing else, for
// whoever takes out of them what is not in sight before it shows them. Everywhere else in the plan NULL stays: in conditions,
// orders, groups and formulas, in nested queries and under joins that may leave the table out. The list is empty, and the plan p
// itself, where there is no such output or no total order by which it can be read in portions. With every the list has also the
// outputs that are columns of links of which the principal sees everything.
func (p *Plan) WithLinks(every bool) (*Plan, []LinkCells) {
	if !p.total || p.asked.Grouped() {
		return p, nil
	}
	var cells []LinkCells
	open := *p.query
	open.Select = slices.Clone(p.query.Select)
	for i := range p.visible {
		c, ok := p.asked.Select[i].Expr.(*lqp.Col)
		if !ok || !scans(p.query, c.Source) {
			continue
		}
		at := slices.IndexFunc(p.placed, func(at placed) bool { return at.alias == c.Source && at.top })
		if at < 0 {
			continue
		}
		sight := p.placed[at].sight
		column := sight.full.Column(c.Column)
		if part, ok := sight.parts[c.Column]; ok {
			open.Select[i].Expr = lqp.TypedRef(c.Source, c.Column, column.Type)
			cells = append(cells, LinkCells{At: i, Table: part.table, Some: true})
		} else if every && sight.Shows(c.Column) && !column.Derived && len(column.Origins) == 1 {
			cells = append(cells, LinkCells{At: i, Table: column.Origins[0].Table})
		}
	}
	if cells == nil {
		return p, nil
	}
	c := *p
	c.query = &open
	return &c, cells
}

// scans reports whether a source of a block is a table and not a nested query.
func scans(q *lqp.Query, alias string) bool {
	if q.From.Alias == alias {
		return q.From.Query == nil
	}
	for i := range q.Joins {
		if s := &q.Joins[i].Source; s.Alias == alias {
			return s.Query == nil
		}
	}
	return false
}
