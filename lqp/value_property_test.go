package lqp

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestCompareIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		column := genColumn().Draw(t, "column")
		a, b, c := column.Draw(t, "a"), column.Draw(t, "b"), column.Draw(t, "c")
		for name, compare := range map[string]func(a, b Value) int{"Compare": Compare, "CompareSort": CompareSort} {
			if compare(a, b) != -compare(b, a) {
				t.Fatalf("%s is not antisymmetric", name)
			}
			if compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0 {
				t.Fatalf("%s is not transitive", name)
			}
		}
		if (Compare(a, b) == 0) != Equal(a, b) {
			t.Fatalf("Compare is %d, Equal %v", Compare(a, b), Equal(a, b))
		}
	})
}

func TestKeysTellValuesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		column := genColumn().Draw(t, "column")
		tuple := func(label string) []Value { return rapid.SliceOfN(column, 1, 3).Draw(t, label) }
		a, b := tuple("a"), tuple("b")
		if rapid.Bool().Draw(t, "same") {
			b = append([]Value(nil), a...)
		}
		key := func(tuple []Value) (key []byte) {
			for _, v := range tuple {
				key = v.AppendKey(key)
			}
			return key
		}
		equal := len(a) == len(b)
		for i := 0; equal && i < len(a); i++ {
			equal = Equal(a[i], b[i])
		}
		if equal != bytes.Equal(key(a), key(b)) {
			t.Fatalf("%v and %v: equal is %v, keys %x and %x", a, b, equal, key(a), key(b))
		}
	})
}

func TestJSONReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(anyKinds).Draw(t, "kind")
		v := genSet(k).Draw(t, "v")
		if v.IsNull() {
			return // a document "null" is NULL as a value
		}
		typ := Type{Kind: k, Elem: valueType(v).Elem}
		if k == List && typ.Elem == Null {
			typ.Elem = Text
		}
		doc := v.AppendJSON(nil)
		if !json.Valid(doc) {
			t.Fatalf("%s is not JSON", doc)
		}
		back, err := ParseValue(typ, doc)
		if k == JSON && v.Text() == "null" {
			if !back.IsNull() {
				t.Fatal("the document null is NULL")
			}
			return
		}
		if err != nil || !Equal(v, back) {
			t.Fatalf("%s reads back as %s, %v", doc, back, err)
		}
		if k == Text && v.Text() == "" || k == List || k == JSON || k == Bytes {
			return
		}
		if cell, err := ParseText(typ, v.String()); err != nil || !Equal(v, cell) {
			t.Fatalf("cell %q reads back as %s, %v", v.String(), cell, err)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	for _, s := range []string{`null`, `"a"`, `"\u0000"`, `"\ud800"`, `"\ud83d\ude00"`, `1e5`, `-0`, `01`, `[1,"2",null]`, `{"a":1}`, `"2024-02-30"`, `"2024-02-29T23:59:59.9999+23:59"`, `"AP8="`} {
		f.Add(uint8(Text), s)
	}
	f.Fuzz(func(t *testing.T, kind uint8, doc string) {
		typ := Type{Kind: Kind(kind % 10), Elem: Kind(kind / 10 % 10)}
		v, err := ParseValue(typ, []byte(doc))
		var typed *ValueError
		if err != nil && !errors.As(err, &typed) {
			t.Fatalf("%T", err)
		}
		if err == nil {
			if !json.Valid([]byte(doc)) {
				t.Fatalf("%q is accepted as %s", doc, typ)
			}
			out := v.AppendJSON(nil)
			if back, err := ParseValue(typ, out); err != nil || !Equal(v, back) {
				t.Fatalf("%q gives %s, which reads back as %s, %v", doc, out, back, err)
			}
		}
		if v, err := ParseText(typ, doc); err == nil && v.kind != Null && v.kind != typ.Kind {
			t.Fatalf("%q gives a %s, want %s", doc, v.kind, typ)
		}
	})
}
