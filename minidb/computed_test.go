package minidb_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// formula is a formula column.
func formulaColumn(name, text string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: text}}
}

func (t *table) addColumn(spec minidb.ColumnSpec) *minidb.Column {
	t.Helper()
	c, err := t.AddColumn(t.ctx, alice, t.ID, spec, 0)
	require.NoError(t, err)
	t.reload()
	return c
}

func (t *table) shows(id, name string) string {
	t.Helper()
	v, ok := t.stored()[id][name]
	require.True(t, ok, name)
	return v.String()
}

func TestFormulasFollowTheirRow(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	id := g.add(values{"Name": text("A"), "Stock": num(3), "Price": dec("2.50")}, values{"Name": text("B")})
	c := g.addColumn(formulaColumn("Worth", "{Stock} * Price /* all of it */"))
	require.Contains(t, c.Options.Formula, g.id("Stock"))
	require.Contains(t, c.Options.Formula, "/* all of it */")
	require.Equal(t, "number", c.Options.Result.Type)
	require.Equal(t, "7.5", g.shows(id[0], "Worth"))
	require.Equal(t, "NULL", g.shows(id[1], "Worth"))
	require.Equal(t, "1", g.shows(id[0], "_version"), "a new column changes no row")

	g.addColumn(formulaColumn("Label", `Name & ": " & Worth`))
	g.addColumn(formulaColumn("Big", `Worth > 5`))
	require.Equal(t, "A: 7.5", g.shows(id[0], "Label"))
	r := g.do(g.update(id[0], 0, values{"Stock": num(10)}))
	require.Equal(t, int64(2), r.Rows[0].Version)
	require.Equal(t, "A: 25", g.shows(id[0], "Label"))
	require.Equal(t, "true", g.shows(id[0], "Big"))
	changes, err := f.TableChanges(f.ctx, g.ID, 0, 100)
	require.NoError(t, err)
	last := changes[len(changes)-1]
	image, err := g.Row(last.After)
	require.NoError(t, err)
	require.Equal(t, "A: 25", image[2+9+1-1].String(), "one entry tells all")

	_, err = g.try(g.update(id[0], 0, values{"Worth": num(1)}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeReadOnly}, codes(t, err))
}

func TestDivisionByZeroIsNoError(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "A", Type: minidb.IntegerColumn}, {Name: "B", Type: minidb.IntegerColumn},
		formulaColumn("Later", `IF(IS_BLANK(Quotient), "none", Quotient & "")`), formulaColumn("Quotient", `A / B`), formulaColumn("Nothing", `LEFT("x", 0)`)}}).reload()
	ids := g.add(values{"A": num(1), "B": num(0)}, values{"A": num(1), "B": num(4)})
	require.Equal(t, "NULL", g.shows(ids[0], "Quotient"))
	require.Equal(t, "none", g.shows(ids[0], "Later"))
	require.Equal(t, "0.25", g.shows(ids[1], "Later"))
	require.Equal(t, "NULL", g.shows(ids[1], "Nothing"), "an empty text is no value")
}

func problems(t *testing.T, err error) lqp.Problems {
	t.Helper()
	var list lqp.Problems
	require.True(t, errors.As(err, &list), "%v", err)
	return list
}

func TestFormulasThatAreRefused(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	for name, c := range map[string]struct {
		text, code string
		from, to   int
	}{
		"syntax":          {"Stock + * 2", lqp.CodeSyntax, 8, 9},
		"unknown column":  {"Stock + Stick", lqp.CodeUnknownColumn, 8, 13},
		"type":            {`UPPER(Stock)`, lqp.CodeTypeMismatch, 6, 11},
		"time":            {`Since < TODAY()`, minidb.CodeVolatile, 8, 15},
		"person":          {`Name = CURRENT_USER()`, minidb.CodeVolatile, 7, 21},
		"version":         {`_version + 1`, minidb.CodeVolatile, 0, 8},
		"always empty":    {`BLANK()`, lqp.CodeTypeMismatch, 0, 7},
		"reads itself":    {`New & "x"`, lqp.CodeCycle, 0, 0},
		"several at once": {`NOPE(1) + Stick`, lqp.CodeUnknownFunction, 0, 4},
	} {
		_, err := f.AddColumn(f.ctx, alice, g.ID, formulaColumn("New", c.text), 0)
		list := problems(t, err)
		require.Equal(t, c.code, list[0].Code, "%s: %v", name, err)
		require.Equal(t, [2]int{c.from, c.to}, [2]int{list[0].From, list[0].To}, name)
		if c.code != lqp.CodeCycle {
			require.Equal(t, "$.options.formula", list[0].Path)
		}
	}
	a := g.addColumn(formulaColumn("A", "Stock + 1"))
	g.addColumn(formulaColumn("B", "A + 1"))
	_, err := f.UpdateColumn(f.ctx, alice, a.ID, minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: "B + 1"}}, 0)
	require.ErrorContains(t, err, `"A" uses "B" uses "A"`)
	require.Equal(t, lqp.CodeCycle, problems(t, err)[0].Code)
}

