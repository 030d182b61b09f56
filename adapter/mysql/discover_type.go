package mysql

import (
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// sourceType is what the information schema says of a column's type.
type sourceType struct {
	native  string // as the column declares it: "int(10) unsigned"
	name    string // without anything: "int"
	notNull bool
	charset string
	length  int // of a text, in characters, or bytes for the types that are named for their size in bytes
	json    bool
}

// integerDigits are those of the integer types, with and without a sign.
var integerDigits = map[string][2]int{"tinyint": {3, 3}, "smallint": {5, 5}, "mediumint": {7, 8}, "int": {10, 10}, "bigint": {19, 20}}

// column maps the type. NOT NULL becomes a promise only where no stored value counts as NULL: dates may be zero or
// impossible, texts may hold U+0000, wide decimals may be out of range.
func (s *sourceType) column() lqp.Type {
	unsigned := strings.Contains(s.native, "unsigned")
	if d, ok := integerDigits[s.name]; ok {
		if s.native == "tinyint(1)" {
			return lqp.Type{Kind: lqp.Bool, NotNull: s.notNull}
		}
		t := lqp.Type{Kind: lqp.Number, Precision: d[0], NotNull: s.notNull}
		if unsigned {
			t.Precision = d[1]
		}
		return t
	}
	switch s.name {
	case "year":
		return lqp.Type{Kind: lqp.Number, Precision: 4, NotNull: s.notNull}
	case "bit":
		n := 1
		if rest, ok := strings.CutPrefix(s.native, "bit("); ok {
			n, _ = digits(strings.TrimSuffix(rest, ")"))
		}
		if n == 1 {
			return lqp.Type{Kind: lqp.Bool, NotNull: s.notNull}
		}
		return lqp.Type{Kind: lqp.Number, Precision: len(strconv.FormatUint(1<<n-1, 10)), NotNull: s.notNull}
	case "decimal":
		t := lqp.Type{Kind: lqp.Number}
		if p, scale, ok := decimalFacets(s.native); ok && p-scale <= wholeDigits {
			t.Precision, t.Scale = p, scale
			t.NotNull = s.notNull && scale <= lqp.DecimalDigits
		}
		return t
	case "float", "double":
		return lqp.Type{Kind: lqp.Float, NotNull: s.notNull}
	case "date":
		return lqp.Type{Kind: lqp.Date}
	case "datetime", "timestamp":
		return lqp.Type{Kind: lqp.DateTime}
	case "json":
		return lqp.Type{Kind: lqp.JSON, NotNull: s.notNull}
	case "uuid":
		return lqp.Type{Kind: lqp.Text, MaxLen: 36, ASCII: true, NotNull: s.notNull}
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector",
		"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geomcollection", "geometrycollection":
		return lqp.Type{Kind: lqp.Bytes, NotNull: s.notNull}
	case "enum", "set":
		return lqp.Type{Kind: lqp.Text, MaxLen: s.length, ASCII: s.charset == "ascii", NotNull: s.notNull}
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		if s.json {
			return lqp.Type{Kind: lqp.JSON}
		}
		t := lqp.Type{Kind: lqp.Text, ASCII: s.charset == "ascii"}
		if s.length > 0 && s.length <= lqp.MaxText {
			t.MaxLen = s.length
		}
		return t
	}
	// Whatever else it is, times of day and network addresses among it, its text can be shown.
	return lqp.Type{Kind: lqp.Text}
}
