package lqp

import (
	"slices"
	"time"
)

// MaxWork bounds what one expression may do with texts and lists on one row: the bytes that its functions read and make,
// each counted every time, an element of a list as 64 more, the steps of a regular expression as a quarter, upper
// and lower case fourfold. An expression
// that would do more is NULL on that row. Without this bound a thousand functions, each within the limits of a single
// value, could take seconds and hold gigabytes.
const MaxWork = 32 << 20

// Work counts the work of one expression on one row and lends the slices for the arguments of its calls. The zero Work is
// ready. It is used by one goroutine.
type Work struct {
	done int
	args []Value
}

// Reset makes it ready for another row.
func (w *Work) Reset() { w.done = 0 }

// Args lends a slice of n values, all NULL, until [Work.Drop], which must be called in the opposite order.
func (w *Work) Args(n int) []Value {
	at := len(w.args)
	w.args = slices.Grow(w.args, n)[:at+n]
	return w.args[at : at+n : at+n]
}

// Drop takes back the slice lent last. Nothing of its values is kept.
func (w *Work) Drop(args []Value) {
	at := len(w.args) - len(args)
	clear(args)
	clear(w.args[at:]) // the same, unless a call inside made the buffer move
	w.args = w.args[:at]
}

// Over reports whether the work was more than [MaxWork]: the expression's value is then NULL, whatever was computed.
func (w *Work) Over() bool { return w.done > MaxWork }

// spend counts work; false when it is over.
func (w *Work) spend(n int) bool {
	w.done += n
	return w.done <= MaxWork
}

// Metered reports whether calls of the function can be much work, so that it counts: the functions of texts and lists.
func (f *Function) Metered() bool { return f.metered }

// Direct reports whether calls with that many arguments need no slice for them: [Function.Eval1] and [Function.Eval2] do not
// allocate then. Other calls should lend one from a [Work]: no function keeps the slice of its arguments.
func (f *Function) Direct(args int) bool { return args == 1 && f.f1 != nil || args == 2 && f.f2 != nil }

// isMetered finds the functions whose work grows with their arguments. Comparisons and conditions pass texts on without
// making any.
func isMetered(f *Function) bool {
	if f.Category == "operator" || f.Category == "logic" {
		return false
	}
	return slices.ContainsFunc(f.Params, func(p Parameter) bool { return slices.Contains(p.Kinds, Text) || slices.Contains(p.Kinds, List) })
}

// mapping are the functions that look every character up in the tables of Unicode, which takes several times as long as
// passing over it.
var mapping = []string{"upper", "lower", "fold", "proper", "search", "icontains"}

func init() {
	for _, f := range catalogue {
		f.metered = isMetered(f)
		f.weight = 1
		if slices.Contains(mapping, f.Name) {
			f.weight = 4
		}
	}
}

// bulk is what a value adds to the work of a function that reads or makes it.
func bulk(v Value) int {
	switch v.kind {
	case Text, JSON, Bytes:
		return len(v.str)
	case List:
		items := v.Items()
		n := 64 * len(items)
		for i := range items {
			n += len(items[i].str)
		}
		return n
	}
	return 0
}

// start counts what reading the arguments costs; false when the work is over.
func (f *Function) start(w *Work, args ...Value) bool {
	n := 0
	for _, a := range args {
		n += bulk(a)
	}
	if len(args) > 1 && n > 0 && f.Param(1).Pattern && args[1].kind == Text {
		if p := compiled(args[1].str); p != nil {
			n += len(args[0].str) / 4 * p.size
		}
	}
	return w.spend(n * f.weight)
}

// EvalWork is [Function.Eval] that counts its work in w: NULL when there is too much of it.
func (f *Function) EvalWork(w *Work, zone *time.Location, args []Value) Value {
	if !f.start(w, args...) {
		return Value{}
	}
	v := f.Eval(zone, args)
	w.spend(bulk(v))
	return v
}

// EvalWork1 is [Function.Eval1] that counts its work in w.
func (f *Function) EvalWork1(w *Work, zone *time.Location, a Value) Value {
	if !w.spend(bulk(a) * f.weight) {
		return Value{}
	}
	v := f.Eval1(zone, a)
	w.spend(bulk(v))
	return v
}

// EvalWork2 is [Function.Eval2] that counts its work in w.
func (f *Function) EvalWork2(w *Work, zone *time.Location, a, b Value) Value {
	if !f.start(w, a, b) {
		return Value{}
	}
	v := f.Eval2(zone, a, b)
	w.spend(bulk(v))
	return v
}
