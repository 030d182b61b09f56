package formula

import (
	"strings"
	"sync"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sameValue is stricter than lqp.Equal: values of different kinds are never the same.
func sameValue(a, b lqp.Value) bool {
	return a.Kind() == b.Kind() && lqp.Equal(a, b) && a.String() == b.String()
}

// TestCompileEqualsEval is the contract of Compile: on every row the program answers what the tree walk answers.
func TestCompileEqualsEval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := lqp.Resolve(genExpr(t), slotOf)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(e)
		if err != nil {
			t.Fatalf("%s: %v", Print(e, nil), err)
		}
		rows := [][]lqp.Value{nil, make([]lqp.Value, 2*len(genKinds)), genRow(t), genRow(t)}
		for _, row := range rows {
			want, got := lqp.Eval(e, row), p.Eval(row)
			if !sameValue(want, got) {
				t.Fatalf("%s on %v\nprogram %s %v\neval    %s %v", Print(e, nil), row, got.Kind(), got, want.Kind(), want)
			}
			if p.True(row) != lqp.Truth(want) {
				t.Fatalf("%s on %v: True is %v, the value %v", Print(e, nil), row, p.True(row), want)
			}
		}
	})
}

// TestCompileEqualsEvalOnWrongKinds runs programs on rows that do not have the kinds that the columns promise, as a
// faulty adapter would deliver them: the program must still say what the tree walk says.
func TestCompileEqualsEvalOnWrongKinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := lqp.Resolve(genExpr(t), slotOf)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(e)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]lqp.Value, rapid.IntRange(0, 2*len(genKinds)).Draw(t, "width"))
		for i := range row {
			row[i] = genValue(t, rapid.SampledFrom(genKinds).Draw(t, "kind"))
		}
		if want, got := lqp.Eval(e, row), p.Eval(row); !sameValue(want, got) {
			t.Fatalf("%s on %v\nprogram %s %v\neval    %s %v", Print(e, nil), row, got.Kind(), got, want.Kind(), want)
		}
	})
}

func TestCompileRefuses(t *testing.T) {
	unresolved, err := Parse("a + 1")
	require.NoError(t, err)
	_, err = Compile(unresolved)
	require.ErrorIs(t, err, ErrUnresolved)
	param, err := Parse("NOW()")
	require.NoError(t, err)
	_, err = Compile(param)
	require.ErrorIs(t, err, ErrUnbound)
	_, err = Compile(&lqp.Call{Func: "no_such_function"})
	require.ErrorIs(t, err, ErrFunction)
}

func TestCompileNilIsTrue(t *testing.T) {
	p, err := Compile(nil)
	require.NoError(t, err)
	require.True(t, p.True(nil))
	require.True(t, p.Eval(nil).Bool())
}

// benchSchema are the columns of the formulas below, in the order of their rows.
var benchSchema = []lqp.Column{
	{ID: "price", Name: "price", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}},
	{ID: "qty", Name: "qty", Type: lqp.Type{Kind: lqp.Number, Precision: 10}},
	{ID: "discount", Name: "discount", Type: lqp.Type{Kind: lqp.Number, Precision: 4, Scale: 2}},
	{ID: "status", Name: "status", Type: lqp.Type{Kind: lqp.Text}},
}

func number(tb testing.TB, s string) lqp.Value {
	d, err := lqp.ParseDecimal(s)
	require.NoError(tb, err)
	return lqp.NumberValue(d)
}

// bound parses, binds and resolves a formula over benchSchema.
func bound(tb testing.TB, text string) lqp.Expr {
	e, err := Parse(text)
	require.NoError(tb, err)
	e, err = lqp.BindExpr(e, lqp.Scope{{Alias: "t", Columns: benchSchema}}, lqp.Env{})
	require.NoError(tb, err)
	e, err = lqp.Resolve(e, func(c *lqp.Col) (int, error) {
		for i := range benchSchema {
			if benchSchema[i].ID == c.Column {
				return i, nil
			}
		}
		return 0, ErrUnresolved
	})
	require.NoError(tb, err)
	return e
}

// filter is the formula that the performance target names.
const filter = `price * qty * (1 - discount) > 100 AND status = "paid"`

func benchRow(tb testing.TB) []lqp.Value {
	return []lqp.Value{number(tb, "19.99"), number(tb, "12"), number(tb, "0.15"), lqp.TextValue(strings.Clone("paid"))}
}

func TestProgramDoesNotAllocate(t *testing.T) {
	row := benchRow(t)
	for _, text := range []string{
		filter,
		"-price + qty / discount - price % 7",
		`NOT(price <= 5) OR qty IN (1, 2, 12) AND status IN ("paid", "open")`,
		`IF(price >= 10, COALESCE(discount, 0), qty)`,
		`status <> "open" AND IS_BLANK(discount) = FALSE`,
		`ROUND(price * qty, 2) + MIN(price, qty, 3) + SUM(price, qty, discount)`,
		`BETWEEN(price, 1, 100) AND CONTAINS(status, "pai") AND LEFT(status, 2) = "pa"`,
		`MID(status, 2, 2) = "ai" AND FIND("d", status, 2) > LEN(status) - 1 AND REGEX_MATCH(status, "^p[a-z]+$")`,
		`IF(YEAR(DATEADD(TO_DATE("2024-02-29"), qty, "month")) > 2020, "new", "old") = "new"`,
	} {
		p, err := Compile(bound(t, text))
		require.NoError(t, err)
		if p.working && slowdown > 1 {
			continue // with the race detector a pool forgets on purpose
		}
		require.Zero(t, testing.AllocsPerRun(100, func() { p.True(row); p.Eval(row) }), text)
	}
}

// TestProgramIsConcurrent shares one program between goroutines; the race detector is the judge.
func TestProgramIsConcurrent(t *testing.T) {
	p, err := Compile(bound(t, filter+" AND LEN(MID(status, 1, 2)) = 2"))
	require.NoError(t, err)
	row := benchRow(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if !p.True(row) {
					t.Error("the row must pass")
					return
				}
			}
		})
	}
	wg.Wait()
}
