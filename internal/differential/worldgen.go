package differential

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// names are those of columns: ordinary ones, and such as must be quoted. One with a dot is a field of an embedded document
// where there are documents. No two differ by case alone: some engines take those for the same.
var names = []string{"n", "amount", "order", "a b", `q"t`, "größe", "it's", "sub.x", "sub.y", "select", "camelCase", "`tick`", "x%", "v1", "v2", "v3"}

// NewWorld makes random tables.
func NewWorld(r *rand.Rand) *World {
	w := &World{}
	for i := range 3 + r.IntN(2) {
		w.Tables = append(w.Tables, newTable(r, fmt.Sprintf("t%d", i)))
	}
	return w
}

func newTable(r *rand.Rand, name string) *Table {
	t := &Table{Name: name, Unsized: r.IntN(2) == 0}
	rows := 4 + r.IntN(18)
	switch r.IntN(12) {
	case 0:
		rows = 0
	case 1:
		rows = 1
	case 2: // more than are read at once
		rows = 130 + r.IntN(250)
	}
	var key [][]lqp.Value
	switch r.IntN(10) {
	case 0: // no key, rows that are equal
	case 1:
		key = t.composite(r, rows)
	case 2:
		key = t.textKey(r, rows)
	default:
		key = t.numberKey(r, rows)
	}
	free := slices.Clone(names)
	pools := make([][]lqp.Value, 0, 8)
	for range 3 + r.IntN(5) {
		at := r.IntN(len(free))
		c := Column{Name: free[at]}
		free = slices.Delete(free, at, at+1)
		s := randomShape(r)
		c.Type = s.typ
		c.Type.NotNull = r.IntN(4) == 0
		c.Odd = r.IntN(4) == 0
		pools = append(pools, pool(r, s))
		t.Columns = append(t.Columns, c)
	}
	keys := len(t.Columns) - len(pools)
	for n := range rows {
		if len(t.Key) == 0 && n > 0 && r.IntN(4) == 0 {
			t.Rows = append(t.Rows, t.Rows[r.IntN(n)])
			continue
		}
		row := make([]lqp.Value, len(t.Columns))
		for c := range t.Columns {
			switch {
			case c < keys:
				row[c] = key[n][c]
			case t.Columns[c].Type.NotNull || r.IntN(5) > 0:
				row[c] = pools[c-keys][r.IntN(len(pools[c-keys]))]
			}
		}
		t.Rows = append(t.Rows, row)
	}
	r.Shuffle(len(t.Rows), func(i, j int) { t.Rows[i], t.Rows[j] = t.Rows[j], t.Rows[i] })
	for i := range t.Columns {
		t.Columns[i].Native = declarations(r, t, i)
	}
	return t
}

func randomShape(r *rand.Rand) *shape {
	total := 0
	for i := range shapes {
		total += shapes[i].weight
	}
	n := r.IntN(total)
	for i := range shapes {
		if n -= shapes[i].weight; n < 0 {
			return &shapes[i]
		}
	}
	return &shapes[0]
}

// pool are the few values of a column, so that there are ties and partners to join.
func pool(r *rand.Rand, s *shape) []lqp.Value {
	n := 2 + r.IntN(min(7, len(s.values)))
	out := make([]lqp.Value, 0, n)
	for range n {
		at := r.IntN(len(s.values))
		if r.IntN(3) == 0 { // the first ones are ordinary, and partners in other columns
			at = r.IntN(min(4, len(s.values)))
		}
		out = append(out, s.values[at])
	}
	return out
}

// keyName is often the one that documents have for their key.
func keyName(r *rand.Rand) string { return []string{"id", "_id"}[r.IntN(2)] }

func (t *Table) numberKey(r *rand.Rand, rows int) (key [][]lqp.Value) {
	digits := []int{4, 9, 18}[r.IntN(3)]
	t.Columns = []Column{{Name: keyName(r), Type: lqp.Type{Kind: lqp.Number, Precision: digits, NotNull: true}}}
	t.Key = []string{t.Columns[0].Name}
	first := r.Int64N(12) - 6
	for n := range rows {
		key = append(key, []lqp.Value{lqp.IntValue(first + int64(n))})
	}
	return key
}

func (t *Table) textKey(r *rand.Rand, rows int) (key [][]lqp.Value) {
	t.Columns = []Column{{Name: keyName(r), Type: lqp.Type{Kind: lqp.Text, MaxLen: 40, NotNull: true}}}
	t.Key = []string{t.Columns[0].Name}
	seen := map[string]bool{}
	for len(key) < rows {
		v := anyValue(r, lqp.Text, lqp.Null).Text()
		if len([]rune(v)) > 30 || v == "" && r.IntN(2) == 0 {
			continue
		}
		if seen[v] {
			v += strconv.Itoa(len(key))
		}
		if !seen[v] {
			seen[v] = true
			key = append(key, texts(v))
		}
	}
	return key
}

func (t *Table) composite(r *rand.Rand, rows int) (key [][]lqp.Value) {
	t.Columns = []Column{
		{Name: "k1", Type: lqp.Type{Kind: lqp.Text, MaxLen: 40, NotNull: true}},
		{Name: "k2", Type: lqp.Type{Kind: lqp.Number, Precision: 9, NotNull: true}},
	}
	t.Key = []string{"k2", "k1"}
	prefixes := []string{"a", "A", "a ", "é", ""}
	pairs := map[[2]int]bool{}
	for len(pairs) < rows {
		pairs[[2]int{r.IntN(len(prefixes)), r.IntN(8+rows/2) - 2}] = true
	}
	for _, p := range slices.SortedFunc(maps.Keys(pairs), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		key = append(key, []lqp.Value{lqp.TextValue(prefixes[p[0]]), lqp.IntValue(int64(p[1]))})
	}
	return key
}
