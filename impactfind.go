package livetables

import (
	"context"
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// finder looks for what uses something. It reads definitions and not what the principal sees of them: what it finds out of
// sight is counted.
type finder struct {
	*entry
	ctx     context.Context
	sources map[string]bool // tables, views and connections that go, by id
	columns map[string]bool // columns that change, by id
	renamed bool            // the columns get another name and stay
	report  Impact
}

// found adds something to the report, by name where the principal may know of it.
func (f *finder) found(visible bool, b Breakage) {
	f.report.Refused = f.report.Refused || b.Effect == Closes || b.Effect == Lifted
	if !visible {
		f.report.Others++
		return
	}
	f.report.Touches = append(f.report.Touches, b)
}

// views finds the views that use what changes, and those that read them.
func (f *finder) views() {
	touched := map[string]bool{}
	for again := true; again; {
		again = false
		for _, v := range f.Views {
			if touched[v.ID] || f.sources[v.ID] {
				continue
			}
			q, err := decodeView(v)
			if err != nil {
				continue // it is broken already
			}
			uses := places{}
			f.query(q, uses)
			for _, src := range allSources(q) {
				if touched[src.Table] && src.Connection == "" {
					uses["source"] = true
				}
			}
			if len(uses) == 0 {
				continue
			}
			touched[v.ID], again = true, true
			effect := Breaks
			if f.renamed {
				effect = Renames
			}
			f.found(f.readable(v.ID), Breakage{Kind: "view", ID: v.ID, Name: v.Name, Effect: effect, Uses: uses.list()})
			f.share(v, effect)
		}
	}
}

// share reports the publication of a view.
func (f *finder) share(v *minidb.View, effect Effect) {
	if sh, ok := f.ShareOfView(v.ID); ok {
		visible := f.readable(v.ID) && f.policy.Allows(f.p, rbac.ShareViews, v.ID)
		f.found(visible, Breakage{Kind: "share", ID: sh.ID, Name: sh.Slug, Effect: effect})
	}
}

// places are where in something a use is.
type places map[string]bool

func (p places) list() []string { return slices.Sorted(maps.Keys(p)) }

// allSources are the sources of a query, those of nested ones too.
func allSources(q *lqp.Query) (list []lqp.Source) {
	for _, src := range append([]lqp.Source{q.From}, sourcesOfJoins(q)...) {
		if src.Query != nil {
			list = append(list, allSources(src.Query)...)
			continue
		}
		list = append(list, src)
	}
	return list
}

func sourcesOfJoins(q *lqp.Query) (list []lqp.Source) {
	for _, j := range q.Joins {
		list = append(list, j.Source)
	}
	return list
}

// query notes where a query uses what changes. Of a column that is only renamed, what shows it under its own name counts.
func (f *finder) query(q *lqp.Query, uses places) {
	for i, src := range append([]lqp.Source{q.From}, sourcesOfJoins(q)...) {
		place := "source"
		if i > 0 {
			place = "joins"
		}
		switch {
		case src.Query != nil:
			f.query(src.Query, uses)
		case f.sources[src.Connection] && src.Connection != "" || f.sources[src.Table] && src.Connection == "":
			uses[place] = true
		case f.renamed && src.Connection == "" && len(q.Select)+len(q.GroupBy)+len(q.Aggregates) == 0 && f.ownsRenamed(src.Table):
			uses["columns"] = true
		}
	}
	note := func(place string, e lqp.Expr) {
		if e != nil && f.names(e) {
			uses[place] = true
		}
	}
	for place, list := range map[string][]lqp.Named{"columns": q.Select, "groups": q.GroupBy, "computed": q.Compute} {
		for _, n := range list {
			if _, plain := n.Expr.(*lqp.Col); !f.renamed || n.Name == "" && plain {
				note(place, n.Expr)
			}
		}
	}
	if f.renamed {
		return
	}
	for _, j := range q.Joins {
		note("joins", j.On)
	}
	note("filters", q.Where)
	note("filters", q.Having)
	for _, g := range q.Aggregates {
		note("aggregates", g.Arg)
		note("aggregates", g.Filter)
	}
	for _, o := range q.OrderBy {
		note("sorts", o.Expr)
	}
}

// ownsRenamed reports whether a table has one of the columns.
func (f *finder) ownsRenamed(table string) bool {
	for id := range f.columns {
		if t, ok := f.TableOfColumn(id); ok && t.ID == table {
			return true
		}
	}
	return false
}

// names reports whether an expression names one of the columns.
func (f *finder) names(e lqp.Expr) bool {
	found := false
	lqp.Walk(e, func(e lqp.Expr) bool {
		c, ok := e.(*lqp.Col)
		found = found || ok && f.columns[c.Column]
		return true
	})
	return found
}

// ofColumn finds the rules and indexes that use a column of a table.
func (f *finder) ofColumn(t *minidb.Table, column string) {
	managed := f.policy.Allows(f.p, rbac.ManageRules, t.ID)
	rules := f.policy.Rules[rbac.TableRef{Table: t.ID}]
	for _, role := range slices.Sorted(maps.Keys(rules)) {
		rule, uses := rules[role], places{}
		for place, e := range map[string]lqp.Expr{"read": rule.Read, "create": rule.Create, "update": rule.Update, "delete": rule.Delete} {
			if e != nil && f.names(e) {
				uses[place] = true
			}
		}
		for id, e := range rule.Masks {
			if id != column && e != nil && f.names(e) { // its own mask goes with it
				uses["mask"] = true
			}
		}
		if len(uses) > 0 {
			name := string(role)
			if r, custom := f.Role(role); custom {
				name = r.Name
			}
			f.found(managed, Breakage{Kind: "rule", ID: string(role), Name: name, Effect: Closes, Uses: uses.list()})
		}
	}
	seen := f.shown(f.ctx, t)
	visible := func(id string) bool {
		if seen == nil {
			return false
		}
		return slices.ContainsFunc(seen.Rules.Uniques, func(u minidb.UniqueSet) bool { return u.ID == id }) ||
			slices.ContainsFunc(seen.Rules.Checks, func(k minidb.Check) bool { return k.ID == id })
	}
	for _, u := range t.Rules.Uniques {
		if slices.Contains(u.Columns, column) {
			f.found(visible(u.ID), Breakage{Kind: "unique", ID: u.ID, Effect: Lifted})
		}
	}
	for _, k := range t.Rules.Checks {
		e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{})
		if k.Column == column || err == nil && f.names(e) {
			f.found(visible(k.ID), Breakage{Kind: "check", ID: k.ID, Name: k.Message, Effect: Lifted})
		}
	}
	f.computed(column)
	sight, err := f.sight(f.ctx, t)
	for _, x := range t.Indexes() {
		if x.Kind == minidb.OwnIndex && slices.ContainsFunc(x.Columns, func(c minidb.IndexColumn) bool { return c.Column == column }) {
			f.found(err == nil && !hidesIndex(sight, x.Columns), Breakage{Kind: "index", ID: x.ID, Effect: Gone})
		}
	}
}

