package differential

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// answer is the rows of a query as canonical JSON.
type answer struct {
	rows    [][]string
	values  [][]lqp.Value
	ordered bool   // the order of the rows is decided
	near    []bool // columns that are compared by tolerance
}

func (a *answer) add(row []lqp.Value) {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = canonical(v)
	}
	a.rows = append(a.rows, cells)
	a.values = append(a.values, slices.Clone(row))
}

// canonical is a value as it is compared: documents by their content, for databases order their keys as they like.
func canonical(v lqp.Value) string {
	if v.Kind() == lqp.JSON {
		var x any
		dec := json.NewDecoder(strings.NewReader(v.Text()))
		dec.UseNumber()
		if dec.Decode(&x) == nil {
			if out, err := json.Marshal(x); err == nil {
				return string(out)
			}
		}
	}
	return string(v.AppendJSON(nil))
}

// tolerated are the aggregates that are compared by tolerance where their argument is a float: a database may add doubles
// in another order. All others must be equal to the last digit.
var tolerated = map[string]bool{"sum": true, "average": true, "stdev": true, "stdevp": true, "var": true, "varp": true}

// tolerance is how far tolerated answers may be apart, in relation to the larger one.
const tolerance = 1e-9

// near are the columns of a bound query's result that hold a tolerated aggregate itself.
func near(q *lqp.Query) []bool {
	out := make([]bool, len(q.Select))
	for i, n := range q.Select {
		c, ok := n.Expr.(*lqp.Col)
		if !ok || c.Source != "" {
			continue
		}
		for _, a := range q.Aggregates {
			out[i] = out[i] || a.Name == c.Column && tolerated[a.Func] && a.Arg != nil && a.Arg.Type().Kind == lqp.Float
		}
	}
	return out
}

// verdict is the result of a comparison.
type verdict struct {
	diff      string // how the answers differ, empty when they do not
	tolerated bool   // they are equal by tolerance only
}

// compare holds an answer against the wanted one. Where the order is not decided rows are compared as a multiset.
func compare(want, got *answer) verdict {
	w, g := want.rows, got.rows
	if !want.ordered {
		w, g = sorted(w), sorted(g)
	}
	diff := difference(w, g, equal)
	if diff == "" || !slices.Contains(want.near, true) {
		return verdict{diff: diff}
	}
	// Once more with the tolerated columns shortened, so that rows which differ there sort alike.
	w, g = shorten(w, want.near), shorten(g, want.near)
	if !want.ordered {
		w, g = sorted(w), sorted(g)
	}
	if near := difference(w, g, func(i int, a, b string) bool { return equal(i, a, b) || want.near[i] && nearly(a, b) }); near == "" {
		return verdict{tolerated: true}
	}
	return verdict{diff: diff}
}

func equal(_ int, a, b string) bool { return a == b }

func nearly(a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && max(x-y, y-x) <= tolerance*max(x, -x, y, -y)
}

func shorten(rows [][]string, near []bool) [][]string {
	out := make([][]string, len(rows))
	for n, r := range rows {
		out[n] = slices.Clone(r)
		for i := range r {
			if near[i] {
				if f, err := strconv.ParseFloat(r[i], 64); err == nil {
					out[n][i] = strconv.FormatFloat(f, 'g', 9, 64)
				}
			}
		}
	}
	return out
}

func sorted(rows [][]string) [][]string {
	out := slices.Clone(rows)
	slices.SortFunc(out, slices.Compare)
	return out
}

// difference describes how rows differ, "" when they do not.
func difference(want, got [][]string, same func(column int, a, b string) bool) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("%d rows instead of %d; the first one too many is\n  got  %s", len(got), len(want), clip(got[i]))
		case i >= len(got):
			return fmt.Sprintf("%d rows instead of %d; the first one missing is\n  want %s", len(got), len(want), clip(want[i]))
		}
		for c := range want[i] {
			if !same(c, want[i][c], got[i][c]) {
				return fmt.Sprintf("row %d of %d, column %d\n  want %s\n  got  %s", i, len(want), c, clip(want[i]), clip(got[i]))
			}
		}
	}
	return ""
}

// clip shows a row with its long cells shortened.
func clip(row []string) string {
	out := make([]string, len(row))
	for i, c := range row {
		if runes := []rune(c); len(runes) > 90 {
			c = string(runes[:60]) + "…" + string(runes[len(runes)-20:]) + fmt.Sprintf(" (%d characters)", len(runes))
		}
		out[i] = c
	}
	return strings.Join(out, " | ")
}
