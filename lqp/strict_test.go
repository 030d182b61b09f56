package lqp

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type strictBase struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

type strictItem struct {
	N int8 `json:"n"`
}

type strictBody struct {
	strictBase
	Kind     int                        `json:"kind"` // hides the embedded one
	Age      *int                       `json:"age"`
	Rate     float64                    `json:"rate"`
	Small    uint8                      `json:"small"`
	On       bool                       `json:"on,omitempty"`
	Items    []strictItem               `json:"items"`
	Fields   map[string]json.RawMessage `json:"fields"`
	Any      any                        `json:"any"`
	When     time.Time                  `json:"when"`
	Number   json.Number                `json:"number"`
	Data     []byte                     `json:"data"`
	Ignored  string                     `json:"-"`
	Untagged string
	private  string
}

func TestDecodeStrict(t *testing.T) {
	var b strictBody
	err := DecodeStrict([]byte(`{"name":"x","kind":3,"age":null,"rate":1e3,"small":255,"on":true,"items":[{"n":-128}],
		"fields":{"A":1,"a":{"deep":[1]}},"any":[1,{}],"when":"2026-01-02T03:04:05Z","number":1.50,"data":"AQI=","Untagged":"y"}`), &b, StrictLimits{})
	require.NoError(t, err)
	require.Equal(t, "x", b.Name)
	require.Equal(t, 3, b.Kind)
	require.Equal(t, json.RawMessage(`{"deep":[1]}`), b.Fields["a"])
	require.Len(t, b.Fields, 2, "keys of a map are data: case is their own affair")
	require.Equal(t, json.Number("1.50"), b.Number)
	require.Equal(t, []byte{1, 2}, b.Data)
	require.Equal(t, "y", b.Untagged)
	require.Empty(t, b.Ignored+b.private)
}

func TestDecodeStrictProblems(t *testing.T) {
	tests := []struct{ name, json, path, code, message string }{
		{"unknown key", `{"nmae":"x"}`, "$.nmae", CodeUnknownKey, `did you mean "name"?`},
		{"case variant", `{"Name":"x"}`, "$.Name", CodeUnknownKey, `did you mean "name"?`},
		{"both cases", `{"name":"x","NAME":"y"}`, "$.NAME", CodeUnknownKey, `"NAME"`},
		{"duplicate", `{"name":"x","name":"y"}`, "$", CodeDuplicateKey, `"name"`},
		{"duplicate in a map", `{"fields":{"a":1,"b":2,"a":3}}`, "$.fields", CodeDuplicateKey, `"a"`},
		{"hidden field", `{"Ignored":"x"}`, "$.Ignored", CodeUnknownKey, "Ignored"},
		{"private field", `{"private":"x"}`, "$.private", CodeUnknownKey, "private"},
		{"object for a text", `{"name":{"$ne":1}}`, "$.name", CodeTypeMismatch, "a text was expected, not an object"},
		{"list for a text", `{"name":["x"]}`, "$.name", CodeTypeMismatch, "not a list"},
		{"null for a text", `{"name":null}`, "$.name", CodeTypeMismatch, "not null"},
		{"text for a number", `{"kind":"3"}`, "$.kind", CodeTypeMismatch, "a whole number was expected, not a text"},
		{"fraction for a whole number", `{"age":1.5}`, "$.age", CodeTypeMismatch, "not 1.5"},
		{"exponent for a whole number", `{"age":1e3}`, "$.age", CodeTypeMismatch, "not 1e3"},
		{"too large", `{"items":[{"n":1},{"n":128}]}`, "$.items[1].n", CodeTypeMismatch, "at most 8 bits"},
		{"below zero", `{"small":-1}`, "$.small", CodeTypeMismatch, "from 0"},
		{"infinite", `{"rate":1e999}`, "$.rate", CodeTypeMismatch, "out of range"},
		{"number for a bool", `{"on":1}`, "$.on", CodeTypeMismatch, "true or false was expected"},
		{"object for a list", `{"items":{}}`, "$.items", CodeTypeMismatch, "a list was expected"},
		{"list for a map", `{"fields":[]}`, "$.fields", CodeTypeMismatch, "an object was expected"},
		{"number for a time", `{"when":1}`, "$.when", CodeArgument, "not a JSON string"},
		{"no time", `{"when":"yesterday"}`, "$.when", CodeArgument, "yesterday"},
		{"text for json.Number", `{"number":"1"}`, "$.number", CodeTypeMismatch, "a number was expected"},
		{"number for bytes", `{"data":[1]}`, "$.data", CodeTypeMismatch, "base64"},
		{"a list", `[]`, "$", CodeTypeMismatch, "an object was expected"},
		{"too deep", `{"any":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "$.any" + strings.Repeat("[0]", 63), CodeLimit, "at most 64 levels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strictBody
			err := DecodeStrict([]byte(tt.json), &b, StrictLimits{})
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.Len(t, problems, 1, "%v", err)
			require.Equal(t, tt.path, problems[0].Path)
			require.Equal(t, tt.code, problems[0].Code)
			require.Contains(t, problems[0].Message, tt.message)
		})
	}
}

func TestDecodeStrictLimits(t *testing.T) {
	var v any
	require.NoError(t, DecodeStrict([]byte(`[1,2,3]`), &v, StrictLimits{MaxItems: 3, MaxDepth: 1, MaxNumber: 1, MaxBytes: 7}))
	requireProblem(t, DecodeStrict([]byte(`[1,2,3]`), &v, StrictLimits{MaxItems: 2}), "$", CodeLimit, "at most 2 elements")
	requireProblem(t, DecodeStrict([]byte(`[10]`), &v, StrictLimits{MaxNumber: 1}), "$[0]", CodeLimit, "at most 1 characters")
	requireProblem(t, DecodeStrict([]byte(`[[]]`), &v, StrictLimits{MaxDepth: 1}), "$[0]", CodeLimit, "at most 1 levels")
	requireProblem(t, DecodeStrict([]byte(`[1,2,3]`), &v, StrictLimits{MaxBytes: 6}), "$", CodeLimit, "at most 6")
}

func TestDecodeStrictFindsDuplicatesInLargeObjects(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		b.WriteString(`"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + json.Number(strings.Repeat("1", 1+i/1000)).String() + "_" + time.Duration(i).String() + `":1,`)
	}
	var v map[string]int
	require.NoError(t, DecodeStrict([]byte(`{`+b.String()+`"last":1}`), &v, StrictLimits{}))
	require.Len(t, v, 5001)
	requireProblem(t, DecodeStrict([]byte(`{"last":1,`+b.String()+`"last":1}`), &v, StrictLimits{}), "$", CodeDuplicateKey, `"last"`)
}