// ofBase finds what goes with a base.
func (f *finder) ofBase(base string) {
	for id := range f.within(base) {
		f.sources[id] = true
		if t, ok := f.AnyTable(id); ok {
			f.found(f.readable(id) && f.shown(f.ctx, t) != nil, Breakage{Kind: "table", ID: id, Name: t.Name, Effect: Gone})
			f.linked(t)
		}
		if v, ok := f.View(id); ok {
			f.found(f.readable(id), Breakage{Kind: "view", ID: id, Name: v.Name, Effect: Gone})
			f.share(v, Gone)
		}
	}
}

// connection finds the rules of tables of a connection.
func (f *finder) connection(id string) {
	for ref, rules := range f.policy.Rules {
		if ref.Connection != id {
			continue
		}
		for _, role := range slices.Sorted(maps.Keys(rules)) {
			f.found(f.policy.Allows(f.p, rbac.ManageRules, id), Breakage{Kind: "rule", ID: string(role), Name: ref.Table + ": " + string(role), Effect: Gone})
		}
	}
}

// linked finds the columns of other tables that are linked with one that goes.
func (f *finder) linked(t *minidb.Table) {
	f.eachColumn(func(of *minidb.Table, c *minidb.Column) {
		if of.ID != t.ID && c.Options.Link != nil && c.Options.Link.Table == t.ID {
			f.foundColumn(of, c, places{"source": true})
		}
	})
}

// computed finds the columns of any table that are computed from a column, or show its links from the other side.
func (f *finder) computed(column string) {
	names := func(doc []byte) bool {
		e, err := lqp.DecodeExpr(doc, lqp.DecodeOptions{})
		return len(doc) > 0 && err == nil && f.names(e)
	}
	f.eachColumn(func(of *minidb.Table, c *minidb.Column) {
		uses := places{}
		if c.ID == column {
			return
		}
		if l := c.Options.Link; l != nil && l.Inverse == column {
			uses["inverse"] = true
		}
		if names(c.Options.Expr) {
			uses["computed"] = true
		}
		if th := c.Options.Through; th != nil && (th.Link == column || th.Target == column || names(th.FilterExpr)) {
			uses["computed"] = true
		}
		if len(uses) > 0 {
			f.foundColumn(of, c, uses)
		}
	})
}

func (f *finder) eachColumn(do func(*minidb.Table, *minidb.Column)) {
	for _, list := range [][]*minidb.Table{f.Snapshot.Tables, f.Archived} {
		for _, t := range list {
			for i := range t.Columns {
				do(t, &t.Columns[i])
			}
		}
	}
}

// foundColumn reports a column that breaks.
func (f *finder) foundColumn(t *minidb.Table, c *minidb.Column, uses places) {
	visible := false
	if f.readable(t.ID) {
		if seen := f.shown(f.ctx, t); seen != nil {
			_, visible = seen.Column(c.ID)
		}
	}
	f.found(visible, Breakage{Kind: "column", ID: c.ID, Name: t.Name + "." + c.Name, Effect: Breaks, Uses: uses.list()})
}
