package lqp

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The codes of problems. They are stable: clients may act on them.
const (
	CodeSyntax           = "syntax"            // not JSON, or formula text that does not parse
	CodeLimit            = "limit"             // a bound is exceeded; the message names it
	CodeUnknownKey       = "unknown_key"       // a JSON object has a key that means nothing here
	CodeDuplicateKey     = "duplicate_key"     // a JSON object has a key twice
	CodeMissing          = "missing"           // something required is not there
	CodeArgument         = "argument"          // a value that is not one of those possible, or a wrong count of arguments
	CodeTypeMismatch     = "type_mismatch"     // a value or an expression of the wrong type
	CodeUnknownTable     = "unknown_table"     // no such table, or none that may be seen
	CodeUnknownSource    = "unknown_source"    // a column's source is not in the block
	CodeUnknownColumn    = "unknown_column"    // no such column, or none that may be seen
	CodeAmbiguousColumn  = "ambiguous_column"  // a name that several columns have
	CodeUnknownFunction  = "unknown_function"  // not in the catalogue of functions
	CodeUnknownAggregate = "unknown_aggregate" // not in the catalogue of aggregates
	CodeUnknownParameter = "unknown_parameter" // not one of now, today, current_user, user.NAME
	CodeMissingParameter = "missing_parameter" // a known parameter that has no value for this principal
	CodeDuplicateName    = "duplicate_name"    // two things of one block have the same name
	CodeCycle            = "cycle"             // a computed column that depends on itself
	CodeNotGrouped       = "not_grouped"       // a grouped block uses a column that is neither key nor aggregate
	CodeNotOrderable     = "not_orderable"     // a sort key whose values have no order
	CodeUnknownTimeZone  = "unknown_time_zone" // not an IANA zone
	CodeConflict         = "conflict"          // two settings that exclude each other
)

const (
	maxProblems           = 50 // a report longer than this helps nobody
	maxSuggestionDistance = 3
)

// Problem is one thing wrong with a query, said for people and for programs.
type Problem struct {
	// Path leads to the place in the JSON form of the query: "$.joins[0].on". Queries built in Go have the path that
	// their JSON form would have.
	Path    string `json:"path"`
	Code    string `json:"code"`    // one of the Code constants
	Message string `json:"message"` // for people; names only what the principal may see
	// From and To are the code-point offsets [From, To) in the formula text at Path, both 0 when there is none.
	From int `json:"from,omitempty"`
	To   int `json:"to,omitempty"`
}

// Error implements error.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.To > 0 {
		b.WriteString(" " + strconv.Itoa(p.From) + "-" + strconv.Itoa(p.To))
	}
	b.WriteString(": " + p.Message + " (" + p.Code + ")")
	return b.String()
}

// Problems is everything wrong with a query, in the order of its clauses. Use errors.As to get at it.
type Problems []Problem

// Error implements error: one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Has reports whether one of the problems has the code.
func (ps Problems) Has(code string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Code == code })
}

// Under is ps with every path moved below another one: for a query that stands somewhere inside a larger document.
func (ps Problems) Under(path string) Problems {
	moved := slices.Clone(ps)
	for i := range moved {
		moved[i].Path = path + strings.TrimPrefix(moved[i].Path, "$")
	}
	return moved
}

// err is ps as an error, nil when there is no problem.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// add keeps the first problems; what comes after the fiftieth is dropped.
func (ps *Problems) add(p Problem) {
	if len(*ps) < maxProblems {
		*ps = append(*ps, p)
	}
}

// quoted is user-written text as messages name it: quoted and short.
func quoted(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}

// suggest answers "; did you mean X?" when one of names resembles the wanted one, else "". The names must be visible to
// whoever reads the message.
func suggest(wanted string, names []string) string {
	const longest, most = 64, 2000
	w := []rune(strings.ToLower(wanted))
	if len(w) == 0 || len(w) > longest {
		return ""
	}
	best, bestDistance := "", min(maxSuggestionDistance, 1+len(w)/3)+1
	for _, name := range names[:min(len(names), most)] {
		n := []rune(strings.ToLower(name))
		if len(n) > longest || len(n)-len(w) >= bestDistance || len(w)-len(n) >= bestDistance {
			continue
		}
		if d := editDistance(w, n); d < bestDistance && d < max(len(w), len(n)) {
			best, bestDistance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + quoted(best) + "?"
}

// unknownKey is the message about a key that means nothing where it stands: the one that was meant, or all there are.
func unknownKey(key string, known []string) string {
	if hint := suggest(key, known); hint != "" || len(known) == 0 {
		return "unknown key " + quoted(key) + hint
	}
	return "unknown key " + quoted(key) + "; the keys here are " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b.
func editDistance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
