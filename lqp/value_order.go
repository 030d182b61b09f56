package lqp

import (
	"cmp"
	"encoding/binary"
	"time"
)

// OrderPrefix is how many leading code points of a text its place in a sorted result depends on.
const OrderPrefix = 255

// Equal reports whether two values are equal. It is two-valued: NULL equals NULL and nothing else. A Number and a Float
// are compared as doubles, a Date and a DateTime by the day's midnight in UTC (the function eq uses the plan's zone),
// lists element by element, texts by code points. Values of other differing kinds are unequal.
func Equal(a, b Value) bool { return equalIn(nil, a, b) }

func equalIn(z *time.Location, a, b Value) bool {
	if a.kind != b.kind {
		switch {
		case a.kind.Numeric() && b.kind.Numeric():
			return a.Float() == b.Float()
		case isDate(a.kind) && isDate(b.kind):
			return instant(z, a) == instant(z, b)
		}
		return false
	}
	switch a.kind {
	case Text, JSON, Bytes:
		return a.str == b.str
	case List:
		x, y := a.Items(), b.Items()
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalIn(z, x[i], y[i]) {
				return false
			}
		}
		return true
	}
	return a.num == b.num
}

// Compare orders values: -1, 0 or 1. NULL is the smallest value, FALSE is before TRUE, texts are ordered by code points
// over their whole length, so that among values of one kind Compare is 0 exactly when they are [Equal]. It is the order
// of the functions lt, le, gt and ge and of the aggregates min and max. Mixed kinds compare as Equal says, others by
// kind. Sorting uses [CompareSort].
func Compare(a, b Value) int { return compareIn(nil, a, b) }

// CompareSort is [Compare] for sort keys: of texts it looks at the first [OrderPrefix] code points only, as every
// source can. Texts that first differ beyond them tie, and the next sort key decides.
func CompareSort(a, b Value) int {
	if a.kind == Text && b.kind == Text {
		return cmp.Compare(orderPrefix(a.str), orderPrefix(b.str))
	}
	return compareIn(nil, a, b)
}

func orderPrefix(s string) string {
	if len(s) <= OrderPrefix {
		return s
	}
	n := 0
	for i := range s {
		if n == OrderPrefix {
			return s[:i]
		}
		n++
	}
	return s
}

func compareIn(z *time.Location, a, b Value) int {
	if a.kind != b.kind {
		switch {
		case a.kind.Numeric() && b.kind.Numeric():
			return cmp.Compare(a.Float(), b.Float())
		case isDate(a.kind) && isDate(b.kind):
			return cmp.Compare(instant(z, a), instant(z, b))
		}
		return cmp.Compare(a.kind, b.kind)
	}
	switch a.kind {
	case Number:
		return a.num.Cmp(b.num)
	case Float:
		return cmp.Compare(a.Float(), b.Float())
	case Date, DateTime, Bool:
		return cmp.Compare(int64(a.num.lo), int64(b.num.lo))
	case Text, JSON, Bytes:
		return cmp.Compare(a.str, b.str) // UTF-8 byte order is code-point order
	case List:
		x, y := a.Items(), b.Items()
		for i := range min(len(x), len(y)) {
			if c := compareIn(z, x[i], y[i]); c != 0 {
				return c
			}
		}
		return cmp.Compare(len(x), len(y))
	}
	return 0
}

// instant is a date's midnight in z, or a datetime's own instant, in milliseconds.
func instant(z *time.Location, v Value) int64 {
	if v.kind == Date {
		return toUTC(z, int64(v.num.lo)*millisPerDay)
	}
	return int64(v.num.lo)
}

// AppendKey appends bytes that identify v among values of one kind and NULL, for hash keys of groups and joins: equal
// values give equal bytes, different ones different bytes, and keys that follow each other stay unambiguous. A Number
// and a Float, or a Date and a DateTime, never share a key though they can be equal: convert them first.
func (v Value) AppendKey(dst []byte) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case Bool:
		return append(dst, byte(v.num.lo))
	case Number:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.num.hi))
		return binary.BigEndian.AppendUint64(dst, v.num.lo)
	case Float, Date, DateTime:
		return binary.BigEndian.AppendUint64(dst, v.num.lo)
	case Text, JSON, Bytes:
		dst = binary.AppendUvarint(dst, uint64(len(v.str)))
		return append(dst, v.str...)
	case List:
		dst = binary.AppendUvarint(dst, uint64(len(v.Items())))
		for _, e := range v.Items() {
			dst = e.AppendKey(dst)
		}
	}
	return dst
}

// As is v converted to kind k where values of the two kinds mix: a Number as the nearest Float. Everything else is
// returned as it is.
func (v Value) As(k Kind) Value {
	if k == Float && v.kind == Number {
		return FloatValue(v.num.Float())
	}
	return v
}
