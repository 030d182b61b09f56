package adaptertest

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// casesTable names the fixture that holds the arguments of the function cases, a row for each.
const casesTable = "lt_cases"

// caseColumns are the columns for the arguments of one case: the first argument of a type goes to the first of them.
var caseColumns = []struct {
	name  string
	typ   lqp.Type
	count int
}{
	{"t", textType, 4}, {"i", intType, 3}, {"d", decimalType, 2}, {"w", wideType, 2}, {"f", floatType, 2}, {"b", boolType, 3},
	{"day", dateType, 2}, {"at", dateTimeType, 2}, {"tags", textList, 2}, {"nums", numberList, 1},
}

// caseColumn is the type of a column.
func caseColumn(name string) lqp.Type {
	for _, c := range caseColumns {
		if strings.TrimRight(name, "0123456789") == c.name {
			return c.typ
		}
	}
	return keyType
}

// places says which column each argument of a case goes to, "" for those that stay in the query: arguments that have to be
// literals, and values that not every source keeps.
func (c *functionCase) places() []string {
	out := make([]string, len(c.args))
	f, ok := lqp.LookupFunction(c.fn)
	if !ok {
		return out
	}
	used := map[string]int{}
	for i, v := range c.args {
		if f.Param(i).Constant() {
			continue
		}
		if v.IsNull() { // has the type of another argument
			for _, other := range c.args {
				if !other.IsNull() && f.Param(i).Accepts(lqp.Type{Kind: other.Kind()}) {
					v = other
				}
			}
		}
		name := columnFor(v, c.elems[i])
		for _, col := range caseColumns {
			if col.name == name && used[name] < col.count {
				used[name]++
				out[i] = name + strconv.Itoa(used[name])
			}
		}
	}
	return out
}

// columnFor is the first letters of the narrowest columns that hold a value.
func columnFor(v lqp.Value, elem lqp.Kind) string {
	switch v.Kind() {
	case lqp.Text:
		if utf8.RuneCountInString(v.Text()) <= textType.MaxLen && !strings.Contains(v.Text(), "\r") {
			return "t"
		}
	case lqp.Number:
		d := v.Decimal()
		if _, ok := d.Int64(); ok {
			return "i"
		}
		if scaled, ok := d.Scaled(2); ok && scaled > -1e12 && scaled < 1e12 {
			return "d"
		}
		return "w"
	case lqp.Float:
		return "f"
	case lqp.Bool:
		return "b"
	case lqp.Date:
		return "day"
	case lqp.DateTime:
		return "at"
	case lqp.List:
		switch elem {
		case lqp.Text:
			return "tags"
		case lqp.Number:
			return "nums"
		}
	}
	return ""
}

func casesFixture() *Fixture {
	f := &Fixture{Name: casesTable, Key: []string{"id"}, Columns: []Column{{Name: "id", Type: keyType}}}
	for _, c := range caseColumns {
		for i := range c.count {
			f.Columns = append(f.Columns, Column{Name: c.name + strconv.Itoa(i+1), Type: c.typ})
		}
	}
	for _, c := range allCases() {
		row := make([]lqp.Value, len(f.Columns))
		row[0] = lqp.IntValue(int64(c.line))
		for i, at := range c.places() {
			if at != "" {
				row[f.column(at)] = c.args[i]
			}
		}
		f.Rows = append(f.Rows, row)
	}
	// A column without values would say nothing to a source that infers its types.
	unused := func(i int) bool {
		return !slices.ContainsFunc(f.Rows, func(row []lqp.Value) bool { return !row[i].IsNull() })
	}
	for i := len(f.Columns) - 1; i >= 0; i-- {
		if unused(i) {
			f.drop(i)
		}
	}
	return f
}
