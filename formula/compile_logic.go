package formula

import (
	"time"

	"github.com/livetables/livetables/lqp"
)

// compileTruth makes the closure that answers whether an expression is TRUE. Predicates never box their answer.
func compileTruth(e lqp.Expr) truthFunc {
	switch e := e.(type) {
	case *lqp.Lit:
		t := lqp.Truth(e.Val)
		return func([]lqp.Value) bool { return t }
	case *lqp.Col:
		slot := e.Slot()
		return func(row []lqp.Value) bool { return slot < len(row) && lqp.Truth(row[slot]) }
	case *lqp.Call:
		if t := compilePredicate(e); t != nil {
			return t
		}
	}
	f := compileValue(e)
	return func(row []lqp.Value) bool { return lqp.Truth(f(row)) }
}

// compilePredicate makes the closure of a function that answers TRUE or FALSE and never NULL, nil for any other one.
func compilePredicate(c *lqp.Call) truthFunc {
	switch name := c.Function().Name; {
	case name == "and":
		return compileAnd(c.Args)
	case name == "or":
		return compileOr(c.Args)
	case name == "not" && len(c.Args) == 1:
		a := compileTruth(c.Args[0])
		return func(row []lqp.Value) bool { return !a(row) }
	case name == "in":
		return compileIn(c)
	case len(c.Args) == 2:
		return compileComparison(c)
	}
	return nil
}

func compileAnd(exprs []lqp.Expr) truthFunc {
	args := compileTruths(exprs)
	if len(args) == 2 {
		a, b := args[0], args[1]
		return func(row []lqp.Value) bool { return a(row) && b(row) }
	}
	return func(row []lqp.Value) bool {
		for _, a := range args {
			if !a(row) {
				return false
			}
		}
		return true
	}
}

func compileOr(exprs []lqp.Expr) truthFunc {
	args := compileTruths(exprs)
	if len(args) == 2 {
		a, b := args[0], args[1]
		return func(row []lqp.Value) bool { return a(row) || b(row) }
	}
	return func(row []lqp.Value) bool {
		for _, a := range args {
			if a(row) {
				return true
			}
		}
		return false
	}
}

func compileTruths(exprs []lqp.Expr) []truthFunc {
	args := make([]truthFunc, len(exprs))
	for i, e := range exprs {
		args[i] = compileTruth(e)
	}
	return args
}

// compileIn makes the closure of a membership test in a list of constants, nil for any other right side.
func compileIn(c *lqp.Call) truthFunc {
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
	x, zone := compileOperand(c.Args[0]), c.Zone()
	return func(row []lqp.Value) bool {
		v := x.value(row)
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
func compileBranches(c *lqp.Call) valueFunc {
	switch name := c.Function().Name; {
	case name == "if" && len(c.Args) >= 2:
		return compileIf(c.Args)
	case name == "ifs":
		return compileIfs(c.Args)
	case name == "switch" && len(c.Args) >= 1:
		return compileSwitch(c.Args, c.Zone())
	case name == "coalesce":
		args := compileOperands(c.Args)
		return func(row []lqp.Value) lqp.Value {
			for i := range args {
				if v := args[i].value(row); !v.IsNull() {
					return v
				}
			}
			return lqp.NullValue
		}
	}
	return nil
}

func compileOperands(exprs []lqp.Expr) []operandFunc {
	args := make([]operandFunc, len(exprs))
	for i, e := range exprs {
		args[i] = compileOperand(e)
	}
	return args
}

func compileIf(exprs []lqp.Expr) valueFunc {
	condition, then, otherwise := compileTruth(exprs[0]), compileOperand(exprs[1]), operandFunc{slot: -1, f: constant(lqp.NullValue)}
	if len(exprs) > 2 {
		otherwise = compileOperand(exprs[2])
	}
	return func(row []lqp.Value) lqp.Value {
		if condition(row) {
			return then.value(row)
		}
		return otherwise.value(row)
	}
}

// compileIfs makes the closure of ifs(condition, value, …).
func compileIfs(exprs []lqp.Expr) valueFunc {
	var conditions []truthFunc
	var values []operandFunc
	for i := 0; i+1 < len(exprs); i += 2 {
		conditions = append(conditions, compileTruth(exprs[i]))
		values = append(values, compileOperand(exprs[i+1]))
	}
	return func(row []lqp.Value) lqp.Value {
		for i, condition := range conditions {
			if condition(row) {
				return values[i].value(row)
			}
		}
		return lqp.NullValue
	}
}

// compileSwitch makes the closure of switch(subject, case, value, …, default).
func compileSwitch(exprs []lqp.Expr, zone *time.Location) valueFunc {
	equal, _ := lqp.LookupFunction("eq")
	args := compileOperands(exprs)
	return func(row []lqp.Value) lqp.Value {
		subject := args[0].value(row)
		i := 1
		for ; i+1 < len(args); i += 2 {
			if equal.Eval2(zone, subject, args[i].value(row)).Bool() {
				return args[i+1].value(row)
			}
		}
		if i < len(args) {
			return args[i].value(row)
		}
		return lqp.NullValue
	}
}
