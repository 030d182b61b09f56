package lqp

import (
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"
)

// Value is one value of any kind, without an interface box. The zero Value is NULL. Values are immutable and may be
// copied and shared between goroutines; they own their memory. Compare them with [Equal], not with reflection.
type Value struct {
	_    [0]func() // lists hang on a pointer: == would compare identities, so it must not compile
	kind Kind
	num  Decimal // Bool (0 or 1), Number, Date (days since 1970-01-01), DateTime (milliseconds since 1970-01-01Z), Float (bits)
	str  string  // Text, JSON, Bytes
	list *[]Value
}

// MaxText is the longest text a value may have, in code points. A function whose result would be longer answers NULL.
const MaxText = 1_000_000

// MaxList is the largest count of elements of a list that [ParseValue] and [ParseText] accept.
const MaxList = 10_000

// NullValue is the value NULL.
var NullValue = Value{}

var (
	trueValue  = Value{kind: Bool, num: Decimal{lo: 1}}
	falseValue = Value{kind: Bool}
	zeroValue  = Value{kind: Number}
	emptyText  = Value{kind: Text}
)

// BoolValue is a value of kind Bool.
func BoolValue(b bool) Value {
	if b {
		return trueValue
	}
	return falseValue
}

// IntValue is a whole number, a value of kind Number.
func IntValue(i int64) Value { return Value{kind: Number, num: DecimalFromInt(i)} }

// NumberValue is a value of kind Number.
func NumberValue(d Decimal) Value { return Value{kind: Number, num: d} }

// FloatValue is a value of kind Float. NaN and the infinities become NULL, -0 becomes 0.
func FloatValue(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	if f == 0 {
		return Value{kind: Float} // without the sign of -0
	}
	return Value{kind: Float, num: Decimal{lo: math.Float64bits(f)}}
}

// TextValue is a value of kind Text. What no text may be, invalid UTF-8, a text with U+0000 or one longer than
// [MaxText], becomes NULL.
func TextValue(s string) Value {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return Value{}
	}
	if len(s) > MaxText && utf8.RuneCountInString(s) > MaxText {
		return Value{}
	}
	return Value{kind: Text, str: s}
}

// textValue is TextValue for texts known to be valid.
func textValue(s string) Value { return Value{kind: Text, str: s} }

// DateValue is a value of kind Date, given in days since 1970-01-01; a day outside the years 1 to 9999 becomes NULL.
func DateValue(days int64) Value {
	if days < minDays || days > maxDays {
		return Value{}
	}
	return Value{kind: Date, num: Decimal{lo: uint64(days)}}
}

// DateTimeValue is a value of kind DateTime, given in milliseconds since 1970-01-01T00:00:00Z; an instant outside the
// years 1 to 9999 (in UTC) becomes NULL.
func DateTimeValue(millis int64) Value {
	if millis < minMillis || millis > maxMillis {
		return Value{}
	}
	return Value{kind: DateTime, num: Decimal{lo: uint64(millis)}}
}

// ListValue is a value of kind List. It keeps items, which the caller must not change afterwards; a nil or empty slice
// is the empty list, which is not NULL. Elements are scalars of one kind or NULL.
func ListValue(items []Value) Value { return Value{kind: List, list: &items} }

// JSONValue is a value of kind JSON; text that is not a JSON document becomes NULL.
func JSONValue(doc string) Value {
	if !utf8.ValidString(doc) || !json.Valid([]byte(doc)) {
		return Value{}
	}
	return Value{kind: JSON, str: doc}
}

// KnownJSON is JSONValue for a text that its caller knows to be a JSON document in UTF-8: one that this program has
// written, for example. It is not looked at.
func KnownJSON(doc string) Value { return Value{kind: JSON, str: doc} }

// BytesValue is a value of kind Bytes. It copies b; nil is the empty string of bytes, not NULL.
func BytesValue(b []byte) Value { return Value{kind: Bytes, str: string(b)} }

// Kind is the value's kind, Null for NULL.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is NULL.
func (v Value) IsNull() bool { return v.kind == Null }

// Bool is the truth of a Bool; false for every other kind and for NULL.
func (v Value) Bool() bool { return v.kind == Bool && v.num.lo == 1 }

// Decimal is the number of a Number, zero for every other kind.
func (v Value) Decimal() Decimal {
	if v.kind != Number {
		return Decimal{}
	}
	return v.num
}

// Float is the number of a Float, the nearest double of a Number, and 0 for every other kind.
func (v Value) Float() float64 {
	switch v.kind {
	case Float:
		return math.Float64frombits(v.num.lo)
	case Number:
		return v.num.Float()
	}
	return 0
}

// Text is the text of a Text, the document of a JSON and the bytes of a Bytes as a string; "" for every other kind.
// [Value.String] writes any value as text.
func (v Value) Text() string { return v.str }

// Days is the day of a Date in days since 1970-01-01, 0 for every other kind.
func (v Value) Days() int64 {
	if v.kind != Date {
		return 0
	}
	return int64(v.num.lo)
}

// Millis is the instant of a DateTime in milliseconds since 1970-01-01T00:00:00Z, 0 for every other kind.
func (v Value) Millis() int64 {
	if v.kind != DateTime {
		return 0
	}
	return int64(v.num.lo)
}

// Items are the elements of a List, nil for every other kind. The slice must not be changed.
func (v Value) Items() []Value {
	if v.list == nil {
		return nil
	}
	return *v.list
}

// Empty reports whether v is NULL, the empty text or an empty list: what people see as an empty cell.
func (v Value) Empty() bool {
	switch v.kind {
	case Null:
		return true
	case Text:
		return v.str == ""
	case List:
		return len(v.Items()) == 0
	}
	return false
}

// Size is about how many bytes of memory v takes, for budgets.
func (v Value) Size() int {
	n := 48 + len(v.str)
	for _, e := range v.Items() {
		n += e.Size()
	}
	return n
}

// Truth reports whether v is TRUE; NULL and every other value count as FALSE.
func Truth(v Value) bool { return v.kind == Bool && v.num.lo == 1 }
