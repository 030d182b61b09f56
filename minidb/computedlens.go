package minidb

import (
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// lens is how a lookup, rollup or count column looks at the rows that its link names.
type lens struct {
	link    int    // slot of the link column
	slot    int    // slot of the column itself
	target  *Table // whose rows are looked at
	selects []lqp.Named
	value   int              // place of the target column in selects, -1 for none
	filter  *formula.Program // over selects, nil for all rows
	start   func() lqp.Accumulator
	follow  func(lqp.Value, *step) (lqp.Value, bool) // as following
	spread  bool                                     // the target column holds lists, whose elements count one by one
	result  *ResultType
	reads   []string // ids of the columns of the target that it looks at
}

// lensFault says which part of a column's options keeps it from being computed.
type lensFault struct {
	part    string
	code    string
	message string
}

// Error implements error.
func (e *lensFault) Error() string { return e.message }

// newLens works out how a column of t looks at linked rows. Its error is a *lensFault where the options do not fit the tables.
func newLens(t *Table, c *Column, table func(id string) (*Table, error)) (*lens, error) {
	th := c.through()
	link, ok := t.Column(th.Link)
	if !ok || link.Type != LinkColumn {
		return nil, &lensFault{"link", CodeUnknownColumn, "the link column that it goes through is gone"}
	}
	target, err := table(link.Options.Link.Table)
	if errors.Is(err, ErrNotFound) {
		return nil, &lensFault{"link", CodeUnknownColumn, "the linked table is gone"}
	}
	if err != nil {
		return nil, err
	}
	l := target.layout
	v := &lens{link: t.layout.slots[link.ID], slot: t.layout.slots[c.ID], target: target, value: -1, selects: []lqp.Named{l.selects[idSlot]}}
	arg := lqp.Type{Kind: lqp.Text}
	if th.Target != "" {
		slot, ok := l.slots[th.Target]
		if !ok || th.Target == ColumnVersion {
			return nil, &lensFault{"target", CodeUnknownColumn, "the linked table has no such column"}
		}
		arg = l.schema.Columns[slot].Type
		v.value = v.want(l, th.Target)
	}
	if err := v.aim(c, arg); err != nil {
		return nil, err
	}
	if err := v.narrow(target, th); err != nil {
		return nil, err
	}
	return v, nil
}

// want makes a column of the target one of those that are read, and answers its place.
func (v *lens) want(l *layout, column string) int {
	slot := l.slots[column]
	if !slices.Contains(v.reads, column) && slot != idSlot {
		v.reads = append(v.reads, column)
	}
	if at := slices.IndexFunc(v.selects, func(n lqp.Named) bool { return n.Name == column }); at >= 0 {
		return at
	}
	v.selects = append(v.selects, l.selects[slot])
	return len(v.selects) - 1
}

// aim finds what is made of the values of the target column.
func (v *lens) aim(c *Column, arg lqp.Type) error {
	arg = arg.Nullable()
	if arg.Kind == lqp.List {
		v.spread, arg = true, lqp.Type{Kind: arg.Elem}
	}
	made := lqp.Type{Kind: lqp.Number, Precision: intPrecision}
	switch c.Type {
	case CountColumn:
		v.start, v.follow = func() lqp.Accumulator { return new(tally) }, added
	case LookupColumn:
		made = lqp.Type{Kind: lqp.List, Elem: arg.Kind}
		if arg.Kind == lqp.JSON || arg.Kind == lqp.Bytes {
			return &lensFault{"target", CodeType, fmt.Sprintf("values of %s are not looked up", arg)}
		}
		v.start = func() lqp.Accumulator { return new(gathering) }
	default:
		f, ok := lqp.LookupAggregate(c.through().Aggregate)
		if !ok {
			return &lensFault{"aggregate", CodeOption, "there is no such aggregate"}
		}
		of, bad := f.Result(arg)
		if bad != nil {
			return &lensFault{"aggregate", CodeType, fmt.Sprintf("%s takes %s, not %s", f.Name, bad.Want, bad.Got)}
		}
		made = of
		v.start, v.follow = func() lqp.Accumulator { return f.NewAccumulator(arg) }, following(c.through().Aggregate)
	}
	r, err := resultOf(made)
	if err != nil {
		return &lensFault{"target", CodeType, "the values cannot be kept: " + err.Error()}
	}
	v.result = r
	return nil
}

// narrow binds the condition that linked rows must satisfy.
func (v *lens) narrow(target *Table, th *Through) error {
	if len(th.FilterExpr) == 0 {
		return nil
	}
	tree, err := lqp.DecodeExpr(th.FilterExpr, lqp.DecodeOptions{})
	if err != nil {
		return &lensFault{"filter", CodeInvalid, err.Error()}
	}
	bound, err := bindFormula(tree, target.layout.scope(target))
	if err != nil {
		return &lensFault{"filter", CodeInvalid, brokenBecause(err)}
	}
	if k := bound.Type().Kind; k != lqp.Bool && k != lqp.Null {
		return &lensFault{"filter", CodeType, fmt.Sprintf("a filter is true or false, not %s", bound.Type())}
	}
	placed, err := lqp.Resolve(bound, func(c *lqp.Col) (int, error) {
		if _, ok := target.layout.slots[c.Column]; !ok {
			return 0, fmt.Errorf("column %s is gone", c.Column)
		}
		return v.want(target.layout, c.Column), nil
	})
	if err != nil {
		return &lensFault{"filter", CodeInvalid, err.Error()}
	}
	if v.filter, err = formula.Compile(placed); err != nil {
		return &lensFault{"filter", CodeInvalid, err.Error()}
	}
	return nil
}

// lensRows is how many linked rows are in memory at a time, one row more than fills it aside.
const lensRows = 5_000

// look gives rows of the table the values of the column. The rows that they link to are read as the transaction has them, so
// many of them at a time that it is few statements.
func (u *unit) look(v *lens, rows [][]lqp.Value) error {
	if v.filter == nil && v.value < 0 {
		for _, row := range rows { // a link names rows that are there, each once
			n := v.start()
			for range row[v.link].Items() {
				n.Add(lqp.Value{})
			}
			row[v.slot] = n.Result()
		}
		return nil
	}
	for len(rows) > 0 {
		wanted := make(map[string][]lqp.Value)
		n := 0
		for n < len(rows) && len(wanted) < lensRows {
			for _, id := range linkIDs(rows[n][v.link]) {
				wanted[id] = nil
			}
			n++
		}
		if err := u.fetch(v, wanted); err != nil {
			return err
		}
		for _, row := range rows[:n] {
			row[v.slot] = kept(v.of(linkIDs(row[v.link]), wanted))
		}
		rows = rows[n:]
	}
	return nil
}

// fetch reads the linked rows of those ids.
func (u *unit) fetch(v *lens, wanted map[string][]lqp.Value) error {
	ids := make([]lqp.Value, 0, len(wanted))
	for id := range wanted {
		ids = append(ids, lqp.TextValue(id))
	}
	slices.SortFunc(ids, lqp.Compare)
	err := u.scanColumnsIn(v.target.layout, v.selects, idSlot, ids, func(row []lqp.Value) error {
		wanted[row[0].Text()] = row
		return nil
	})
	if err != nil {
		return fmt.Errorf("read linked rows of %s: %w", v.target.ID, err)
	}
	return nil
}

// of is the value for one row.
func (v *lens) of(ids []string, linked map[string][]lqp.Value) lqp.Value {
	acc := v.start()
	for _, id := range ids {
		row := linked[id]
		if row == nil || v.filter != nil && !v.filter.True(row) {
			continue
		}
		switch {
		case v.value < 0:
			acc.Add(lqp.Value{})
		case v.spread && !row[v.value].IsNull():
			for _, item := range row[v.value].Items() {
				acc.Add(item)
			}
		default:
			acc.Add(row[v.value])
		}
	}
	return acc.Result()
}

// tally counts rows.
type tally struct{ n int64 }

func (t *tally) Add(lqp.Value)     { t.n++ }
func (t *tally) Result() lqp.Value { return lqp.IntValue(t.n) }
func (t *tally) Size() int         { return 8 }

// gathering lists the values that there are.
type gathering struct {
	list []lqp.Value
	over bool
	size int
}

func (g *gathering) Add(v lqp.Value) {
	if v.IsNull() || g.over {
		return
	}
	if len(g.list) == MaxLinks { // the longest list that functions work with, too
		g.list, g.over = nil, true
		return
	}
	g.list = append(g.list, v)
	g.size += v.Size()
}

func (g *gathering) Result() lqp.Value {
	if len(g.list) == 0 {
		return lqp.Value{}
	}
	return lqp.ListValue(g.list)
}

func (g *gathering) Size() int { return g.size }
