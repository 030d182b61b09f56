package sqlgen

import "github.com/livetables/livetables/lqp"

// maxRepeat bounds the text, in bytes, that an emitter may write twice: guards repeat what they guard, and nested guards
// would double it at every level.
const maxRepeat = 2000

// Repeatable reports whether what was emitted between from and to is short enough to be written again; it fails when not.
func (e *Emitter) Repeatable(from, to int) bool {
	return to-from <= maxRepeat || e.Fail("the formula is too long for the source")
}

// Guarded makes what was emitted from start on NULL where a condition does not hold of it. The condition is the SQL before
// and after it.
func (e *Emitter) Guarded(start int, before, after string) bool {
	end := e.Len()
	if !e.Repeatable(start, end) {
		return false
	}
	e.WriteString(after + " THEN ")
	e.Repeat(start, end)
	e.Wrap(start, "CASE WHEN "+before, " END")
	return true
}

// Infix appends (a op b) with both values as r; after stands behind the second value.
func (e *Emitter) Infix(a, b lqp.Expr, r Rep, op, after string) bool {
	e.WriteString("(")
	if !e.ValueAs(a, r) {
		return false
	}
	e.WriteString(op)
	if !e.ValueAs(b, r) {
		return false
	}
	e.WriteString(after + ")")
	return true
}
