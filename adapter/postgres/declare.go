package postgres

import (
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// maxVarchar is the longest character varying that PostgreSQL allows.
const maxVarchar = 10_485_760

// DeclareType is the column type for CREATE TABLE that keeps every canonical value of t and is read back as t: texts order
// by their bytes, numbers of 19 digits are integers and others are numeric, documents keep their text as it is.
func (s *Store) DeclareType(t lqp.Type) string { return declareType(t) }

func declareType(t lqp.Type) string {
	switch t.Kind {
	case lqp.Text:
		if t.MaxLen > 0 && t.MaxLen <= maxVarchar {
			return "character varying(" + strconv.Itoa(t.MaxLen) + ")" + binaryCollation
		}
		return "text" + binaryCollation
	case lqp.List:
		return baseType(t.Elem) + "[]"
	case lqp.Number:
		switch {
		case t.Precision == 19 && t.Scale == 0:
			return "bigint"
		case t.Precision > 0 && t.Precision <= 1000:
			return "numeric(" + strconv.Itoa(t.Precision) + "," + strconv.Itoa(t.Scale) + ")"
		}
	case lqp.DateTime:
		return "timestamp(3) with time zone"
	}
	return baseType(t.Kind)
}

// baseType is the type of PostgreSQL for values of a kind, without a modifier.
func baseType(k lqp.Kind) string {
	switch k {
	case lqp.Bool:
		return "boolean"
	case lqp.Number:
		return "numeric"
	case lqp.Float:
		return "double precision"
	case lqp.Date:
		return "date"
	case lqp.DateTime:
		return "timestamp with time zone"
	case lqp.JSON:
		return "json" // not jsonb, which would write numbers and keys anew: hashes are over the text
	case lqp.Bytes:
		return "bytea"
	}
	return "text"
}

// ownedStorage is how a column of a store's own table stands: no value is there that is not canonical, since the store
// wrote them all.
func ownedStorage(c *lqp.Column) (sqlgen.Storage, bool) {
	switch c.Type.Kind {
	case lqp.Number:
		switch {
		case c.Native == "bigint" || c.Native == "integer" || c.Native == "smallint":
			return exact(lqp.Number, intForm), true
		case strings.HasPrefix(c.Native, "numeric"):
			return exact(lqp.Number, numericForm), true
		}
	case lqp.Float:
		if c.Native == "double precision" {
			return exact(lqp.Float, float8Form), true
		}
	case lqp.Date:
		return exact(lqp.Date, dateForm), true
	case lqp.DateTime:
		if strings.HasPrefix(c.Native, "timestamp(3) with") {
			s := exact(lqp.DateTime, instantForm)
			return s, true
		}
	case lqp.Text:
		if strings.HasSuffix(c.Native, binaryCollation) {
			return exact(lqp.Text, binaryForm), true
		}
	}
	return sqlgen.Storage{}, false
}
