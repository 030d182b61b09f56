package lqp

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/livetables/livetables/internal/testseed"
)

// The short way from a double to a decimal agrees with the way by its digits.
func TestDecimalFromFloatShortWay(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200_000 {
		var f float64
		switch r.IntN(4) {
		case 0:
			f = float64(r.Int64N(1e12)-5e11) / [...]float64{1, 10, 100, 1000, 10_000, 100_000}[r.IntN(6)]
		case 1: // beside a decimal
			f = math.Nextafter(float64(r.Int64N(1e16))/[...]float64{1, 100, 10_000}[r.IntN(3)], float64(r.IntN(3)-1)*math.MaxFloat64)
		case 2: // near the bound of fifteen digits
			f = (1e15 + float64(r.IntN(2000)-1000)) / [...]float64{1, 10, 100, 1000, 10_000}[r.IntN(5)]
		default:
			f = math.Ldexp(r.Float64()-0.5, r.IntN(120)-60)
		}
		got, ok := DecimalFromFloat(f)
		want, wantOK := decimalFromDigits(f)
		if got != want || ok != wantOK {
			t.Fatalf("seed %d: %v is %s, by its digits %s", seed, f, got, want)
		}
	}
}
