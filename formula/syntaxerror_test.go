package formula

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestSyntaxErrorsGolden reads the inputs, the lines that start with "> ", from the golden file itself: to add a case,
// add its line and run with -update.
func TestSyntaxErrorsGolden(t *testing.T) {
	const path = "testdata/errors.golden"
	golden, err := os.ReadFile(path)
	require.NoError(t, err)
	var got strings.Builder
	for line := range strings.Lines(string(golden)) {
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
		if !ok {
			continue
		}
		got.WriteString("> " + text + "\n")
		_, err := Parse(text)
		require.Error(t, err, text)
		var se *SyntaxError
		require.ErrorAs(t, err, &se)
		require.True(t, 0 <= se.From && se.From <= se.To && se.To <= utf8.RuneCountInString(text), "%q: %v", text, err)
		got.WriteString(err.Error() + "\n")
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got.String()), 0o644))
		return
	}
	require.Equal(t, string(golden), got.String(), "run the test with -update after checking the messages")
}

func TestParseRefusesBadEncoding(t *testing.T) {
	_, err := Parse("ü & \xff")
	require.EqualError(t, err, "E_PARSE 4-5: the formula is not valid UTF-8")
	_, err = Parse("'a\x00'")
	require.EqualError(t, err, "E_PARSE 2-3: the formula contains the character U+0000")
	_, err = Parse("a & '\uFFFD'") // the replacement character itself is a character like any other
	require.NoError(t, err)
}

func TestSuccessIsANilError(t *testing.T) {
	_, err := Parse("1")
	require.False(t, errors.As(err, new(*SyntaxError)))
	require.NoError(t, err)
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "bac", 1}, {"abc", "ac", 1}, {"kitten", "sitting", 3}} {
		require.Equal(t, c.want, distance(c.a, c.b), c.a+" "+c.b)
		require.Equal(t, c.want, distance(c.b, c.a), c.b+" "+c.a)
	}
}

// TestSyntaxErrorInAPlan follows a mistake from the text through the plan's decoder to the problem that a client sees.
func TestSyntaxErrorInAPlan(t *testing.T) {
	for _, c := range []struct{ text, code, message string }{
		{"a + * b", lqp.CodeSyntax, "unexpected '*'; a value was expected"},
		{"a + RUOND(b)", lqp.CodeUnknownFunction, "no function is called RUOND; did you mean ROUND?"},
		{"a + ABS( )", lqp.CodeArgument, "ABS takes 1 argument, none given"},
		{"a + " + strings.Repeat("(", 101), lqp.CodeLimit, "the formula is nested deeper than 100 levels; move a part of it to a column of its own"},
	} {
		doc, err := json.Marshal(c.text)
		require.NoError(t, err)
		_, err = lqp.DecodeExpr(doc, lqp.DecodeOptions{Formula: Parse})
		var problems lqp.Problems
		require.ErrorAs(t, err, &problems)
		require.Len(t, problems, 1)
		require.Equal(t, c.code, problems[0].Code)
		require.Equal(t, c.message, problems[0].Message)
		require.GreaterOrEqual(t, problems[0].From, 4)
		require.Greater(t, problems[0].To, problems[0].From)
	}
}
