package formula

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func renamed(scope lqp.Scope, names map[string]string) lqp.Scope {
	to := slices.Clone(scope)
	for i := range to {
		to[i].Columns = slices.Clone(to[i].Columns)
		for j, c := range to[i].Columns {
			if n, ok := names[c.ID]; ok {
				to[i].Columns[j].Name = n
			}
		}
	}
	return to
}

func TestStoredFormulasFollowRenames(t *testing.T) {
	number := lqp.Type{Kind: lqp.Number}
	scope := lqp.Scope{{Alias: "t", Columns: []lqp.Column{{ID: "col_1", Name: "Unit price", Type: number}, {ID: "col_2", Name: "qty", Type: number}}}}
	e, err := Parse("{unit PRICE} * qty + t.qty - gone + NOW()")
	require.NoError(t, err)
	stored := lqp.EncodeExpr(Identify(e, scope))
	require.Contains(t, string(stored), `"id":"col_1"`)
	require.NotContains(t, strings.ToLower(string(stored)), "unit price")
	back, err := lqp.DecodeExpr(stored, lqp.DecodeOptions{})
	require.NoError(t, err)

	for _, test := range []struct {
		name  string
		names map[string]string
		want  string
	}{
		{"as it was", nil, "{Unit price} * qty + qty - gone + NOW()"},
		{"one renamed", map[string]string{"col_1": "price"}, "price * qty + qty - gone + NOW()"},
		{"names exchanged", map[string]string{"col_1": "qty", "col_2": "Unit price"}, "qty * {Unit price} + {Unit price} - gone + NOW()"},
		{"a name that is the id of another", map[string]string{"col_1": "col_2"}, "col_1 * qty + qty - gone + NOW()"},
		{"names that differ in case only", map[string]string{"col_1": "QTY"}, "QTY * qty + qty - gone + NOW()"},
		{"the same name twice", map[string]string{"col_1": "qty"}, "col_1 * col_2 + col_2 - gone + NOW()"},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := renamed(scope, test.names)
			text := Print(back, Names(now))
			require.Equal(t, test.want, text)
			again, err := Parse(text)
			require.NoError(t, err)
			require.True(t, lqp.EqualExpr(back, Identify(again, now)), tree(Identify(again, now)))
		})
	}
	deleted := lqp.Scope{{Alias: "t", Columns: scope[0].Columns[1:]}}
	require.Equal(t, "col_1 * qty + qty - gone + NOW()", Print(back, Names(deleted)), "a deleted column keeps its id")
}

func TestIdentifyKeepsTheSourceAmongSeveral(t *testing.T) {
	column := []lqp.Column{{ID: "c1", Name: "name", Type: lqp.Type{Kind: lqp.Text}}}
	scope := lqp.Scope{{Alias: "a", Columns: column}, {Alias: "b", Columns: append(column, lqp.Column{ID: "c2", Name: "only", Type: lqp.Type{Kind: lqp.Text}})}}
	e, err := Parse("a.name & b.name & only & name")
	require.NoError(t, err)
	e = Identify(e, scope)
	require.Equal(t, "a.c1 & b.c1 & b.c2 & name", Print(e, nil))
	require.Equal(t, "a.name & b.name & b.only & name", Print(e, Names(scope)))
}

// TestRenamesProperty takes random expressions through storage and random renames: what is shown then is read back as
// what is stored.
func TestRenamesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var columns []lqp.Column
		for i, k := range genKinds {
			columns = append(columns, lqp.Column{ID: fmt.Sprint("col_", 2*i), Name: k.String(), Type: genType(k)},
				lqp.Column{ID: fmt.Sprint("col_", 2*i+1), Name: k.String() + " 2}\\", Type: genType(k)})
		}
		scope := lqp.Scope{{Alias: "t", Columns: columns}}
		e := lqp.Rewrite(genExpr(t), func(n lqp.Expr) lqp.Expr {
			if c, ok := n.(*lqp.Col); ok {
				return lqp.Ref("", c.Column)
			}
			return n
		})
		parsed, err := ParseLimited(Print(e, nil), Limits{Source: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := lqp.DecodeExpr(lqp.EncodeExpr(Identify(parsed, scope)), lqp.DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range lqp.Columns(stored) {
			if !strings.HasPrefix(c.Column, "col_") {
				t.Fatalf("%s is stored by name", c.Column)
			}
		}
		names := map[string]string{}
		for _, c := range columns {
			if rapid.Bool().Draw(t, "rename") {
				names[c.ID] = rapid.OneOf(rapid.SampledFrom([]string{"a", "A", "text", "NUMBER", "and", "col_3", "t", "a.b", "x{}\\"}), rapid.StringMatching(`[a-zä ]{1,4}`)).Draw(t, "name")
			}
		}
		now := renamed(scope, names)
		text := Print(stored, Names(now))
		again, err := ParseLimited(text, Limits{Source: 1 << 20})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !lqp.EqualExpr(stored, Identify(again, now)) {
			t.Fatalf("names %v\n%s\nis %s\nnot %s", names, text, tree(Identify(again, now)), tree(stored))
		}
	})
}
