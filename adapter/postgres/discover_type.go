package postgres

import (
	"strings"

	"github.com/livetables/livetables/lqp"
)

// sourceType is what the catalogue says of a column's type, domains resolved.
type sourceType struct {
	native        string // as the column declares it
	name          string // of the type, without schema
	class         string // pg_type.typtype
	oid, elem     uint32
	typmod        int32
	notNull       bool
	collation     string
	deterministic bool
}

// column maps the type. A NOT NULL constraint becomes a promise only where no stored value counts as NULL: numerics,
// floats, dates and timestamps may be NaN or infinite.
func (s *sourceType) column() (t lqp.Type, native string) {
	native = s.native
	if c, ok := codecs[s.oid]; ok {
		t = s.scalar(c)
		if !s.deterministic {
			native += foldMark
		}
		return t, native
	}
	if c, ok := arrays[s.oid]; ok {
		return lqp.Type{Kind: lqp.List, Elem: c.kind()}, native
	}
	t = lqp.Type{Kind: lqp.Text, NotNull: s.notNull}
	switch {
	case s.class == "e":
		return t, enumMark + native
	case s.name == "citext" && s.class == "b":
		return t, "citext"
	}
	// Whatever else it is, its text can be shown.
	return t, native
}

func (s *sourceType) scalar(c codec) lqp.Type {
	t := lqp.Type{Kind: c.kind()}
	switch c {
	case boolCodec, jsonCodec, jsonbCodec, bytesCodec:
		t.NotNull = s.notNull
	case int2Codec:
		t.Precision, t.NotNull = 5, s.notNull
	case int4Codec:
		t.Precision, t.NotNull = 10, s.notNull
	case int8Codec:
		t.Precision, t.NotNull = 19, s.notNull
	case numericCodec:
		if p, scale, ok := numericFacets(s.native); ok && p-scale <= 20 {
			t.Precision, t.Scale = p, scale
		}
	case uuidCodec:
		t.MaxLen, t.ASCII, t.NotNull = 36, true, s.notNull
	case textCodec, paddedCodec:
		t.NotNull = s.notNull
		if s.typmod > 4 && strings.HasPrefix(s.native, "character") { // the modifier counts a header of four
			t.MaxLen = int(s.typmod) - 4
		}
		if s.name == "name" {
			t.MaxLen = 63
		}
	}
	return t
}
