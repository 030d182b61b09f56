package livetables_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// attackCount is how many attacks the checklist has.
const attackCount = 85

// testFunctions are the names of all tests of the repository.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(\w+ \*testing\.T\)`)
	found := map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
		}
		return err
	}))
	return found
}

// TestEveryAttackHasItsTest reads the tables of docs/security.md: every attack of the checklist is there once, in order, with
// tests that exist or with the feature that it waits for, and every test that has an attack's number in its name stands
// beside that number.
func TestEveryAttackHasItsTest(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	require.NoError(t, err)
	tests := testFunctions(t)
	name := regexp.MustCompile("`(Test\\w+)`")
	_, standards, ok := strings.Cut(string(text), "## Standards")
	require.True(t, ok)
	for _, m := range name.FindAllStringSubmatch(standards, -1) {
		require.True(t, tests[m[1]], "docs/security.md names %s, which is no test", m[1])
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, attackCount)
	beside := map[string][]string{} // rows by test
	for i, row := range rows {
		require.Equal(t, strconv.Itoa(i+1), row[1], "the attacks are in order")
		named := name.FindAllStringSubmatch(row[3], -1)
		_, awaited, awaits := strings.Cut(row[3], "awaits: ")
		require.True(t, len(named) > 0 || awaits && strings.TrimSpace(awaited) != "", "attack %s has neither a test nor something that it awaits", row[1])
		for _, m := range named {
			require.True(t, tests[m[1]], "attack %s names %s, which is no test", row[1], m[1])
			beside[m[1]] = append(beside[m[1]], row[1])
		}
	}
	numbered := regexp.MustCompile(`^TestAttack(\d+)`)
	for test := range tests {
		if m := numbered.FindStringSubmatch(test); m != nil {
			require.Contains(t, beside[test], m[1], "%s is not beside attack %s in docs/security.md", test, m[1])
		}
	}
}
