package lqp

import (
	"math"
	"math/big"
	"math/bits"
)

// binarySum adds multiples of a small power of two exactly, so that the sum does not depend on the order: limbs of 32
// bits with room for carries, which are carried on once in a while. The zero binarySum is the sum of nothing.
type binarySum struct {
	limbs []int64
	adds  int // since the carries were carried on
}

// maxAdds bounds the additions of 32 bits each that a limb takes between two carries.
const maxAdds = 1 << 29

// The doubles are multiples of 2^-1074: that is what one of the sum of doubles stands for, and 2^-2148 in the sum of
// their squares.
const (
	doubleUnit  = 1074
	doubleLimbs = (2*doubleUnit+64)/32 + 2
	squareLimbs = (4*doubleUnit+128)/32 + 2
)

// add adds ±(hi,lo)·2^shift.
func (s *binarySum) add(neg bool, hi, lo uint64, shift, limbs int) {
	if s.limbs == nil {
		s.limbs = make([]int64, limbs)
	}
	if s.adds++; s.adds >= maxAdds {
		s.carry()
	}
	at, by := shift/32, uint(shift%32)
	// (hi,lo)·2^by has up to 160 bits.
	top := uint64(0)
	if by > 0 {
		top = hi >> (64 - by)
		hi = hi<<by | lo>>(64-by)
		lo <<= by
	}
	for _, w := range [3]uint64{lo, hi, top} {
		if w != 0 {
			low, high := int64(w&math.MaxUint32), int64(w>>32)
			if neg {
				low, high = -low, -high
			}
			s.limbs[at] += low
			s.limbs[at+1] += high
		}
		at += 2
	}
}

// carry brings all limbs but the last one into 0 to 2^32-1.
func (s *binarySum) carry() {
	s.adds = 0
	for i := range len(s.limbs) - 1 {
		c := s.limbs[i] >> 32
		s.limbs[i] -= c << 32
		s.limbs[i+1] += c
	}
}

// split is a finite double as ±m·2^(e-doubleUnit).
func split(f float64) (neg bool, m uint64, e int) {
	b := math.Float64bits(f)
	m, e = b&(1<<52-1), int(b>>52&0x7FF)
	if e > 0 {
		m |= 1 << 52
		e--
	}
	return b>>63 != 0, m, e
}

func (s *binarySum) addDouble(f float64) {
	neg, m, e := split(f)
	s.add(neg, 0, m, e, doubleLimbs)
}

func (s *binarySum) addSquare(f float64) {
	_, m, e := split(f)
	hi, lo := bits.Mul64(m, m)
	s.add(false, hi, lo, 2*e, squareLimbs)
}

// int is the sum in units of its smallest bit.
func (s *binarySum) int() *big.Int {
	if s.limbs == nil {
		return new(big.Int)
	}
	s.carry()
	n := big.NewInt(s.limbs[len(s.limbs)-1])
	for i := len(s.limbs) - 2; i >= 0; i-- {
		n.Lsh(n, 32)
		n.Add(n, big.NewInt(s.limbs[i]))
	}
	return n
}

// double is the double nearest to the sum of doubles, infinite beyond their range.
func (s *binarySum) double() float64 {
	f, _ := new(big.Float).SetMantExp(new(big.Float).SetInt(s.int()), -doubleUnit).Float64()
	return f
}

func (s *binarySum) size() int { return 32 + 8*len(s.limbs) }
