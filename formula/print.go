package formula

import (
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
)

// Print writes an expression as formula text that [Parse] reads back as the same expression in normal form, with as few
// parentheses as that allows. name gives the text for a column, nil stands for [lqp.Col.Column]; a column's Source, when
// set, is written before it.
//
// Constants that the language has no literal for are written as the conversion of a text: TO_DATE("2024-02-29"),
// TO_DATETIME(…), TO_FLOAT(…), which Parse reads back as the constant; a NULL of any type is BLANK(). Constants of the
// kinds json and bytes and lists outside IN and the list functions have no text form, they are shown as the text of
// their value.
func Print(e lqp.Expr, name func(*lqp.Col) string) string {
	if e == nil {
		return ""
	}
	if name == nil {
		name = func(c *lqp.Col) string { return c.Column }
	}
	w := &printer{name: name}
	w.expr(e, bindOr)
	return w.b.String()
}

type printer struct {
	b    strings.Builder
	name func(*lqp.Col) string
}

// bindCall is how tightly literals, columns and calls hold together: more than any operator.
const bindCall = bindPower + 1

// signs are the operators as Print writes them.
var signs = map[string]struct {
	sign string
	bind int
}{
	"or": {" OR ", bindOr}, "and": {" AND ", bindAnd},
	"eq": {" = ", bindCompare}, "ne": {" <> ", bindCompare}, "lt": {" < ", bindCompare},
	"le": {" <= ", bindCompare}, "gt": {" > ", bindCompare}, "ge": {" >= ", bindCompare},
	"concat": {" & ", bindConcat}, "add": {" + ", bindSum}, "sub": {" - ", bindSum},
	"mul": {" * ", bindProduct}, "div": {" / ", bindProduct}, "mod": {" % ", bindProduct}, "power": {" ^ ", bindPower},
}

// binding is how tightly the text of e holds together at its loosest point.
func binding(e lqp.Expr) int {
	switch e := e.(type) {
	case *lqp.Lit:
		if d, ok := numberLiteral(e); ok && d.Sign() < 0 {
			return bindUnary
		}
	case *lqp.Call:
		switch {
		case e.Func == "neg" && len(e.Args) == 1:
			return bindUnary
		case isMembership(e):
			return bindCompare
		case isInfix(e):
			return signs[e.Func].bind
		}
	}
	return bindCall
}

// isInfix reports whether a call is written with an operator between its arguments.
func isInfix(c *lqp.Call) bool {
	if _, ok := signs[c.Func]; !ok {
		return false
	}
	return len(c.Args) == 2 || flattens(c.Func) && len(c.Args) > 2
}

// isMembership reports whether a call is written x IN (…).
func isMembership(c *lqp.Call) bool { return c.Func == "in" && len(c.Args) >= 2 }

// expr writes e, in parentheses when it binds less tightly than its place demands.
func (w *printer) expr(e lqp.Expr, least int) {
	if binding(e) < least {
		w.b.WriteByte('(')
		defer w.b.WriteByte(')')
	}
	switch e := e.(type) {
	case *lqp.Lit:
		w.literal(e.Val)
	case *lqp.Col:
		if e.Source != "" {
			w.b.WriteString(quoteName(e.Source))
			w.b.WriteByte('.')
		}
		w.b.WriteString(quoteName(w.name(e)))
	case *lqp.Param:
		w.param(e)
	case *lqp.ListLit:
		w.items(e)
	case *lqp.Call:
		w.call(e)
	}
}

func (w *printer) call(c *lqp.Call) {
	switch {
	case c.Func == "neg" && len(c.Args) == 1:
		w.b.WriteByte('-')
		w.expr(c.Args[0], bindUnary)
	case isMembership(c):
		w.expr(c.Args[0], bindCompare+1)
		w.b.WriteString(" IN ")
		w.arguments(c.Args[1:])
	case isInfix(c):
		w.infix(c)
	default:
		w.b.WriteString(asciiUpper(c.Func))
		w.arguments(c.Args)
	}
}

func (w *printer) arguments(args []lqp.Expr) {
	w.b.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.expr(a, bindOr)
	}
	w.b.WriteByte(')')
}

func (w *printer) infix(c *lqp.Call) {
	op := signs[c.Func]
	left, right := op.bind, op.bind+1
	switch op.bind {
	case bindCompare: // comparisons do not chain
		left = op.bind + 1
	case bindPower: // right-associative, and its right side may carry a sign
		left, right = op.bind+1, bindUnary
	}
	if flattens(c.Func) {
		right = op.bind // a nested call of the same function is read back flat
	}
	for i, a := range c.Args {
		if i == 0 {
			w.expr(a, left)
			continue
		}
		w.b.WriteString(op.sign)
		w.expr(a, right)
	}
}

func (w *printer) items(l *lqp.ListLit) {
	for i, item := range l.Items {
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.literal(item.Val)
	}
}

func (w *printer) param(p *lqp.Param) {
	if attribute, ok := strings.CutPrefix(p.Name, userAttribute); ok {
		w.b.WriteString("USER(")
		w.text(attribute)
		w.b.WriteByte(')')
		return
	}
	w.b.WriteString(asciiUpper(p.Name))
	w.b.WriteString("()")
}

func (w *printer) literal(v lqp.Value) {
	switch v.Kind() {
	case lqp.Null:
		w.b.WriteString("BLANK()")
	case lqp.Bool:
		if v.Bool() {
			w.b.WriteString("TRUE")
		} else {
			w.b.WriteString("FALSE")
		}
	case lqp.Number:
		w.b.Write(v.Decimal().AppendText(nil))
	case lqp.Float, lqp.Date, lqp.DateTime:
		w.b.WriteString(asciiUpper(conversions[v.Kind()]))
		w.b.WriteByte('(')
		w.text(v.String())
		w.b.WriteByte(')')
	default:
		w.text(v.String())
	}
}

// conversions are the functions that stand for the literals of a kind, literalKinds the same the other way round.
var (
	conversions  = map[lqp.Kind]string{lqp.Float: "to_float", lqp.Date: "to_date", lqp.DateTime: "to_datetime"}
	literalKinds = map[string]lqp.Kind{"to_float": lqp.Float, "to_date": lqp.Date, "to_datetime": lqp.DateTime}
)

// typedLiteral reads a conversion of a literal text back as the constant that Print wrote, and only that: any other
// spelling stays a call, because only the function itself says what it means.
func typedLiteral(f *lqp.Function, args []operand) (*lqp.Lit, bool) {
	if len(args) != 1 {
		return nil, false
	}
	l, ok := args[0].expr.(*lqp.Lit)
	if !ok || l.Val.Kind() != lqp.Text {
		return nil, false
	}
	kind, ok := literalKinds[f.Name]
	if !ok {
		return nil, false
	}
	v := f.Eval1(time.UTC, l.Val) // the canonical text means the same in every zone
	if v.Kind() != kind || v.String() != l.Val.Text() {
		return nil, false
	}
	return lqp.Literal(v), true
}

// text writes a text literal. Only what would end or change the literal is escaped.
func (w *printer) text(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '\n':
			w.b.WriteString(`\n`)
		case '\t':
			w.b.WriteString(`\t`)
		case '\\', '"':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}

var braceEscapes = strings.NewReplacer(`\`, `\\`, `}`, `\}`)

// quoteName writes a column's or an alias's name, in braces unless it is a bare identifier.
func quoteName(s string) string {
	if isBareName(s) {
		return s
	}
	return "{" + braceEscapes.Replace(s) + "}"
}
