package lqp

import (
	"math/big"
	"math/bits"
)

// sumAccumulator adds numbers in 192 bits, so that only the final sum has to be in range, or floats exactly with one
// rounding at the end, so that their order does not matter.
type sumAccumulator struct {
	float       bool
	count       int64
	hi, mid, lo uint64 // the sum of k in two's complement
	doubles     binarySum
}

func (s *sumAccumulator) Add(v Value) {
	switch v.kind {
	case Number:
		if s.float {
			s.doubles.addDouble(v.num.Float())
			break
		}
		var c uint64
		s.lo, c = bits.Add64(s.lo, v.num.lo, 0)
		s.mid, c = bits.Add64(s.mid, uint64(v.num.hi), c)
		s.hi += uint64(v.num.hi>>63) + c
	case Float:
		if !s.float { // a number column does not hold floats; be right all the same
			s.doubles.addDouble(s.sum().Float())
			s.float = true
		}
		s.doubles.addDouble(v.Float())
	default:
		return
	}
	s.count++
}

func (s *sumAccumulator) sum() Value {
	if s.float {
		return FloatValue(s.doubles.double())
	}
	d := Decimal{int64(s.mid), s.lo}
	if s.hi != uint64(d.hi>>63) || !d.inRange() {
		return Value{}
	}
	return NumberValue(d)
}

// big is the sum of numbers in units of 10^-10, whether it is in range or not.
func (s *sumAccumulator) big() *big.Int {
	n := big.NewInt(int64(s.hi))
	for _, w := range [2]uint64{s.mid, s.lo} {
		n.Lsh(n, 64)
		n.Add(n, new(big.Int).SetUint64(w))
	}
	return n
}

func (s *sumAccumulator) Result() Value { return s.sum() }
func (s *sumAccumulator) Size() int     { return 48 + s.doubles.size() }

type averageAccumulator struct{ sumAccumulator }

func (s *averageAccumulator) Result() Value {
	sum := s.sum()
	if s.count == 0 || sum.kind == Null {
		return Value{}
	}
	return div(nil, sum, IntValue(s.count))
}

// extremeAccumulator keeps the value that compares furthest to one side.
type extremeAccumulator struct {
	sign int
	best Value
}

func (s *extremeAccumulator) Add(v Value) {
	if v.kind != Null && (s.best.kind == Null || Compare(v, s.best)*s.sign > 0) {
		s.best = v
	}
}

func (s *extremeAccumulator) Result() Value { return s.best }
func (s *extremeAccumulator) Size() int     { return 16 + s.best.Size() }

type countAccumulator struct {
	counts func(Value) bool
	n      int64
}

func (s *countAccumulator) Add(v Value) {
	if s.counts(v) {
		s.n++
	}
}

func (s *countAccumulator) Result() Value { return IntValue(s.n) }
func (s *countAccumulator) Size() int     { return 16 }

// uniqueAccumulator keeps the key of every distinct value.
type uniqueAccumulator struct {
	seen map[string]struct{}
	key  []byte
	size int
}

func (s *uniqueAccumulator) Add(v Value) {
	if v.kind == Null {
		return
	}
	s.key = v.AppendKey(s.key[:0])
	if _, ok := s.seen[string(s.key)]; !ok {
		s.seen[string(s.key)] = struct{}{}
		s.size += len(s.key) + 40
	}
}

func (s *uniqueAccumulator) Result() Value { return IntValue(int64(len(s.seen))) }
func (s *uniqueAccumulator) Size() int     { return 64 + s.size }
