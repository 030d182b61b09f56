package minidb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// randomWorld is a workspace with random tables, links and computed columns.
type randomWorld struct {
	*fixture
	rnd    *rand.Rand
	tables []*table
	ids    map[string][]string // of rows, by table
	names  int
}

func (w *randomWorld) pick(n int) int { return w.rnd.IntN(n) }

func oneOf[T any](w *randomWorld, list ...T) T { return list[w.pick(len(list))] }

func newRandomWorld(t *testing.T, seed uint64) *randomWorld {
	w := &randomWorld{fixture: newFixture(t, minidb.Options{}), rnd: rand.New(rand.NewPCG(seed, 7)), ids: map[string][]string{}}
	for i := range 3 {
		w.tables = append(w.tables, w.table(minidb.TableSpec{Name: fmt.Sprintf("T%d", i), Columns: []minidb.ColumnSpec{
			{Name: "n", Type: minidb.IntegerColumn}, {Name: "d", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
			{Name: "s", Type: minidb.TextColumn}, {Name: "b", Type: minidb.BooleanColumn}}}))
	}
	for range 4 {
		from, to := oneOf(w, w.tables...), oneOf(w, w.tables...)
		spec := minidb.ColumnSpec{Name: w.name("l"), Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: to.ID}}}
		if w.pick(2) == 0 {
			spec.Inverse = &minidb.InverseSpec{Name: w.name("i")}
		}
		_, err := w.AddColumn(w.ctx, alice, from.ID, spec, 0)
		require.NoError(t, err)
		w.reload()
	}
	for range 14 {
		w.compute()
	}
	return w
}

func (w *randomWorld) name(prefix string) string {
	w.names++
	return fmt.Sprintf("%s%d", prefix, w.names)
}

func (w *randomWorld) reload() {
	for _, t := range w.tables {
		t.reload()
	}
}

// columns are the columns of a table whose values have a kind.
func columnsOf(t *table, kinds ...lqp.Kind) (names []string) {
	for i := range t.Columns {
		for _, k := range kinds {
			if t.Columns[i].ValueType().Kind == k && t.Columns[i].Type != minidb.LinkColumn {
				names = append(names, "{"+t.Columns[i].Name+"}")
			}
		}
	}
	return names
}

func linksOf(t *table) (names []string) {
	for i := range t.Columns {
		if t.Columns[i].Type == minidb.LinkColumn {
			names = append(names, t.Columns[i].Name)
		}
	}
	return names
}

// formula is the text of a formula over a table.
func (w *randomWorld) formula(t *table) string {
	numbers, texts, lists := columnsOf(t, lqp.Number), columnsOf(t, lqp.Text), columnsOf(t, lqp.List)
	n := func() string { return oneOf(w, numbers...) }
	switch w.pick(8) {
	case 0:
		return n() + " + " + n()
	case 1:
		return n() + " / " + n()
	case 2:
		return "IF(" + n() + " > 2, " + n() + ", ZN(" + n() + ") * -1)"
	case 3:
		return oneOf(w, texts...) + ` & "/" & ` + n()
	case 4:
		return "UPPER(" + oneOf(w, texts...) + ")"
	case 5:
		return "ROUND(" + n() + " * 1.5, 1)"
	case 6:
		if len(lists) > 0 {
			return "LIST_COUNT(" + oneOf(w, lists...) + ")"
		}
	}
	return n() + " >= " + n()
}

// compute adds a computed column; one that would be a circle is not made.
func (w *randomWorld) compute() {
	t := oneOf(w, w.tables...)
	spec := formulaColumn(w.name("f"), w.formula(t))
	if names := linksOf(t); len(names) > 0 && w.pick(5) > 1 {
		spec = w.look(t, oneOf(w, names...))
	}
	_, err := w.AddColumn(w.ctx, alice, t.ID, spec, 0)
	var list lqp.Problems
	if errors.As(err, &list) && list.Has(lqp.CodeCycle) {
		err = nil
	}
	require.NoError(w, err, "%+v", spec)
	w.reload()
}

