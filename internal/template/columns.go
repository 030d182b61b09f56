package template

import (
	"encoding/json"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// Columns in few words.

func column(name string, kind minidb.ColumnType) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: kind}
}

func required(c minidb.ColumnSpec) minidb.ColumnSpec {
	c.Required = true
	return c
}

func unique(c minidb.ColumnSpec) minidb.ColumnSpec {
	c.Unique = true
	return c
}

func least(c minidb.ColumnSpec, min string) minidb.ColumnSpec {
	c.Options.Min = json.RawMessage(min)
	return c
}

func most(c minidb.ColumnSpec, max string) minidb.ColumnSpec {
	c.Options.Max = json.RawMessage(max)
	return c
}

func text(name string) minidb.ColumnSpec  { return column(name, minidb.TextColumn) }
func notes(name string) minidb.ColumnSpec { return column(name, minidb.LongTextColumn) }
func date(name string) minidb.ColumnSpec  { return column(name, minidb.DateColumn) }
func email(name string) minidb.ColumnSpec { return column(name, minidb.EmailColumn) }
func phone(name string) minidb.ColumnSpec { return column(name, minidb.PhoneColumn) }
func link(name string) minidb.ColumnSpec  { return column(name, minidb.URLColumn) }
func whole(name string) minidb.ColumnSpec { return column(name, minidb.IntegerColumn) }

func decimals(name string, scale int) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: scale}}
}

// money is an amount in euros, which whoever starts from the template changes to their own currency.
func money(name string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: minidb.CurrencyColumn, Options: minidb.ColumnOptions{Currency: "EUR"}}
}

// linked names rows of a table that comes before in the template, of which it shows the other side in a column called inverse. Cells are
// the labels of the rows.
func linked(name, table, inverse string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: table, Single: true}},
		Inverse: &minidb.InverseSpec{Name: inverse}}
}

// through is a column that looks at a column of the rows that a link names.
func through(name string, kind minidb.ColumnType, link, target, aggregate string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: kind, Options: minidb.ColumnOptions{Through: &minidb.Through{Link: link, Target: target, Aggregate: aggregate}}}
}

// filtered is a column of through, or of counted, over the linked rows that satisfy a formula.
func filtered(c minidb.ColumnSpec, filter string) minidb.ColumnSpec {
	th := *c.Options.Through
	th.Filter = filter
	c.Options.Through = &th
	return c
}

// summed adds up a column of the rows that a link names.
func summed(name, link, target string) minidb.ColumnSpec {
	return through(name, minidb.RollupColumn, link, target, "sum")
}

// counted counts the rows that a link names.
func counted(name, link string) minidb.ColumnSpec {
	return through(name, minidb.CountColumn, link, "", "")
}

// computed is a formula over the columns before it.
func computed(name, formula string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: formula}}
}

// labels is a multiple select.
func labels(name string, names ...string) minidb.ColumnSpec {
	c := choice(name, names...)
	c.Type, c.Default = minidb.MultiSelectColumn, lqp.Value{}
	return c
}

// choice is a single select whose first choice is that of new rows.
func choice(name string, choices ...string) minidb.ColumnSpec {
	colours := []string{"grey", "blue", "yellow", "green", "red", "purple"}
	c := minidb.ColumnSpec{Name: name, Type: minidb.SingleSelectColumn, Default: lqp.TextValue(choices[0])}
	for i, ch := range choices {
		c.Options.Choices = append(c.Options.Choices, minidb.Choice{Name: ch, Colour: colours[i%len(colours)]})
	}
	return c
}

func withDefault(c minidb.ColumnSpec, n int64) minidb.ColumnSpec {
	c.Default = lqp.IntValue(n)
	return c
}
