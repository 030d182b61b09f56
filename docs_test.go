package livetables_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumentedPathsExist checks every path of this repository that the
// documentation names in backticks.
func TestDocumentedPathsExist(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var top []string
	for _, e := range entries {
		if e.Name() != ".git" {
			top = append(top, e.Name())
		}
	}
	pages := []string{"README.md", "CONTRIBUTING.md"}
	err = filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, path := range namedPaths(string(text), top) {
			if !pathExists(path) {
				t.Errorf("%s names `%s`, which is not there", page, path)
			}
		}
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	backtick = regexp.MustCompile("`([^`\\s]+)`")
	symbol   = regexp.MustCompile(`\.[A-Z]\w*(\.\w+)*(\(\))?$`)
)

// namedPaths finds what is meant as a path in a page: a word in backticks that
// has a slash and begins with a name at the top of the repository.
func namedPaths(text string, top []string) []string {
	var paths []string
	for _, m := range backtick.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		path := strings.TrimPrefix(m[1], "./")
		first, _, slash := strings.Cut(path, "/")
		// Angle brackets and the like stand for something else.
		if slash && slices.Contains(top, first) && !strings.ContainsAny(path, "<>{}$|…") {
			paths = append(paths, path)
		}
	}
	return paths
}

func pathExists(path string) bool {
	path, _, _ = strings.Cut(path, "#") // a section
	path, _, _ = strings.Cut(path, ":") // a line
	path = strings.TrimSuffix(path, "...")
	for _, path := range []string{path, symbol.ReplaceAllString(path, "")} { // a package's symbol
		if found, err := filepath.Glob(path); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

func TestNamedPaths(t *testing.T) {
	const page = "See `docs/gone.md`, `lqp.Eval`, `./cmd/x`, `lqp/<name>`, `GET /tables`, `a/b`.\n" +
		"```\n`lqp/in-a-block`\n```\n"
	got := namedPaths(page, []string{"docs", "lqp", "cmd"})
	if want := []string{"docs/gone.md", "cmd/x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for path, want := range map[string]bool{
		"internal/testenv":                true,
		"internal/testenv/":               true,
		"internal/testenv/doc.go:3":       true,
		"internal/testenv.Postgres":       true,
		"internal/testenv/cmd/...":        true,
		"internal/*/doc.go":               true,
		"internal/testenv/doc.go#package": true,
		"internal/gone":                   false,
		"internal/testenv/gone.go":        false,
		"internal/gone.Postgres":          false,
	} {
		if got := pathExists(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}
