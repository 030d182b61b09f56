package mongodb

import (
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter/internal/decodetest"
	"github.com/livetables/livetables/lqp"
)

// FuzzReply reads damaged documents as columns of every form. Nothing panics, values keep their column's type, and the
// two ways of reading a cell agree.
func FuzzReply(f *testing.F) {
	for _, w := range wrong {
		b, err := bson.Marshal(bson.D{{Key: "v", Value: w}, {Key: "in", Value: bson.D{{Key: "v", Value: w}}}})
		require.NoError(f, err)
		f.Add(b)
	}
	deep := any("x")
	for range 300 {
		deep = bson.A{deep}
	}
	b, err := bson.Marshal(bson.D{{Key: "v", Value: deep}})
	require.NoError(f, err)
	f.Add(b)
	wide := bson.D{}
	for i := range 3000 {
		wide = append(wide, bson.E{Key: fmt.Sprint("f", i%1500), Value: int32(i)})
	}
	b, err = bson.Marshal(bson.D{{Key: "in", Value: wide}, {Key: "v", Value: bson.A{wide}}})
	require.NoError(f, err)
	f.Add(b)
	b, err = bson.Marshal(bson.D{{Key: "v", Value: "twice"}, {Key: "v", Value: 2}, {Key: "in", Value: 3}, {Key: "in", Value: bson.D{{Key: "v", Value: 4}}}})
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte("\x10\x00\x00\x00\x02v\x00\xff\xff\xff\x7fa\x00\x00\x00")) // a text longer than the document
	f.Add([]byte("\x0c\x00\x00\x00\x04v\x00\x00\x00\x00\x80\x00"))          // an array of a negative size
	f.Add([]byte("\x05\x00\x00\x00\x00"))
	f.Add([]byte("\xff\xff\xff\x7f\x02v\x00\xff\xff\xff\xff"))
	var columns []output
	for form := stringForm; form < arrayForm; form++ {
		columns = append(columns, output{path: []string{"v"}, storage: storage{form: form}}, output{path: []string{"in", "v"}, storage: storage{form: form}})
		if form.scalar() {
			columns = append(columns, output{path: []string{"v"}, storage: storage{form: arrayForm, elem: form}})
		}
	}
	for _, k := range []outputKind{counted, summed, mean} {
		columns = append(columns, output{path: []string{"v"}, storage: storage{form: decimalForm}, kind: k})
	}
	var tree node
	for i := range columns {
		tree.want(columns[i].path, i)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		took := decodetest.Allocated(func() {
			slots := make([]raw, len(columns))
			tree.fill(doc, slots)
			for i := range columns {
				_, _ = columns[i].value(slots[i]), columns[i].appendJSON(nil, slots[i])
			}
			(&sample{}).document(doc, 0)
		})
		require.Less(t, took, decodetest.Decoding(len(columns)*len(doc)))
		slots := make([]raw, len(columns))
		tree.fill(doc, slots)
		for i := range columns {
			c := &columns[i]
			v := c.value(slots[i])
			if want := c.lqpType(); !v.IsNull() && v.Kind() != want.Kind {
				t.Errorf("%s: kind %s instead of %s", c.native(), v.Kind(), want.Kind)
			}
			got := string(c.appendJSON([]byte("x"), slots[i]))
			if want := "x" + string(v.AppendJSON(nil)); got != want {
				t.Errorf("%s: %s by AppendJSON, %s by Value", c.native(), got, want)
			}
			if !json.Valid([]byte(got[1:])) || !utf8.ValidString(got) {
				t.Errorf("%s: %q is no JSON", c.native(), got)
			}
		}
		(&sample{}).document(doc, 0)
		newSchema(&sample{})
	})
}

// FuzzMessages: the lengths of a stream of messages are followed wherever reads cut it.
func FuzzMessages(f *testing.F) {
	f.Add([]byte("\x10\x00\x00\x00abcdefghijkl\x11\x00\x00\x00abcdefghijklm"), uint8(3))
	f.Add([]byte("\xff\xff\xff\xff"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		var whole, cut measured
		want := whole.follow(stream)
		n := int(step)%7 + 1
		got := true
		for rest := stream; len(rest) > 0 && got; rest = rest[min(n, len(rest)):] {
			got = cut.follow(rest[:min(n, len(rest))])
		}
		require.Equal(t, want, got)
	})
}

func TestDocumentsAsJSON(t *testing.T) {
	b, err := bson.Marshal(doc("v", doc(
		"i", int32(1), "l", int64(-5), "d", 1.5, "dec", decimal("1.50"), "s", "a\x00\"", "t", true, "n", nil, "u", bson.Undefined{},
		"at", bson.DateTime(0), "late", bson.DateTime(1<<60), "o", bson.ObjectID{0x50}, "uuid", bson.Binary{Subtype: 4, Data: make([]byte, 16)},
		"raw", bson.Binary{Data: []byte("abc")}, "old", bson.Binary{Subtype: 2, Data: []byte("abc")}, "re", bson.Regex{Pattern: "a/", Options: "i"},
		"ts", bson.Timestamp{T: 7, I: 8}, "js", bson.JavaScript("f()"), "scoped", bson.CodeWithScope{Code: "g()", Scope: bson.D{}},
		"sym", bson.Symbol("x"), "min", bson.MinKey{}, "max", bson.MaxKey{}, "a", bson.A{int32(1), bson.A{}, bson.D{}},
		"ptr", bson.DBPointer{DB: "a.b", Pointer: bson.ObjectID{1}}, "nan", decimal("NaN"))))
	require.NoError(t, err)
	var slots [1]raw
	var tree node
	tree.want([]string{"v"}, 0)
	tree.fill(b, slots[:])
	require.Equal(t, `{"i":1,"l":-5,"d":1.5,"dec":1.50,"s":"a\u0000\"","t":true,"n":null,"u":null,"at":"1970-01-01T00:00:00.000Z","late":null,`+
		`"o":"500000000000000000000000","uuid":"00000000-0000-0000-0000-000000000000","raw":"YWJj","old":"YWJj","re":"/a//i",`+
		`"ts":{"t":7,"i":8},"js":"f()","scoped":"g()","sym":"x","min":"MinKey","max":"MaxKey","a":[1,[],{}],`+
		`"ptr":"010000000000000000000000","nan":null}`, jsonForm.decode(slots[0]).Text())
	require.Equal(t, lqp.JSON, jsonForm.decode(slots[0]).Kind())
}
