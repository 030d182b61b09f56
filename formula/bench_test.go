package formula

import (
	"testing"

	"github.com/livetables/livetables/lqp"
)

var (
	sinkBool  bool
	sinkValue lqp.Value
)

// BenchmarkProgram is target T8: at most 150 ns and no allocation.
func BenchmarkProgram(b *testing.B) {
	p, err := Compile(bound(b, filter))
	if err != nil {
		b.Fatal(err)
	}
	row := benchRow(b)
	b.ReportAllocs()
	for b.Loop() {
		sinkBool = p.True(row)
	}
}

// BenchmarkEval is the tree walk on the same formula and row, for comparison.
func BenchmarkEval(b *testing.B) {
	e, row := bound(b, filter), benchRow(b)
	b.ReportAllocs()
	for b.Loop() {
		sinkValue = lqp.Eval(e, row)
	}
}

// BenchmarkDecimal is the arithmetic of the same formula written out in Go: what no compiler of expressions can beat.
func BenchmarkDecimal(b *testing.B) {
	row := benchRow(b)
	one, hundred := lqp.DecimalFromInt(1), lqp.DecimalFromInt(100)
	b.ReportAllocs()
	for b.Loop() {
		x, _ := row[0].Decimal().Mul(row[1].Decimal())
		y, _ := one.Sub(row[2].Decimal())
		x, _ = x.Mul(y)
		sinkBool = x.Cmp(hundred) > 0 && row[3].Text() == "paid"
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(filter); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	e := bound(b, filter)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseExpr(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseExpr(`price * qty * (1 - discount) > 100 && status == "paid"`); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProgramOfCalls is a formula of functions that count their work and take three arguments.
func BenchmarkProgramOfCalls(b *testing.B) {
	p, err := Compile(bound(b, `BETWEEN(ROUND(price * qty, 1), 1, 500) AND MID(status, 1, 2) = "pa"`))
	if err != nil {
		b.Fatal(err)
	}
	row := benchRow(b)
	b.ReportAllocs()
	for b.Loop() {
		sinkBool = p.True(row)
	}
}