// look is a column that looks through a link.
func (w *randomWorld) look(t *table, link string) minidb.ColumnSpec {
	c, _ := t.Column(t.id(link))
	var target *table
	for _, o := range w.tables {
		if o.ID == c.Options.Link.Table {
			target = o
		}
	}
	filter := ""
	if w.pick(3) == 0 {
		filter = oneOf(w, columnsOf(target, lqp.Number)...) + " > 1"
	}
	bare := func(list []string) string { name := oneOf(w, list...); return name[1 : len(name)-1] }
	switch w.pick(4) {
	case 0:
		return through(w.name("c"), minidb.CountColumn, link, "", "", filter)
	case 1:
		return through(w.name("u"), minidb.LookupColumn, link, bare(columnsOf(target, lqp.Number, lqp.Text, lqp.List, lqp.Bool)), "", filter)
	case 2:
		return through(w.name("r"), minidb.RollupColumn, link, bare(columnsOf(target, lqp.Text)), oneOf(w, "count_unique", "max", "join", "first"), filter)
	}
	return through(w.name("r"), minidb.RollupColumn, link, bare(columnsOf(target, lqp.Number)), oneOf(w, "sum", "average", "max", "counta", "median"), filter)
}

// values are random cells of a row.
func (w *randomWorld) values(t *table) values {
	v := values{}
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Type.Filled() || w.pick(3) == 0 {
			continue
		}
		switch c.Type {
		case minidb.IntegerColumn:
			v[c.Name] = num(int64(w.pick(6)))
		case minidb.DecimalColumn:
			v[c.Name] = dec(oneOf(w, "0", "0.25", "3.10", "-2", "7.77"))
		case minidb.TextColumn:
			v[c.Name] = oneOf(w, text("a"), text("Bé"), text("c c"), lqp.Value{})
		case minidb.BooleanColumn:
			v[c.Name] = lqp.BoolValue(w.pick(2) == 0)
		case minidb.LinkColumn:
			var ids []string
			for _, id := range w.ids[c.Options.Link.Table] {
				if w.pick(3) == 0 {
					ids = append(ids, id)
				}
			}
			w.rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			v[c.Name] = rowsOf(ids...)
		}
	}
	return v
}

// step changes something.
func (w *randomWorld) step() {
	t := oneOf(w, w.tables...)
	ids := w.ids[t.ID]
	switch n := w.pick(12); {
	case n < 3 || len(ids) < 2:
		w.ids[t.ID] = append(ids, t.add(w.values(t), w.values(t))...)
	case n < 8:
		m := t.update(oneOf(w, ids...), 0, w.values(t))
		t.do(m)
	case n < 9:
		at := w.pick(len(ids))
		t.do(t.delete(0, ids[at]))
		w.ids[t.ID] = append(append([]string{}, ids[:at]...), ids[at+1:]...)
	case n < 10:
		m := &lqp.Mutation{Op: lqp.Update, Table: t.ID, AllRows: true, Rows: []lqp.RowChange{{Set: t.set(values{"n": num(int64(w.pick(6)))})}}}
		t.do(m)
	case n < 11:
		w.redefine(t)
	default:
		w.compute()
	}
}

// redefine gives a formula column another formula.
func (w *randomWorld) redefine(t *table) {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Type != minidb.FormulaColumn || w.pick(2) == 0 {
			continue
		}
		_, err := w.UpdateColumn(w.ctx, alice, c.ID, minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: w.formula(t)}}, 0)
		var list lqp.Problems
		if errors.As(err, &list) && list.Has(lqp.CodeCycle) {
			err = nil
		}
		require.NoError(w, err)
		break
	}
	w.reload()
}

// oracle computes cells from the entered ones alone: no order, no portions, nothing that was computed before.
type oracle struct {
	w    *randomWorld
	rows map[string]map[string]map[string]lqp.Value // by table, row and column id
	done map[string]lqp.Value
}

func (o *oracle) cell(t *table, row, column string) lqp.Value {
	c, own := t.Column(column)
	if !own || !c.Type.Computed() {
		return o.rows[t.ID][row][column]
	}
	key := row + column
	if v, ok := o.done[key]; ok {
		return v
	}
	v := lqp.Value{}
	switch {
	case c.Options.Broken != "":
	case c.Type == minidb.FormulaColumn:
		v = o.eval(t, row, c.Options.Expr)
	default:
		v = o.look(t, row, c)
	}
	if v.Kind() == lqp.Text && v.Text() == "" || v.Kind() == lqp.List && len(v.Items()) == 0 {
		v = lqp.Value{}
	}
	o.done[key] = v
	return v
}

