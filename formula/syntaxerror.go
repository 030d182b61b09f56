package formula

import (
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// The codes of a [SyntaxError], a closed set.
const (
	CodeParse    = "E_PARSE"    // the text is not a formula
	CodeFunction = "E_FUNCTION" // no function has that name
	CodeArity    = "E_ARITY"    // a function was given too few or too many arguments
	CodeLimit    = "E_LIMIT"    // the formula is longer, deeper or larger than allowed
)

// SyntaxError says why a text is not a formula and where. It is the only error type of [Parse], always as a pointer.
type SyntaxError struct {
	Code string // one of the Code constants
	// From and To delimit the offending part of the text in code points, counted from 0, To exclusive. They are equal
	// when something is missing at that place.
	From, To int
	Message  string // one line without position, in lower case
	Hint     string // what to write instead, empty when there is nothing useful to say
}

// Error reads like "E_PARSE 8-9: unexpected '*'; a value was expected".
func (e *SyntaxError) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	b.WriteByte(' ')
	b.WriteString(strconv.Itoa(e.From))
	b.WriteByte('-')
	b.WriteString(strconv.Itoa(e.To))
	b.WriteString(": ")
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap is the same report as an [lqp.Problem] without a path, for callers that collect the problems of a plan.
func (e *SyntaxError) Unwrap() error {
	p := lqp.Problem{Code: lqp.CodeSyntax, Message: e.Message, From: e.From, To: e.To}
	switch e.Code {
	case CodeFunction:
		p.Code = lqp.CodeUnknownFunction
	case CodeArity:
		p.Code = lqp.CodeArgument
	case CodeLimit:
		p.Code = lqp.CodeLimit
	}
	if e.Hint != "" {
		p.Message += "; " + e.Hint
	}
	return p
}
