package postgres

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/livetables/livetables/adapter"
)

// statementText is a statement of the store's own SQL as PostgreSQL takes it.
type statementText struct {
	sql   string
	reads bool // begins with SELECT: WITH may lead to a statement that writes
	err   error
}

// translations keeps what was translated: the statements of a program are few, and asked for with every call.
var translations struct {
	known sync.Map
	n     atomic.Int64
}

// maxTranslations bounds them; texts beyond it are translated each time.
const maxTranslations = 4096

func translation(sql string) (statementText, error) {
	if st, ok := translations.known.Load(sql); ok {
		return st.(statementText), st.(statementText).err
	}
	var st statementText
	if st.err = allowed(sql); st.err == nil {
		st.sql, _ = number(sql)
		from := sql[begin(sql):]
		st.reads = len(from) > 6 && strings.EqualFold(from[:6], "SELECT") && !wordByte(from[6])
	}
	if translations.n.Add(1) <= maxTranslations {
		translations.known.Store(strings.Clone(sql), st)
	}
	return st, st.err
}

// allowed refuses statements that begin or end transactions, which are the store's, and constraints that are checked at
// the commit, where their failure would be that of everybody in the batch.
func allowed(sql string) error {
	words := strings.FieldsFunc(strings.ToUpper(sql[begin(sql):]), func(r rune) bool { return (r < 'A' || r > 'Z') && r != '_' })
	if len(words) == 0 {
		return fmt.Errorf("%w: empty statement", adapter.ErrUnsupported)
	}
	switch words[0] {
	case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "SET", "RESET", "DISCARD",
		"DEALLOCATE", "PREPARE", "LISTEN", "COPY":
		return fmt.Errorf("%w: %s is not for a function in a transaction", adapter.ErrUnsupported, words[0])
	case "CREATE", "ALTER":
		for _, w := range words {
			if w == "DEFERRABLE" {
				return fmt.Errorf("%w: constraints are checked at once", adapter.ErrUnsupported)
			}
		}
	}
	return nil
}

// begin is where a statement begins, after blanks and comments.
func begin(sql string) int {
	for i := 0; i < len(sql); {
		switch {
		case strings.HasPrefix(sql[i:], "--"):
			i = after(sql, i, "\n")
		case strings.HasPrefix(sql[i:], "/*"):
			i = commentEnd(sql, i)
		case sql[i] == ' ' || sql[i] >= '\t' && sql[i] <= '\r':
			i++
		default:
			return i
		}
	}
	return len(sql)
}

// number writes $1, $2 … for the question marks outside of literals, quoted names and comments, and counts them.
func number(sql string) (string, int) {
	var b strings.Builder
	n, from := 0, 0
	for i := 0; i < len(sql); {
		switch c := sql[i]; {
		case c == '?':
			n++
			b.WriteString(sql[from:i])
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			i++
			from = i
		case c == '\'' || c == '"':
			i = quotedEnd(sql, i, c == '\'' && i > 0 && (sql[i-1] == 'E' || sql[i-1] == 'e') && !inWord(sql, i-1))
		case c == '-' && strings.HasPrefix(sql[i:], "--"):
			i = after(sql, i, "\n")
		case c == '/' && strings.HasPrefix(sql[i:], "/*"):
			i = commentEnd(sql, i)
		case c == '$':
			i = dollarEnd(sql, i)
		default:
			i++
		}
	}
	if n == 0 {
		return sql, 0
	}
	b.WriteString(sql[from:])
	return b.String(), n
}

// quotedEnd is where the text or name that begins at i is over. A doubled quote needs no care: two quoted parts in a row
// end where one does.
func quotedEnd(sql string, i int, escapes bool) int {
	quote := sql[i]
	for i++; i < len(sql); i++ {
		switch {
		case sql[i] == quote:
			return i + 1
		case sql[i] == '\\' && escapes:
			i++
		}
	}
	return len(sql)
}

func after(sql string, i int, end string) int {
	if n := strings.Index(sql[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(sql)
}

// commentEnd knows that comments nest.
func commentEnd(sql string, i int) int {
	depth := 0
	for i < len(sql) {
		switch {
		case strings.HasPrefix(sql[i:], "/*"):
			depth, i = depth+1, i+2
		case strings.HasPrefix(sql[i:], "*/"):
			if depth, i = depth-1, i+2; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return i
}

// dollarEnd is where the text between $tag$ and $tag$ ends that begins at i, or the next character when none does.
func dollarEnd(sql string, i int) int {
	if inWord(sql, i) {
		return i + 1
	}
	for j := i + 1; j < len(sql); j++ {
		switch c := sql[j]; {
		case c == '$':
			return after(sql, j+1, sql[i:j+1])
		case !wordByte(c) || j == i+1 && c >= '0' && c <= '9':
			return i + 1
		}
	}
	return i + 1
}

// inWord reports that the byte at i goes on with a word.
func inWord(sql string, i int) bool { return i > 0 && wordByte(sql[i-1]) }

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}
