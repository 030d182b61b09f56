package lqp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Function is one entry of the catalogue of row functions. Operators are functions too. Functions are total: they answer
// every argument with a value, NULL where there is no better one, and never panic. A Function is immutable.
type Function struct {
	Name     string   // lower case, as it stands in plans
	Aliases  []string // other names accepted by LookupFunction
	Category string   // "operator", "logic", "math", "text", "conversion", "date" or "list"
	Params   []Parameter
	Doc      string // one sentence for people
	Example  string // a call in the formula language
	Gives    string // what Example answers, as canonical text; "NULL" for NULL
	// Zoned says that the answer may depend on the plan's time zone, see InZone.
	Zoned bool
	// Lazy says that Eval of a call evaluates only the arguments that matter. This saves time, it changes no answer.
	Lazy bool
	// nulls says that NULL arguments reach the implementation; otherwise any of them makes the answer NULL.
	nulls   bool
	metered bool // see Metered
	weight  int  // of a byte that it reads, as work
	result  func(args []Type) (Type, *ArgError)
	// One of these is set: f1 and f2 spare the two common shapes an argument slice.
	f1 func(z *time.Location, a Value) Value
	f2 func(z *time.Location, a, b Value) Value
	fn func(z *time.Location, args []Value) Value
}

// Parameter describes one parameter of a function.
type Parameter struct {
	Name string
	// Kinds lists the kinds of values that are accepted; NULL always is.
	Kinds    []Kind
	Optional bool
	Variadic bool // the last parameter, one or more times (none or more when Optional)
	// Units says that the argument must be a text literal naming a unit of time.
	Units bool
	// Pattern says that the argument must be a text literal that is a regular expression, see [CheckPattern].
	Pattern bool
	// Format says that the argument must be a text literal made of the tokens of datetime_format.
	Format bool
	// Zone says that the argument must be a text literal naming a time zone of the IANA database.
	Zone bool
	// Choices are the words of which the argument, a text literal, must be one, in any case; empty for any argument.
	Choices []string
}

// Constant reports whether the argument must be a text literal of a certain form, which [Function.Check] looks at.
func (p Parameter) Constant() bool {
	return p.Units || p.Pattern || p.Format || p.Zone || len(p.Choices) > 0
}

// ArgError says which argument of a call is wrong. Arg counts from 0 and is -1 when the count of arguments is wrong.
type ArgError struct {
	Arg       int
	Want, Got string
}

// Error describes the mistake for people: "argument 2: want number, got text".
func (e *ArgError) Error() string {
	if e.Arg < 0 {
		return "want " + e.Want + ", got " + e.Got
	}
	return "argument " + strconv.Itoa(e.Arg+1) + ": want " + e.Want + ", got " + e.Got
}

// Accepts reports whether an argument of type t fits the parameter. The literal NULL fits everywhere.
func (p Parameter) Accepts(t Type) bool { return t.Kind == Null || slices.Contains(p.Kinds, t.Kind) }

func (p Parameter) want() string {
	switch {
	case p.Constant():
		return p.constantName()
	case len(p.Kinds) == len(scalarKinds):
		return "a single value"
	case len(p.Kinds) > len(scalarKinds):
		return "a value"
	}
	names := make([]string, len(p.Kinds))
	for i, k := range p.Kinds {
		names[i] = k.String()
	}
	return strings.Join(names, " or ")
}

// MinArgs is the least count of arguments.
func (f *Function) MinArgs() int {
	n := 0
	for _, p := range f.Params {
		if !p.Optional {
			n++
		}
	}
	return n
}

// MaxArgs is the largest count of arguments, -1 for any.
func (f *Function) MaxArgs() int {
	if n := len(f.Params); n > 0 && f.Params[n-1].Variadic {
		return -1
	}
	return len(f.Params)
}

// Param is the parameter that argument i belongs to, the last one for all further arguments.
func (f *Function) Param(i int) Parameter { return f.Params[min(i, len(f.Params)-1)] }

