package minidb

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSplitImage holds the reading of images against the decoder of any JSON: objects without blanks are split alike, and nothing
// makes it fail in another way than by an error.
func FuzzSplitImage(f *testing.F) {
	for _, seed := range []string{`{}`, `{"_id":"row_1","a":null,"b":1.5,"c":"x,\"}{[","d":[1,[2,"]"]],"e":{"f":"\\"}}`, `{"a":`, `{"a":1,}`, `{"a"1}`, `{a:1}`, `[]`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		got := map[string]string{}
		_ = splitImage(doc, func(id, value []byte) { got[string(id)] = string(value) })
		var members map[string]json.RawMessage
		if json.Unmarshal(doc, &members) != nil || members == nil {
			return // anything may come of what we never write, but it comes to an end
		}
		compact, bad := json.Marshal(members)
		require.NoError(t, bad)
		got = map[string]string{}
		if err := splitImage(compact, func(id, value []byte) { got[string(id)] = string(value) }); err != nil {
			return // a name with an escape, which no id has
		}
		for name, value := range members {
			if raw, ok := got[name]; ok {
				require.JSONEq(t, string(value), raw)
			}
		}
	})
}
