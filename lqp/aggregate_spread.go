package lqp

import (
	"math/big"
	"math/bits"
	"slices"
)

// spreadAccumulator answers variances and standard deviations. It keeps the exact sums of the values and of their
// squares, so that the answer does not depend on the order of the rows and is rounded once: numbers to ten fractional
// digits, floats to the nearest double.
type spreadAccumulator struct {
	sample bool // divide by n-1 instead of n
	root   bool // answer the square root

	count    int64
	numbers  sumAccumulator
	squares  [4]uint64 // sum of k², least word first
	float    bool
	sum, sqr binarySum
}

func (s *spreadAccumulator) Add(v Value) {
	switch v.kind {
	case Number:
		if s.float {
			s.addDouble(v.Float())
			break
		}
		s.numbers.Add(v)
		s.addSquare(v.num)
	case Float:
		if !s.float && s.count > 0 {
			return // a number column does not hold floats
		}
		s.float = true
		s.addDouble(v.Float())
	default:
		return
	}
	s.count++
}

func (s *spreadAccumulator) addDouble(f float64) {
	s.sum.addDouble(f)
	s.sqr.addSquare(f)
}

// addSquare adds k², which is below 10^60: the sum of 2^56 of them fits 256 bits.
func (s *spreadAccumulator) addSquare(d Decimal) {
	hi, lo := d.magnitude()
	h0, l0 := bits.Mul64(lo, lo)
	h1, l1 := bits.Mul64(hi, lo) // counts twice
	h2, l2 := bits.Mul64(hi, hi)
	top := h1 >> 63
	h1, l1 = h1<<1|l1>>63, l1<<1
	var c uint64
	w1, c := bits.Add64(h0, l1, 0)
	w2, c := bits.Add64(l2, h1, c)
	w3 := h2 + top + c
	s.squares[0], c = bits.Add64(s.squares[0], l0, 0)
	s.squares[1], c = bits.Add64(s.squares[1], w1, c)
	s.squares[2], c = bits.Add64(s.squares[2], w2, c)
	s.squares[3], _ = bits.Add64(s.squares[3], w3, c)
}

// Result divides n·Σx² - (Σx)² by n·(n-1), or by n·n.
func (s *spreadAccumulator) Result() Value {
	if s.count == 0 || s.sample && s.count == 1 {
		return Value{}
	}
	sum, squares := s.sum.int(), s.sqr.int()
	if !s.float {
		sum, squares = s.numbers.big(), wordsInt(s.squares[:])
	}
	n := big.NewInt(s.count)
	over := new(big.Int).Sub(squares.Mul(squares, n), sum.Mul(sum, sum))
	under := new(big.Int).Set(n)
	if s.sample {
		under.Sub(under, big.NewInt(1))
	}
	under.Mul(under, n)
	if s.float {
		return s.double(over, under)
	}
	return s.number(over, under)
}

// number answers for numbers: over/under is the variance in units of 10^-20.
func (s *spreadAccumulator) number(over, under *big.Int) Value {
	var k *big.Int
	if s.root { // in units of 10^-10
		k = new(big.Int).Sqrt(new(big.Int).Div(over, under))
		// One more when the root is k + 1/2 or above: (2k+1)² · under <= 4 · over.
		half := new(big.Int).Lsh(k, 1)
		half.Add(half, big.NewInt(1))
		half.Mul(half, half).Mul(half, under)
		if half.Cmp(over.Lsh(over, 2)) <= 0 {
			k.Add(k, big.NewInt(1))
		}
	} else {
		under.Mul(under, big.NewInt(unit))
		rest := new(big.Int)
		k, rest = new(big.Int).QuoRem(over, under, rest)
		if rest.Lsh(rest, 1).Cmp(under) >= 0 {
			k.Add(k, big.NewInt(1))
		}
	}
	return exact(decimalFromBig(k))
}

// spreadPrecision is enough for a quotient of which a square root is taken to be right in the last bit of a double in
// all but freak cases, and the same everywhere in all.
const spreadPrecision = 256

// double answers for floats: over/under is the variance in units of 2^-2148.
func (s *spreadAccumulator) double(over, under *big.Int) Value {
	q := new(big.Float).SetPrec(spreadPrecision).Quo(
		new(big.Float).SetPrec(spreadPrecision).SetInt(over), new(big.Float).SetPrec(spreadPrecision).SetInt(under))
	scale := -2 * doubleUnit
	if s.root {
		q.Sqrt(q)
		scale = -doubleUnit
	}
	f, _ := q.SetMantExp(q, scale).Float64()
	return FloatValue(f)
}

func (s *spreadAccumulator) Size() int { return 200 + s.sum.size() + s.sqr.size() }

// wordsInt is an unsigned number given by its words, the least one first.
func wordsInt(words []uint64) *big.Int {
	n := new(big.Int)
	for _, w := range slices.Backward(words) {
		n.Lsh(n, 64)
		n.Or(n, new(big.Int).SetUint64(w))
	}
	return n
}

// medianAccumulator keeps all numbers.
type medianAccumulator struct {
	numbers []Decimal
	floats  []float64
}

func (s *medianAccumulator) Add(v Value) {
	switch v.kind {
	case Number:
		s.numbers = append(s.numbers, v.num)
	case Float:
		s.floats = append(s.floats, v.Float())
	}
}

func (s *medianAccumulator) Result() Value {
	if len(s.floats) > 0 {
		for _, d := range s.numbers { // a column of floats with numbers among them
			s.floats = append(s.floats, d.Float())
		}
		s.numbers = nil
		slices.Sort(s.floats)
		a, b := middle(s.floats)
		m := (a + b) / 2
		if f := FloatValue(m); f.kind != Null {
			return f
		}
		return FloatValue(a/2 + b/2)
	}
	if len(s.numbers) == 0 {
		return Value{}
	}
	slices.SortFunc(s.numbers, Decimal.Cmp)
	a, b := middle(s.numbers)
	sum, _ := a.Add(b) // out of range it is still right: 128 bits hold it
	hi, lo := sum.magnitude()
	odd := lo & 1
	lo, carry := bits.Add64(lo>>1|hi<<63, odd, 0)
	d, ok := fromMagnitude(sum.hi < 0, hi>>1+carry, lo)
	return exact(d, ok)
}

// middle are the two values in the middle, the same one twice of an odd count.
func middle[E any](sorted []E) (a, b E) {
	n := len(sorted)
	return sorted[(n-1)/2], sorted[n/2]
}

func (s *medianAccumulator) Size() int { return 48 + 16*cap(s.numbers) + 8*cap(s.floats) }
