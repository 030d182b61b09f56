package mongodb

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// anyText is the pattern of the texts that are not NULL: without U+0000. It says what must be there, not what must not, so
// that a string which is no UTF-8, in which no pattern finds anything, is not matched.
const anyText = `\A[^\x00]*\z`

// maxPattern bounds patterns, in bytes of what is looked for.
const maxPattern = 1000

// search is contains, starts_with or ends_with with a constant, as a pattern in which nothing has a meaning of its own.
func (c *compiler) search(e *lqp.Call) (bson.D, string) {
	needle, ok := literal(e.Args[1])
	if !ok {
		return nil, "columns are searched for each other in memory"
	}
	f, reason := c.field(e.Args[0])
	switch {
	case reason != "":
		return nil, reason
	case f.form != stringForm:
		return nil, "only strings are searched at the source"
	case needle.IsNull():
		return never, ""
	case needle.Kind() != lqp.Text || len(needle.Text()) > maxPattern:
		return nil, "the text that is looked for is too long"
	}
	var ops bson.D
	pattern := "?"
	if !c.masked {
		pattern = escape(needle.Text())
	}
	const rest = `[^\x00]*`
	switch e.Func {
	case "contains":
		pattern = `\A` + rest + pattern + rest + `\z`
	case "starts_with":
		pattern = `\A` + pattern + rest + `\z`
		// The texts that begin so are one stretch of an index.
		if next, ok := afterPrefix(needle.Text()); ok {
			ops = bson.D{{Key: "$gte", Value: c.bind(needle.Text())}, {Key: "$lt", Value: c.bind(next)}}
		}
	default:
		pattern = `\A` + rest + pattern + `\z`
	}
	return f.clause(append(ops, bson.E{Key: "$regex", Value: pattern})), ""
}

// escape writes a text as a pattern that matches just it: every ASCII character but letters and digits gets a backslash.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		if ch < 0x80 && (ch < '0' || ch > '9') && (ch|0x20 < 'a' || ch|0x20 > 'z') {
			b.WriteByte('\\')
		}
		b.WriteByte(ch)
	}
	return b.String()
}
