package lqp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func col(t Type) Expr { return TypedRef("", "c", t) }

func TestResultTypes(t *testing.T) {
	money := Type{Kind: Number, Precision: 12, Scale: 2, NotNull: true}
	int64s := Type{Kind: Number, Precision: 19, NotNull: true}
	name := Type{Kind: Text, MaxLen: 40, ASCII: true, NotNull: true}
	float := Type{Kind: Float}
	tests := []struct {
		name string
		fn   string
		args []Expr
		want Type
	}{
		{"sum of money", "add", []Expr{col(money), col(money)}, Type{Kind: Number, Precision: 13, Scale: 2, NotNull: true}},
		{"product of money", "mul", []Expr{col(money), col(money)}, Type{Kind: Number, Precision: 24, Scale: 4, NotNull: true}},
		{"sum of 64-bit integers is none", "add", []Expr{col(int64s), col(int64s)}, Type{Kind: Number, Precision: 20, NotNull: true}},
		{"sum of 18-digit integers is none", "add", []Expr{col(wholeType(18)), col(wholeType(18))}, Type{Kind: Number, Precision: 20}},
		{"may overflow, may be NULL", "mul", []Expr{col(int64s), col(int64s)}, Type{Kind: Number, Precision: 20}},
		{"division", "div", []Expr{col(money), col(money)}, Type{Kind: Number}},
		{"mixed", "add", []Expr{col(money), col(float)}, float},
		{"unknown facets", "add", []Expr{col(Type{Kind: Number}), col(money)}, Type{Kind: Number}},
		{"comparison", "gt", []Expr{col(money), col(float)}, boolType},
		{"date with datetime", "eq", []Expr{col(Type{Kind: Date}), col(Type{Kind: DateTime})}, boolType},
		{"with NULL", "eq", []Expr{col(Type{Kind: List, Elem: Text}), Literal(null)}, boolType},
		{"branches", "if", []Expr{col(boolType), col(name), Literal(txt("né"))}, Type{Kind: Text, MaxLen: 40, NotNull: true}},
		{"missing branch", "if", []Expr{col(boolType), col(name)}, name.Nullable()},
		{"NULL branch first", "if", []Expr{col(boolType), Literal(null), col(name)}, name.Nullable()},
		{"mixed branches", "if", []Expr{col(boolType), col(money), col(float)}, float},
		{"coalesce", "coalesce", []Expr{col(name.Nullable()), Literal(txt("x"))}, name},
		{"coalesce of NULLs", "coalesce", []Expr{Literal(null)}, Type{}},
		{"switch without fallback", "switch", []Expr{col(name), Literal(txt("a")), Literal(yes)}, Type{Kind: Bool}},
		{"zn", "zn", []Expr{col(money.Nullable())}, money},
		{"left keeps facets", "left", []Expr{col(name), Literal(num("3"))}, name},
		{"concat", "concat", []Expr{col(name), Literal(txt("-")), col(money)}, Type{Kind: Text, MaxLen: 73, ASCII: true, NotNull: true}},
		{"concat of unknown length", "concat", []Expr{col(Type{Kind: Text}), col(name)}, Type{Kind: Text}},
		{"round to whole", "round", []Expr{col(money)}, Type{Kind: Number, Precision: 11, NotNull: true}},
		{"dateadd on date", "dateadd", []Expr{col(Type{Kind: Date, NotNull: true}), Literal(num("1")), Literal(txt("day"))}, Type{Kind: Date}},
		{"in list", "in", []Expr{col(money), NewList(Literal(num("1")), Literal(num("2")))}, boolType},
		{"scale beyond ten", "neg", []Expr{col(Type{Kind: Number, Precision: 30, Scale: 15})}, Type{Kind: Number, Precision: 30, Scale: 15}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, ok := LookupFunction(test.fn)
			require.True(t, ok)
			got, argErr := f.Check(test.args)
			require.Nil(t, argErr)
			require.Equal(t, test.want, got)
			require.Equal(t, got, NewCall(test.fn, test.args...).Type())
		})
	}
}

