package mongodb

import (
	"encoding/hex"
	"math"
	"math/big"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// operator is a comparison of a column with a value.
type operator uint8

const (
	opEq operator = iota
	opLt
	opLe
	opGt
	opGe
)

var operators = map[string]operator{"eq": opEq, "lt": opLt, "le": opLe, "gt": opGt, "ge": opGe}

// mirror is the operator with its sides exchanged.
func (o operator) mirror() operator { return [...]operator{opEq, opGt, opGe, opLt, opLe}[o] }

var matchOperators = [...]string{"$eq", "$lt", "$lte", "$gt", "$gte"}

// interval is the set of stored values between two bounds, in the form of match operators. An empty operator is no bound.
// Of a set of one value, lowOp is $eq.
type interval struct {
	lowOp, highOp string
	low, high     any
}

// ops are the interval's operators in a match on one field.
func (iv interval) ops(bind func(any) any) bson.D {
	var d bson.D
	if iv.lowOp != "" {
		d = append(d, bson.E{Key: iv.lowOp, Value: bind(iv.low)})
	}
	if iv.highOp != "" {
		d = append(d, bson.E{Key: iv.highOp, Value: bind(iv.high)})
	}
	return d
}

// with narrows the interval by one comparison. The value lies inside it.
func (iv interval) with(o operator, v any) interval {
	switch o {
	case opEq:
		return interval{lowOp: "$eq", low: v}
	case opLt, opLe:
		iv.highOp, iv.high = matchOperators[o], v
	default:
		iv.lowOp, iv.low = matchOperators[o], v
	}
	return iv
}

// The ends of what a value may be without being NULL.
var (
	// Beyond these a decimal leaves our range once it is rounded.
	decimalLow  = mustDecimal("-99999999999999999999.99999999995")
	decimalHigh = mustDecimal("99999999999999999999.99999999995")
	halfUnit    = mustDecimal("0.00000000005")
	unit        = mustDecimal("0.0000000001")
	dateLow     = bson.DateTime(-62_135_596_800_000)
	dateHigh    = bson.DateTime(253_402_300_799_999)
	uuidLow     = bson.Binary{Subtype: bson.TypeBinaryUUID, Data: make([]byte, 16)}
	uuidHigh    = bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte(strings.Repeat("\xff", 16))}
)

func mustDecimal(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err) // only constants and canonical numbers come here
	}
	return d
}

// valid is the interval of the stored values of a form that are not NULL. Both ends matter: NaN is within neither.
// Binaries are ordered by length, then subtype, then bytes, so that an interval of UUIDs holds nothing else.
func (f form) valid() interval {
	switch f {
	case decimalForm:
		return interval{"$gt", "$lt", decimalLow, decimalHigh}
	case doubleForm:
		return interval{"$gte", "$lte", -math.MaxFloat64, math.MaxFloat64}
	case dateForm:
		return interval{"$gte", "$lte", dateLow, dateHigh}
	case uuidForm:
		return interval{"$gte", "$lte", uuidLow, uuidHigh}
	}
	return interval{}
}

// compared is the interval of stored values whose canonical value compares so with v, which is not NULL; never when there
// are none. A reason says why no interval is that set.
func (f form) compared(o operator, v lqp.Value) (iv interval, never bool, reason string) {
	const otherKind = "the value is of another kind than the column"
	switch f {
	case stringForm:
		if v.Kind() == lqp.Text {
			return interval{}.with(o, v.Text()), false, ""
		}
	case boolForm:
		if v.Kind() == lqp.Bool {
			return interval{}.with(o, v.Bool()), false, ""
		}
	case dateForm:
		if v.Kind() == lqp.DateTime {
			return f.valid().with(o, bson.DateTime(v.Millis())), false, ""
		}
	case objectIDForm, uuidForm:
		if v.Kind() == lqp.Text {
			return f.comparedID(o, v.Text())
		}
	case intForm:
		if v.Kind() == lqp.Number {
			iv, never = comparedInt(o, v.Decimal())
			return iv, never, ""
		}
	case decimalForm:
		if v.Kind() == lqp.Number {
			return comparedDecimal(o, v.Decimal()), false, ""
		}
	case doubleForm:
		if v.Kind().Numeric() {
			return comparedDouble(o, v.Float())
		}
	}
	return interval{}, false, otherKind
}

// comparedID compares identifiers, whose order is that of their texts. A text that is no identifier equals none.
func (f form) comparedID(o operator, text string) (iv interval, never bool, reason string) {
	var v any
	var ok bool
	if f == objectIDForm {
		v, ok = parseObjectID(text)
	} else {
		v, ok = parseUUID(text)
	}
	switch {
	case ok:
		return f.valid().with(o, v), false, ""
	case o == opEq:
		return interval{}, true, ""
	}
	return interval{}, false, "an identifier is compared with a text that is none"
}

