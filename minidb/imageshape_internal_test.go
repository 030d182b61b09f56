package minidb

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// TestImageShapes: whatever values a row has, its image comes back byte by byte.
func TestImageShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 7))
	l := &layout{}
	for range 12 {
		l.members = append(l.members, `"`+NewID(prefixColumn)+`":`)
	}
	texts := []string{"", `"`, `\`, `\\`, `\"`, `"},{"`, "a,b", "]", "}", "{\"x\":[", "\n\t\u2028", "é😀", strings.Repeat(`\"`, 20), "shp_"}
	value := func() lqp.Value {
		switch r.IntN(7) {
		case 0:
			return lqp.Value{}
		case 1:
			return lqp.IntValue(r.Int64())
		case 2:
			return lqp.BoolValue(r.IntN(2) == 0)
		case 3:
			return lqp.ListValue([]lqp.Value{lqp.TextValue(texts[r.IntN(len(texts))]), lqp.TextValue(texts[r.IntN(len(texts))])})
		case 4:
			doc, err := canonicalJSON(fmt.Sprintf(`{"a":[{},{"b":%q}],"c":"]}"}`, "x"+strings.Repeat("y", r.IntN(5))))
			require.NoError(t, err)
			return lqp.JSONValue(doc)
		}
		return lqp.TextValue(texts[r.IntN(len(texts))] + texts[r.IntN(len(texts))])
	}
	var first *imageShape
	for range 3000 {
		row := make([]lqp.Value, len(l.members))
		for i := range row {
			row[i] = value()
		}
		doc := l.appendImage(nil, row)
		s := shapeOf("wsp_a", doc)
		require.NotNil(t, s, string(doc))
		require.Equal(t, l.members, s.members)
		if first == nil {
			first = s
		}
		require.Equal(t, first.id, s.id, "the shape does not hang on the values")
		packed, ok := first.compact([]byte("before"), doc)
		require.True(t, ok)
		packed = packed[len("before"):]
		require.Less(t, len(packed), len(doc))
		require.Equal(t, first.id, shapeID(string(packed)))
		require.Equal(t, string(doc), string(first.expand(packed)))
		// What was cut short or changed is never taken for whole, nor read beyond its end.
		cut := packed[:r.IntN(len(packed))]
		require.Nil(t, first.expand(cut), string(cut))
		_, ok = first.compact(nil, doc[:r.IntN(len(doc))])
		require.False(t, ok)
	}
	require.NotEqual(t, first.id, newShape("wsp_b", l.members).id)
	require.NotEqual(t, first.id, newShape("wsp_a", l.members[1:]).id)
	for _, doc := range []string{"", "{", "{}", "[]", "null", `{"a"}`, `{"a":1`, `{"a":1} `, `{a:1}`, `{"a":"b}`, `{"a` + "\n" + `":1}`} {
		require.Nil(t, shapeOf("wsp_a", []byte(doc)), doc)
		require.Empty(t, shapeID(doc))
	}
}

// FuzzImages expands and compacts anything.
func FuzzImages(f *testing.F) {
	s := newShape("wsp_a", []string{`"a":`, `"b":`})
	packed, _ := s.compact(nil, []byte(`{"a":"x,\"y","b":[1,{"c":"]"}]}`))
	f.Add(string(packed))
	f.Add(s.head + `,"\`)
	f.Add(s.head + `,1,2]`)
	f.Add(s.head + `,{[}],}`)
	f.Add(`{"a":1,"b":2}`)
	f.Fuzz(func(t *testing.T, doc string) {
		if whole := s.expand([]byte(doc)); whole != nil && strings.HasPrefix(doc, s.head) {
			back, ok := s.compact(nil, whole)
			require.True(t, ok)
			require.Equal(t, doc, string(back))
		}
		if packed, ok := s.compact(nil, []byte(doc)); ok {
			require.Equal(t, doc, string(s.expand(packed)))
		}
		if of := shapeOf("wsp_a", []byte(doc)); of != nil {
			packed, ok := of.compact(nil, []byte(doc))
			require.True(t, ok)
			require.Equal(t, doc, string(of.expand(packed)))
		}
	})
}