func TestFormulasSurviveRenamesAndBreak(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	id := g.add(values{"Name": text("A"), "Stock": num(3), "Code": text("7")})[0]
	g.addColumn(formulaColumn("Twice", "Stock * 2"))
	g.addColumn(formulaColumn("More", "Twice + 1"))
	name := "In stock"
	_, err := f.UpdateColumn(f.ctx, alice, g.id("Stock"), minidb.ColumnPatch{Name: &name}, 0)
	require.NoError(t, err)
	g.reload().do(g.update(id, 0, values{"In stock": num(4)}))
	require.Equal(t, "9", g.shows(id, "More"))
	require.Equal(t, "{In stock} * 2", g.Described(g.id("Twice")).Formula)

	// Another type leaves it broken, and mends it.
	_, err = f.ChangeType(f.ctx, alice, g.id("In stock"), minidb.Retype{Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	g.reload()
	require.Equal(t, "NULL", g.shows(id, "More"))
	c, _ := g.Column(g.id("Twice"))
	require.NotEmpty(t, c.Options.Broken)
	g.do(g.update(id, 0, values{"In stock": text("5")}))
	_, err = f.ChangeType(f.ctx, alice, g.id("In stock"), minidb.Retype{Type: minidb.IntegerColumn}, 0)
	require.NoError(t, err)
	g.reload()
	require.Equal(t, "11", g.shows(id, "More"))
	c, _ = g.Column(g.id("Twice"))
	require.Empty(t, c.Options.Broken)

	require.NoError(t, f.DeleteColumn(f.ctx, alice, g.id("In stock"), 0))
	g.reload()
	require.Equal(t, "NULL", g.shows(id, "More"))
	c, _ = g.Column(g.id("Twice"))
	require.NotEmpty(t, c.Options.Broken)
}

func TestFormulaGetsAnotherType(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	id := g.add(values{"Name": text("A"), "Stock": num(3)})[0]
	c := g.addColumn(formulaColumn("F", "Stock + 1"))
	_, err := f.CreateIndex(f.ctx, alice, g.ID, []minidb.IndexColumn{{Column: c.ID}}, 0)
	require.NoError(t, err)
	for text, want := range map[string]string{`Name & "!"`: "A!", "Stock > 1": "true", "DATE(2024, 1, Stock)": "2024-01-03", "TO_FLOAT(Stock)": "3", "Stock / 7": "0.4285714286"} {
		_, err := f.UpdateColumn(f.ctx, alice, c.ID, minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: text}}, 0)
		require.NoError(t, err, text)
		require.Equal(t, want, g.reload().shows(id, "F"), text)
	}
	require.Len(t, g.Indexes(), 4)
	require.Equal(t, "1", g.shows(id, "_version"))
}

func TestRulesAskForFormulas(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	unique := formulaColumn("Key", `LOWER(Name)`)
	unique.Unique = true
	g.addColumn(unique)
	g.add(values{"Name": text("Ant")}, values{"Name": text("Bee")})
	_, err := g.try(g.insert(values{"Name": text("ANT")}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, err))
	g.addColumn(formulaColumn("Worth", `Stock * 2`))
	check, err := lqp.DecodeExpr([]byte(`{"k":"call","f":"lt","a":[{"k":"col","id":"`+g.id("Worth")+`"},{"k":"lit","t":"number","v":"10"}]}`), lqp.DecodeOptions{})
	require.NoError(t, err)
	_, err = f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Rules: &minidb.TableRules{Checks: []minidb.Check{{Message: "too much", Expr: lqp.EncodeExpr(lqp.NewCall("or", check, lqp.NewCall("is_null", lqp.Ref("", g.id("Worth")))))}}}}, 0)
	require.NoError(t, err)
	g.reload()
	_, err = g.try(g.insert(values{"Name": text("Cat"), "Stock": num(5)}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeCheck}, codes(t, err))
	id := g.add(values{"Name": text("Cat"), "Stock": num(4)})[0]
	// A guard sees the computed value of the row as it would be.
	_, err = g.try(g.update(id, 0, values{"Stock": num(3)}), minidb.Guard{Update: g.where("gt", "Worth", num(7))})
	require.ErrorIs(t, err, minidb.ErrForbidden)
	// A change of the formula that rows do not stand is refused whole.
	_, err = f.UpdateColumn(f.ctx, alice, g.id("Worth"), minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: "Stock * 3"}}, 0)
	require.Equal(t, []string{minidb.CodeCheck}, codes(t, err))
	require.Equal(t, "8", g.shows(id, "Worth"))
	_, err = f.UpdateColumn(f.ctx, alice, g.id("Key"), minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: "LEN(Name)"}}, 0)
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, err))
}

func TestComputedColumnsAreCopiedAndRevertedLikeOthers(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	id := g.add(values{"Name": text("A"), "Stock": num(3)})[0]
	c := g.addColumn(formulaColumn("Twice", "Stock * 2"))
	g.addColumn(formulaColumn("Said", "Twice & \"\""))
	_, err := f.DuplicateColumn(f.ctx, alice, c.ID, minidb.DuplicateColumn{Name: "Also", Cells: true})
	require.NoError(t, err)
	require.Equal(t, "6", g.reload().shows(id, "Also"))
	_, err = f.UpdateColumn(f.ctx, alice, c.ID, minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: "Name & Stock"}}, 0)
	require.NoError(t, err)
	require.Equal(t, "A3", g.reload().shows(id, "Said"))
	_, err = f.RevertSchema(f.ctx, alice, g.ID, minidb.SchemaRevert{Version: g.Version})
	require.NoError(t, err)
	require.Equal(t, "6", g.reload().shows(id, "Said"))
	// The source goes to the trash and comes back.
	require.NoError(t, f.DeleteColumn(f.ctx, alice, g.id("Stock"), 0))
	require.Equal(t, "NULL", g.reload().shows(id, "Also"))
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	_, err = f.RestoreTrash(f.ctx, alice, s.Trash[0].ID, minidb.Recovery{})
	require.NoError(t, err)
	require.Equal(t, "6", g.reload().shows(id, "Also"))
	require.Equal(t, "6", g.shows(id, "Said"))
}