func TestArgumentErrors(t *testing.T) {
	text, number, date, flag := col(Type{Kind: Text}), col(Type{Kind: Number}), col(Type{Kind: Date}), col(boolType)
	tests := []struct {
		fn   string
		args []Expr
		want string
	}{
		{"add", []Expr{number, text}, "argument 2: want number or float, got text"},
		{"add", []Expr{number}, "want 2 arguments, got 1"},
		{"round", []Expr{number, number, number}, "want 1 to 2 arguments, got 3"},
		{"not", nil, "want 1 argument, got 0"},
		{"and", nil, "want at least 1 argument, got 0"},
		{"ifs", []Expr{flag}, "want at least 2 arguments, got 1"},
		{"true", []Expr{flag}, "want 0 arguments, got 1"},
		{"and", []Expr{flag, number}, "argument 2: want bool, got number"},
		{"eq", []Expr{date, text}, "argument 2: want date, got text"},
		{"eq", []Expr{col(Type{Kind: JSON}), text}, "argument 1: want a value, got json"},
		{"lt", []Expr{col(Type{Kind: List, Elem: Text}), text}, "argument 1: want a single value, got list<text>"},
		{"in", []Expr{number, NewList(Literal(txt("a")))}, "argument 2: want number, got text"},
		{"between", []Expr{number, number, date}, "argument 3: want number, got date"},
		{"if", []Expr{flag, number, text}, "argument 3: want number, got text"},
		{"ifs", []Expr{flag, number, number, number}, "argument 3: want bool, got number"},
		{"ifs", []Expr{flag, number, flag}, "want a value behind every condition, got a condition alone at the end"},
		{"switch", []Expr{text, number, text}, "argument 2: want text, got number"},
		{"switch", []Expr{text, text, number, text, date}, "argument 5: want number, got date"},
		{"coalesce", []Expr{date, col(Type{Kind: DateTime})}, "argument 2: want date, got datetime"},
		{"has", []Expr{col(Type{Kind: List, Elem: Text}), number}, "argument 2: want text, got number"},
		{"dateadd", []Expr{date, number, text}, "argument 3: want a text literal naming a unit of time, got an expression"},
		{"dateadd", []Expr{date, number, Literal(txt("moon"))}, `argument 3: want one of ` + unitList + `, got "moon"`},
		{"dateadd", []Expr{date, number, Literal(txt("hours"))}, `argument 3: want day or longer for a date (to_datetime gives it a time), got "hours"`},
	}
	for _, test := range tests {
		f, ok := LookupFunction(test.fn)
		require.True(t, ok, test.fn)
		_, argErr := f.Check(test.args)
		require.NotNil(t, argErr, test.want)
		require.Equal(t, test.want, argErr.Error())
	}
}

func TestCatalogueIsComplete(t *testing.T) {
	for _, f := range Functions() {
		require.Equal(t, strings.ToLower(f.Name), f.Name)
		require.NotEmpty(t, f.Doc, f.Name)
		require.NotEmpty(t, f.Example, f.Name)
		require.NotEmpty(t, f.Category, f.Name)
		require.NotEmpty(t, f.Gives, "%s: the example needs an answer", f.Name)
		require.NotNil(t, f.result, f.Name)
		optional := false
		for i, p := range f.Params {
			require.NotEmpty(t, p.Name, f.Name)
			require.NotEmpty(t, p.Kinds, f.Name)
			require.False(t, optional && !p.Optional, "%s: a required parameter behind an optional one", f.Name)
			require.False(t, p.Variadic && i != len(f.Params)-1, f.Name)
			optional = optional || p.Optional
		}
		for _, alias := range f.Aliases {
			same, ok := LookupFunction(alias)
			require.True(t, ok && same == f, alias)
		}
	}
	for _, f := range Aggregates() {
		require.NotEmpty(t, f.Doc, f.Name)
		require.NotEmpty(t, f.Example, f.Name)
		require.NotEmpty(t, f.Gives, f.Name)
		same, ok := LookupAggregate(f.Name)
		require.True(t, ok && same == f, f.Name)
	}
	require.Len(t, Aggregates(), 30)
	_, ok := LookupFunction("no_such")
	require.False(t, ok)
	_, ok = LookupAggregate("no_such")
	require.False(t, ok)
}
