package formula

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// foreignNames are functions of other languages and products, by the function that does the same here.
var foreignNames = map[string]string{
	"SUBSTR": "MID", "SUBSTRING": "MID", "LENGTH": "LEN", "STRLEN": "LEN", "CHAR_LENGTH": "LEN",
	"ISNULL": "IS_NULL", "ISEMPTY": "IS_BLANK", "IFNULL": "COALESCE", "NVL": "COALESCE", "IIF": "IF", "CASE": "SWITCH",
	"POW": "POWER", "CEIL": "CEILING", "AVG": "AVERAGE", "MEAN": "AVERAGE", "DATEDIF": "DATETIME_DIFF",
	"DATEDIFF": "DATETIME_DIFF", "DATE_ADD": "DATEADD", "CONTAINS_TEXT": "CONTAINS", "STARTSWITH": "STARTS_WITH",
	"ENDSWITH": "ENDS_WITH", "TEXT": "TO_TEXT", "STRING": "TO_TEXT", "NUMBER": "TO_NUMBER", "LCASE": "LOWER",
	"UCASE": "UPPER", "GETDATE": "NOW", "SYSDATE": "NOW", "NULL": "BLANK", "REGEX": "REGEX_MATCH", "MATCHES": "REGEX_MATCH",
	"ME": "CURRENT_USER", "ISIN": "IN", "INCLUDES": "CONTAINS",
}

func unknownFunction(name token) *SyntaxError {
	err := &SyntaxError{Code: CodeFunction, From: name.from, To: name.to, Message: "no function is called " + clip(name.text)}
	if s := suggestion(asciiUpper(name.text)); s != "" {
		err.Hint = "did you mean " + s + "?"
	}
	return err
}

// suggestion answers the known function that was most likely meant, or "".
func suggestion(name string) string {
	known := []string{"TRUE", "FALSE", "BLANK", "NOW", "TODAY", "CURRENT_USER", "USER", "IN"}
	for _, f := range lqp.RecordFunctions() {
		known = append(known, asciiUpper(f.Name))
	}
	for _, f := range lqp.Functions() {
		known = append(known, asciiUpper(f.Name))
	}
	if s := foreignNames[name]; s != "" && slices.Contains(known, s) {
		return s
	}
	const longest = 32 // no function is longer, and the distance is quadratic
	if len(name) > longest {
		return ""
	}
	slices.Sort(known) // among equally near names the first one, whatever the order of the catalogue
	best, nearest := "", 1+len(name)/3
	for _, k := range known {
		if d := distance(name, k); d <= nearest && (best == "" || d < nearest) {
			best, nearest = k, d
		}
	}
	return best
}

// distance is the count of insertions, deletions, substitutions and swaps of neighbours between two names.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
