package lqp

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	bigUnit  = big.NewInt(unit)
	bigLimit = new(big.Int).Exp(big.NewInt(10), big.NewInt(30), nil)
)

// genDecimal draws numbers of every size, often with few digits so that exact halves occur.
func genDecimal() *rapid.Generator[Decimal] {
	return rapid.Custom(func(t *rapid.T) Decimal {
		digits := rapid.IntRange(0, 30).Draw(t, "digits")
		var text strings.Builder
		for i := range digits {
			d := rapid.SampledFrom([]byte("0000123455555678999")).Draw(t, "digit")
			if i == 0 && d == '0' {
				d = '1'
			}
			text.WriteByte(d)
		}
		n, _ := new(big.Int).SetString("0"+text.String(), 10)
		n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(rapid.IntRange(0, 30-digits).Draw(t, "zeros"))), nil))
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		d, ok := decimalFromBig(n)
		if !ok {
			t.Fatalf("generated %s", n)
		}
		return d
	})
}

// roundedQuotient is p/q rounded half away from zero.
func roundedQuotient(p, q *big.Int) *big.Int {
	neg := p.Sign()*q.Sign() < 0
	a, b := new(big.Int).Abs(p), new(big.Int).Abs(q)
	a.Lsh(a, 1).Add(a, b)
	a.Quo(a, b.Lsh(b, 1))
	if neg {
		a.Neg(a)
	}
	return a
}

func requireSame(t *rapid.T, want *big.Int, got Decimal, ok bool) {
	t.Helper()
	if inRange := want.CmpAbs(bigLimit) < 0; inRange != ok {
		t.Fatalf("want %s, in range %v; got %s, %v", want, inRange, got, ok)
	}
	if ok && got.big().Cmp(want) != 0 {
		t.Fatalf("want %s, got %s", want, got.big())
	}
}

func TestDecimalArithmeticAgainstBig(t *testing.T) {
	operations := map[string]struct {
		ours  func(a, b Decimal) (Decimal, bool)
		exact func(a, b *big.Int) *big.Int // nil where it is undefined
	}{
		"add": {Decimal.Add, func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }},
		"sub": {Decimal.Sub, func(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }},
		"mul": {Decimal.Mul, func(a, b *big.Int) *big.Int { return roundedQuotient(new(big.Int).Mul(a, b), bigUnit) }},
		"div": {Decimal.Div, func(a, b *big.Int) *big.Int {
			if b.Sign() == 0 {
				return nil
			}
			return roundedQuotient(new(big.Int).Mul(a, bigUnit), b)
		}},
		"mod": {Decimal.Mod, func(a, b *big.Int) *big.Int {
			if b.Sign() == 0 {
				return nil
			}
			m := new(big.Int).Rem(a, b)
			if m.Sign()*b.Sign() < 0 {
				m.Add(m, b)
			}
			return m
		}},
	}
	for name, op := range operations {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				a, b := genDecimal().Draw(t, "a"), genDecimal().Draw(t, "b")
				if name == "div" && rapid.Bool().Draw(t, "tie") {
					// The dividend is (2q+1)·b/2·10^-10 or a neighbour: exact and near ties of the quotient.
					q := big.NewInt(int64(rapid.IntRange(0, 1<<40).Draw(t, "q")))
					n := q.Lsh(q, 1).Add(q, big.NewInt(1))
					n.Mul(n, b.big()).Rsh(n, 1).Quo(n, bigUnit)
					n.Add(n, big.NewInt(int64(rapid.IntRange(-1, 1).Draw(t, "near"))))
					if d, ok := decimalFromBig(n); ok {
						a = d
					}
				}
				got, ok := op.ours(a, b)
				want := op.exact(a.big(), b.big())
				if want == nil {
					if ok {
						t.Fatalf("want no result, got %s", got)
					}
					return
				}
				requireSame(t, want, got, ok)
			})
		})
	}
}

func TestDecimalRoundAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := genDecimal().Draw(t, "d"), rapid.IntRange(-25, 12).Draw(t, "n")
		step := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(DecimalDigits-n, 0))), nil)
		quo, rem := new(big.Int).QuoRem(d.big(), step, new(big.Int))
		down := new(big.Int).Mul(quo, step)
		up := down
		if rem.Sign() != 0 {
			up = new(big.Int).Add(down, new(big.Int).Mul(step, big.NewInt(int64(rem.Sign()))))
		}
		floor := down
		if rem.Sign() < 0 {
			floor = up
		}
		half := new(big.Int).Mul(roundedQuotient(d.big(), step), step)
		got, ok := d.Round(n)
		requireSame(t, half, got, ok)
		got, ok = d.RoundUp(n)
		requireSame(t, up, got, ok)
		got, ok = d.RoundDown(n)
		requireSame(t, down, got, ok)
		got, ok = d.round(n, roundFloor)
		requireSame(t, floor, got, ok)
	})
}

