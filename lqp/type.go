package lqp

import "strconv"

// Kind is the family of a value or a type. The zero Kind is [Null].
type Kind uint8

// The kinds of values. Null is the kind of the literal NULL alone: every other kind also admits a NULL value.
const (
	Null     Kind = iota
	Bool          // false, true
	Number        // exact decimal with ten fractional digits, see Decimal
	Float         // finite IEEE-754 double, -0 read as 0
	Text          // valid UTF-8 without U+0000
	Date          // calendar day 0001-01-01 … 9999-12-31, proleptic Gregorian
	DateTime      // UTC instant with millisecond precision, same years
	List          // ordered, flat list of one scalar kind; elements may be NULL
	JSON          // a JSON document passed through; only its being NULL can be asked
	Bytes         // bytes passed through; only their being NULL can be asked
)

var kindNames = [...]string{"null", "bool", "number", "float", "text", "date", "datetime", "list", "json", "bytes"}

// String is the kind's name in plans: "number", "datetime" and so on.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// ParseKind is the inverse of [Kind.String]; ok is false for any other text.
func ParseKind(s string) (k Kind, ok bool) {
	for i, n := range kindNames {
		if n == s {
			return Kind(i), true
		}
	}
	return Null, false
}

// Numeric reports whether k takes part in arithmetic.
func (k Kind) Numeric() bool { return k == Number || k == Float }

// Orderable reports whether values of k can be compared with < and sorted by.
func (k Kind) Orderable() bool { return k >= Bool && k <= DateTime }

// Type is a kind with the static facts (facets) known about the values of a column or an expression. Facets are promises:
// an unknown facet is its zero value and promises nothing. Types are comparable with ==; [Type.Same] ignores facets.
type Type struct {
	Kind Kind
	Elem Kind // element kind of a List
	// Precision is the largest count of decimal digits of a number, 0 when unknown; Scale is how many of them are
	// fractional and is meaningful only with a Precision.
	Precision, Scale int
	MaxLen           int  // longest text in code points, 0 when unknown
	NotNull          bool // no value is NULL
	ASCII            bool // every text consists of ASCII characters
}

// Same reports whether two types hold the same kind of value, facets aside.
func (t Type) Same(u Type) bool { return t.Kind == u.Kind && (t.Kind != List || t.Elem == u.Elem) }

// String is the type's name in plans and messages: "number", "list<text>".
func (t Type) String() string {
	if t.Kind == List {
		return "list<" + t.Elem.String() + ">"
	}
	return t.Kind.String()
}

// Integer reports whether every value is known to be a whole number that fits 64 bits.
func (t Type) Integer() bool {
	return t.Kind == Number && t.Scale == 0 && t.Precision > 0 && t.Precision <= 19
}

// Nullable is t without its NotNull promise.
func (t Type) Nullable() Type { t.NotNull = false; return t }