// Result is the type of a call with arguments of these types, or the first argument that does not fit. It cannot see
// what [Function.Check] sees in literals.
func (f *Function) Result(args []Type) (Type, *ArgError) {
	if least, most := f.MinArgs(), f.MaxArgs(); len(args) < least || most >= 0 && len(args) > most {
		return Type{}, &ArgError{Arg: -1, Want: wantCount(least, most), Got: strconv.Itoa(len(args))}
	}
	for i, t := range args {
		if p := f.Param(i); !p.Accepts(t) {
			return Type{}, &ArgError{Arg: i, Want: p.want(), Got: t.String()}
		}
	}
	t, err := f.result(args)
	if err != nil {
		return Type{}, err
	}
	return t, nil
}

func wantCount(least, most int) string {
	noun := "arguments"
	if most == 1 || most < 0 && least == 1 {
		noun = "argument"
	}
	switch {
	case most < 0:
		return fmt.Sprintf("at least %d %s", least, noun)
	case least == most:
		return fmt.Sprintf("%d %s", least, noun)
	}
	return fmt.Sprintf("%d to %d %s", least, most, noun)
}

// Check is the type of a call with these arguments, whose own types are known, or the first argument that is wrong. On
// top of [Function.Result] it knows what must be a literal, such as a unit of time.
func (f *Function) Check(args []Expr) (Type, *ArgError) {
	types := make([]Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
	}
	t, err := f.Result(types)
	if err != nil {
		return Type{}, err
	}
	for i, a := range args {
		if p := f.Param(i); p.Constant() {
			if err := f.checkConstant(p, i, a, types); err != nil {
				return Type{}, err
			}
		}
	}
	return t, nil
}

// Eval applies the function to evaluated arguments, as many as [Function.Result] allows; zone nil is UTC. The caller
// owes converting a Number to a Float where the call's type is Float, a branch of another kind (see [Value.As]); the
// function Eval does.
func (f *Function) Eval(zone *time.Location, args []Value) Value {
	if !f.nulls {
		for _, a := range args {
			if a.kind == Null {
				return Value{}
			}
		}
	}
	switch {
	case f.f1 != nil && len(args) == 1:
		return f.f1(zone, args[0])
	case f.f2 != nil && len(args) == 2:
		return f.f2(zone, args[0], args[1])
	case f.fn != nil && len(args) >= f.MinArgs():
		return f.fn(zone, args)
	}
	return Value{}
}

// catalogue is the one table of row functions, in the order in which documentation shows them.
var catalogue = slices.Concat(operatorFunctions, logicFunctions,
	mathFunctions, roundingFunctions, exponentialFunctions, manyFunctions,
	textFunctions, searchFunctions, textPartFunctions, regexFunctions,
	conversionFunctions,
	dateFunctions, calendarFunctions, workdayFunctions, dateTextFunctions, zoneFunctions,
	listFunctions, arrayFunctions)

var functionsByName = func() map[string]*Function {
	m := make(map[string]*Function, 2*len(catalogue))
	for _, f := range catalogue {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if m[name] != nil {
				panic("function " + name + " is in the catalogue twice")
			}
			m[name] = f
		}
	}
	return m
}()

// LookupFunction finds a row function by its lower-case name or alias.
func LookupFunction(name string) (*Function, bool) {
	f, ok := functionsByName[name]
	return f, ok
}

// Functions lists the catalogue, grouped by category.
func Functions() []*Function { return slices.Clone(catalogue) }

// The kinds that parameters accept.
var (
	numericKinds = []Kind{Number, Float}
	dateKinds    = []Kind{Date, DateTime}
	scalarKinds  = []Kind{Bool, Number, Float, Text, Date, DateTime}
	equalKinds   = []Kind{Bool, Number, Float, Text, Date, DateTime, List}
	anyKinds     = []Kind{Bool, Number, Float, Text, Date, DateTime, List, JSON, Bytes}
	textKinds    = []Kind{Text}
	boolKinds    = []Kind{Bool}
	listKinds    = []Kind{List}
)
