package mongodb

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// maxDepth bounds the nesting of documents that are shown; a server allows a hundred levels.
const maxDepth = 200

// appendDocument appends any value as JSON for people and programs that know the document: numbers as numbers, dates,
// ObjectIds and UUIDs as the texts they are in columns, other binaries in base64, what JSON has nothing for as text. It is
// no extended JSON: it does not say which of those a text was.
func appendDocument(dst []byte, r raw, depth int) []byte {
	switch r.kind {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		if depth < maxDepth {
			return appendElements(dst, r, depth+1)
		}
	case bson.TypeString, bson.TypeSymbol, bson.TypeJavaScript:
		return appendText(dst, r.text())
	case bson.TypeInt32, bson.TypeInt64:
		return strconv.AppendInt(dst, r.int64(), 10)
	case bson.TypeDouble:
		return lqp.AppendJSONFloat(dst, math.Float64frombits(r.uint64()))
	case bson.TypeDecimal128:
		if d := r.decimal(); !d.IsNaN() && d.IsInf() == 0 {
			return append(dst, d.String()...)
		}
	case bson.TypeBoolean:
		return strconv.AppendBool(dst, r.data[0] != 0)
	case bson.TypeDateTime:
		return lqp.DateTimeValue(r.int64()).AppendJSON(dst)
	case bson.TypeObjectID:
		return quoted(dst, hex.AppendEncode(nil, r.data))
	case bson.TypeDBPointer:
		return quoted(dst, hex.AppendEncode(nil, r.data[len(r.data)-12:]))
	case bson.TypeBinary:
		subtype, data := r.binary()
		if subtype == bson.TypeBinaryUUID && len(data) == 16 {
			return quoted(dst, appendUUID(nil, data))
		}
		return quoted(dst, base64.StdEncoding.AppendEncode(nil, data))
	case bson.TypeRegex:
		pattern, options, _ := bytes.Cut(bytes.TrimSuffix(r.data, []byte{0}), []byte{0})
		return appendText(dst, append(append(append([]byte{'/'}, pattern...), '/'), options...))
	case bson.TypeTimestamp: // seconds and a counter
		dst = append(dst, `{"t":`...)
		dst = strconv.AppendUint(dst, r.uint64()>>32, 10)
		dst = append(dst, `,"i":`...)
		dst = strconv.AppendUint(dst, r.uint64()&math.MaxUint32, 10)
		return append(dst, '}')
	case bson.TypeCodeWithScope:
		return appendText(dst, code(r.data))
	case bson.TypeMinKey:
		return append(dst, `"MinKey"`...)
	case bson.TypeMaxKey:
		return append(dst, `"MaxKey"`...)
	}
	return append(dst, "null"...)
}

func appendElements(dst []byte, r raw, depth int) []byte {
	opening, closing := byte('{'), byte('}')
	if r.kind == bson.TypeArray {
		opening, closing = '[', ']'
	}
	dst = append(dst, opening)
	first := true
	for w := walk(r.data); w.next(); {
		if opening == '{' && !utf8.Valid(w.key) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if opening == '{' {
			dst = append(lqp.AppendJSONString(dst, w.key), ':')
		}
		dst = appendDocument(dst, w.val, depth)
	}
	return append(dst, closing)
}

// appendText appends a text, null when it is none.
func appendText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		return append(dst, "null"...)
	}
	return lqp.AppendJSONString(dst, text)
}

func quoted(dst, text []byte) []byte {
	dst = append(append(dst, '"'), text...)
	return append(dst, '"')
}

// code is the text of code with a scope.
func code(data []byte) []byte {
	if len(data) < 8 {
		return nil
	}
	n := int(int32(binary.LittleEndian.Uint32(data[4:])))
	if n < 1 || n > len(data)-8 {
		return nil
	}
	return data[8 : 8+n-1]
}
