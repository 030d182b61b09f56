// Package ddl turns definitions of tables that are written once, in SQLite's words, into the statements of each database
// that can be an [adapter.Store]: those of the mini-DB and of what else lives beside it.
//
// The words are few and mean the same everywhere:
//
//	INTEGER   a whole number of 64 bits, also flags (0 and 1) and instants (milliseconds since 1970)
//	TEXT      text that is compared byte by byte
//	JSONTEXT  a JSON document that comes back byte for byte
//	BLOB      bytes
//
// The table options STRICT and WITHOUT ROWID are for SQLite alone. The convention that makes the texts easy to cut: a
// statement ends with a semicolon at the end of a line, and a comment has a line to itself.
package ddl

import (
	"fmt"
	"strings"

	"github.com/livetables/livetables/adapter"
)

// The drivers, as [adapter.Capabilities] names them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Statements cuts the text of a migration into the statements of a driver. A driver it does not know is
// adapter.ErrUnsupported. It is safe for concurrent use.
func Statements(driver, text string) ([]string, error) {
	list := split(text)
	switch driver {
	case SQLite:
	case Postgres:
		for i, s := range list {
			list[i] = postgres(s)
		}
	default:
		return nil, fmt.Errorf("definitions for %s: %w", driver, adapter.ErrUnsupported)
	}
	return list, nil
}

// split cuts a text at the semicolons that end a line, and drops comments and empty lines.
func split(text string) []string {
	var list []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "--") || line == "" {
			continue
		}
		if end, ok := strings.CutSuffix(line, ";"); ok {
			b.WriteString(end)
			list = append(list, b.String())
			b.Reset()
			continue
		}
		b.WriteString(line + "\n")
	}
	return list
}

// postgresTypes are PostgreSQL's types for the words. Text has the collation "C", under which the order of text is that
// of its bytes whatever the database was made with.
var postgresTypes = map[string]string{
	"INTEGER":  "BIGINT",
	"TEXT":     `TEXT COLLATE "C"`,
	"JSONTEXT": `TEXT COLLATE "C"`,
	"BLOB":     "BYTEA",
}

// postgres rewrites the words of one statement and leaves what stands in quotes as it is.
func postgres(statement string) string {
	var b strings.Builder
	for rest := statement; rest != ""; {
		var token string
		switch c := rest[0]; {
		case c == '\'' || c == '"':
			end := strings.IndexByte(rest[1:], c)
			if end < 0 {
				end = len(rest) - 2
			}
			token, rest = rest[:end+2], rest[end+2:]
		case word(c):
			end := 1
			for end < len(rest) && word(rest[end]) {
				end++
			}
			token, rest = rest[:end], rest[end:]
			if t, ok := postgresTypes[token]; ok {
				token = t
			}
		default:
			token, rest = rest[:1], rest[1:]
		}
		b.WriteString(token)
	}
	s := b.String()
	for _, option := range []string{") STRICT, WITHOUT ROWID", ") WITHOUT ROWID, STRICT", ") WITHOUT ROWID", ") STRICT"} {
		if head, ok := strings.CutSuffix(s, option); ok {
			return head + ")"
		}
	}
	return s
}

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
