package lqp

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzDecodeStrict compares the reader with encoding/json: what it accepts means the same, and it calls nothing invalid
// that encoding/json accepts but for the texts it is stricter about.
func FuzzDecodeStrict(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e+3,{"b":null}],"c":"\u00e9\ud83d\ude00\n"}`, `[01]`, `[1.]`, `[-]`, `[1e]`, `tru`, `nul`, `[1 2]`, `{"a" 1}`, `{a:1}`, `"\x"`,
		`"\u12g4"`, `"\ud800"`, `"\ud800\u0041"`, `"\u0000"`, "\"\x01\"", `"abc`, `[`, `{"a":1,}`, ` [ ] `, `{"a":1,"a":2}`, "\"\xff\"", `-0`, `[[],{}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got any
		err := DecodeStrict(data, &got, StrictLimits{})
		if err == nil {
			var want any
			if wantErr := json.Unmarshal(data, &want); wantErr != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%v is not %v (%v)", got, want, wantErr)
			}
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("not problems: %v", err)
		}
		stricter := !utf8.Valid(data) || bytes.Contains(data, []byte(`\u`))
		if problems.Has(CodeSyntax) && json.Valid(data) && !stricter {
			t.Fatalf("refused: %v", err)
		}
	})
}
