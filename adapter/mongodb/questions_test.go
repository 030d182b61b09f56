package mongodb

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// questions makes random queries over a hostile collection.
type questions struct {
	r     *rand.Rand
	table *lqp.Table
}

func (g *questions) column() *lqp.Column { return &g.table.Columns[g.r.IntN(len(g.table.Columns))] }

func (g *questions) scalar() *lqp.Column {
	for {
		if c := g.column(); c.Type.Kind.Orderable() {
			return c
		}
	}
}

// literal is a value that a column of the kind may be compared with; some are in the documents.
func (g *questions) literal(c *lqp.Column) lqp.Expr {
	pick := func(texts ...string) string { return texts[g.r.IntN(len(texts))] }
	if g.r.IntN(12) == 0 {
		return lqp.TypedNull(c.Type)
	}
	switch c.Type.Kind {
	case lqp.Bool:
		return lqp.Literal(lqp.BoolValue(g.r.IntN(2) == 0))
	case lqp.Number:
		d, err := lqp.ParseDecimal(pick("0", "1", "-1", "2", "5", "-2.5", "0.5", "5.0000000001", "-5.0000000001", "0.0000000001",
			"0.4999999999", "9223372036854775807", "-9223372036854775808", "9223372036854775808.5", "99999999999999999999.9999999999", "9007199254740993"))
		if err != nil {
			panic(err)
		}
		return lqp.Literal(lqp.NumberValue(d))
	case lqp.Float:
		return lqp.Literal(lqp.FloatValue([]float64{0, 1, 1.5, -1, 5, 9007199254740992, 1e21, 1.7976931348623157e308}[g.r.IntN(8)]))
	case lqp.DateTime:
		return lqp.Literal(lqp.DateTimeValue([]int64{0, 1000, 2500, 253_402_300_799_999, -62_135_596_800_000}[g.r.IntN(5)]))
	}
	return lqp.Literal(lqp.TextValue(pick("", "a", "b", "$a", "{\"$ne\":null}", "é", "a.b", "50f1", "500100000000000000000000", "5000f1000000000000000000", "5002f1000000000000000000",
		"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000002", "5002F1000000000000000000")))
}

// predicate is a random condition.
func (g *questions) predicate(depth int) lqp.Expr {
	if depth > 0 {
		switch g.r.IntN(5) {
		case 0:
			return lqp.NewCall("and", g.predicate(depth-1), g.predicate(depth-1))
		case 1:
			return lqp.NewCall("or", g.predicate(depth-1), g.predicate(depth-1))
		case 2:
			return lqp.NewCall("not", g.predicate(depth-1))
		}
	}
	any1, c := g.column(), g.scalar()
	ref := lqp.Ref("", c.ID)
	switch g.r.IntN(12) {
	case 0:
		return lqp.NewCall("is_null", lqp.Ref("", any1.ID))
	case 1:
		return lqp.NewCall("is_blank", lqp.Ref("", any1.ID))
	case 2:
		var items []*lqp.Lit
		for range 1 + g.r.IntN(4) {
			items = append(items, g.literal(c).(*lqp.Lit))
		}
		return lqp.NewCall("in", ref, lqp.NewList(items...))
	case 3:
		return lqp.NewCall("between", ref, g.literal(c), g.literal(c))
	case 4:
		if c.Type.Kind == lqp.Text {
			return lqp.NewCall([]string{"contains", "starts_with", "ends_with"}[g.r.IntN(3)], ref, g.literal(c))
		}
		if c.Type.Kind == lqp.Bool {
			return ref
		}
	case 6:
		if other := g.scalar(); other.Type.Kind == c.Type.Kind {
			return lqp.NewCall(g.comparison(), ref, lqp.Ref("", other.ID))
		}
	case 7, 8:
		if e, typ := g.computed(c); e != nil {
			return lqp.NewCall(g.comparison(), e, g.literal(&lqp.Column{Type: typ}))
		}
	case 5:
		if any1.Type.Kind == lqp.List {
			e := lqp.Column{Type: lqp.Type{Kind: any1.Type.Elem}}
			fn := []string{"has", "has_any", "has_all"}[g.r.IntN(3)]
			args := []lqp.Expr{lqp.Ref("", any1.ID), g.literal(&e)}
			if fn != "has" {
				args = append(args, g.literal(&e))
			}
			return lqp.NewCall(fn, args...)
		}
	}
	return lqp.NewCall(g.comparison(), ref, g.literal(c))
}

func (g *questions) comparison() string {
	return []string{"eq", "ne", "lt", "le", "gt", "ge"}[g.r.IntN(6)]
}

// computed is a random function of a column with the type of what it gives, nil when there is none.
func (g *questions) computed(c *lqp.Column) (lqp.Expr, lqp.Type) {
	ref, whole := lqp.Ref("", c.ID), func(n int64) lqp.Expr { return lqp.Literal(lqp.IntValue(n)) }
	number, text := lqp.Type{Kind: lqp.Number}, lqp.Type{Kind: lqp.Text}
	other := g.scalar()
	switch c.Type.Kind {
	case lqp.Number:
		b := g.literal(c)
		if other.Type.Kind == lqp.Number {
			b = lqp.Ref("", other.ID)
		}
		switch g.r.IntN(4) {
		case 0:
			return lqp.NewCall([]string{"add", "sub", "mul"}[g.r.IntN(3)], ref, b), number
		case 1:
			return lqp.NewCall("div", ref, whole(int64(g.r.IntN(7)-3))), number
		case 2:
			return lqp.NewCall("round", ref, whole(int64(g.r.IntN(4)))), number
		}
		return lqp.NewCall([]string{"neg", "abs", "sign", "int", "zn"}[g.r.IntN(5)], ref), number
	case lqp.Text:
		b := g.literal(c)
		if other.Type.Kind == lqp.Text {
			b = lqp.Ref("", other.ID)
		}
		switch g.r.IntN(4) {
		case 0:
			return lqp.NewCall([]string{"left", "right"}[g.r.IntN(2)], ref, whole(int64(g.r.IntN(4)))), text
		case 1:
			return lqp.NewCall("len", ref), number
		case 2:
			return lqp.NewCall("coalesce", ref, b), text
		}
		return lqp.NewCall("concat", ref, b), text
	case lqp.DateTime:
		return lqp.NewCall([]string{"year", "month", "day", "hour", "second", "weekday", "day_of_year", "isoweeknum"}[g.r.IntN(8)], ref), number
	}
	return nil, number
}

