package databasetest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var update = flag.Bool("update", false, "write the golden files")

// Golden compares got with a file below testdata, or writes it with -update.
func Golden(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		noError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	noError(t, err)
	if got != string(want) {
		t.Errorf("%s: not as before; the first difference is in\n%s", file, firstDifference(string(want), got))
	}
}

// Planner plans queries over Tables, by name, without a server.
type Planner struct {
	Tables map[string]*lqp.Table
	Plan   func(*lqp.Query) adapter.Split
}

// Question is a query in JSON with a name for people.
type Question = struct{ Name, Query string }

// Plans describes how the questions are split; show writes a pushed query as the server will see it.
func (p Planner) Plans(t testing.TB, questions []Question, show func(pushed *lqp.Query) (string, error)) string {
	t.Helper()
	var out strings.Builder
	for _, c := range questions {
		fmt.Fprintf(&out, "== %s\n", c.Name)
		s := p.Plan(Bind(t, p.Tables, c.Query))
		for _, n := range s.Notes {
			fmt.Fprintf(&out, "%s %s: %s", n.Clause, n.Text, n.Placement)
			if n.Reason != "" {
				fmt.Fprintf(&out, " (%s)", n.Reason)
			}
			out.WriteByte('\n')
		}
		if s.Pushed == nil {
			out.WriteString("nothing pushed\n\n")
			continue
		}
		text, err := show(s.Pushed)
		noError(t, err, c.Name)
		out.WriteString(text + "\n")
		if s.Residual != nil {
			r := *s.Residual
			r.From.Query, r.From.Table = nil, "pushed"
			fmt.Fprintf(&out, "residual:\n%s\n", lqp.Format(&r))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// Keyset is a place in the table orders after which a page begins: Sorts in JSON, After with a value for each of them.
type Keyset = struct {
	Name, Sorts string
	After       []lqp.Value
}

// Keysets describes the statements for pages that continue, of the column that is the key of the table orders.
func (p Planner) Keysets(t testing.TB, key string, places []Keyset, show func(pushed *lqp.Query) (string, error)) string {
	t.Helper()
	var out strings.Builder
	for _, c := range places {
		q := *Bind(t, p.Tables, `{"source":{"table":"orders"},"columns":["`+key+`"],"sorts":`+c.Sorts+`,"pagination":{"limit":3}}`)
		q.Page.After = c.After
		s := p.Plan(&q)
		if s.Residual != nil || !s.Page {
			t.Fatalf("%s: the page is not pushed", c.Name)
		}
		text, err := show(s.Pushed)
		noError(t, err, c.Name)
		fmt.Fprintf(&out, "== %s\n%s\n\n", c.Name, text)
	}
	return out.String()
}

// SQLKeysets are the places that every dialect of SQL must find, in a shop's orders.
var SQLKeysets = []Keyset{
	{"one way, never null", `["-customer_id","-id"]`, []lqp.Value{lqp.IntValue(7), lqp.IntValue(9)}},
	{"both ways", `["-customer_id","id"]`, []lqp.Value{lqp.IntValue(7), lqp.IntValue(9)}},
	{"nullable, nulls first", `["total","id"]`, []lqp.Value{lqp.NumberValue(lqp.DecimalFromScaled(1050, 2)), lqp.IntValue(9)}},
	{"after a null that is first", `["total","id"]`, []lqp.Value{lqp.NullValue, lqp.IntValue(9)}},
	{"nullable, nulls last", `["-total","id"]`, []lqp.Value{lqp.IntValue(10), lqp.IntValue(9)}},
	{"after a null that is last", `["-total","id"]`, []lqp.Value{lqp.NullValue, lqp.IntValue(9)}},
	{"a long text", `["note","id"]`, []lqp.Value{lqp.TextValue(strings.Repeat("é", 300)), lqp.IntValue(9)}},
	{"a timestamp", `["-placed","-id"]`, []lqp.Value{lqp.DateTimeValue(1700000000123), lqp.IntValue(9)}},
}

// firstDifference is the first line of two texts that is not the same.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant: %s\n got: %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("the number of lines: want %d, got %d", len(w), len(g))
}