func TestDecimalMultiples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, step := genDecimal().Draw(t, "d"), genDecimal().Draw(t, "step")
		low, okLow := d.FloorTo(step)
		high, okHigh := d.CeilingTo(step)
		if step.Sign() == 0 {
			if okLow || okHigh {
				t.Fatal("a multiple of zero")
			}
			return
		}
		s := new(big.Int).Abs(step.big())
		quo := new(big.Int).Div(d.big(), s) // Euclidean: floors for a positive divisor
		want := new(big.Int).Mul(quo, s)
		requireSame(t, want, low, okLow)
		if want.Cmp(d.big()) != 0 {
			want.Add(want, s)
		}
		requireSame(t, want, high, okHigh)
	})
}

func TestDecimalSqrtIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genDecimal().Draw(t, "d")
		r, ok := d.Sqrt()
		if ok != (d.Sign() >= 0) {
			t.Fatalf("sqrt of %s: ok is %v", d, ok)
		}
		if !ok {
			return
		}
		// |2r ± 1|² must enclose 4·k·10^10.
		n := new(big.Int).Mul(d.big(), bigUnit)
		n.Lsh(n, 2)
		twice := new(big.Int).Lsh(r.big(), 1)
		above := new(big.Int).Add(twice, big.NewInt(1))
		if above.Mul(above, above).Cmp(n) <= 0 {
			t.Fatalf("sqrt %s = %s is too small", d, r)
		}
		below := new(big.Int).Sub(twice, big.NewInt(1))
		if below.Sign() > 0 && below.Mul(below, below).Cmp(n) > 0 {
			t.Fatalf("sqrt %s = %s is too big", d, r)
		}
	})
}

func TestDecimalPower(t *testing.T) {
	tests := []struct{ base, exponent, want string }{
		{"2", "10", "1024"},
		{"2", "66", "73786976294838206464"},
		{"2", "67", ""},
		{"-2", "3", "-8"},
		{"-2", "-3", "-0.125"},
		{"3", "-1", "0.3333333333"},
		{"0", "0", "1"},
		{"0", "-1", ""},
		{"0", "5", "0"},
		{"1.5", "2", "2.25"},
		{"2", "0.5", "1.4142135624"},
		{"-2", "0.5", ""},
		{"1.1", "128", "198730.3144017637"},
		{"0.1", "11", "0"},
		{"10", "-10", "0.0000000001"},
		{"1", "99999999999999999999", "1"},
	}
	for _, test := range tests {
		got, ok := mustDecimal(t, test.base).Power(mustDecimal(t, test.exponent))
		name := test.base + "^" + test.exponent
		if test.want == "" {
			require.False(t, ok, name)
			continue
		}
		require.True(t, ok, name)
		if test.base == "1.1" {
			exact, _ := new(big.Rat).SetString("1.1")
			p := big.NewRat(1, 1)
			for range 128 {
				p.Mul(p, exact)
			}
			require.Equal(t, p.FloatString(10), got.String())
			continue
		}
		require.Equal(t, test.want, got.String(), name)
	}
}

func mustDecimal(t testing.TB, s string) Decimal {
	t.Helper()
	d, err := ParseDecimal(s)
	require.NoError(t, err)
	return d
}

func TestParseDecimal(t *testing.T) {
	tests := []struct{ text, want string }{
		{"0", "0"}, {"-0", "0"}, {"-0.000", "0"}, {"+12.50", "12.5"}, {"007", "7"},
		{"99999999999999999999.9999999999", "99999999999999999999.9999999999"},
		{"0.00000000005", "0.0000000001"}, {"0.00000000004999", "0"}, {"-0.00000000005", "-0.0000000001"},
		{"1e3", "1000"}, {"1.5E-3", "0.0015"}, {"123e-12", "0.0000000001"}, {"1e19", "10000000000000000000"},
		{"0e999999999999999999999", "0"}, {"1e-99999999999999999999", "0"},
		{"0.1234567890499", "0.123456789"}, {"0.12345678905", "0.1234567891"},
		{strings.Repeat("0", 500) + "5", "5"}, {"5." + strings.Repeat("0", 500) + "9", "5"},
	}
	for _, test := range tests {
		d, err := ParseDecimal(test.text)
		require.NoError(t, err, test.text)
		require.Equal(t, test.want, d.String(), test.text)
	}
	for _, bad := range []string{"", "-", ".", ".5", "5.", "1,5", " 1", "1 ", "1e", "1e+", "0x10", "NaN", "Infinity", "1_000", "--1", "١"} {
		_, err := ParseDecimal(bad)
		require.ErrorIs(t, err, ErrNumberSyntax, bad)
	}
	for _, big := range []string{"100000000000000000000", "1e20", "-1e20", "99999999999999999999.99999999995", "1e9223372036854775807", strings.Repeat("9", 1000)} {
		_, err := ParseDecimal(big)
		require.ErrorIs(t, err, ErrNumberRange, big)
	}
}

