package lqp

import "fmt"

// Resolve answers with a copy of e whose columns know their place in the rows that [Eval] will get; slot names it,
// counting from 0. Its error is returned with the column it concerns.
func Resolve(e Expr, slot func(*Col) (int, error)) (Expr, error) {
	var failed error
	r := Rewrite(e, func(n Expr) Expr {
		switch n := n.(type) {
		case *Col:
			at, err := slot(n)
			if err != nil {
				if failed == nil {
					failed = fmt.Errorf("resolve %s: %w", FormatExpr(n), err)
				}
				return n
			}
			cp := *n
			cp.slot = at + 1
			return &cp
		case *Call:
			if f, ok := LookupFunction(n.Func); ok && n.fn != f {
				cp := *n
				cp.fn = f
				return &cp
			}
		}
		return n
	})
	if failed != nil {
		return nil, failed
	}
	return r, nil
}

// Eval is the value of e on a row. It is total: whatever cannot be answered, an unresolved column or a parameter
// included, is NULL, and so is an expression that is more work with texts than [MaxWork] allows. The expression should
// come from [Resolve] and [Bind]. It is safe for concurrent use.
func Eval(e Expr, row []Value) Value {
	var w Work
	if v := eval(e, row, &w); !w.Over() {
		return v
	}
	return Value{}
}

func eval(e Expr, row []Value, w *Work) Value {
	switch e := e.(type) {
	case *Lit:
		return e.Val
	case *Col:
		if e.slot > 0 && e.slot <= len(row) {
			return row[e.slot-1]
		}
	case *Call:
		return evalCall(e, row, w)
	case *ListLit:
		items := make([]Value, len(e.Items))
		for i, it := range e.Items {
			items[i] = it.Val
		}
		return ListValue(items)
	}
	return Value{}
}

func evalCall(e *Call, row []Value, w *Work) Value {
	f := e.fn
	if f == nil || f.Name != e.Func {
		if f = functionsByName[e.Func]; f == nil {
			return Value{}
		}
	}
	var v Value
	switch {
	case f.Lazy:
		v = evalLazy(f, e, row, w)
	case f.f2 != nil && len(e.Args) == 2:
		a := eval(e.Args[0], row, w)
		if a.kind == Null && !f.nulls {
			return Value{}
		}
		b := eval(e.Args[1], row, w)
		if b.kind == Null && !f.nulls {
			return Value{}
		}
		if f.metered {
			v = f.EvalWork2(w, e.zone, a, b)
		} else {
			v = f.f2(e.zone, a, b)
		}
	case f.f1 != nil && len(e.Args) == 1:
		a := eval(e.Args[0], row, w)
		if a.kind == Null && !f.nulls {
			return Value{}
		}
		if f.metered {
			v = f.EvalWork1(w, e.zone, a)
		} else {
			v = f.f1(e.zone, a)
		}
	default:
		args := make([]Value, len(e.Args))
		for i, a := range e.Args {
			args[i] = eval(a, row, w)
		}
		if f.metered {
			v = f.EvalWork(w, e.zone, args)
		} else {
			v = f.Eval(e.zone, args)
		}
	}
	if e.typ.Kind == Float && v.kind == Number {
		return FloatValue(v.num.Float()) // a branch that was a number where another is a float
	}
	return v
}

// evalLazy evaluates the functions that need not look at all their arguments. Each answers as Function.Eval would.
func evalLazy(f *Function, e *Call, row []Value, w *Work) Value {
	args := e.Args
	switch f.Name {
	case "and":
		for _, a := range args {
			if !Truth(eval(a, row, w)) {
				return falseValue
			}
		}
		return trueValue
	case "or":
		for _, a := range args {
			if Truth(eval(a, row, w)) {
				return trueValue
			}
		}
		return falseValue
	case "if":
		if len(args) < 2 {
			return Value{}
		}
		if Truth(eval(args[0], row, w)) {
			return eval(args[1], row, w)
		}
		if len(args) > 2 {
			return eval(args[2], row, w)
		}
	case "ifs":
		for i := 0; i+1 < len(args); i += 2 {
			if Truth(eval(args[i], row, w)) {
				return eval(args[i+1], row, w)
			}
		}
	case "switch":
		if len(args) == 0 {
			return Value{}
		}
		subject := eval(args[0], row, w)
		i := 1
		for ; i+1 < len(args); i += 2 {
			if equalIn(e.zone, subject, eval(args[i], row, w)) {
				return eval(args[i+1], row, w)
			}
		}
		if i < len(args) {
			return eval(args[i], row, w)
		}
	case "coalesce":
		for _, a := range args {
			if v := eval(a, row, w); v.kind != Null {
				return v
			}
		}
	case "in":
		return evalIn(e, row, w)
	}
	return Value{}
}

// evalIn spares in(x, list literal) the list.
func evalIn(e *Call, row []Value, w *Work) Value {
	if len(e.Args) == 0 {
		return Value{}
	}
	x := eval(e.Args[0], row, w)
	for _, a := range e.Args[1:] {
		if l, ok := a.(*ListLit); ok {
			for _, it := range l.Items {
				if equalIn(e.zone, x, it.Val) {
					return trueValue
				}
			}
			continue
		}
		if v := eval(a, row, w); inValue(e.zone, x, v) {
			return trueValue
		}
	}
	return falseValue
}
