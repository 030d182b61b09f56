package lqp

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func recordScope() Scope {
	return Scope{
		{Alias: "o", Columns: []Column{
			{ID: "_id", Name: "_id", Type: Type{Kind: Text, NotNull: true}, Fact: FactRecordID},
			{ID: "made", Name: "made at", Type: Type{Kind: DateTime}, Fact: FactCreatedTime},
		}},
		{Alias: "c", Key: []string{"cid"}, Columns: []Column{{ID: "name", Name: "name", Type: Type{Kind: Text}}}},
	}
}

func TestRecordFunctionsAreColumns(t *testing.T) {
	scope := recordScope()
	for fn, id := range map[string]string{"record_id": "_id", "CREATED_TIME": "made"} {
		e, err := BindExpr(&Call{Func: fn, To: 11}, scope, Env{})
		require.NoError(t, err, fn)
		c, ok := e.(*Col)
		require.True(t, ok, fn)
		require.Equal(t, "o", c.Source)
		require.Equal(t, id, c.Column)
		require.NotZero(t, c.Type().Kind)
	}
}

func TestRecordFunctionProblems(t *testing.T) {
	hidden := recordScope()[1:] // its key is not among the visible columns
	both := recordScope()
	both[1].Columns = append(both[1].Columns, Column{ID: "cid", Name: "cid", Type: Type{Kind: Number}})
	tests := []struct {
		name  string
		call  *Call
		scope Scope
		code  string
		text  string
	}{
		{"no such fact", NewCall("created_by"), recordScope(), CodeUnknownFunction, "$: the source has no column that answers created_by (unknown_function)"},
		{"a hidden key is none", NewCall("record_id"), hidden, CodeUnknownFunction, "$: the source has no column that answers record_id (unknown_function)"},
		{"two sources", NewCall("record_id"), both, CodeAmbiguousColumn, "$: record_id may mean several columns; write o._id or c.cid (ambiguous_column)"},
		{"arguments", NewCall("record_id", Literal(num("1"))), recordScope(), CodeArgument, "$: record_id takes no arguments (argument)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := BindExpr(test.call, test.scope, Env{})
			var problems Problems
			require.True(t, errors.As(err, &problems))
			require.True(t, problems.Has(test.code))
			require.EqualError(t, err, test.text)
		})
	}
}

// TestRecordIDIsAKeyOfOneColumn takes the key of the source's schema where no column says that it is the id.
func TestRecordIDIsAKeyOfOneColumn(t *testing.T) {
	table := &Table{Name: "c", Key: []string{"cid"}, Columns: []Column{{ID: "cid", Name: "cid", Type: Type{Kind: Number, NotNull: true}}, {ID: "n", Name: "n", Type: Type{Kind: Text}}}}
	env := Env{Table: func(string, string) (*Table, error) { return table, nil }}
	q := &Query{From: Source{Table: "c"}, Select: []Named{{Name: "id", Expr: NewCall("record_id")}}}
	bound, err := Bind(q, env)
	require.NoError(t, err)
	require.Equal(t, "cid", bound.Select[0].Expr.(*Col).Column)
	table.Key = []string{"cid", "n"}
	_, err = Bind(q, env)
	require.ErrorContains(t, err, "no column that answers record_id")
}

// TestCallsOfTheRecordSurviveStorage is the way of a stored formula.
func TestCallsOfTheRecordSurviveStorage(t *testing.T) {
	for _, f := range RecordFunctions() {
		e := NewCall(f.Name)
		back, err := DecodeExpr(EncodeExpr(e), DecodeOptions{})
		require.NoError(t, err)
		require.True(t, EqualExpr(e, back))
		require.NotEmpty(t, f.Doc)
		require.EqualValues(t, f.Name, f.Fact)
		_, taken := LookupFunction(f.Name)
		require.False(t, taken)
	}
}
