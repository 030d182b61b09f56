package lqp

import "fmt"

// nameOf is the name of an output column for which none was given: that of the column, computed column, key or aggregate
// it consists of; "" for anything else.
func (b *block) nameOf(written, bound Expr) string {
	ref, isRef := written.(*Col)
	c, isCol := bound.(*Col)
	switch {
	case !isRef:
		return ""
	case isCol && c.Source == "": // a group key or aggregate
		return c.Column
	}
	if col := b.rowBinder().computedColumn(ref); col != nil {
		return col.name
	}
	if isCol {
		if col := b.scope.column(c.Source, c.Column); col != nil {
			return displayName(col)
		}
	}
	return ""
}

// output is one column of the result before its name is final.
type output struct {
	Named
	path  clausePath
	given bool // the name was given and stays
}

func (b *block) selectColumns() {
	var outs []output
	listed := len(b.in.Select) > 0
	switch {
	case listed:
		outs = b.listed()
	case b.grouped:
		for _, name := range b.groupNames() {
			e := b.groupField(name, func(a, b string) bool { return a == b })
			outs = append(outs, output{Named: Named{Name: name, Expr: e}, given: true})
		}
	default:
		outs = b.everything()
	}
	b.nameOutputs(outs, listed)
}

// listed binds the output columns that the query lists.
func (b *block) listed() []output {
	outs := make([]output, 0, len(b.in.Select))
	x := b.rowBinder()
	if b.grouped {
		x = b.groupBinder()
	}
	for i, n := range b.in.Select {
		e := x.top(n.Expr, b.namedPath("columns", i, n))
		if e == nil {
			continue
		}
		o := output{Named: Named{Name: n.Name, Expr: e}, path: b.element("columns", i, ""), given: n.Name != ""}
		if !o.given {
			o.Name = b.nameOf(n.Expr, e)
		}
		if b.checkName(o.Name, o.path) {
			outs = append(outs, o)
		}
	}
	return outs
}

// everything is every column of every source and every computed column.
func (b *block) everything() []output {
	var outs []output
	for _, s := range b.scope {
		for i := range s.Columns {
			c := &s.Columns[i]
			outs = append(outs, output{Named: Named{Name: displayName(c), Expr: TypedRef(s.Alias, c.ID, c.Type)}})
		}
	}
	for _, name := range b.computedNames() {
		if e := b.computed[name].expr; e != nil {
			outs = append(outs, output{Named: Named{Name: name, Expr: e}, given: true})
		}
	}
	return outs
}

// nameOutputs makes the names unique: a name that was not given and that another column has too gets its source in front.
func (b *block) nameOutputs(outs []output, listed bool) {
	type use struct {
		count           int
		reserved, taken bool
	}
	uses := make(map[string]use, len(outs))
	for _, o := range outs {
		u := uses[o.Name]
		u.count++
		u.reserved = u.reserved || o.given
		uses[o.Name] = u
	}
	for i := range outs {
		o := &outs[i]
		u := uses[o.Name]
		if !o.given && u.count > 1 {
			if c, ok := o.Expr.(*Col); ok && c.Source != "" {
				o.Name = c.Source + "." + o.Name
				u = uses[o.Name]
			}
			for base, n := o.Name, 2; !listed && (u.taken || u.reserved); n++ {
				o.Name = fmt.Sprintf("%s_%d", base, n)
				u = uses[o.Name]
			}
		}
		if u.taken || (!o.given && u.reserved) {
			b.problem(o.path.String(), CodeDuplicateName, "two output columns are called %s; give one of them another name", quoted(o.Name))
		}
		u.taken = true
		uses[o.Name] = u
	}
	b.out.Select = make([]Named, len(outs))
	for i, o := range outs {
		b.out.Select[i] = o.Named
	}
}

// order binds the sort keys.
func (b *block) order() {
	if len(b.in.OrderBy) == 0 {
		return
	}
	var given map[string]Expr // usually none
	for _, n := range b.in.Select {
		if n.Name != "" {
			if given == nil {
				given = map[string]Expr{}
			}
			given[n.Name] = nil
		}
	}
	for _, n := range b.out.Select {
		if _, ok := given[n.Name]; ok {
			given[n.Name] = n.Expr
		}
	}
	for i, o := range b.in.OrderBy {
		x := b.rowBinder()
		if b.grouped {
			x = b.groupBinder()
		}
		if given != nil {
			search := x.named
			x.named = func(c *Col) (Expr, *Problem) {
				if e := given[c.Column]; e != nil && c.Source == "" {
					if !x.charge(countNodes(e)) {
						return nil, &Problem{Code: CodeLimit, Message: "the sort key is too large"}
					}
					return e, nil
				}
				if search != nil {
					return search(c)
				}
				return nil, nil
			}
		}
		path := b.element("sorts", i, "")
		e := x.top(o.Expr, path)
		if e == nil {
			continue
		}
		if t := e.Type(); !t.Kind.Orderable() {
			x.report(o.Expr, nil, CodeNotOrderable, "rows cannot be sorted by "+article(t))
			continue
		}
		switch {
		case o.Nulls == NullsFirst || o.Nulls == NullsLast:
		case o.Nulls != NullsDefault:
			b.problem(path.String()+".nulls", CodeArgument, "the nulls of a sort key stand first or last")
		case o.Desc:
			o.Nulls = NullsLast
		default:
			o.Nulls = NullsFirst
		}
		b.out.OrderBy = append(b.out.OrderBy, Order{Expr: e, Desc: o.Desc, Nulls: o.Nulls, Manual: o.Manual})
	}
}

func countNodes(e Expr) int {
	n := 0
	Walk(e, func(Expr) bool { n++; return true })
	return n
}

func (b *block) pageAndCount() {
	p := b.in.Page
	path := b.clause("pagination")
	for _, n := range [...]struct {
		key   string
		value int
	}{{".limit", p.Limit}, {".offset", p.Offset}} {
		if n.value < 0 {
			b.problem(path.String()+n.key, CodeArgument, "a whole number from 0 was expected, not %d", n.value)
		}
	}
	if b.depth == 1 {
		if most := b.env.MaxLimit; most > 0 && p.Limit > most {
			b.problem(path.String()+".limit", CodeLimit, "the limit %d is too large; at most %d rows are delivered at once", p.Limit, most)
		}
		if p.Limit == 0 {
			p.Limit = b.env.DefaultLimit
		}
	} else if p.Cursor != "" {
		b.problem(path.String()+".cursor", CodeConflict, "only the outermost query can be continued by a cursor")
	}
	if p.Cursor != "" && p.Offset > 0 {
		b.problem(path.String(), CodeConflict, "a page begins at a cursor or at an offset, not both")
	}
	if p.After != nil && len(p.After) != len(b.in.OrderBy) {
		b.problem(path.String(), CodeArgument, "the page begins after %d values, but there are %d sort keys", len(p.After), len(b.in.OrderBy))
	}
	p.Cursor = ""
	b.out.Page = p
	switch b.in.Count {
	case CountNone, CountEstimated, CountExact:
		b.out.Count = b.in.Count
	default:
		b.problem(b.path+".count", CodeArgument, "%s is no way to count; one of \"none\", \"estimated\", \"exact\" was expected", quoted(string(b.in.Count)))
	}
}
