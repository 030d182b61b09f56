package formula

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// The bounds of every attack: what it may take, and how often it may be slowed down by whatever else the machine does.
const (
	attackTime   = time.Second
	attackMemory = 64 << 20
	attackTries  = 4
)

// attackColumns are what an attacker has stored: the longest text there may be, in the widest and in the most expensive
// characters, and a list.
var attackColumns = []lqp.Column{
	{ID: "big", Name: "big", Type: lqp.Type{Kind: lqp.Text}},
	{ID: "wide", Name: "wide", Type: lqp.Type{Kind: lqp.Text}},
	{ID: "n", Name: "n", Type: lqp.Type{Kind: lqp.Number}},
	{ID: "f", Name: "f", Type: lqp.Type{Kind: lqp.Float}},
	{ID: "tags", Name: "tags", Type: lqp.Type{Kind: lqp.List, Elem: lqp.Text}},
}

func attackRow() []lqp.Value {
	tags := make([]lqp.Value, lqp.MaxList)
	for i := range tags {
		tags[i] = lqp.TextValue(fmt.Sprint("tag ", i%5000))
	}
	return []lqp.Value{
		lqp.TextValue(strings.Repeat("ä", lqp.MaxText)), lqp.TextValue(strings.Repeat("😀", lqp.MaxText)),
		lqp.IntValue(900_000), lqp.FloatValue(2.5), lqp.ListValue(tags),
	}
}

// nested wraps a formula in calls.
func nested(open, inner, end string, times int) string {
	return strings.Repeat(open, times) + inner + strings.Repeat(end, times)
}

// many is a call with the same argument many times.
func many(fn, argument string, times int) string {
	return fn + "(" + strings.TrimSuffix(strings.Repeat(argument+", ", times), ", ") + ")"
}

// runAttack takes a text the whole way: parse, bind, compile and evaluate, as by says. refused is the error of the first step
// that refuses it.
func runAttack(text string, parse func(string) (lqp.Expr, error), row []lqp.Value, by func(p *Program, e lqp.Expr) lqp.Value) (v lqp.Value, refused error) {
	e, err := parse(text)
	if err != nil {
		return v, err
	}
	if e, err = lqp.BindExpr(e, lqp.Scope{{Alias: "t", Columns: attackColumns}}, lqp.Env{}); err != nil {
		return v, err
	}
	e, err = lqp.Resolve(e, func(c *lqp.Col) (int, error) {
		for i := range attackColumns {
			if attackColumns[i].ID == c.Column {
				return i, nil
			}
		}
		return 0, ErrUnresolved
	})
	if err != nil {
		return v, err
	}
	p, err := Compile(e)
	if err != nil {
		return v, err
	}
	return by(p, e), nil
}

// measured runs f and answers how much time of the processor it took and by how much the heap grew at most while it ran.
func measured(f func()) (took time.Duration, grown int64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	start := usedTime()
	f()
	took = usedTime() - start
	close(stop)
	<-stopped
	return took, int64(peak.Load()) - int64(before)
}

// started is when the tests began, for systems that tell no more than the time.
var started = time.Now()

// requireBounded fails when none of a few runs keeps to the bounds.
func requireBounded(t *testing.T, f func()) {
	t.Helper()
	var took time.Duration
	var grown int64
	for range attackTries {
		if took, grown = measured(f); took < slowdown*attackTime && grown < attackMemory {
			return
		}
	}
	t.Errorf("took %v, the heap grew by %d MiB", took, grown>>20)
}

