package plantest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Table is a table of a connection with its rows, each with one canonical value for every column of Schema, in order.
type Table struct {
	Connection string
	Schema     *lqp.Table
	Rows       [][]lqp.Value
}

// Spec says what a random table is like.
type Spec struct {
	Connection, Name string
	Rows             int
	// Keyless tables have no key, and rows that are equal in every column.
	Keyless bool
	// NoEmpty tables hold no empty text: the mini-DB keeps none.
	NoEmpty bool
}

// columns are the columns of every random table. Values are few, so that there are ties and partners to join.
var columns = []lqp.Column{
	{ID: "id", Type: lqp.Type{Kind: lqp.Number, Precision: 9, NotNull: true}},
	{ID: "ref", Type: lqp.Type{Kind: lqp.Number, Precision: 9}},
	{ID: "n", Type: lqp.Type{Kind: lqp.Number, Precision: 9}},
	{ID: "d", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}},
	{ID: "t", Type: lqp.Type{Kind: lqp.Text, MaxLen: 40}},
	{ID: "b", Type: lqp.Type{Kind: lqp.Bool}},
	{ID: "day", Type: lqp.Type{Kind: lqp.Date}},
	{ID: "at", Type: lqp.Type{Kind: lqp.DateTime}},
}

var texts = []string{"", "a", "A", "ab", "b", "é", "ß", "日本", "a b", "Z", "🙂"}

// NewTable makes a random table. The id counts from 1 unless the table is keyless.
func NewTable(r *rand.Rand, spec Spec) *Table {
	t := &lqp.Table{Name: spec.Name, Path: []string{spec.Name}, Kind: lqp.BaseTable, Columns: slices.Clone(columns), Key: []string{"id"}, Rows: -1}
	if spec.Keyless {
		t.Key = nil
	}
	for i := range t.Columns {
		t.Columns[i].Name = t.Columns[i].ID
	}
	out := &Table{Connection: spec.Connection, Schema: t}
	for i := range spec.Rows {
		if spec.Keyless && i > 0 && r.IntN(3) == 0 {
			out.Rows = append(out.Rows, out.Rows[r.IntN(i)])
			continue
		}
		row := make([]lqp.Value, len(columns))
		for c := range columns {
			if c > 0 && r.IntN(5) == 0 {
				continue // NULL
			}
			row[c] = randomValue(r, columns[c].ID, spec)
		}
		row[0] = lqp.IntValue(int64(i + 1))
		out.Rows = append(out.Rows, row)
	}
	r.Shuffle(len(out.Rows), func(i, j int) { out.Rows[i], out.Rows[j] = out.Rows[j], out.Rows[i] })
	return out
}

func randomValue(r *rand.Rand, column string, spec Spec) lqp.Value {
	switch column {
	case "id", "ref":
		return lqp.IntValue(1 + r.Int64N(int64(spec.Rows)+2))
	case "n":
		return lqp.IntValue(r.Int64N(9) - 3)
	case "d":
		return lqp.NumberValue(lqp.DecimalFromScaled(r.Int64N(700)-200, 2))
	case "t":
		if spec.NoEmpty {
			return lqp.TextValue(texts[1+r.IntN(len(texts)-1)])
		}
		return lqp.TextValue(texts[r.IntN(len(texts))])
	case "b":
		return lqp.BoolValue(r.IntN(2) == 0)
	case "day":
		return lqp.DateValue(19000 + r.Int64N(40))
	}
	return lqp.DateTimeValue((19000+r.Int64N(40))*86_400_000 + r.Int64N(24)*3_600_000)
}

// Find is an Env.Table over tables.
func Find(tables []*Table) func(connection, name string) (*lqp.Table, error) {
	return func(connection, name string) (*lqp.Table, error) {
		for _, t := range tables {
			if t.Connection == connection && t.Schema.Name == name {
				return t.Schema, nil
			}
		}
		return nil, lqp.ErrUnknownTable
	}
}

// Rows finds the rows of a bound table source among tables.
func Rows(tables []*Table) func(s *lqp.Source) [][]lqp.Value {
	return func(s *lqp.Source) [][]lqp.Value {
		for _, t := range tables {
			if t.Connection == s.Connection && t.Schema.Name == s.Table {
				return t.Rows
			}
		}
		panic(fmt.Sprintf("plantest: no table %s/%s", s.Connection, s.Table))
	}
}

// Texts is rows as text, one line for each, for comparisons that people read.
func Texts(rows [][]lqp.Value) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		for j, v := range r {
			if j > 0 {
				out[i] += "|"
			}
			out[i] += string(v.AppendJSON(nil))
		}
	}
	return out
}
