package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestChoicesThatAreRemoved(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	choices := []minidb.Choice{{Name: "red", Colour: "red"}, {Name: "green"}, {Name: "blue"}}
	g := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{
		{Name: "One", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: choices}},
		{Name: "Many", Type: minidb.MultiSelectColumn, Options: minidb.ColumnOptions{Choices: choices}, Default: texts("red", "blue")},
	}}).reload()
	ids := g.add(values{"One": text("red"), "Many": texts("red", "green")}, values{"One": text("green"), "Many": texts("green")},
		values{"One": text("red")}, values{"One": text("blue"), "Many": {}})
	require.Equal(t, `["red","blue"]`, g.stored()[ids[2]]["Many"].String())
	keep := func(name string, replace map[string]string, change func([]minidb.Choice) []minidb.Choice) error {
		c, _ := g.Column(g.id(name))
		_, err := f.UpdateColumn(f.ctx, alice, c.ID, minidb.ColumnPatch{Replace: replace,
			Options: &minidb.ColumnOptions{Choices: change(append([]minidb.Choice(nil), c.Options.Choices...))}}, 0)
		if err == nil {
			g.reload()
		}
		return err
	}
	id := func(name string, i int) string { c, _ := g.Column(g.id(name)); return c.Options.Choices[i].ID }
	without := func(i int) func([]minidb.Choice) []minidb.Choice {
		return func(l []minidb.Choice) []minidb.Choice { return append(l[:i:i], l[i+1:]...) }
	}
	for _, name := range []string{"One", "Many"} {
		err := keep(name, nil, without(0))
		var used *minidb.ChoiceError
		require.ErrorAs(t, err, &used)
		require.ErrorIs(t, err, minidb.ErrInUse)
		require.Equal(t, []minidb.UsedChoice{{ID: id(name, 0), Name: "red", Rows: 2}}, used.Choices)
		require.NotEmpty(t, codes(t, keep(name, map[string]string{id(name, 0): "cho_x"}, without(0))))
		require.NotEmpty(t, codes(t, keep(name, map[string]string{id(name, 1): id(name, 2)}, without(0))))
		require.NotEmpty(t, codes(t, keep(name, map[string]string{"cho_x": ""}, without(0))))
	}
	require.NoError(t, keep("One", map[string]string{id("One", 0): id("One", 1)}, without(0)))
	require.Equal(t, "green", g.stored()[ids[0]]["One"].Text())
	require.NoError(t, keep("Many", map[string]string{id("Many", 0): id("Many", 1)}, without(0)))
	require.Equal(t, `["green"]`, g.stored()[ids[0]]["Many"].String(), "a choice is in a list once")
	require.Equal(t, `["green","blue"]`, g.stored()[ids[2]]["Many"].String())
	many, _ := g.Column(g.id("Many"))
	require.Equal(t, `["blue"]`, many.Default.String())
	require.NoError(t, keep("Many", nil, func(l []minidb.Choice) []minidb.Choice { l[0].Name, l[1].Name = "blue", "green"; return l }))
	require.Equal(t, `["blue","green"]`, g.stored()[ids[2]]["Many"].String(), "names that are swapped")
	require.NoError(t, keep("Many", map[string]string{id("Many", 0): ""}, without(0)))
	require.True(t, g.stored()[ids[1]]["Many"].IsNull())
	_, err := f.UpdateColumn(f.ctx, alice, g.id("One"), minidb.ColumnPatch{Required: ptr(true)}, 0)
	require.NoError(t, err)
	g.reload()
	require.Equal(t, []string{minidb.CodeRequired}, codes(t, keep("One", map[string]string{id("One", 0): ""}, without(0))))
}

func TestListsAreFiltered(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(formed).reload()
	g.add(values{"tags": texts("red", "a, b")}, values{"tags": texts("[x]")}, values{"tags": {}})
	for filter, want := range map[string]int{"red": 1, "a, b": 1, "a": 0} {
		r := g.do(&lqp.Mutation{Op: lqp.Update, DryRun: true, Where: g.where("has", "tags", text(filter)), Rows: []lqp.RowChange{{}}})
		require.Len(t, r.Rows, want, filter)
	}
	r := g.do(&lqp.Mutation{Op: lqp.Update, DryRun: true, Where: lqp.NewCall("is_blank", g.col("tags")), Rows: []lqp.RowChange{{}}})
	require.Len(t, r.Rows, 1)
}

