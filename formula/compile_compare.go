package formula

import "github.com/livetables/livetables/lqp"

// compileComparison makes the closure of a comparison, nil for any other function. Numbers take the fast path of
// arithmetic, texts are compared for equality in place; everything else is left to the catalogue's function, which never
// answers NULL.
func (k *compiler) compileComparison(c *lqp.Call) truthFunc {
	// outcomes are the answers for less, equal and greater.
	var outcomes [3]bool
	switch c.Func {
	case "eq":
		outcomes = [3]bool{false, true, false}
	case "ne":
		outcomes = [3]bool{true, false, true}
	case "lt":
		outcomes = [3]bool{true, false, false}
	case "le":
		outcomes = [3]bool{true, true, false}
	case "gt":
		outcomes = [3]bool{false, false, true}
	case "ge":
		outcomes = [3]bool{false, true, true}
	default:
		return nil
	}
	slow := k.compileValueComparison(c)
	if !comparesNumbers(c.Args[0].Type().Kind, c.Args[1].Type().Kind) {
		return slow
	}
	a, b := k.compileNumberOperand(c.Args[0]), k.compileNumberOperand(c.Args[1])
	return func(w *lqp.Work, row []lqp.Value) bool {
		x, fx := a.number(w, row)
		y, fy := b.number(w, row)
		if fx == foundNumber && fy == foundNumber {
			return outcomes[x.Cmp(y)+1]
		}
		return slow(w, row)
	}
}

// comparesNumbers reports whether the fast path is worth trying. With a float on one side it would fail on every row and
// everything below would be evaluated twice, once more for every comparison around.
func comparesNumbers(a, b lqp.Kind) bool {
	return a == lqp.Number && (b == lqp.Number || b == lqp.Null) || a == lqp.Null && b == lqp.Number
}

// compileValueComparison makes the closure of a comparison of any values.
func (k *compiler) compileValueComparison(c *lqp.Call) truthFunc {
	if t := k.compileTextEquality(c); t != nil {
		return t
	}
	f, zone, equality := c.Function(), c.Zone(), c.Func == "eq" || c.Func == "ne"
	a, b := operandOf(c.Args[0], k.compileSlow), operandOf(c.Args[1], k.compileSlow)
	return func(w *lqp.Work, row []lqp.Value) bool {
		x, y := a.value(w, row), b.value(w, row)
		if equality && x.Kind() == lqp.Text && y.Kind() == lqp.Text {
			return (x.Text() == y.Text()) == (f.Name == "eq")
		}
		return f.Eval2(zone, x, y).Bool()
	}
}

// compileTextEquality makes the closure of the most common filter of all, a column that equals a text; nil for any other
// comparison. A text equals nothing but texts.
func (k *compiler) compileTextEquality(c *lqp.Call) truthFunc {
	if c.Func != "eq" && c.Func != "ne" {
		return nil
	}
	for i := range 2 {
		column, isColumn := c.Args[i].(*lqp.Col)
		text, isLit := c.Args[1-i].(*lqp.Lit)
		if !isColumn || !isLit || text.Val.Kind() != lqp.Text {
			continue
		}
		slot, want, equal := column.Slot(), text.Val.Text(), c.Func == "eq"
		return func(w *lqp.Work, row []lqp.Value) bool {
			if slot >= len(row) {
				return !equal
			}
			v := &row[slot]
			return (v.Kind() == lqp.Text && v.Text() == want) == equal
		}
	}
	return nil
}
