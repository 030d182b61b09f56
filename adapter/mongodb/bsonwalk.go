package mongodb

import (
	"bytes"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// raw is one value of a document. Its bytes belong to the reply; a raw of type 0 is a missing field.
type raw struct {
	kind bson.Type
	data []byte
}

// walker goes through the elements of a document or an array without copying. What a server sends may be damaged: the
// walk then ends early.
type walker struct {
	rest []byte
	key  []byte
	val  raw
}

// walk starts at a document's first element.
func walk(doc []byte) walker {
	if len(doc) < 5 {
		return walker{}
	}
	size := int(int32(binary.LittleEndian.Uint32(doc)))
	if size < 5 || size > len(doc) {
		return walker{}
	}
	return walker{rest: doc[4 : size-1]}
}

// next moves to the next element, false after the last one.
func (w *walker) next() bool {
	if len(w.rest) < 2 {
		return false
	}
	end := bytes.IndexByte(w.rest[1:], 0)
	if end < 0 {
		w.rest = nil
		return false
	}
	kind := bson.Type(w.rest[0])
	w.key = w.rest[1 : 1+end]
	body := w.rest[end+2:]
	size, ok := valueSize(kind, body)
	if !ok || size > len(body) {
		w.rest = nil
		return false
	}
	w.val = raw{kind, body[:size:size]}
	w.rest = body[size:]
	return true
}

// valueSize is the length of a value of that type at the start of b.
func valueSize(kind bson.Type, b []byte) (size int, ok bool) {
	prefixed := func(more int) (int, bool) { // an int32 of length, then so many bytes and more
		if len(b) < 4 {
			return 0, false
		}
		n := int(int32(binary.LittleEndian.Uint32(b)))
		return n + more, n >= 0 && n <= len(b)
	}
	switch kind {
	case bson.TypeDouble, bson.TypeDateTime, bson.TypeTimestamp, bson.TypeInt64:
		return 8, true
	case bson.TypeInt32:
		return 4, true
	case bson.TypeBoolean:
		return 1, true
	case bson.TypeObjectID:
		return 12, true
	case bson.TypeDecimal128:
		return 16, true
	case bson.TypeNull, bson.TypeUndefined, bson.TypeMinKey, bson.TypeMaxKey:
		return 0, true
	case bson.TypeString, bson.TypeJavaScript, bson.TypeSymbol:
		size, ok = prefixed(4)
		return size, ok && size >= 5
	case bson.TypeBinary:
		return prefixed(5)
	case bson.TypeDBPointer:
		size, ok = prefixed(4 + 12)
		return size, ok && size >= 17
	case bson.TypeEmbeddedDocument, bson.TypeArray, bson.TypeCodeWithScope:
		size, ok = prefixed(0)
		return size, ok && size >= 5
	case bson.TypeRegex:
		pattern := bytes.IndexByte(b, 0)
		if pattern < 0 {
			return 0, false
		}
		options := bytes.IndexByte(b[pattern+1:], 0)
		return pattern + options + 2, options >= 0
	}
	return 0, false
}

// text is the bytes of a string, a symbol or code, which need not be UTF-8.
func (r raw) text() []byte {
	if len(r.data) < 5 {
		return nil
	}
	return r.data[4 : len(r.data)-1]
}

// binary is the subtype and the bytes of a binary.
func (r raw) binary() (subtype byte, data []byte) {
	if len(r.data) < 5 {
		return 0, nil
	}
	subtype, data = r.data[4], r.data[5:]
	if subtype == bson.TypeBinaryBinaryOld && len(data) >= 4 { // the old generic subtype has a second length
		data = data[4:]
	}
	return subtype, data
}

func (r raw) uint64() uint64 { return binary.LittleEndian.Uint64(r.data) }

func (r raw) int64() int64 {
	if r.kind == bson.TypeInt32 {
		return int64(int32(binary.LittleEndian.Uint32(r.data)))
	}
	return int64(r.uint64())
}

func (r raw) decimal() bson.Decimal128 {
	return bson.NewDecimal128(binary.LittleEndian.Uint64(r.data[8:]), r.uint64())
}

// The parts of the upper half of a decimal in its usual form: sign, exponent, coefficient (IEEE 754-2008, 3.5.2, the
// binary encoding). The exponent is kept with a bias; one that begins with two set bits is of another form.
const (
	decimalSign     = 1 << 63
	decimalOther    = 3 << 61
	decimalExponent = 49 // bits below it
	decimalBias     = 6176
)

// shortDecimal is a decimal of up to eighteen digits, ten of them after the point, as money and measures are; it is not ok
// for others.
func (r raw) shortDecimal() (lqp.Decimal, bool) {
	high, low := binary.LittleEndian.Uint64(r.data[8:]), r.uint64()
	if high&decimalOther == decimalOther || high&(1<<decimalExponent-1) != 0 || low >= 1e18 {
		return lqp.Decimal{}, false
	}
	scale := decimalBias - int(high&^decimalSign>>decimalExponent)
	if scale < 0 || scale > lqp.DecimalDigits {
		return lqp.Decimal{}, false
	}
	n := int64(low)
	if high&decimalSign != 0 {
		n = -n
	}
	return lqp.DecimalFromScaled(n, scale), true
}

// node is a tree of the paths that a reply is read for.
type node struct {
	slots    []int // outputs that want this very value
	children map[string]*node
}

// want adds a path for an output.
func (n *node) want(path []string, slot int) {
	for _, part := range path {
		if n.children == nil {
			n.children = map[string]*node{}
		}
		child := n.children[part]
		if child == nil {
			child = &node{}
			n.children[part] = child
		}
		n = child
	}
	n.slots = append(n.slots, slot)
}

// fill finds the wanted values of a document. Of fields of the same name the first counts; a path leads through embedded
// documents only.
func (n *node) fill(doc []byte, slots []raw) {
	w := walk(doc)
	for w.next() {
		child := n.children[string(w.key)]
		if child == nil {
			continue
		}
		for _, s := range child.slots {
			if slots[s].kind == 0 {
				slots[s] = w.val
			}
		}
		if child.children != nil && w.val.kind == bson.TypeEmbeddedDocument {
			child.fill(w.val.data, slots)
		}
	}
}
