package formula

import "github.com/livetables/livetables/lqp"

// Arithmetic has two paths. The fast one passes bare decimals from node to node. A value of any other kind, which the
// expression's types may allow as a float or a faulty source deliver, stops it with foundOther; whoever started it then
// takes the slow path, which passes values and asks the catalogue's functions. Functions are pure, so that evaluating
// again changes nothing, and since only the outermost node starts a path, nothing is evaluated more than twice.

// found says what a numberFunc came upon.
type found uint8

const (
	foundNull found = iota
	foundNumber
	foundOther
)

// numberFunc evaluates an expression to a decimal, which counts only with foundNumber.
type numberFunc func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found)

// numberOperand is an argument on the fast path. Columns, the most common ones, are read without a call of a closure.
type numberOperand struct {
	slot int // -1 when it is no column
	f    numberFunc
}

func (o *numberOperand) number(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) {
	if uint(o.slot) < uint(len(row)) {
		v := &row[o.slot]
		if v.Kind() == lqp.Number {
			return v.Decimal(), foundNumber
		}
	}
	return o.f(w, row)
}

func numberOf(v lqp.Value) (lqp.Decimal, found) {
	switch v.Kind() {
	case lqp.Number:
		return v.Decimal(), foundNumber
	case lqp.Null:
		return lqp.Decimal{}, foundNull
	}
	return lqp.Decimal{}, foundOther
}

// isArithmetic reports whether the call can take the fast path. What is known to be a float cannot.
func isArithmetic(e lqp.Expr) bool {
	c, ok := e.(*lqp.Call)
	if !ok || c.Type().Kind == lqp.Float {
		return false
	}
	switch c.Func {
	case "neg":
		return len(c.Args) == 1
	case "add", "sub", "mul", "div", "mod":
		return len(c.Args) == 2
	}
	return false
}

// compileArithmetic makes the closure of an operator on numbers where it is the outermost one.
func (k *compiler) compileArithmetic(c *lqp.Call) valueFunc {
	fast, slow := k.compileNumber(c), k.compileSlow(c)
	return func(w *lqp.Work, row []lqp.Value) lqp.Value {
		switch d, what := fast(w, row); what {
		case foundNumber:
			return lqp.NumberValue(d)
		case foundNull:
			return lqp.NullValue
		}
		return slow(w, row)
	}
}

// compileSlow makes the closure of the slow path.
func (k *compiler) compileSlow(e lqp.Expr) valueFunc {
	if !isArithmetic(e) {
		return k.compileValue(e)
	}
	c := e.(*lqp.Call)
	f, zone, a := c.Function(), c.Zone(), k.compileSlow(c.Args[0])
	if len(c.Args) == 1 {
		return func(w *lqp.Work, row []lqp.Value) lqp.Value { return f.Eval1(zone, a(w, row)) }
	}
	b := k.compileSlow(c.Args[1])
	return func(w *lqp.Work, row []lqp.Value) lqp.Value { return f.Eval2(zone, a(w, row), b(w, row)) }
}

func (k *compiler) compileNumberOperand(e lqp.Expr) numberOperand {
	o := numberOperand{slot: -1, f: k.compileNumber(e)}
	if c, ok := e.(*lqp.Col); ok {
		o.slot = c.Slot()
	}
	return o
}

// compileNumber makes the closure of the fast path for any expression.
func (k *compiler) compileNumber(e lqp.Expr) numberFunc {
	if l, ok := e.(*lqp.Lit); ok {
		d, what := numberOf(l.Val)
		return func(*lqp.Work, []lqp.Value) (lqp.Decimal, found) { return d, what }
	}
	if !isArithmetic(e) {
		f := k.compileValue(e)
		return func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) { return numberOf(f(w, row)) }
	}
	c := e.(*lqp.Call)
	a := k.compileNumberOperand(c.Args[0])
	if c.Func == "neg" {
		return func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) {
			x, what := a.number(w, row)
			return x.Neg(), what
		}
	}
	// One closure for each operator: a shared one would have to call the operation through a pointer.
	b := k.compileNumberOperand(c.Args[1])
	switch c.Func {
	case "add":
		return func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) {
			x, fx := a.number(w, row)
			y, fy := b.number(w, row)
			if fx != foundNumber || fy != foundNumber {
				return x, foundNothing(fx, fy)
			}
			return inRange(x.Add(y))
		}
	case "sub":
		return func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) {
			x, fx := a.number(w, row)
			y, fy := b.number(w, row)
			if fx != foundNumber || fy != foundNumber {
				return x, foundNothing(fx, fy)
			}
			return inRange(x.Sub(y))
		}
	case "mul":
		return func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) {
			x, fx := a.number(w, row)
			y, fy := b.number(w, row)
			if fx != foundNumber || fy != foundNumber {
				return x, foundNothing(fx, fy)
			}
			return inRange(x.Mul(y))
		}
	case "div":
		return func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) {
			x, fx := a.number(w, row)
			y, fy := b.number(w, row)
			if fx != foundNumber || fy != foundNumber {
				return x, foundNothing(fx, fy)
			}
			return inRange(x.Div(y))
		}
	}
	return func(w *lqp.Work, row []lqp.Value) (lqp.Decimal, found) {
		x, fx := a.number(w, row)
		y, fy := b.number(w, row)
		if fx != foundNumber || fy != foundNumber {
			return x, foundNothing(fx, fy)
		}
		return inRange(x.Mod(y))
	}
}

// foundNothing is what two arguments that are not both numbers make: NULL if one of them is NULL.
func foundNothing(a, b found) found {
	if a == foundNull || b == foundNull {
		return foundNull
	}
	return foundOther
}

// inRange is the result of an operation that is not ok out of range or for a zero divisor: that is NULL.
func inRange(d lqp.Decimal, ok bool) (lqp.Decimal, found) {
	if ok {
		return d, foundNumber
	}
	return d, foundNull
}