func TestDecimalConversions(t *testing.T) {
	require.Equal(t, "-9223372036854775808", DecimalFromInt(math.MinInt64).String())
	n, ok := DecimalFromInt(math.MinInt64).Int64()
	require.True(t, ok)
	require.Equal(t, int64(math.MinInt64), n)
	_, ok = mustDecimal(t, "9223372036854775808").Int64()
	require.False(t, ok)
	_, ok = mustDecimal(t, "1.5").Int64()
	require.False(t, ok)
	n, ok = mustDecimal(t, "-1.25").Scaled(2)
	require.True(t, ok)
	require.Equal(t, int64(-125), n)
	require.Equal(t, "-1.25", DecimalFromScaled(-125, 2).String())
	require.Equal(t, "0.0000000001", DecimalFromScaled(5, 11).String())
	require.Equal(t, "0", DecimalFromScaled(4, 11).String())
	require.Equal(t, "-0.0000000001", DecimalFromScaled(math.MinInt64+1, 29).String()) // 0.92 units
	require.Equal(t, "0", DecimalFromScaled(math.MaxInt64, 30).String())
	require.Equal(t, "125", DecimalFromScaled(125, -3).String())

	for f, want := range map[float64]string{0.1: "0.1", 0.1 + 0.2: "0.3", 1e-11: "0", 123456789012345678: "123456789012346000", -2.5: "-2.5"} {
		d, ok := DecimalFromFloat(f)
		require.True(t, ok)
		require.Equal(t, want, d.String())
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), 1e20, -1e300} {
		_, ok := DecimalFromFloat(f)
		require.False(t, ok, f)
	}
}

func TestDecimalFloatIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genDecimal().Draw(t, "d")
		want, _ := new(big.Rat).SetFrac(d.big(), bigUnit).Float64()
		if got := d.Float(); got != want {
			t.Fatalf("%s: want %v, got %v", d, want, got)
		}
	})
}

func TestDecimalTextAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genDecimal().Draw(t, "a"), genDecimal().Draw(t, "b")
		back, err := ParseDecimal(a.String())
		if err != nil || back != a {
			t.Fatalf("%s reads back as %s, %v", a, back, err)
		}
		want := new(big.Rat).SetFrac(a.big(), bigUnit).FloatString(DecimalDigits)
		want = strings.TrimSuffix(strings.TrimRight(want, "0"), ".")
		if want != a.String() {
			t.Fatalf("want %s, got %s", want, a)
		}
		if a.Cmp(b) != a.big().Cmp(b.big()) || a.Sign() != a.big().Sign() || a.IsInt() != (new(big.Int).Rem(a.big(), bigUnit).Sign() == 0) {
			t.Fatalf("compare %s with %s", a, b)
		}
		if a.Neg().Neg() != a || a.Abs().big().CmpAbs(a.big()) != 0 {
			t.Fatalf("negate %s", a)
		}
	})
}

func TestDecimalDoesNotAllocate(t *testing.T) {
	a, b := mustDecimal(t, "12345678901234567890.5"), mustDecimal(t, "-98765432109876.54321")
	var sink Decimal
	buf := make([]byte, 0, 64)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		sink, _ = a.Add(b)
		sink, _ = sink.Sub(a)
		sink, _ = sink.Mul(b)
		sink, _ = a.Div(b)
		sink, _ = sink.Round(2)
		_ = sink.Cmp(a)
		_ = a.AppendText(buf)
		_ = a.Float()
	}))
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"0", "-12.5", "1e3", "99999999999999999999.99999999995", "0.00000000005", "+1", "1e-400", ".5", "1e20"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDecimal(s)
		if err != nil {
			if !errors.Is(err, ErrNumberSyntax) && !errors.Is(err, ErrNumberRange) {
				t.Fatal(err)
			}
			return
		}
		if !d.inRange() {
			t.Fatalf("%q gives %s", s, d)
		}
		if back, err := ParseDecimal(d.String()); err != nil || back != d {
			t.Fatalf("%q gives %s, which reads back as %s, %v", s, d, back, err)
		}
		if i := strings.IndexAny(s, "eE"); len(s) > 100 || i >= 0 && len(s)-i > 5 {
			return // big.Rat would take its time
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is accepted", s)
		}
		n := new(big.Int).Mul(exact.Num(), bigUnit)
		if want := roundedQuotient(n, exact.Denom()); want.Cmp(d.big()) != 0 {
			t.Fatalf("%q: want %s, got %s", s, want, d.big())
		}
	})
}

func ExampleDecimal() {
	price, _ := ParseDecimal("19.99")
	three := DecimalFromInt(3)
	total, _ := price.Mul(three)
	third, _ := DecimalFromInt(1).Div(three)
	fmt.Println(total, third)
	// Output: 59.97 0.3333333333
}