func (g *questions) order(c *lqp.Column) lqp.Order {
	return lqp.Order{Expr: lqp.Ref("", c.ID), Desc: g.r.IntN(2) == 0, Nulls: []lqp.NullOrder{lqp.NullsDefault, lqp.NullsFirst, lqp.NullsLast}[g.r.IntN(3)]}
}

// query is a random query and whether its order is total.
func (g *questions) query() (q *lqp.Query, ordered bool) {
	q = &lqp.Query{From: lqp.Source{Table: "h"}}
	if g.r.IntN(5) > 0 {
		q.Where = g.predicate(2)
	}
	if g.r.IntN(4) == 0 {
		return q, g.group(q)
	}
	for range 1 + g.r.IntN(4) {
		if id := g.column().ID; !slices.ContainsFunc(q.Select, func(n lqp.Named) bool { return n.Name == id }) {
			q.Select = append(q.Select, lqp.Named{Name: id, Expr: lqp.Ref("", id)})
		}
	}
	if g.r.IntN(2) == 0 {
		return q, false
	}
	for range g.r.IntN(3) {
		q.OrderBy = append(q.OrderBy, g.order(g.scalar()))
	}
	q.OrderBy = append(q.OrderBy, g.order(g.table.Column("_id")))
	if g.r.IntN(2) == 0 {
		q.Page = lqp.Page{Limit: 1 + g.r.IntN(20), Offset: g.r.IntN(3) * 4}
	}
	return q, true
}

// group makes q one of groups. Their order is total unless it is by texts longer than order looks at.
func (g *questions) group(q *lqp.Query) (ordered bool) {
	ordered = true
	for _, name := range []string{"k0", "k1"}[:g.r.IntN(3)] {
		c := g.scalar()
		key := lqp.Named{Name: name, Expr: lqp.Ref("", c.ID)}
		if e, _ := g.computed(c); e != nil && g.r.IntN(4) == 0 {
			key.Expr, ordered = e, false // it may be a text of another column
		}
		q.GroupBy = append(q.GroupBy, key)
		q.OrderBy = append(q.OrderBy, lqp.Order{Expr: lqp.Ref("", name), Desc: g.r.IntN(2) == 0})
		ordered = ordered && c.Native != "string"
	}
	q.Aggregates = []lqp.Aggregate{{Name: "n", Func: "countall"}}
	for i, fn := range []string{"min", "max", "counta", "count", "sum", "average", "count_unique"} {
		c := g.scalar()
		f, _ := lqp.LookupAggregate(fn)
		if g.r.IntN(4) > 0 || !slices.Contains(f.Kinds, c.Type.Kind) {
			continue
		}
		if c.Type.Kind == lqp.Float && f.Approximate {
			continue // sums of doubles are only nearly equal
		}
		q.Aggregates = append(q.Aggregates, lqp.Aggregate{Name: []string{"a", "b", "c", "d", "e", "f", "g"}[i], Func: fn, Arg: lqp.Ref("", c.ID)})
	}
	for i := range q.Aggregates {
		if g.r.IntN(4) == 0 {
			q.Aggregates[i].Filter = g.predicate(1)
		}
	}
	if g.r.IntN(4) == 0 {
		q.Having = lqp.NewCall(g.comparison(), lqp.Ref("", "n"), lqp.Literal(lqp.IntValue(int64(g.r.IntN(5)))))
	}
	return ordered
}

// walk reads the rows page by page, each continuing after the last row of the one before.
func (g *questions) walk(t *testing.T, d *database, q *lqp.Query, answer func(*lqp.Query) [][]string) {
	t.Helper()
	all := *q
	all.Page, all.Select = lqp.Page{Limit: 37}, slices.Clone(q.Select)
	for i, o := range q.OrderBy {
		all.Select = append(all.Select, lqp.Named{Name: "key" + string(rune('0'+i)), Expr: o.Expr})
	}
	unpaged := *q
	unpaged.Page = lqp.Page{}
	want := answer(&unpaged)
	got := [][]string{}
	for {
		split := d.Plan(&all)
		if !split.Sorted || !split.Page {
			return // its filter is checked in memory
		}
		rows, err := d.Scan(t.Context(), split.Pushed)
		require.NoError(t, failure.Cause(err))
		n := 0
		var last []lqp.Value
		for rows.Next() {
			row := make([]string, len(q.Select))
			for i := range row {
				row[i] = string(rows.Value(i).AppendJSON(nil))
			}
			last = last[:0]
			for i := range q.OrderBy {
				last = append(last, rows.Value(len(q.Select)+i))
			}
			got = append(got, row)
			n++
		}
		require.NoError(t, failure.Cause(rows.Err()))
		require.NoError(t, rows.Close())
		if n < all.Page.Limit {
			break
		}
		all.Page.After = last
	}
	require.Equal(t, want, got, "walked: %s", lqp.Format(&all))
}

func sortRows(rows [][]string) {
	slices.SortFunc(rows, func(a, b []string) int { return slices.Compare(a, b) })
}
