package lqp

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// DecodeStrict decodes a JSON document into dst, a pointer to a struct of plain fields, as encoding/json would, and refuses
// what encoding/json lets pass: unknown keys, keys that differ from the field's only in case, duplicate keys, null for a
// field that cannot hold it, invalid UTF-8, halves of surrogate pairs, U+0000, and whatever exceeds the limits. Nothing is
// built before the limits are checked, and nesting costs no stack.
//
// The error is a Problems with all that is wrong with the keys and types, each with its JSON path. Types with their own
// UnmarshalJSON or UnmarshalText, json.RawMessage and any take what they take. dst is untouched when the check fails.
func DecodeStrict(data []byte, dst any, limits StrictLimits) error {
	doc, problem := parseJSON(data, limits)
	if problem != nil {
		return Problems{*problem}
	}
	c := strictCheck{doc: doc}
	c.value(0, reflect.TypeOf(dst).Elem())
	if err := c.problems.err(); err != nil {
		return err
	}
	if err := json.Unmarshal(data, dst); err != nil {
		// Everything encoding/json refuses was found above; should it know better, its word stands.
		return Problems{{Path: "$", Code: CodeArgument, Message: strings.TrimPrefix(err.Error(), "json: ")}}
	}
	return nil
}

// strictCheck compares a document with the Go type it is to fill. Its recursion is bounded by the document's depth.
type strictCheck struct {
	doc      *jsonDoc
	problems Problems
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonNumber      = reflect.TypeFor[json.Number]()
	rawMessage      = reflect.TypeFor[json.RawMessage]()
)

func (c *strictCheck) fail(i int32, code, format string, args ...any) {
	c.problems.add(Problem{Path: c.doc.path(i), Code: code, Message: fmt.Sprintf(format, args...)})
}

func (c *strictCheck) expect(i int32, what string) {
	c.fail(i, CodeTypeMismatch, "%s was expected, not %s", what, jsonKindName(c.doc.nodes[i].kind))
}

func (c *strictCheck) value(i int32, t reflect.Type) {
	kind := c.doc.nodes[i].kind
	if t.Kind() == reflect.Pointer && kind == 'n' {
		return
	}
	if own := reflect.PointerTo(t); t != rawMessage && (own.Implements(jsonUnmarshaler) || own.Implements(textUnmarshaler)) {
		// The type decides itself; asking it here as well gives its answer a path.
		if err := json.Unmarshal(c.doc.raw(i), reflect.New(t).Interface()); err != nil {
			c.fail(i, CodeArgument, "%s", strings.TrimPrefix(err.Error(), "json: "))
		}
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		c.value(i, t.Elem())
	case reflect.Struct:
		c.object(i, t)
	case reflect.Map:
		if kind != '{' {
			c.expect(i, "an object")
			return
		}
		c.doc.children(i, func(m int32) { c.value(m, t.Elem()) })
	case reflect.Slice, reflect.Array:
		if t != rawMessage {
			c.list(i, t)
		}
	case reflect.Interface: // any document will do
	default:
		c.scalar(i, t)
	}
}

func (c *strictCheck) list(i int32, t reflect.Type) {
	kind := c.doc.nodes[i].kind
	if t.Elem().Kind() == reflect.Uint8 { // base64 text
		if kind != '"' {
			c.expect(i, "a text in base64")
		}
		return
	}
	if kind != '[' {
		c.expect(i, "a list")
		return
	}
	c.doc.children(i, func(e int32) { c.value(e, t.Elem()) })
}

func (c *strictCheck) object(i int32, t reflect.Type) {
	if c.doc.nodes[i].kind != '{' {
		c.expect(i, "an object")
		return
	}
	fields := fieldsOf(t)
	c.doc.children(i, func(m int32) {
		key := c.doc.key(m)
		ft, ok := fields.types[key]
		if !ok {
			c.fail(m, CodeUnknownKey, "%s", unknownKey(key, fields.names))
			return
		}
		c.value(m, ft)
	})
}

func (c *strictCheck) scalar(i int32, t reflect.Type) {
	kind, raw := c.doc.nodes[i].kind, c.doc.raw(i)
	switch k := t.Kind(); {
	case t == jsonNumber:
		if kind != '0' {
			c.expect(i, "a number")
		}
	case k == reflect.String:
		if kind != '"' {
			c.expect(i, "a text")
		}
	case k == reflect.Bool:
		if kind != 't' && kind != 'f' {
			c.expect(i, "true or false")
		}
	case k >= reflect.Int && k <= reflect.Int64:
		if kind != '0' {
			c.expect(i, "a whole number")
		} else if _, err := strconv.ParseInt(string(raw), 10, t.Bits()); err != nil {
			c.fail(i, CodeTypeMismatch, "a whole number of at most %d bits was expected, not %s", t.Bits(), raw)
		}
	case k >= reflect.Uint && k <= reflect.Uintptr:
		if kind != '0' {
			c.expect(i, "a whole number")
		} else if _, err := strconv.ParseUint(string(raw), 10, t.Bits()); err != nil {
			c.fail(i, CodeTypeMismatch, "a whole number from 0 of at most %d bits was expected, not %s", t.Bits(), raw)
		}
	case k == reflect.Float32 || k == reflect.Float64:
		if kind != '0' {
			c.expect(i, "a number")
		} else if f, err := strconv.ParseFloat(string(raw), t.Bits()); err != nil || math.IsInf(f, 0) {
			c.fail(i, CodeTypeMismatch, "the number %s is out of range", raw)
		}
	}
}

// strictFields are the JSON keys of a struct type.
type strictFields struct {
	names []string
	types map[string]reflect.Type
}

var strictFieldCache sync.Map // of reflect.Type to *strictFields

func fieldsOf(t reflect.Type) *strictFields {
	if f, ok := strictFieldCache.Load(t); ok {
		return f.(*strictFields)
	}
	f := &strictFields{types: map[string]reflect.Type{}}
	f.add(t)
	strictFieldCache.Store(t, f)
	return f
}

// add lists the fields of a struct. As in Go, a field hides the embedded ones of its name, so those come first.
func (f *strictFields) add(t reflect.Type) {
	for i := range t.NumField() {
		if embedded := embeddedStruct(t.Field(i)); embedded != nil {
			f.add(embedded)
		}
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if embeddedStruct(field) != nil || !field.IsExported() || field.Tag.Get("json") == "-" {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		if _, hidden := f.types[name]; !hidden {
			f.names = append(f.names, name)
		}
		f.types[name] = field.Type
	}
}

// embeddedStruct is the type of a field whose own fields count as the outer struct's, else nil.
func embeddedStruct(field reflect.StructField) reflect.Type {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	t := field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !field.Anonymous || name != "" || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}