// TestAttack53 runs formulas that try to exhaust memory, stack or time. Each must end with an error or with the value
// that the language says, mostly NULL, in less than a second and 64 MiB.
func TestAttack53(t *testing.T) {
	row := attackRow()
	tests := []struct {
		name, text string
		expr       bool // in the syntax of expr
		want       string
		refused    string
	}{
		{name: "replace of repeats", expr: true, text: `len(replace(repeat("a",900000),"a",repeat("b",20000)))`, want: "NULL"},
		{name: "replace of repeats, own syntax", text: `LEN(SUBSTITUTE(REPT("a",900000),"a",REPT("b",20000)))`, want: "NULL"},
		{name: "reduce", expr: true, text: `let q=repeat("a",100000); len(reduce(1..2000, #acc + q, ""))`, refused: "closure"},
		{name: "let and plus", expr: true, text: `let q=repeat("a",100000); len("" + ` + strings.TrimSuffix(strings.Repeat("q + ", 200), " + ") + `)`, want: "NULL"},
		{name: "let that doubles", expr: true, text: `let a=big+"x"; let b=a+a; let c=b+b; let d=c+c; let e=d+d; let f=e+e; let g=f+f; let h=g+g; len(h+h)`, want: "NULL"},
		{name: "let that doubles its tree", expr: true, text: `let a=n*n; let b=a*a; let c=b*b; let d=c*c; let e=d*d; let f=e*e; let g=f*f; let h=g*g; let i=h*h; i*i`, refused: "more than 1000 parts"},
		{name: "comparisons that share a side", expr: true, text: nested("(1 < ", "n", " < 2 ? 1 : 0)", 30), refused: "parts"},
		{name: "elvis", expr: true, text: nested("(", "big", " ?: wide)", 15), refused: "parts"},
		{name: "range", expr: true, text: `n in 1..999999999`, refused: "range"},
		{name: "ranges", expr: true, text: many("max", "1..900", 5), refused: "parts"},
		{name: "brackets", expr: true, text: nested("(", "1", ")", 8000), refused: "nested deeper"},
		{name: "signs", expr: true, text: strings.Repeat("-", 16000) + "n", refused: "nested deeper"},
		{name: "nots", expr: true, text: strings.Repeat("not ", 4000) + "true", refused: "nested deeper"},
		{name: "powers", expr: true, text: strings.Repeat("n**", 5000) + "n", refused: "nested deeper"},
		{name: "ternaries", expr: true, text: strings.Repeat("n>1?1:", 2500) + "n", refused: "nested deeper"},
		{name: "lets", expr: true, text: strings.Repeat("let a=1;", 2000) + "a", refused: "nested deeper"},
		{name: "arrays", expr: true, text: nested("[", "1", "]", 8000), refused: "nested deeper"},
		{name: "maps", expr: true, text: nested("{a:", "1", "}", 3000), refused: "nested deeper"},
		{name: "members", expr: true, text: "a" + strings.Repeat(".a", 8000), refused: "parts"},
		{name: "indexes", expr: true, text: "tags" + strings.Repeat("[0]", 4000), refused: "parts"},
		{name: "pipes", expr: true, text: "n" + strings.Repeat("|abs()", 2600), refused: "nested deeper"},
		{name: "long chain", expr: true, text: strings.Repeat("n+", 8000) + "n", refused: "parts"},
		{name: "too long", expr: true, text: strings.Repeat(" ", 1<<20) + "n", refused: "longer than"},
		{name: "one long number", expr: true, text: strings.Repeat("9", 16000), refused: "literal"},
		{name: "a number with a large exponent", expr: true, text: "1e-999999999", refused: "out of range"},

		{name: "parentheses", text: nested("(", "1", ")", 8000), refused: "nested deeper"},
		{name: "minus signs", text: strings.Repeat("-", 16000) + "n", refused: "nested deeper"},
		{name: "long sum", text: strings.Repeat("n+", 8000) + "n", refused: "nested deeper"},
		{name: "too long, own syntax", text: strings.Repeat(" ", 1<<20) + "n", refused: "longer than"},
		{name: "digits", text: strings.Repeat("9", 16000), refused: "out of range"},
		{name: "alternating arithmetic", text: nested("1+ABS(", "n", ")", 45), want: "900045"},
		{name: "alternating comparisons", text: nested("IF(1 < n + ", "n", ", 1, 2)", 33), want: "1"},
		{name: "comparisons of floats", text: nested("IF(1 < f + ", "f", ", 1, 2)", 33), want: "1"},
		{name: "comparisons of floats above functions", text: nested("ABS(IF(1 < f * ", "f", ", 1, 2))", 24), want: "1"},

		{name: "repeat of repeat", text: `LEN(REPT(REPT("a", 1000), 1000))`, want: "1000000"},
		{name: "repeat beyond the end", text: `LEN(REPT(REPT("a", 1000), 1001))`, want: "NULL"},
		{name: "repeat as often as a column says", text: `REPT(wide, n)`, want: "NULL"},
		{name: "repeats joined", text: many("CONCAT", `REPT("😀", 1000000)`, 240), want: "NULL"},
		{name: "repeats counted", text: many("COUNTA", `REPT("😀", 1000000)`, 240), want: "NULL"},
		{name: "repeats of which one is chosen", text: many("MAX", `REPT("😀", 1000000)`, 240), want: "NULL"},
		{name: "repeats held on the way down", text: nested(`MAX(REPT("😀", 1000000), `, `"x"`, ")", 90), want: "NULL"},
		{name: "joined lists", text: many("JOIN", `REPT(",", 9999)`, 240), want: "NULL"},
		{name: "upper and lower", text: nested("UPPER(LOWER(", "big", "))", 45), want: "NULL"},
		{name: "reverses", text: nested("REVERSE(", "wide", ")", 90), want: "NULL"},
		{name: "columns joined", text: many("CONCAT", "UPPER(big)", 400), want: "NULL"},
		{name: "columns searched", text: many("SUM", `FIND("x", wide)`, 240), want: "NULL"},
		{name: "columns in conditions", text: many("OR", `CONTAINS(wide, "x")`, 300), want: "NULL"},
		{name: "substitutions that grow", text: nested("SUBSTITUTE(", `"ab"`, `, "a", "aaaaaaaaaa")`, 40), want: "NULL"},
		{name: "padding", text: many("CONCAT", `PAD_LEFT("a", 1000000, "😀")`, 200), want: "NULL"},
		{name: "padding too much", text: `PAD_RIGHT("a", 99999999999, "b")`, want: "NULL"},
		{name: "addresses", text: nested("ENCODE_URL_COMPONENT(", "wide", ")", 30), want: "NULL"},
		{name: "lists made", text: many("ARRAY_FLATTEN", `SPLIT(REPT("a,", 9999), ",")`, 150), want: "NULL"},
		{name: "lists of one text", text: "ARRAY_UNIQUE(" + many("ARRAY_FLATTEN", `SPLIT(wide, ",")`, 240) + ")", want: "NULL"},
		{name: "lists sorted", text: nested("ARRAY_SORT(ARRAY_UNIQUE(", "tags", "))", 45), want: "NULL"},
		{name: "lists searched", text: many("AND", "HAS_ALL(tags, tags)", 300), want: "NULL"},
		{name: "a list too long", text: `SPLIT(REPT(",", 10000), ",")`, want: "NULL"},
		{name: "patterns", text: many("OR", `REGEX_MATCH(big, "(x+x+)+y")`, 200), want: "NULL"},
		{name: "a pattern of many steps", text: many("OR", `REGEX_MATCH(big, "(a?){90}(ä?){90}x{90}y")`, 100), want: "NULL"},
		{name: "a pattern too large", text: `REGEX_MATCH(big, "((a{100}){10}b{500}){40}")`, refused: "regular expression"},
		{name: "pattern replaced by many", text: `LEN(REGEX_REPLACE(big, "ä", REPT("b", 1000)))`, want: "NULL"},
		{name: "pattern replaced by its groups", text: nested(`REGEX_REPLACE(`, `"ab"`, `, "(.+)", "$1$1$1$1")`, 40), want: "NULL"},
		{name: "formats", text: many("CONCAT", `DATETIME_FORMAT(TO_DATE("2024-02-29"), "`+strings.Repeat("dddd", 200)+`")`, 15), want: ""},
		{name: "powers of powers", text: nested("", "n", " ^ 128", 20), want: "NULL"},
		{name: "workdays", text: `WORKDAY(TO_DATE("2024-02-29"), 99999999999)`, want: "NULL"},
		{name: "years", text: `DATEADD(TO_DATE("2024-02-29"), 99999999999999999, "year")`, want: "NULL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parse := Parse
			if test.expr {
				parse = ParseExpr
			}
			var v lqp.Value
			var err error
			requireBounded(t, func() {
				v, err = runAttack(test.text, parse, row, func(p *Program, _ lqp.Expr) lqp.Value { return p.Eval(row) })
			})
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			if test.want != "" {
				require.Equal(t, test.want, v.String())
			}
			var walked, truth lqp.Value
			requireBounded(t, func() {
				walked, _ = runAttack(test.text, parse, row, func(_ *Program, e lqp.Expr) lqp.Value { return lqp.Eval(e, row) })
			})
			require.True(t, sameValue(v, walked), "program %s, tree walk %s", v.Kind(), walked.Kind())
			requireBounded(t, func() {
				truth, _ = runAttack(test.text, parse, row, func(p *Program, _ lqp.Expr) lqp.Value { return lqp.BoolValue(p.True(row)) })
			})
			require.Equal(t, lqp.Truth(v), truth.Bool())
		})
	}
}
