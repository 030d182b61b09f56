package lqp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plainFormula stands for the formula language: a text is the name of a column, "!" does not parse.
func plainFormula(text string) (Expr, error) {
	if strings.HasPrefix(text, "!") {
		return nil, fmt.Errorf("parse: %w", Problem{Code: CodeSyntax, Message: "unexpected '!'", From: 0, To: 1})
	}
	if strings.HasPrefix(text, "?") {
		return nil, spanError{}
	}
	if text == "" {
		return nil, errors.New("empty formula")
	}
	return &Col{Column: text, From: 0, To: len([]rune(text))}, nil
}

type spanError struct{}

func (spanError) Error() string        { return "unexpected '?'" }
func (spanError) Span() (from, to int) { return 2, 3 }

func formulas() DecodeOptions { return DecodeOptions{Formula: plainFormula} }

func TestDecodeQueryReadsEveryKey(t *testing.T) {
	data, err := os.ReadFile("testdata/query_full.json")
	require.NoError(t, err)
	q, err := DecodeQuery(data, formulas())
	require.NoError(t, err)
	golden(t, "testdata/query_full.txt", Format(q))
	golden(t, "testdata/query_full.canonical.json", string(EncodeQuery(q))+"\n")
}

func TestDecodeQueryProblems(t *testing.T) {
	q := func(members string) string { return `{"source":{"table":"t"},` + members + `}` }
	tests := []struct {
		name, json, path, code, message string
	}{
		{"empty", ``, "$", CodeSyntax, "a value was expected"},
		{"not JSON", `{"source"`, "$", CodeSyntax, "colon"},
		{"something after it", `{"source":{"table":"t"}} x`, "$", CodeSyntax, "nothing may follow"},
		{"trailing comma", `{"source":{"table":"t",}}`, "$.source.table", CodeSyntax, "a key in double quotes"},
		{"invalid UTF-8", "{\"source\":{\"table\":\"\xff\"}}", "$.source.table", CodeSyntax, "UTF-8"},
		{"U+0000", `{"source":{"table":"\u0000"}}`, "$.source.table", CodeSyntax, "U+0000"},
		{"half a surrogate pair", `{"source":{"table":"\ud800x"}}`, "$.source.table", CodeSyntax, "surrogate"},
		{"a list", `[]`, "$", CodeTypeMismatch, "a query was expected, not a list"},
		{"no source", `{}`, "$", CodeMissing, "no source"},
		{"no table", `{"source":{}}`, "$.source", CodeMissing, "no table"},
		{"table is an object", `{"source":{"table":{"$ne":null}}}`, "$.source.table", CodeTypeMismatch, "a text was expected, not an object"},
		{"table and query", `{"source":{"table":"t","query":{"source":{"table":"u"}}}}`, "$.source", CodeConflict, "not both"},
		{"unknown key", q(`"filter":[]`), "$.filter", CodeUnknownKey, `did you mean "filters"?`},
		{"case variant", q(`"Filters":[]`), "$.Filters", CodeUnknownKey, `did you mean "filters"?`},
		{"duplicate key", q(`"filters":[],"filters":[]`), "$", CodeDuplicateKey, `"filters" occurs twice`},
		{"duplicate key in disguise", q(`"count":"none","c\u006funt":"exact"`), "$", CodeDuplicateKey, `"count" occurs twice`},
		{"number for a list", q(`"joins":1`), "$.joins", CodeTypeMismatch, "a list was expected, not a number"},
		{"join without source", q(`"joins":[{"on":"x"}]`), "$.joins[0]", CodeMissing, "no source"},
		{"join kind", q(`"joins":[{"kind":"LEFT","source":{"table":"u"},"on":"x"}]`), "$.joins[0].kind", CodeArgument, `one of "inner", "left"`},
		{"limit as text", q(`"pagination":{"limit":"5"}`), "$.pagination.limit", CodeTypeMismatch, "a whole number was expected, not a text"},
		{"limit below zero", q(`"pagination":{"limit":-1}`), "$.pagination.limit", CodeArgument, "from 0"},
		{"limit with fraction", q(`"pagination":{"limit":1.5}`), "$.pagination.limit", CodeArgument, "not 1.5"},
		{"limit beyond all bounds", q(`"pagination":{"limit":1000000000000}`), "$.pagination.limit", CodeArgument, "not 1000000000000"},
		{"long number", q(`"pagination":{"limit":` + strings.Repeat("1", 100) + `}`), "$.pagination.limit", CodeLimit, "at most 64 characters"},
		{"direction", q(`"sorts":[{"column":"a","direction":"down"}]`), "$.sorts[0].direction", CodeArgument, `"down"`},
		{"column and expr", q(`"sorts":[{"column":"a","expr":"b"}]`), "$.sorts[0]", CodeConflict, "not both"},
		{"sort without anything", q(`"sorts":[{}]`), "$.sorts[0]", CodeMissing, `"expr"`},
		{"sort by no name", q(`"sorts":["-"]`), "$.sorts[0]", CodeMissing, "the name of a column is missing"},
		{"column without a name", q(`"columns":["a",""]`), "$.columns[1]", CodeMissing, "the name of a column is missing"},
		{"aggregate without function", q(`"aggregates":[{"name":"x"}]`), "$.aggregates[0]", CodeMissing, `"function"`},
		{"computed column as text", q(`"computed_columns":["x"]`), "$.computed_columns[0]", CodeTypeMismatch, "a named expression was expected, not a text"},
		{"formula that does not parse", q(`"filters":["a","!"]`), "$.filters[1]", CodeSyntax, "0-1: unexpected '!'"},
		{"formula error with a place", q(`"having":"?"`), "$.having", CodeSyntax, "2-3: unexpected '?'"},
		{"expression as number", q(`"filters":[1]`), "$.filters[0]", CodeTypeMismatch, "an expression was expected, not a number"},
		{"expression without kind", q(`"filters":{"f":"eq"}`), "$.filters", CodeMissing, `"k"`},
		{"expression of unknown kind", q(`"filters":{"k":"eval"}`), "$.filters.k", CodeArgument, `"eval"`},
		{"unknown key in an expression", q(`"filters":{"k":"col","id":"a","name":"b"}`), "$.filters.name", CodeUnknownKey, `"name"`},
		{"column without id", q(`"filters":{"k":"col"}`), "$.filters", CodeMissing, "names no column"},
		{"call without function", q(`"filters":{"k":"call","a":[]}`), "$.filters", CodeMissing, `"f"`},
		{"literal of unknown type", q(`"filters":{"k":"lit","t":"int","v":1}`), "$.filters.t", CodeArgument, `"int"`},
		{"literal without value", q(`"filters":{"k":"lit","t":"number"}`), "$.filters", CodeMissing, `"v"`},
		{"literal of another type", q(`"filters":{"k":"lit","t":"number","v":{"$gt":1}}`), "$.filters.v", CodeTypeMismatch, "a number, best written"},
		{"date that is none", q(`"filters":{"k":"lit","t":"date","v":"2024-02-30"}`), "$.filters.v", CodeTypeMismatch, `not "\"2024-02-30\""`},
		{"float that is infinite", q(`"filters":{"k":"lit","t":"float","v":"Inf"}`), "$.filters.v", CodeTypeMismatch, "a finite number"},
		{"call in a list", q(`"filters":{"k":"list","a":[{"k":"col","id":"a"}]}`), "$.filters.a[0].id", CodeUnknownKey, `"id"`},
		{"count", q(`"count":true`), "$.count", CodeTypeMismatch, "a text was expected, not true or false"},
		{"odd key", q(`"a b":1`), `$["a b"]`, CodeUnknownKey, `"a b"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeQuery([]byte(tt.json), formulas())
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.Equal(t, tt.path, problems[0].Path, "%v", err)
			require.Equal(t, tt.code, problems[0].Code)
			require.Contains(t, problems[0].Error(), tt.message)
		})
	}
	_, err := DecodeQuery([]byte(q(`"filters":["a"]`)), DecodeOptions{})
	requireProblem(t, err, "$.filters[0]", CodeTypeMismatch, "an expression tree was expected")
}

func TestDecodeQueryReportsAllProblems(t *testing.T) {
	_, err := DecodeQuery([]byte(`{"source":{"tabel":"t"},"filters":["!","a","!"],"count":"x","limit":5}`), formulas())
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 6, "%v", err)
}

func TestDecodeQueryIsFastOnHostileInput(t *testing.T) {
	deep := `{"source":{"table":"t"},"filters":` + strings.Repeat(`{"k":"call","f":"not","a":[`, 2000) + `"x"` + strings.Repeat(`]}`, 2000) + `}`
	list := `{"source":{"table":"t"},"filters":{"k":"call","f":"in","a":["x",{"k":"list","a":[` + strings.Repeat(`{"k":"lit","v":1},`, 1_000_000) + `1]}]}}`
	keys := `{"source":{"table":"t"},"x":{` + strings.Repeat(`"a":1,`, 30_000) + `"b":1}}`
	nested := strings.Repeat(`{"source":{"query":`, 40) + `{}` + strings.Repeat(`}}`, 40)
	for _, tt := range []struct {
		name, json, code, message string
		limits                    StrictLimits
	}{
		{"2,000 levels", deep, CodeLimit, "at most 256 levels", StrictLimits{}},
		{"2,000 levels, deeper documents allowed", deep, CodeLimit, "at most 100 levels", StrictLimits{MaxDepth: 10_000}},
		{"a million brackets", strings.Repeat("[", 1_000_000), CodeLimit, "at most 256 levels", StrictLimits{}},
		{"a million elements", list, CodeLimit, "at most 1048576", StrictLimits{}},
		{"a million elements, larger documents allowed", list, CodeLimit, "$.filters.a[1].a: the list is too long; at most 10000", StrictLimits{MaxBytes: 1 << 30}},
		{"many keys", keys, CodeLimit, "$.x: the list is too long", StrictLimits{}},
		{"nested queries", nested, CodeLimit, "nested too deeply; at most 8", StrictLimits{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := DecodeQuery([]byte(tt.json), DecodeOptions{Limits: tt.limits})
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.Equal(t, tt.code, problems[len(problems)-1].Code)
			require.Contains(t, err.Error(), tt.message)
			require.Less(t, len(err.Error()), 4000)
			require.Less(t, time.Since(start), 2*time.Second)
		})
	}
}

func TestDecodeLimitsExpressionDepthExactly(t *testing.T) {
	tree := func(levels int) []byte {
		return []byte(strings.Repeat(`{"k":"call","f":"not","a":[`, levels-1) + `{"k":"col","id":"x"}` + strings.Repeat(`]}`, levels-1))
	}
	_, err := DecodeExpr(tree(MaxExprDepth), DecodeOptions{})
	require.NoError(t, err)
	_, err = DecodeExpr(tree(MaxExprDepth+1), DecodeOptions{})
	requireProblem(t, err, "$"+strings.Repeat(".a[0]", MaxExprDepth), CodeLimit, "100 levels")
}

func TestEncodeDecodeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := genQuery(2).Draw(t, "query")
		data := EncodeQuery(q)
		if !json.Valid(data) {
			t.Fatalf("invalid JSON: %s", data)
		}
		back, err := DecodeQuery(data, DecodeOptions{})
		if err != nil {
			t.Fatalf("decode %s: %v", data, err)
		}
		if !reflect.DeepEqual(q, back) {
			t.Fatalf("another query:\n%s\n%s", Format(q), Format(back))
		}
		if again := EncodeQuery(back); !bytes.Equal(data, again) {
			t.Fatalf("another text:\n%s\n%s", data, again)
		}
		if QueryHash(q) != QueryHash(back) {
			t.Fatal("another hash")
		}
	})
}

func TestQueryHash(t *testing.T) {
	a, b := orders().Sort("total").Query(), orders().Sort("-total").Query()
	require.NotEqual(t, QueryHash(a), QueryHash(b))
	b = orders().Sort("total").Limit(5).Query()
	b.Count = CountExact
	require.Equal(t, QueryHash(a), QueryHash(b), "the page is not part of it")
}

func TestProblemIsAnErrorOfItsOwn(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", Problem{Path: "$.x", Code: CodeSyntax, Message: "no", From: 1, To: 2})
	var p Problem
	require.True(t, errors.As(err, &p))
	require.Equal(t, "$.x 1-2: no (syntax)", p.Error())
}
