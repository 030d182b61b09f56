package formula

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/livetables/livetables/lqp"
)

// Program is an expression compiled for many rows. It answers exactly what [lqp.Eval] answers for the expression, faster
// and, for arithmetic, comparisons and logic on numbers and for equality of texts, without allocating. A Program is
// immutable and safe for concurrent use; it keeps the expression's constants alive and nothing of the rows.
type Program struct {
	value   valueFunc
	truth   truthFunc
	working bool // it has functions that count their work or borrow slices
}

// Eval is the value of the expression on a row, laid out as [lqp.Resolve] was told. It is total: there are no errors,
// a row that is too short has NULLs where it ends, and
// more work with texts than [lqp.MaxWork] allows is NULL.
func (p *Program) Eval(row []lqp.Value) lqp.Value {
	if !p.working {
		return p.value(nil, row)
	}
	w := works.Get().(*lqp.Work)
	defer works.Put(w)
	w.Reset()
	if v := p.value(w, row); !w.Over() {
		return v
	}
	return lqp.NullValue
}

// True reports whether the expression is TRUE on a row, the question of every filter. NULL is not TRUE.
func (p *Program) True(row []lqp.Value) bool {
	if !p.working {
		return p.truth(nil, row)
	}
	w := works.Get().(*lqp.Work)
	defer works.Put(w)
	w.Reset()
	return p.truth(w, row) && !w.Over()
}

// works lends out what programs work with on one row: a new one each time would be the only allocation of many.
var works = sync.Pool{New: func() any { return new(lqp.Work) }}

// Closures take what counts the work of the row, nil in programs that do not need it, and the row.
type (
	valueFunc func(w *lqp.Work, row []lqp.Value) lqp.Value
	truthFunc func(w *lqp.Work, row []lqp.Value) bool
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
		return &Program{value: constant(lqp.BoolValue(true)), truth: func(*lqp.Work, []lqp.Value) bool { return true }}, nil
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
	k := &compiler{values: map[*lqp.Call]valueFunc{}}
	p := &Program{value: k.compileValue(e), truth: k.compileTruth(e)}
	p.working = k.working
	return p, nil
}

// compiler makes the closures of one program.
type compiler struct {
	// values are the closures of the calls compiled so far. The two paths of arithmetic share what is below them: each
	// making its own would double the closures at every change between arithmetic and other functions.
	values  map[*lqp.Call]valueFunc
	working bool
}

func constant(v lqp.Value) valueFunc { return func(*lqp.Work, []lqp.Value) lqp.Value { return v } }

// compileValue makes the closure for any expression.
func (k *compiler) compileValue(e lqp.Expr) valueFunc {
	switch e := e.(type) {
	case *lqp.Lit:
		return constant(e.Val)
	case *lqp.Col:
		slot := e.Slot()
		return func(w *lqp.Work, row []lqp.Value) lqp.Value {
			if slot < len(row) {
				return row[slot]
			}
			return lqp.NullValue
		}
	case *lqp.ListLit:
		return constant(lqp.Eval(e, nil))
	case *lqp.Call:
		f, ok := k.values[e]
		if !ok {
			f = asDeclared(e, k.compileCall(e))
			k.values[e] = f
		}
		return f
	}
	return constant(lqp.NullValue)
}

// asDeclared gives a call whose type is float a float even where the branch taken was a number.
func asDeclared(c *lqp.Call, f valueFunc) valueFunc {
	if c.Type().Kind != lqp.Float {
		return f
	}
	return func(w *lqp.Work, row []lqp.Value) lqp.Value {
		v := f(w, row)
		if v.Kind() == lqp.Number {
			return lqp.FloatValue(v.Float())
		}
		return v
	}
}

func (k *compiler) compileCall(c *lqp.Call) valueFunc {
	if t := k.compilePredicate(c); t != nil {
		return func(w *lqp.Work, row []lqp.Value) lqp.Value { return lqp.BoolValue(t(w, row)) }
	}
	if isArithmetic(c) {
		return k.compileArithmetic(c)
	}
	if f := k.compileBranches(c); f != nil {
		return f
	}
	f, zone := c.Function(), c.Zone()
	args := make([]operandFunc, len(c.Args))
	for i, a := range c.Args {
		args[i] = k.compileOperand(a)
	}
	if f.Metered() || !f.Direct(len(args)) {
		k.working = true
		return workingCall(f, zone, args)
	}
	a := args[0]
	if len(args) == 1 {
		return func(w *lqp.Work, row []lqp.Value) lqp.Value { return f.Eval1(zone, a.value(w, row)) }
	}
	b := args[1]
	return func(w *lqp.Work, row []lqp.Value) lqp.Value {
		return f.Eval2(zone, a.value(w, row), b.value(w, row))
	}
}

// workingCall makes the closure of a function that counts its work or needs a slice for its arguments.
func workingCall(f *lqp.Function, zone *time.Location, args []operandFunc) valueFunc {
	switch {
	case !f.Direct(len(args)):
	case len(args) == 1:
		a := args[0]
		return func(w *lqp.Work, row []lqp.Value) lqp.Value { return f.EvalWork1(w, zone, a.value(w, row)) }
	default:
		a, b := args[0], args[1]
		return func(w *lqp.Work, row []lqp.Value) lqp.Value {
			return f.EvalWork2(w, zone, a.value(w, row), b.value(w, row))
		}
	}
	metered := f.Metered()
	return func(w *lqp.Work, row []lqp.Value) (v lqp.Value) {
		values := w.Args(len(args))
		for i := range args {
			values[i] = args[i].value(w, row)
		}
		if metered {
			v = f.EvalWork(w, zone, values)
		} else {
			v = f.Eval(zone, values)
		}
		w.Drop(values)
		return v
	}
}

// operandFunc is an argument of a call. Columns, the most common ones, are read without a call of a closure.
type operandFunc struct {
	slot int // -1 when it is no column
	f    valueFunc
}

func (k *compiler) compileOperand(e lqp.Expr) operandFunc { return operandOf(e, k.compileValue) }

func operandOf(e lqp.Expr, compile func(lqp.Expr) valueFunc) operandFunc {
	o := operandFunc{slot: -1, f: compile(e)}
	if c, ok := e.(*lqp.Col); ok {
		o.slot = c.Slot()
	}
	return o
}

func (o *operandFunc) value(w *lqp.Work, row []lqp.Value) lqp.Value {
	if uint(o.slot) < uint(len(row)) {
		return row[o.slot]
	}
	return o.f(w, row)
}
