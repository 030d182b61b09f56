package formula

import (
	"time"

	"github.com/livetables/livetables/lqp"
)

// compileTruth makes the closure that answers whether an expression is TRUE. Predicates never box their answer.
func (k *compiler) compileTruth(e lqp.Expr) truthFunc {
	switch e := e.(type) {
	case *lqp.Lit:
		t := lqp.Truth(e.Val)
		return func(*lqp.Work, []lqp.Value) bool { return t }
	case *lqp.Col:
		slot := e.Slot()
		return func(w *lqp.Work, row []lqp.Value) bool { return slot < len(row) && lqp.Truth(row[slot]) }
	case *lqp.Call:
		if t := k.compilePredicate(e); t != nil {
			return t
		}
	}
	f := k.compileValue(e)
	return func(w *lqp.Work, row []lqp.Value) bool { return lqp.Truth(f(w, row)) }
}

// compilePredicate makes the closure of a function that answers TRUE or FALSE and never NULL, nil for any other one.
func (k *compiler) compilePredicate(c *lqp.Call) truthFunc {
	switch name := c.Function().Name; {
	case name == "and":
		return k.compileAnd(c.Args)
	case name == "or":
		return k.compileOr(c.Args)
	case name == "not" && len(c.Args) == 1:
		a := k.compileTruth(c.Args[0])
		return func(w *lqp.Work, row []lqp.Value) bool { return !a(w, row) }
	case name == "in":
		return k.compileIn(c)
	case len(c.Args) == 2:
		return k.compileComparison(c)
	}
	return nil
}

func (k *compiler) compileAnd(exprs []lqp.Expr) truthFunc {
	args := k.compileTruths(exprs)
	if len(args) == 2 {
		a, b := args[0], args[1]
		return func(w *lqp.Work, row []lqp.Value) bool { return a(w, row) && b(w, row) }
	}
	return func(w *lqp.Work, row []lqp.Value) bool {
		for _, a := range args {
			if !a(w, row) {
				return false
			}
		}
		return true
	}
}

func (k *compiler) compileOr(exprs []lqp.Expr) truthFunc {
	args := k.compileTruths(exprs)
	if len(args) == 2 {
		a, b := args[0], args[1]
		return func(w *lqp.Work, row []lqp.Value) bool { return a(w, row) || b(w, row) }
	}
	return func(w *lqp.Work, row []lqp.Value) bool {
		for _, a := range args {
			if a(w, row) {
				return true
			}
		}
		return false
	}
}

func (k *compiler) compileTruths(exprs []lqp.Expr) []truthFunc {
	args := make([]truthFunc, len(exprs))
	for i, e := range exprs {
		args[i] = k.compileTruth(e)
	}
	return args
}

// compileIn makes the closure of a membership test in a list of constants, nil for any other right side.
func (k *compiler) compileIn(c *lqp.Call) truthFunc {
	if len(c.Args) != 2 {
		return nil
	}
	list, ok := c.Args[1].(*lqp.ListLit)
	if !ok {
		return nil
	}
	// Texts and numbers are looked up; a subject of another kind (a float among numbers, a datetime among dates) needs
	// the catalogue's idea of equality.
	var all, others []lqp.Value
	texts, numbers := map[string]bool{}, map[lqp.Decimal]bool{}
	hasNull := false
	for _, item := range list.Items {
		all = append(all, item.Val)
		switch v := item.Val; v.Kind() {
		case lqp.Null:
			hasNull = true
		case lqp.Text:
			texts[v.Text()] = true
		case lqp.Number:
			numbers[v.Decimal()] = true
		default:
			others = append(others, v)
		}
	}
	equal, _ := lqp.LookupFunction("eq")
	x, zone := k.compileOperand(c.Args[0]), c.Zone()
	return func(w *lqp.Work, row []lqp.Value) bool {
		v := x.value(w, row)
		switch {
		case v.IsNull():
			return hasNull
		case v.Kind() == lqp.Text:
			return texts[v.Text()]
		case v.Kind() == lqp.Number && len(others) == 0:
			return numbers[v.Decimal()]
		}
		for i := range all {
			if equal.Eval2(zone, v, all[i]).Bool() {
				return true
			}
		}
		return false
	}
}

// compileBranches makes the closures of the functions that need not look at all their arguments, nil for others.
func (k *compiler) compileBranches(c *lqp.Call) valueFunc {
	switch name := c.Function().Name; {
	case name == "if" && len(c.Args) >= 2:
		return k.compileIf(c.Args)
	case name == "ifs":
		return k.compileIfs(c.Args)
	case name == "switch" && len(c.Args) >= 1:
		return k.compileSwitch(c.Args, c.Zone())
	case name == "coalesce":
		args := k.compileOperands(c.Args)
		return func(w *lqp.Work, row []lqp.Value) lqp.Value {
			for i := range args {
				if v := args[i].value(w, row); !v.IsNull() {
					return v
				}
			}
			return lqp.NullValue
		}
	}
	return nil
}

func (k *compiler) compileOperands(exprs []lqp.Expr) []operandFunc {
	args := make([]operandFunc, len(exprs))
	for i, e := range exprs {
		args[i] = k.compileOperand(e)
	}
	return args
}

func (k *compiler) compileIf(exprs []lqp.Expr) valueFunc {
	condition, then, otherwise := k.compileTruth(exprs[0]), k.compileOperand(exprs[1]), operandFunc{slot: -1, f: constant(lqp.NullValue)}
	if len(exprs) > 2 {
		otherwise = k.compileOperand(exprs[2])
	}
	return func(w *lqp.Work, row []lqp.Value) lqp.Value {
		if condition(w, row) {
			return then.value(w, row)
		}
		return otherwise.value(w, row)
	}
}

// compileIfs makes the closure of ifs(condition, value, …).
func (k *compiler) compileIfs(exprs []lqp.Expr) valueFunc {
	var conditions []truthFunc
	var values []operandFunc
	for i := 0; i+1 < len(exprs); i += 2 {
		conditions = append(conditions, k.compileTruth(exprs[i]))
		values = append(values, k.compileOperand(exprs[i+1]))
	}
	return func(w *lqp.Work, row []lqp.Value) lqp.Value {
		for i, condition := range conditions {
			if condition(w, row) {
				return values[i].value(w, row)
			}
		}
		return lqp.NullValue
	}
}

// compileSwitch makes the closure of switch(subject, case, value, …, default).
func (k *compiler) compileSwitch(exprs []lqp.Expr, zone *time.Location) valueFunc {
	equal, _ := lqp.LookupFunction("eq")
	args := k.compileOperands(exprs)
	return func(w *lqp.Work, row []lqp.Value) lqp.Value {
		subject := args[0].value(w, row)
		i := 1
		for ; i+1 < len(args); i += 2 {
			if equal.Eval2(zone, subject, args[i].value(w, row)).Bool() {
				return args[i+1].value(w, row)
			}
		}
		if i < len(args) {
			return args[i].value(w, row)
		}
		return lqp.NullValue
	}
}