// TestTypesIntoEachOther changes a column through types and looks at what the preview says of its cells.
func TestTypesIntoEachOther(t *testing.T) {
	choices := []minidb.Choice{{Name: "a"}, {Name: "b, c"}}
	for _, c := range []struct {
		from, to       minidb.ColumnSpec
		in, out        lqp.Value
		exact, changed int64
	}{
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.EmailColumn}, text("a@B.example"), text("a@b.example"), 0, 1},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.EmailColumn}, text("a"), lqp.Value{}, 0, 0},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.UserColumn}, text(alice.ID), text(alice.ID), 1, 0},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.UserColumn}, text("usr_x"), lqp.Value{}, 0, 0},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.DurationColumn}, text("1:30"), num(90), 0, 1},
		{minidb.ColumnSpec{Type: minidb.DurationColumn}, minidb.ColumnSpec{Type: minidb.TextColumn}, num(-5400), text("-1:30:00"), 1, 0},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.PercentColumn}, text("12.5%"), dec("0.125"), 0, 1},
		{minidb.ColumnSpec{Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 3}}, minidb.ColumnSpec{Type: minidb.CurrencyColumn, Options: minidb.ColumnOptions{Currency: "EUR"}}, dec("1.25"), dec("1.25"), 1, 0},
		{minidb.ColumnSpec{Type: minidb.IntegerColumn}, minidb.ColumnSpec{Type: minidb.RatingColumn}, num(4), num(4), 1, 0},
		{minidb.ColumnSpec{Type: minidb.IntegerColumn}, minidb.ColumnSpec{Type: minidb.RatingColumn}, num(7), lqp.Value{}, 0, 0},
		{minidb.ColumnSpec{Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: choices}}, minidb.ColumnSpec{Type: minidb.MultiSelectColumn}, text("b, c"), texts("b, c"), 1, 0},
		{minidb.ColumnSpec{Type: minidb.MultiSelectColumn, Options: minidb.ColumnOptions{Choices: choices}}, minidb.ColumnSpec{Type: minidb.SingleSelectColumn}, texts("b, c"), text("b, c"), 1, 0},
		{minidb.ColumnSpec{Type: minidb.MultiSelectColumn, Options: minidb.ColumnOptions{Choices: choices}}, minidb.ColumnSpec{Type: minidb.SingleSelectColumn}, texts("b, c", "a"), text("b, c"), 0, 0},
		{minidb.ColumnSpec{Type: minidb.MultiSelectColumn, Options: minidb.ColumnOptions{Choices: choices}}, minidb.ColumnSpec{Type: minidb.TextColumn}, texts("b, c", "a"), text(`["b, c","a"]`), 1, 0},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.MultiSelectColumn}, text("x,y"), texts("x", "y"), 0, 1},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.JSONColumn}, text(`{"a": 1}`), lqp.JSONValue(`{"a":1}`), 0, 1},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.JSONColumn}, text(`{a`), lqp.Value{}, 0, 0},
		{minidb.ColumnSpec{Type: minidb.IntegerColumn}, minidb.ColumnSpec{Type: minidb.JSONColumn}, num(12), lqp.JSONValue(`12`), 1, 0},
		{minidb.ColumnSpec{Type: minidb.JSONColumn}, minidb.ColumnSpec{Type: minidb.LongTextColumn}, lqp.JSONValue(`{"a":1}`), text(`{"a":1}`), 1, 0},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.GeoPointColumn}, text("52.5, 13.4"), list(dec("52.5"), dec("13.4")), 0, 1},
		{minidb.ColumnSpec{Type: minidb.TextColumn}, minidb.ColumnSpec{Type: minidb.UUIDColumn}, text("0190b5a2-7c4e-7d3a-9f21-5b6c7d8e9f00"), text("0190b5a2-7c4e-7d3a-9f21-5b6c7d8e9f00"), 1, 0},
	} {
		t.Run(string(c.from.Type)+" "+c.in.String()+" to "+string(c.to.Type), func(t *testing.T) {
			f := newFixture(t, minidb.Options{})
			c.from.Name = "x"
			g := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{c.from}}).reload()
			id := g.add(values{"x": c.in})[0]
			r := minidb.Retype{Type: c.to.Type, Options: c.to.Options, AddChoices: c.to.Type == minidb.MultiSelectColumn, AcceptLoss: true}
			report, err := f.PreviewType(f.ctx, g.id("x"), r)
			require.NoError(t, err)
			require.Equal(t, []int64{c.exact, c.changed, 1 - c.exact - c.changed}, []int64{report.Exact, report.Changed, report.Lost})
			_, err = f.ChangeType(f.ctx, alice, g.id("x"), r, 0)
			require.NoError(t, err)
			require.Equal(t, c.out.String(), g.reload().stored()[id]["x"].String())
		})
	}
}
