package lqp

import "slices"

// OrderKey answers with a copy of a bound query whose OrderBy is total: no two rows compare equal, so that pages can
// follow each other by the key of the last row. The keys of all sources, in a grouped block the group keys, are added
// after the query's own sort keys unless they are among them, keys of rows in the direction of the last of those, so that the
// index that serves a sort serves it backwards, too; those of a joined source of which every row on the left
// meets one row at most add nothing and are left out. total is false, and the query unchanged, when some source
// shows no key; such a query can only be paged by offset.
//
// Keys that are texts which may be longer than sorting looks at are added twice: as sort keys like any other, and once
// more behind all of those as [Order.Whole] keys of the same direction, which tell apart what the first leave together.
//
// The key of a table is Table.Key, else a unique key whose columns are never NULL; its columns must all be visible. A
// nested query has the key of its own sources or groups, if it exposes them.
func OrderKey(q *Query) (ordered *Query, total bool) {
	keys, ok := rowKeys(q)
	if !ok {
		return q, false
	}
	ordered = q.Clone()
	end := tie(q)
	var whole []Order
	for _, k := range keys {
		if !k.Type().Kind.Orderable() {
			return q, false
		}
		at := sortsBy(ordered.OrderBy, k, false)
		if at < 0 {
			at = len(ordered.OrderBy)
			ordered.OrderBy = append(ordered.OrderBy, Order{Expr: k, Desc: end.Desc, Nulls: end.Nulls})
		}
		if SortsCut(k.Type()) && sortsBy(ordered.OrderBy, k, true) < 0 {
			o := ordered.OrderBy[at]
			o.Whole = true
			whole = append(whole, o)
		}
	}
	ordered.OrderBy = append(ordered.OrderBy, whole...)
	return ordered, true
}

// tie is how what ties in all sort keys of a query is sorted.
func tie(q *Query) Order {
	if n := len(q.OrderBy); n > 0 && q.OrderBy[n-1].Desc && !q.Grouped() {
		return Order{Desc: true, Nulls: NullsLast}
	}
	return Order{Nulls: NullsFirst}
}

// sortsBy is the place of the sort key that is an expression, below 0 for none.
func sortsBy(order []Order, e Expr, whole bool) int {
	return slices.IndexFunc(order, func(o Order) bool { return o.Whole == whole && EqualExpr(o.Expr, e) })
}

// SortsCut reports whether values of a type may be texts that are longer than what sorting looks at.
func SortsCut(t Type) bool { return t.Kind == Text && (t.MaxLen == 0 || t.MaxLen > OrderPrefix) }

// rowKeys are expressions that together differ for any two rows of the block, before Select.
func rowKeys(q *Query) (keys []Expr, ok bool) {
	if q.Grouped() {
		for _, k := range q.GroupBy {
			keys = append(keys, TypedRef("", k.Name, k.Expr.Type()))
		}
		return keys, true
	}
	scope := q.Scope()
	outer := slices.ContainsFunc(q.Joins, func(j Join) bool { return j.Kind != Inner && j.Kind != Left })
	vague := 0 // sources of which a row may look like a missing one
	for i := -1; i < len(q.Joins); i++ {
		s := &q.From
		if i >= 0 {
			s = &q.Joins[i].Source
			if !outer && meetsOne(&q.Joins[i]) {
				continue // rows that differ here differ on the left already
			}
		}
		ids, ok := sourceKey(s)
		if !ok {
			return nil, false
		}
		if outer && mayBeNull(s, ids) {
			vague++
		}
		for _, id := range ids {
			c := scope.Col(s.Alias, id)
			if c == nil {
				return nil, false
			}
			keys = append(keys, c)
		}
	}
	// A row without its left side and one without its right side differ in their keys, unless both sides have a row
	// whose key is NULL or empty.
	return keys, vague < 2
}

// mayBeNull reports whether a row of the source may have nothing but NULL in its key, as the row has that an outer join
// puts in its place. The keys of tables have no NULL.
func mayBeNull(s *Source, ids []string) bool {
	return s.Query != nil && !slices.ContainsFunc(s.Query.Columns(), func(c Column) bool {
		return c.Type.NotNull && slices.Contains(ids, c.ID)
	})
}

// meetsOne reports that an inner or left join pairs a row on its left with one row of its source at most: the condition
// demands one value for each column of a key of the source. Values of different kinds are no proof: two numbers may equal
// the same float.
func meetsOne(j *Join) bool {
	var given []string
	for _, e := range Conjuncts(j.On) {
		c, ok := e.(*Call)
		if !ok || c.Func != "eq" || len(c.Args) != 2 {
			continue
		}
		for i, a := range c.Args {
			col, ok := a.(*Col)
			other := c.Args[1-i]
			if ok && col.Source == j.Source.Alias && other.Type().Kind == col.Type().Kind &&
				!slices.ContainsFunc(Columns(other), func(o *Col) bool { return o.Source == col.Source }) {
				given = append(given, col.Column)
			}
		}
	}
	covers := func(ids []string) bool {
		return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(given, id) })
	}
	if t := j.Source.Schema; t != nil {
		return covers(t.Key) || slices.ContainsFunc(t.Uniques, func(u []string) bool { return t.shows(u, true) && covers(u) })
	}
	ids, ok := sourceKey(&j.Source)
	return ok && covers(ids)
}

// sourceKey names the columns that identify a row of the source.
func sourceKey(s *Source) (ids []string, ok bool) {
	if s.Query == nil {
		return tableKey(s.Schema)
	}
	keys, ok := rowKeys(s.Query)
	if !ok {
		return nil, false
	}
next:
	for _, k := range keys {
		for _, out := range s.Query.Select {
			if EqualExpr(out.Expr, k) {
				ids = append(ids, out.Name)
				continue next
			}
		}
		return nil, false
	}
	return ids, true
}

func tableKey(t *Table) (ids []string, ok bool) {
	if t == nil {
		return nil, false
	}
	if len(t.Key) > 0 && t.shows(t.Key, false) {
		return t.Key, true
	}
	for _, u := range t.Uniques {
		if len(u) > 0 && t.shows(u, true) {
			return u, true
		}
	}
	return nil, false
}

// shows reports whether all the columns are visible, can be sorted by and, where asked, are never NULL.
func (t *Table) shows(ids []string, notNull bool) bool {
	for _, id := range ids {
		c := t.Column(id)
		if c == nil || !c.Type.Kind.Orderable() || (notNull && !c.Type.NotNull) {
			return false
		}
	}
	return true
}
