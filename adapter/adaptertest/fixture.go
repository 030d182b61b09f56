package adaptertest

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Fixture is a table that Load creates at the source.
type Fixture struct {
	Name        string
	Columns     []Column
	Key         []string // primary key
	Unique      [][]string
	ForeignKeys []lqp.ForeignKey
	// Rows hold one canonical value per column, in order.
	Rows [][]lqp.Value
	// Comment is the table's, declared where Harness.Facts says so.
	Comment string
	// View is the name of the table of which this is a view with the same columns, empty for a table of its own. Views come
	// after their tables and only where Harness.Facts says so; their rows are not loaded.
	View string
}

// Column is a column of a Fixture. Name is its name at the source. Type has the facets that the source must be able to
// hold; a column whose type is not NotNull holds NULLs.
type Column struct {
	Name string
	Type lqp.Type
	// Default and Comment are declared where Harness.Facts says so; NULL and empty are none.
	Default lqp.Value
	Comment string
}

// column is the position of a column.
func (f *Fixture) column(name string) int {
	return slices.IndexFunc(f.Columns, func(c Column) bool { return c.Name == name })
}

// rowsFor arranges the rows in the order of the discovered columns.
func (f *Fixture) rowsFor(t *lqp.Table) ([][]lqp.Value, error) {
	at := make([]int, len(t.Columns))
	for i := range t.Columns {
		at[i] = f.column(t.Columns[i].ID)
		if at[i] < 0 {
			return nil, fmt.Errorf("column %s is discovered and was not loaded", t.Columns[i].ID)
		}
	}
	for _, c := range f.Columns {
		if t.Column(c.Name) == nil {
			return nil, fmt.Errorf("column %s was loaded and is not discovered", c.Name)
		}
	}
	rows := make([][]lqp.Value, len(f.Rows))
	for n, r := range f.Rows {
		rows[n] = make([]lqp.Value, len(at))
		for i, from := range at {
			rows[n][i] = r[from]
		}
	}
	return rows, nil
}

// The names of the fixtures.
const (
	things   = "lt_things"   // a pair of columns of every type
	parents  = "lt_parents"  // joined by their children
	children = "lt_children" // with a nullable reference
	walks    = "lt_walks"    // nullable sort keys with many ties
	pairs    = "lt_pairs"    // a composite key
	empties  = "lt_empties"  // no rows
)

var (
	intType      = lqp.Type{Kind: lqp.Number, Precision: 19}
	decimalType  = lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}
	wideType     = lqp.Type{Kind: lqp.Number, Precision: 30, Scale: 10}
	textType     = lqp.Type{Kind: lqp.Text, MaxLen: 120}
	longType     = lqp.Type{Kind: lqp.Text}
	keyType      = lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}
	boolType     = lqp.Type{Kind: lqp.Bool}
	floatType    = lqp.Type{Kind: lqp.Float}
	dateType     = lqp.Type{Kind: lqp.Date}
	dateTimeType = lqp.Type{Kind: lqp.DateTime}
	textList     = lqp.Type{Kind: lqp.List, Elem: lqp.Text}
	numberList   = lqp.Type{Kind: lqp.List, Elem: lqp.Number}
	jsonType     = lqp.Type{Kind: lqp.JSON}
	bytesType    = lqp.Type{Kind: lqp.Bytes}
)

// thingColumns are the columns of things besides the key, as pairs of the same type where they can be compared.
var thingColumns = []Column{
	{Name: "b", Type: boolType}, {Name: "b2", Type: boolType},
	{Name: "i", Type: intType}, {Name: "i2", Type: intType},
	{Name: "d", Type: decimalType}, {Name: "d2", Type: decimalType},
	{Name: "w", Type: wideType}, {Name: "w2", Type: wideType},
	{Name: "f", Type: floatType}, {Name: "f2", Type: floatType},
	{Name: "s", Type: textType}, {Name: "s2", Type: textType},
	{Name: "l", Type: longType},
	{Name: "day", Type: dateType}, {Name: "day2", Type: dateType},
	{Name: "at", Type: dateTimeType}, {Name: "at2", Type: dateTimeType},
	{Name: "tags", Type: textList}, {Name: "nums", Type: numberList},
	{Name: "doc", Type: jsonType}, {Name: "raw", Type: bytesType},
}

// thingRows is more than the count of edge values of any type, so that each value meets several of every other.
const thingRows = 47

// fixtures builds the tables, without the columns that the source does not hold.
func fixtures(holds func(lqp.Type) bool, facts Facts) []*Fixture {
	all := []*Fixture{thingsFixture(), parentsFixture(), childrenFixture(), walksFixture(), pairsFixture(), emptiesFixture(), nullsFixture(), casesFixture()}
	all = append(all, factFixtures(facts)...)
	for _, f := range all {
		f.keep(holds)
	}
	return all
}

func (f *Fixture) keep(holds func(lqp.Type) bool) {
	for i := len(f.Columns) - 1; i >= 0; i-- {
		if holds(f.Columns[i].Type) {
			continue
		}
		f.drop(i)
	}
}

// drop removes column i.
func (f *Fixture) drop(i int) {
	f.Columns = slices.Delete(slices.Clone(f.Columns), i, i+1)
	for n := range f.Rows {
		f.Rows[n] = slices.Delete(f.Rows[n], i, i+1)
	}
}

