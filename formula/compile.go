package formula

import (
	"errors"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// Program is an expression compiled for many rows. It answers exactly what [lqp.Eval] answers for the expression, faster
// and, for arithmetic, comparisons and logic on numbers and for equality of texts, without allocating. A Program is
// immutable and safe for concurrent use; it keeps the expression's constants alive and nothing of the rows.
type Program struct {
	value valueFunc
	truth truthFunc
}

// Eval is the value of the expression on a row, laid out as [lqp.Resolve] was told. It is total: there are no errors,
// and a row that is too short has NULLs where it ends.
func (p *Program) Eval(row []lqp.Value) lqp.Value { return p.value(row) }

// True reports whether the expression is TRUE on a row, the question of every filter. NULL is not TRUE.
func (p *Program) True(row []lqp.Value) bool { return p.truth(row) }

type (
	valueFunc func(row []lqp.Value) lqp.Value
	truthFunc func(row []lqp.Value) bool
)

// The reasons why an expression cannot be compiled, wrapped with the part they concern.
var (
	ErrUnresolved = errors.New("column without a place in the row")
	ErrUnbound    = errors.New("parameter without a value")
	ErrFunction   = errors.New("unknown function")
)

// Compile prepares a bound and resolved expression. It refuses what [lqp.Eval] would silently answer with NULL because
// binding or resolving was forgotten: the error wraps [ErrUnresolved], [ErrUnbound] or [ErrFunction]. A nil expression is
// the condition that every row meets.
func Compile(e lqp.Expr) (*Program, error) {
	if e == nil {
		return &Program{value: constant(lqp.BoolValue(true)), truth: func([]lqp.Value) bool { return true }}, nil
	}
	var failed error
	lqp.Walk(e, func(n lqp.Expr) bool {
		switch n := n.(type) {
		case *lqp.Col:
			if n.Slot() < 0 {
				failed = fmt.Errorf("compile %s: %w", lqp.FormatExpr(n), ErrUnresolved)
			}
		case *lqp.Param:
			failed = fmt.Errorf("compile %s: %w", lqp.FormatExpr(n), ErrUnbound)
		case *lqp.Call:
			if n.Function() == nil {
				failed = fmt.Errorf("compile %s: %w", n.Func, ErrFunction)
			}
		}
		return failed == nil
	})
	if failed != nil {
		return nil, failed
	}
	return &Program{value: compileValue(e), truth: compileTruth(e)}, nil
}

func constant(v lqp.Value) valueFunc { return func([]lqp.Value) lqp.Value { return v } }

// compileValue makes the closure for any expression.
func compileValue(e lqp.Expr) valueFunc {
	switch e := e.(type) {
	case *lqp.Lit:
		return constant(e.Val)
	case *lqp.Col:
		slot := e.Slot()
		return func(row []lqp.Value) lqp.Value {
			if slot < len(row) {
				return row[slot]
			}
			return lqp.NullValue
		}
	case *lqp.ListLit:
		return constant(lqp.Eval(e, nil))
	case *lqp.Call:
		return asDeclared(e, compileCall(e))
	}
	return constant(lqp.NullValue)
}

// asDeclared gives a call whose type is float a float even where the branch taken was a number.
func asDeclared(c *lqp.Call, f valueFunc) valueFunc {
	if c.Type().Kind != lqp.Float {
		return f
	}
	return func(row []lqp.Value) lqp.Value {
		v := f(row)
		if v.Kind() == lqp.Number {
			return lqp.FloatValue(v.Float())
		}
		return v
	}
}

func compileCall(c *lqp.Call) valueFunc {
	if t := compilePredicate(c); t != nil {
		return func(row []lqp.Value) lqp.Value { return lqp.BoolValue(t(row)) }
	}
	if isArithmetic(c) {
		return compileArithmetic(c)
	}
	if f := compileBranches(c); f != nil {
		return f
	}
	f, zone := c.Function(), c.Zone()
	args := make([]operandFunc, len(c.Args))
	for i, a := range c.Args {
		args[i] = compileOperand(a)
	}
	switch len(args) {
	case 1:
		a := args[0]
		return func(row []lqp.Value) lqp.Value { return f.Eval1(zone, a.value(row)) }
	case 2:
		a, b := args[0], args[1]
		return func(row []lqp.Value) lqp.Value { return f.Eval2(zone, a.value(row), b.value(row)) }
	}
	return func(row []lqp.Value) lqp.Value {
		// A fresh slice, because functions may keep their arguments as the elements of a list.
		values := make([]lqp.Value, len(args))
		for i := range args {
			values[i] = args[i].value(row)
		}
		return f.Eval(zone, values)
	}
}

// operandFunc is an argument of a call. Columns, the most common ones, are read without a call of a closure.
type operandFunc struct {
	slot int // -1 when it is no column
	f    valueFunc
}

func compileOperand(e lqp.Expr) operandFunc { return operandOf(e, compileValue) }

func operandOf(e lqp.Expr, compile func(lqp.Expr) valueFunc) operandFunc {
	o := operandFunc{slot: -1, f: compile(e)}
	if c, ok := e.(*lqp.Col); ok {
		o.slot = c.Slot()
	}
	return o
}

func (o *operandFunc) value(row []lqp.Value) lqp.Value {
	if uint(o.slot) < uint(len(row)) {
		return row[o.slot]
	}
	return o.f(row)
}
