package lqp

import (
	"strconv"
	"strings"
)

// FormatExpr writes an expression in the formula language, on one line and always the same way:
// `{o.total} > 10 AND {o.status} = "paid"`. It is what Explain shows; the empty text stands for nil.
func FormatExpr(e Expr) string { return string(AppendExpr(nil, e)) }

// AppendExpr appends what [FormatExpr] writes.
func AppendExpr(dst []byte, e Expr) []byte {
	if e == nil {
		return dst
	}
	return appendExpr(dst, e, 0)
}

// The precedence of operators, low to high; the unary minus stands between the products and the power.
const (
	precOr = 1 + iota
	precAnd
	precCompare
	precConcat
	precAdd
	precMul
	precNeg
	precPower
)

type infix struct {
	symbol string
	prec   int
}

var infixes = map[string]infix{
	"or": {" OR ", precOr}, "and": {" AND ", precAnd},
	"eq": {" = ", precCompare}, "ne": {" <> ", precCompare},
	"lt": {" < ", precCompare}, "le": {" <= ", precCompare}, "gt": {" > ", precCompare}, "ge": {" >= ", precCompare},
	"concat": {" & ", precConcat},
	"add":    {" + ", precAdd}, "sub": {" - ", precAdd},
	"mul": {" * ", precMul}, "div": {" / ", precMul}, "mod": {" % ", precMul},
	"power": {" ^ ", precPower},
}

// appendExpr writes e so that it can stand where an operator of precedence at least min is expected.
func appendExpr(dst []byte, e Expr, min int) []byte {
	switch e := e.(type) {
	case *Lit:
		if e.Val.kind == Number && e.Val.num.Sign() < 0 && min > precNeg {
			return append(appendLiteral(append(dst, '('), e.Val), ')')
		}
		return appendLiteral(dst, e.Val)
	case *Col:
		return appendColumn(dst, e)
	case *Param:
		return appendParam(dst, e.Name)
	case *ListLit:
		return append(appendItems(append(dst, '('), e.Items), ')')
	case *Call:
		return appendCall(dst, e, min)
	}
	return dst
}

func appendCall(dst []byte, e *Call, min int) []byte {
	op, ok := infixes[e.Func]
	switch {
	case ok && len(e.Args) >= 2 && (len(e.Args) == 2 || e.Func == "and" || e.Func == "or" || e.Func == "concat"):
		return parenthesised(dst, op.prec < min, func(dst []byte) []byte {
			for i, a := range e.Args {
				if i > 0 {
					dst = append(dst, op.symbol...)
				}
				dst = appendExpr(dst, a, operandPrec(e.Func, op.prec, i))
			}
			return dst
		})
	case e.Func == "neg" && len(e.Args) == 1:
		return parenthesised(dst, precNeg < min, func(dst []byte) []byte {
			if _, literal := e.Args[0].(*Lit); literal { // else it would read back as one negative literal
				return append(appendExpr(append(dst, "-("...), e.Args[0], 0), ')')
			}
			return appendExpr(append(dst, '-'), e.Args[0], precPower)
		})
	}
	dst = append(dst, strings.ToUpper(e.Func)...)
	dst = append(dst, '(')
	for i, a := range e.Args {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if l, ok := a.(*ListLit); ok {
			dst = appendItems(dst, l.Items)
			continue
		}
		dst = appendExpr(dst, a, 0)
	}
	return append(dst, ')')
}

func parenthesised(dst []byte, yes bool, write func([]byte) []byte) []byte {
	if !yes {
		return write(dst)
	}
	return append(write(append(dst, '(')), ')')
}

// operandPrec is the least precedence that operand i of an operator may have without parentheses: operators associate to
// the left, power to the right, comparisons not at all; and, or and concat keep a nested call of their own apart.
func operandPrec(fn string, prec, i int) int {
	switch {
	case fn == "power" && i == 0, prec == precCompare, prec <= precConcat:
		return prec + 1
	case fn == "power":
		return prec
	case i == 0:
		return prec
	}
	return prec + 1
}

func appendItems(dst []byte, items []*Lit) []byte {
	for i, it := range items {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendLiteral(dst, it.Val)
	}
	return dst
}

// appendLiteral writes a constant. The language has no literals for dates and floats: they are written as conversions.
func appendLiteral(dst []byte, v Value) []byte {
	switch v.kind {
	case Null:
		return append(dst, "BLANK()"...)
	case Bool:
		if v.Bool() {
			return append(dst, "TRUE"...)
		}
		return append(dst, "FALSE"...)
	case Number:
		return v.num.AppendText(dst)
	case Text:
		return appendQuoted(dst, v.str)
	case Float:
		return append(v.AppendText(append(dst, `TO_FLOAT("`...)), `")`...)
	case Date:
		return append(v.AppendText(append(dst, `TO_DATE("`...)), `")`...)
	case DateTime:
		return append(v.AppendText(append(dst, `TO_DATETIME("`...)), `")`...)
	}
	return appendQuoted(dst, v.String())
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func appendColumn(dst []byte, c *Col) []byte {
	dst = append(dst, '{')
	if c.Source != "" {
		dst = append(appendBraced(dst, c.Source), '.')
	}
	return append(appendBraced(dst, c.Column), '}')
}

func appendBraced(dst []byte, s string) []byte {
	for i := range len(s) {
		if s[i] == '}' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return dst
}

func appendParam(dst []byte, name string) []byte {
	if attr, ok := strings.CutPrefix(name, "user."); ok {
		return append(strconv.AppendQuote(append(dst, "USER("...), attr), ')')
	}
	return append(append(dst, strings.ToUpper(name)...), "()"...)
}
