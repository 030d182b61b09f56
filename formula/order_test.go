package formula

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func define(t *testing.T, texts map[string]string, ids ...string) []Definition {
	t.Helper()
	defs := make([]Definition, len(ids))
	for i, id := range ids {
		e, err := Parse(texts[id])
		require.NoError(t, err)
		defs[i] = Definition{ID: id, Name: "Column " + id, Expr: e}
	}
	return defs
}

func TestDepend(t *testing.T) {
	texts := map[string]string{"total": "net + tax", "tax": "net * rate", "net": "price * qty", "free": "price = 0", "label": `name & total`}
	d, err := Depend(define(t, texts, "label", "total", "free", "tax", "net"))
	require.NoError(t, err)
	require.Equal(t, []string{"net", "tax", "total", "label", "free"}, d.Order())
	require.Equal(t, []int{0, 0, 1, 2, 3, 0}, []int{d.Level("free"), d.Level("net"), d.Level("tax"), d.Level("total"), d.Level("label"), d.Level("price")})
	require.Equal(t, []string{"tax", "total", "label"}, d.Affected("rate"))
	require.Equal(t, []string{"net", "tax", "total", "label", "free"}, d.Affected("price"))
	require.Equal(t, []string{"label"}, d.Affected("name"))
	require.Empty(t, d.Affected("label", "other"))
	require.Equal(t, []string{"net", "rate"}, Reads(define(t, texts, "tax")[0].Expr))

	none, err := Depend(nil)
	require.NoError(t, err)
	require.Empty(t, none.Order())
}

func TestDependNamesTheWholeCycle(t *testing.T) {
	texts := map[string]string{"start": "a + 1", "a": "b", "b": "ok + c", "c": "1 + a", "ok": "price", "self": "IF(x, self)"}
	_, err := Depend(define(t, texts, "ok", "start", "a", "b", "c"))
	require.EqualError(t, err, `formulas depend on each other in a circle: "Column a" uses "Column b" uses "Column c" uses "Column a"`)
	var cycle *CycleError
	require.True(t, errors.As(err, &cycle))
	require.Equal(t, []string{"a", "b", "c"}, cycle.IDs)
	var problem lqp.Problem
	require.True(t, errors.As(err, &problem))
	require.Equal(t, lqp.CodeCycle, problem.Code)

	_, err = Depend([]Definition{{ID: "self", Expr: define(t, texts, "self")[0].Expr}})
	require.EqualError(t, err, `formulas depend on each other in a circle: "self" uses "self"`)
}

// TestDependOfALongChain is as deep as a table is wide, which must not cost stack.
func TestDependOfALongChain(t *testing.T) {
	defs := make([]Definition, 100_000)
	for i := range defs {
		defs[i] = Definition{ID: strconv.Itoa(i), Expr: lqp.Ref("", strconv.Itoa(i+1))}
	}
	d, err := Depend(defs)
	require.NoError(t, err)
	require.Equal(t, len(defs)-1, d.Level("0"))
	require.Equal(t, "0", d.Order()[len(defs)-1])
}

// TestDependAgainstReachability compares with what following every reading says.
func TestDependAgainstReachability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "formulas")
		defs := make([]Definition, n)
		reads := make([][]bool, n)
		for i := range defs {
			reads[i] = make([]bool, n)
			var args []lqp.Expr
			for j := range n {
				if rapid.IntRange(0, 5).Draw(t, "reads") == 0 {
					reads[i][j] = true
					args = append(args, lqp.Ref("", strconv.Itoa(j)))
				}
			}
			defs[i] = Definition{ID: strconv.Itoa(i), Expr: lqp.NewCall("counta", append(args, lqp.Ref("", "plain"))...)}
		}
		reach := make([][]bool, n)
		for i := range n {
			reach[i] = slices.Clone(reads[i])
		}
		for k := range n {
			for i := range n {
				for j := range n {
					reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
				}
			}
		}
		cyclic := false
		for i := range n {
			cyclic = cyclic || reach[i][i]
		}
		d, err := Depend(defs)
		if cyclic != (err != nil) {
			t.Fatalf("cyclic %v, error %v", cyclic, err)
		}
		if err != nil {
			var cycle *CycleError
			if !errors.As(err, &cycle) {
				t.Fatal(err)
			}
			for i, id := range cycle.IDs { // every step of the way is a reading
				if next := cycle.IDs[(i+1)%len(cycle.IDs)]; !slices.Contains(Reads(defs[d0(id)].Expr), next) {
					t.Fatalf("%s does not read %s", id, next)
				}
			}
			return
		}
		order := d.Order()
		for i := range n {
			for j := range n {
				if reads[i][j] && slices.Index(order, strconv.Itoa(j)) > slices.Index(order, strconv.Itoa(i)) {
					t.Fatalf("%d reads %d but comes first: %v", i, j, order)
				}
				if affected := slices.Contains(d.Affected(strconv.Itoa(j)), strconv.Itoa(i)); affected != reach[i][j] {
					t.Fatalf("%d is affected by %d: %v", i, j, affected)
				}
			}
		}
	})
}

func d0(id string) int { return int(id[0] - '0') }