// eval walks the tree of an expression over a row.
func (o *oracle) eval(t *table, row string, tree []byte) lqp.Value {
	e, err := lqp.DecodeExpr(tree, lqp.DecodeOptions{})
	require.NoError(o.w, err)
	schema := t.Schema()
	bound, err := lqp.BindExpr(e, lqp.Scope{{Alias: "t", Columns: schema.Columns, Key: schema.Key}}, lqp.Env{})
	require.NoError(o.w, err)
	cells := make([]lqp.Value, len(schema.Columns))
	placed, err := lqp.Resolve(bound, func(c *lqp.Col) (int, error) {
		for i := range schema.Columns {
			if schema.Columns[i].ID == c.Column {
				return i, nil
			}
		}
		return 0, errors.New("no such column")
	})
	require.NoError(o.w, err)
	for i, c := range schema.Columns {
		for _, id := range formula.Reads(bound) {
			if id == c.ID {
				cells[i] = o.cell(t, row, c.ID)
			}
		}
	}
	return lqp.Eval(placed, cells)
}

func (o *oracle) look(t *table, row string, c *minidb.Column) lqp.Value {
	th := c.Options.Through
	link, _ := t.Column(th.Link)
	var target *table
	for _, other := range o.w.tables {
		if other.ID == link.Options.Link.Table {
			target = other
		}
	}
	var found []lqp.Value
	rows := int64(0)
	for _, item := range o.cell(t, row, th.Link).Items() {
		if len(th.FilterExpr) > 0 && !lqp.Truth(o.eval(target, item.Text(), th.FilterExpr)) {
			continue
		}
		rows++
		if th.Target == "" {
			continue
		}
		v := o.cell(target, item.Text(), th.Target)
		if v.Kind() == lqp.List {
			found = append(found, v.Items()...)
		} else {
			found = append(found, v)
		}
	}
	switch c.Type {
	case minidb.CountColumn:
		return lqp.IntValue(rows)
	case minidb.LookupColumn:
		var list []lqp.Value
		for _, v := range found {
			if !v.IsNull() {
				list = append(list, v)
			}
		}
		return lqp.ListValue(list)
	}
	f, _ := lqp.LookupAggregate(th.Aggregate)
	of := target.Schema().Column(th.Target).Type
	if of.Kind == lqp.List {
		of = lqp.Type{Kind: of.Elem}
	}
	acc := f.NewAccumulator(of)
	for _, v := range found {
		acc.Add(v)
	}
	return acc.Result()
}

// agree holds every stored computed cell against the oracle.
func (w *randomWorld) agree(when string) (cells int) {
	w.Helper()
	o := &oracle{w: w, rows: map[string]map[string]map[string]lqp.Value{}, done: map[string]lqp.Value{}}
	for _, t := range w.tables {
		rows := map[string]map[string]lqp.Value{}
		for id, row := range t.stored() {
			rows[id] = map[string]lqp.Value{}
			for _, c := range t.Schema().Columns {
				rows[id][c.ID] = row[c.Name]
			}
		}
		o.rows[t.ID] = rows
	}
	for _, t := range w.tables {
		for id, row := range o.rows[t.ID] {
			for i := range t.Columns {
				c := &t.Columns[i]
				if !c.Type.Computed() {
					continue
				}
				cells++
				want := o.cell(t, id, c.ID)
				require.True(w, lqp.Equal(want, row[c.ID]), "%s: %s.%s of %s is %s, should be %s (%+v)", when, t.Name, c.Name, id, row[c.ID], want, c.Options)
			}
		}
	}
	return cells
}

// TestComputedCellsEqualThoseComputedFromScratch writes random histories over random tables.
func TestComputedCellsEqualThoseComputedFromScratch(t *testing.T) {
	seeds, steps := uint64(1), 30
	if n, err := strconv.ParseUint(os.Getenv("LIVETABLES_COMPUTED_SEEDS"), 10, 64); err == nil { // for long runs
		seeds = n
	}
	base := testseed.Of(t)
	for n := range seeds {
		seed := base + n
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newRandomWorld(t, seed)
			cells := 0
			for i := range steps {
				w.step()
				cells += w.agree(fmt.Sprintf("seed %d, step %d", seed, i))
			}
			require.Greater(t, cells, 1000)
		})
	}
}
