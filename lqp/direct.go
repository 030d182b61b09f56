package lqp

import "time"

// Slot is the column's place in the rows of [Eval], counting from 0; -1 before [Resolve].
func (e *Col) Slot() int { return e.slot - 1 }

// Function is the catalogue's entry for the call, nil when there is none.
func (e *Call) Function() *Function {
	if e.fn != nil && e.fn.Name == e.Func {
		return e.fn
	}
	return functionsByName[e.Func]
}

// Eval1 is [Function.Eval] of one argument, without the slice where the function allows it.
func (f *Function) Eval1(zone *time.Location, a Value) Value {
	if f.f1 == nil {
		return f.Eval(zone, []Value{a})
	}
	if a.kind == Null && !f.nulls {
		return Value{}
	}
	return f.f1(zone, a)
}

// Eval2 is [Function.Eval] of two arguments, without the slice where the function allows it.
func (f *Function) Eval2(zone *time.Location, a, b Value) Value {
	if f.f2 == nil {
		return f.Eval(zone, []Value{a, b})
	}
	if (a.kind == Null || b.kind == Null) && !f.nulls {
		return Value{}
	}
	return f.f2(zone, a, b)
}
