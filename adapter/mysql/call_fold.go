package mysql

import (
	"sync"
	"unicode"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// capitals are, for every letter in lower case, those that become it.
var capitals = sync.OnceValue(func() map[rune][]rune {
	of := map[rune][]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if lower := unicode.ToLower(r); lower != r {
			of[lower] = append(of[lower], r)
		}
	}
	return of
})

// maxReplaced bounds the letters that one search replaces.
const maxReplaced = 40

// placeFolded emits the place of a text in lower case in x, whose letters count in either case. MySQL's own LOWER is of no
// use: it cuts a text off at the first letter that takes more bytes in lower case, U+023A say. Only the letters of the part
// matter, and each of them replaces its capitals; all of them are one character, so that the place stays the same.
func (d *dialect) placeFolded(e *sqlgen.Emitter, x lqp.Expr, part string) bool {
	e.WriteString("LOCATE(")
	e.Arg(lqp.TextValue(part), textRep)
	e.WriteString(", ")
	start := e.Len()
	if !e.ValueAs(x, textRep) {
		return false
	}
	seen, replaced := map[rune]bool{}, 0
	for _, r := range part {
		if seen[r] {
			continue
		}
		seen[r] = true
		for _, capital := range capitals()[r] {
			if replaced++; replaced > maxReplaced {
				return e.Fail("upper and lower case of so many letters are told apart in memory")
			}
			e.Wrap(start, "REPLACE(", ", ")
			e.Arg(lqp.TextValue(string(capital)), textRep)
			e.WriteString(", ")
			e.Arg(lqp.TextValue(string(r)), textRep)
			e.WriteString(")")
		}
	}
	e.WriteString(")")
	return true
}