// comparedInt compares an integer with any number without leaving the integers.
func comparedInt(o operator, d lqp.Decimal) (iv interval, never bool) {
	n, ok := d.Int64()
	if ok {
		return interval{}.with(o, n), false
	}
	below := o == opLt || o == opLe
	floor, inRange := d.Floor()
	if inRange {
		n, inRange = floor.Int64()
	}
	switch {
	case o == opEq:
		return interval{}, true
	case inRange && below:
		return interval{}.with(opLe, n), false
	case inRange:
		return interval{}.with(opGt, n), false
	case (d.Sign() > 0) == below: // every integer is on that side
		return interval{}, false
	}
	return interval{}, true
}

// comparedDecimal compares a decimal of any scale as if it had been rounded half away from zero to ten digits: d stands for
// everything within half a unit of it, ties going away from zero.
func comparedDecimal(o operator, d lqp.Decimal) interval {
	iv := decimalForm.valid()
	low, high := halfway(d, -5), halfway(d, 5)
	lowIn, highIn := d.Sign() > 0, d.Sign() < 0 // the tie below a positive number rounds up to it
	from, upTo := "$gt", "$lt"
	if lowIn {
		from = "$gte"
	}
	if highIn {
		upTo = "$lte"
	}
	switch o {
	case opEq:
		return interval{from, upTo, low, high}
	case opGe:
		iv.lowOp, iv.low = from, low
	case opLe:
		iv.highOp, iv.high = upTo, high
	case opLt: // not opGe
		iv.highOp, iv.high = "$lte", low
		if lowIn {
			iv.highOp = "$lt"
		}
	case opGt: // not opLe
		iv.lowOp, iv.low = "$gte", high
		if highIn {
			iv.lowOp = "$gt"
		}
	}
	return iv
}

// halfway is d plus so many units of the eleventh fractional digit.
func halfway(d lqp.Decimal, units int64) bson.Decimal128 {
	whole, frac, _ := strings.Cut(d.String(), ".")
	k, _ := new(big.Int).SetString(whole+frac+strings.Repeat("0", lqp.DecimalDigits+1-len(frac)), 10)
	v, _ := bson.ParseDecimal128FromBigInt(k.Add(k, big.NewInt(units)), -lqp.DecimalDigits-1) // at most 31 digits of 34
	return v
}

// exactIntegers is the first double that stands for several integers.
const exactIntegers = 1 << 53

// comparedDouble compares doubles and integers read as doubles. Where several 64-bit integers are the same double, the
// server's exact comparison of them is not ours.
func comparedDouble(o operator, x float64) (iv interval, never bool, reason string) {
	if math.Abs(x) >= exactIntegers && math.Abs(x) <= 1<<63 {
		return interval{}, false, "long integers about this value are several for one double"
	}
	return doubleForm.valid().with(o, x), false, ""
}

// stored is a canonical value, not NULL, as documents hold it; not ok when the form does not hold it.
func (f form) stored(v lqp.Value) (any, bool) {
	switch {
	case v.Kind() != formTypes[f].Kind:
		return nil, false
	case f == objectIDForm:
		return parseObjectID(v.Text())
	case f == uuidForm:
		return parseUUID(v.Text())
	}
	switch v.Kind() {
	case lqp.Text:
		return v.Text(), true
	case lqp.Bool:
		return v.Bool(), true
	case lqp.DateTime:
		return bson.DateTime(v.Millis()), true
	case lqp.Float:
		return v.Float(), true
	case lqp.Number:
		if n, ok := v.Decimal().Int64(); ok {
			return n, true
		}
		return mustDecimal(v.Decimal().String()), true
	}
	return nil, false
}

func parseObjectID(s string) (id bson.ObjectID, ok bool) {
	return id, lowerHex(s, id[:])
}

// parseUUID reads the text of a UUID as we write it.
func parseUUID(s string) (b bson.Binary, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return b, false
	}
	data := make([]byte, 16)
	ok = lowerHex(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:], data)
	return bson.Binary{Subtype: bson.TypeBinaryUUID, Data: data}, ok
}

// lowerHex fills dst with the bytes that s writes in lower-case digits.
func lowerHex(s string, dst []byte) bool {
	if len(s) != 2*len(dst) || strings.ContainsAny(s, "ABCDEF") {
		return false
	}
	_, err := hex.Decode(dst, []byte(s))
	return err == nil
}
