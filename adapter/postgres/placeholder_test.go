package postgres

import (
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/stretchr/testify/require"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		sql, want string
		n         int
	}{
		{"SELECT 1", "SELECT 1", 0},
		{"? + ?", "$1 + $2", 2},
		{"a = '?' AND b = ?", "a = '?' AND b = $1", 1},
		{"a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = $1", 1},
		{`a = E'it\'s ?' AND b = ?`, `a = E'it\'s ?' AND b = $1`, 1},
		{`a = 'back\' AND b = ?`, `a = 'back\' AND b = $1`, 1},
		{`some'back\' || ?`, `some'back\' || $1`, 1}, // the e belongs to a word
		{`"odd ""?" = ?`, `"odd ""?" = $1`, 1},
		{"a -- ?\n = ?", "a -- ?\n = $1", 1},
		{"a -- ?", "a -- ?", 0},
		{"/* ? /* ? */ ? */ ?", "/* ? /* ? */ ? */ $1", 1},
		{"/* ?", "/* ?", 0},
		{"$$ ? $$ ?", "$$ ? $$ $1", 1},
		{"$a$ ? $b$ $$ ? $a$ ?", "$a$ ? $b$ $$ ? $a$ $1", 1},
		{"x$a$ ?", "x$a$ $1", 1}, // within a name
		{"$ ?", "$ $1", 1},
		{"é$a$ ?", "é$a$ $1", 1},
		{"'open ?", "'open ?", 0},
		{"?::text||?", "$1::text||$2", 2},
	} {
		got, n := number(c.sql)
		require.Equal(t, c.want, got)
		require.Equal(t, c.n, n, c.sql)
	}
}

func TestRefusedStatements(t *testing.T) {
	for _, sql := range []string{"", " -- nothing", "COMMIT", "/* x */ rollback to a", "begin", "set role x", "  SAVEPOINT a", "copy n from stdin",
		"CREATE TABLE a (b int REFERENCES c DEFERRABLE INITIALLY DEFERRED)", "listen x"} {
		_, err := translation(sql)
		require.ErrorIs(t, err, adapter.ErrUnsupported, sql)
	}
	for _, sql := range []string{"SELECT 1", "UPDATE t SET a = ?", "CREATE TABLE a (commit int)", "WITH begin AS (SELECT 1) SELECT * FROM begin"} {
		_, err := translation(sql)
		require.NoError(t, err, sql)
	}
}

// FuzzNumber: without quotes, comments and dollars every question mark is a parameter; whatever the text, nothing but
// question marks changes.
func FuzzNumber(f *testing.F) {
	for _, sql := range []string{"? '?' \"?\" -- ?\n/* ? /* */ */ $$?$$ $a$ ? $a$ E'\\'?'", "'", "$", "/*", "--", "$1$?$1$", "e'\\", "?"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		got, n := number(sql)
		if n == 0 && got != sql {
			t.Fatalf("%q became %q", sql, got)
		}
		if !strings.ContainsAny(sql, `'"$-/`) && n != strings.Count(sql, "?") {
			t.Fatalf("%d parameters in %q", n, sql)
		}
		if !strings.Contains(sql, "$") { // what was written can be taken back
			back := got
			for i := n; i > 0; i-- {
				at := strings.LastIndexByte(back, '$')
				end := at + 1
				for end < len(back) && end-at <= len(itoa(i)) {
					end++
				}
				back = back[:at] + "?" + back[end:]
			}
			if back != sql {
				t.Fatalf("%q became %q", sql, got)
			}
		}
		_, _ = translation(sql)
	})
}

func itoa(n int) string { return string(appendInt(nil, int64(n))) }
