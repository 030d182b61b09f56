package adaptertest

import (
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// nulls names the fixture of every combination of NULL, a small and a large value in three columns of each type.
const nulls = "lt_nulls"

const dayMillis = 86_400_000

// nullKinds are the types of the columns of nulls, three of each, with the two values.
var nullKinds = []struct {
	name   string
	typ    lqp.Type
	lo, hi lqp.Value
}{
	{"b", boolType, lqp.BoolValue(false), lqp.BoolValue(true)},
	{"i", intType, lqp.IntValue(3), lqp.IntValue(8)},
	{"d", decimalType, must(decimalType, "1.5"), must(decimalType, "2.25")},
	{"f", floatType, lqp.FloatValue(0.5), lqp.FloatValue(1.75)},
	{"s", textType, lqp.TextValue("a"), lqp.TextValue("ab")},
	{"day", dateType, must(dateType, "2024-02-28"), must(dateType, "2024-02-29")},
	{"at", dateTimeType, must(dateTimeType, "2024-02-28T10:00:00.001Z"), must(dateTimeType, "2024-02-28T23:59:59.999Z")},
	{"tags", textList, must(textList, `["a"]`), must(textList, `["a","b"]`)},
}

// nullsFixture has a row for each of the 27 combinations; it is the same one for all types.
func nullsFixture() *Fixture {
	f := &Fixture{Name: nulls, Key: []string{"id"}, Columns: []Column{{Name: "id", Type: keyType}}}
	for _, k := range nullKinds {
		for i := range 3 {
			f.Columns = append(f.Columns, Column{Name: k.name + strconv.Itoa(i+1), Type: k.typ})
		}
	}
	for n := range 27 {
		row := []lqp.Value{lqp.IntValue(int64(n))}
		for _, k := range nullKinds {
			for _, digit := range []int{n % 3, n / 3 % 3, n / 9} {
				row = append(row, []lqp.Value{lqp.NullValue, k.lo, k.hi}[digit])
			}
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}
