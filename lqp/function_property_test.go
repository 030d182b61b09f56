package lqp

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// conforms reports whether v keeps every promise of type t.
func conforms(t Type, v Value) bool {
	switch {
	case v.kind == Null:
		return !t.NotNull
	case v.kind != t.Kind:
		return false
	case t.Kind == Number && t.Precision > 0:
		whole, frac, _ := strings.Cut(v.num.Abs().String(), ".")
		if _, fits := v.num.Int64(); t.Integer() && !fits {
			return false
		}
		return len(frac) <= t.Scale && (whole == "0" || len(whole) <= t.Precision-t.Scale)
	case t.Kind == List:
		return len(v.Items()) <= MaxList
	case t.Kind == Text:
		n := utf8.RuneCountInString(v.str)
		return n <= MaxText && (t.MaxLen == 0 || n <= t.MaxLen) && (!t.ASCII || n == len(v.str))
	}
	return true
}

// genArgs draws literals that the function's parameters accept, one time in eight any others.
func genArgs(f *Function) *rapid.Generator[[]Expr] {
	return rapid.Custom(func(t *rapid.T) []Expr {
		most := f.MaxArgs()
		if most < 0 {
			most = f.MinArgs() + 3
		}
		n := rapid.IntRange(f.MinArgs(), most).Draw(t, "count")
		wild := rapid.IntRange(0, 7).Draw(t, "wild") == 0
		var one Kind // branches and comparisons often want the same kind again
		args := make([]Expr, n)
		for i := range args {
			p := f.Param(i)
			kinds := p.Kinds
			if wild {
				kinds = anyKinds
			}
			k := rapid.SampledFrom(kinds).Draw(t, "kind")
			if i > 0 && len(kinds) > 2 && rapid.IntRange(0, 3).Draw(t, "again") > 0 {
				k = one
			}
			one = k
			v := genValue(k).Draw(t, "value")
			if p.Constant() && !wild {
				v = TextValue(rapid.SampledFrom(constants(p)).Draw(t, "constant"))
			}
			args[i] = Literal(v)
			if v.kind == Null && k != Null {
				args[i] = TypedNull(Type{Kind: k, Elem: Text})
			}
		}
		return args
	})
}

// constants are texts that a parameter which takes literals only accepts.
func constants(p Parameter) []string {
	switch {
	case p.Units:
		return []string{"day", "Weeks", "MONTH", "quarter", "years", "hour", "minutes", "second", "millisecond"}
	case p.Pattern:
		return []string{"", "a", "[a-z]+", "^.", "(é|.)$", `\w*?`, "(?i)A(b)?", `\b`}
	case p.Format:
		return []string{"YYYY-MM-DD", "D.M.YY HH:mm", "[é] dddd MMMM YYYY h:mm:ss.SSS A", "YYYY"}
	}
	if p.Zone {
		return []string{"UTC", "Asia/Tokyo", "America/St_Johns", "Pacific/Apia"}
	}
	return p.Choices
}

func TestFunctionsKeepTheirTypes(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Functions() {
		t.Run(f.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				var args []Expr
				if len(f.Params) > 0 {
					args = genArgs(f).Draw(t, "args")
				} else {
					rapid.Bool().Draw(t, "nothing")
				}
				values := make([]Value, len(args))
				for i, a := range args {
					values[i] = a.(*Lit).Val
				}
				var z *time.Location
				if rapid.Bool().Draw(t, "zone") {
					z = zone
				}
				v := f.Eval(z, values) // total, whatever the arguments are
				typ, argErr := f.Check(args)
				if argErr != nil {
					return
				}
				call := &Call{Func: f.Name, Args: args, typ: typ, zone: z}
				if got := v.As(typ.Kind); !conforms(typ, got) {
					t.Fatalf("%s is %s %v, its type %+v", FormatExpr(call), got.kind, got, typ)
				}
				if got := Eval(call, nil); !Equal(got, v.As(typ.Kind)) || got.kind != v.As(typ.Kind).kind {
					t.Fatalf("%s: Eval answers %v, Function.Eval %v", FormatExpr(call), got, v)
				}
				if !f.nulls {
					for _, a := range values {
						if a.kind == Null && v.kind != Null {
							t.Fatalf("%s answers %v to NULL", FormatExpr(call), v)
						}
					}
				}
			})
		})
	}
}

func TestFunctionsAreTotal(t *testing.T) {
	all := Functions()
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(all).Draw(t, "function")
		values := rapid.SliceOfN(genAny(), 0, 6).Draw(t, "values")
		f.Eval(nil, values)
		args := make([]Expr, len(values))
		for i, v := range values {
			args[i] = Literal(v)
		}
		Eval(&Call{Func: f.Name, Args: args}, nil)
		Eval(NewCall(f.Name, args...), nil)
	})
}

func TestPredicatesAreTwoValued(t *testing.T) {
	for _, f := range Functions() {
		if len(f.Params) == 0 {
			continue
		}
		types := make([]Type, f.MinArgs())
		args := make([]Value, len(types))
		if typ, err := f.Result(types); err == nil && typ == boolType {
			if v := f.Eval(nil, args); v.kind != Bool {
				t.Errorf("%s answers %v to NULL", f.Name, v)
			}
		}
	}
}

func TestAggregatesAreTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(Aggregates()).Draw(t, "function")
		column, kind := genValue(Number), Number
		if f.Kinds != nil {
			kind = rapid.SampledFrom(f.Kinds).Draw(t, "kind")
			column = genValue(kind)
		}
		typ, argErr := f.Result(Type{Kind: kind, Elem: Text})
		if argErr != nil {
			t.Fatal(argErr)
		}
		acc := f.NewAccumulator(Type{Kind: kind})
		for _, v := range rapid.SliceOfN(column, 0, 10).Draw(t, "values") {
			acc.Add(v)
		}
		if v := acc.Result(); !conforms(typ, v) {
			t.Fatalf("%s is %s %v, its type %+v", f.Name, v.kind, v, typ)
		}
		f.NewAccumulator(Type{}).Add(genAny().Draw(t, "any"))
	})
}