func thingsFixture() *Fixture {
	f := &Fixture{Name: things, Key: []string{"id"}, Columns: append([]Column{{Name: "id", Type: keyType}}, thingColumns...)}
	for n := range thingRows {
		row := []lqp.Value{lqp.IntValue(int64(n + 1))}
		for c, col := range thingColumns {
			edges := edgesOf(col.Type)
			// Different strides for the columns, coprime to most lengths, mix the values.
			row = append(row, edges[(n*(2*c+1)+n/len(edges)+c)%len(edges)])
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

func parentsFixture() *Fixture {
	f := &Fixture{Name: parents, Key: []string{"id"}, Columns: []Column{
		{Name: "id", Type: keyType}, {Name: "name", Type: textType}, {Name: "code", Type: textType}, {Name: "grade", Type: intType},
	}}
	names := []string{"Ada", "ada", "Bob", "Çelik", "", "Zoë"}
	for n := range 12 {
		row := []lqp.Value{lqp.IntValue(int64(n)), lqp.TextValue(names[n%len(names)]), lqp.NullValue, lqp.IntValue(int64(n % 3))}
		if n%4 != 0 {
			row[2] = lqp.TextValue(string(rune('A' + n%4)))
		}
		if n%5 == 0 {
			row[3] = lqp.NullValue
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

func childrenFixture() *Fixture {
	f := &Fixture{Name: children, Key: []string{"id"},
		Columns: []Column{
			{Name: "id", Type: keyType}, {Name: "parent", Type: intType}, {Name: "code", Type: textType}, {Name: "amount", Type: decimalType}, {Name: "day", Type: dateType},
		},
		ForeignKeys: []lqp.ForeignKey{{Columns: []string{"parent"}, RefTable: parents, RefColumns: []string{"id"}}},
	}
	for n := range 40 {
		row := []lqp.Value{lqp.IntValue(int64(100 + n)), lqp.IntValue(int64(n * 7 % 12)), lqp.NullValue,
			lqp.NumberValue(lqp.DecimalFromScaled(int64(n*n*37-900), 2)), lqp.DateValue(int64(19700 + n%9))}
		if n%6 == 0 {
			row[1] = lqp.NullValue
		}
		if n%3 != 0 {
			row[2] = lqp.TextValue(string(rune('A' + n%5)))
		}
		if n%11 == 0 {
			row[3] = lqp.NullValue
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

func walksFixture() *Fixture {
	f := &Fixture{Name: walks, Key: []string{"id"}, Columns: []Column{
		{Name: "id", Type: keyType}, {Name: "n", Type: intType}, {Name: "s", Type: textType}, {Name: "d", Type: decimalType}, {Name: "day", Type: dateType}, {Name: "l", Type: longType},
	}}
	long := longTexts()
	for n := range 61 {
		row := []lqp.Value{
			lqp.IntValue(int64(n * 13 % 61)),
			lqp.IntValue(int64(n % 4)),
			lqp.TextValue([]string{"", "a", "A", "b", "é"}[n*3%5]),
			lqp.NumberValue(lqp.DecimalFromScaled(int64(n%6*50), 2)),
			lqp.DateValue(int64(19782 + n%3)),
			long[n%len(long)],
		}
		for c, every := range []int{0, 5, 7, 4, 6, 0} {
			if every > 0 && n%every == 0 {
				row[c] = lqp.NullValue
			}
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

func pairsFixture() *Fixture {
	notNull := textType
	notNull.NotNull = true
	f := &Fixture{Name: pairs, Key: []string{"x", "y"}, Unique: [][]string{{"u"}}, Columns: []Column{
		{Name: "y", Type: keyType}, {Name: "u", Type: textType}, {Name: "x", Type: notNull}, {Name: "v", Type: decimalType},
	}}
	for n := range 9 {
		f.Rows = append(f.Rows, []lqp.Value{lqp.IntValue(int64(n % 3)), lqp.TextValue("u" + string(rune('0'+n))),
			lqp.TextValue(string(rune('a' + n/3))), lqp.NumberValue(lqp.DecimalFromScaled(int64(n), 2))})
	}
	return f
}

func emptiesFixture() *Fixture {
	return &Fixture{Name: empties, Key: []string{"id"}, Columns: []Column{{Name: "id", Type: keyType}, {Name: "s", Type: textType}, {Name: "d", Type: decimalType}, {Name: "f", Type: floatType}}}
}

// Table is the fixture as a perfect discovery would describe it, for sources in memory.
func (f *Fixture) Table() *lqp.Table {
	t := &lqp.Table{Name: f.Name, Path: []string{f.Name}, Kind: lqp.BaseTable, Key: f.Key, Uniques: f.Unique, ForeignKeys: f.ForeignKeys,
		Rows: int64(len(f.Rows)), Comment: f.Comment}
	if f.View != "" {
		t.Kind = lqp.ViewTable
	}
	for _, c := range f.Columns {
		t.Columns = append(t.Columns, lqp.Column{ID: c.Name, Name: c.Name, Type: c.Type, HasDefault: !c.Default.IsNull(), Comment: c.Comment})
	}
	return t
}
