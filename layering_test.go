package livetables_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/livetables/livetables"

// listed is what "go list" says about one package of this module. Imports of
// test files are not part of it: a test may use what it likes.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// path is the package's path inside the module, "." for the root.
func (p listed) path() string { return inModule(p.ImportPath) }

// inModule is the path of a package inside this module, "." for its root, or
// empty for a package of somebody else.
func inModule(importPath string) string {
	if importPath == module {
		return "."
	}
	path, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	return path
}

// under reports whether a path is one of the trees or inside one.
func under(path string, trees ...string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool {
		return path == tree || strings.HasPrefix(path, tree+"/")
	})
}

var packages = sync.OnceValues(func() ([]listed, error) {
	// -e: a package that does not compile has imports nevertheless, and its
	// own tests will tell.
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Deps", "./...")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, errors.New("go list: " + string(exit.Stderr))
	} else if err != nil {
		return nil, err
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

func listPackages(t *testing.T) []listed {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTopLevel holds the folders that the documentation and other people's
// imports rely on.
func TestTopLevel(t *testing.T) {
	all := listPackages(t)
	for _, want := range []string{
		".", "lqp", "formula", "adapter", "minidb", "rbac", "audit", "realtime", "cmd/livetablesd", "examples",
	} {
		found := slices.ContainsFunc(all, func(p listed) bool {
			if want == "examples" {
				return under(p.path(), want) // one folder per example
			}
			return p.path() == want
		})
		if !found {
			t.Errorf("there is no package %s", want)
		}
	}
}

// TestImportsPointDown checks which packages of this module each package may
// import. The order of the layers is drawn in docs/architecture.md.
func TestImportsPointDown(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imported := range p.Imports {
			to := inModule(imported)
			if to == "" {
				continue
			}
			if why := whyNot(p.path(), to); why != "" {
				t.Errorf("%s imports %s: %s", p.path(), to, why)
			}
		}
	}
}

// whyNot says why one package must not import another, or nothing if it may.
func whyNot(from, to string) string {
	if under(to, "internal/testenv") && !under(from, "internal") {
		return "it is for tests"
	}
	switch {
	case under(from, "lqp"):
		if !under(to, "lqp") {
			return "lqp is the bottom and stands alone"
		}
	case from == "adapter":
		if !under(to, "lqp") {
			return "the interface knows lqp at most"
		}
	case under(from, "formula"), under(from, "rbac"), under(from, "audit"), under(from, "realtime"):
		own, _, _ := strings.Cut(from, "/")
		if !under(to, "lqp", own) {
			return own + " knows lqp at most"
		}
	case under(from, "adapter"), under(from, "minidb"):
		if under(to, ".", "cmd", "examples") {
			return "it is above " + from
		}
		if under(from, "adapter") && under(to, "minidb") {
			return "adapters know no user of theirs"
		}
	case from == ".":
		if under(to, "cmd", "examples") {
			return "it is above the root"
		}
	case under(from, "cmd"):
		if to == "internal/campaign" && under(from, "cmd/livetablesd/internal/canary/cmd") {
			return "" // a command that tries the daemon is no part of it
		}
		// The daemon is one embedder among others, and what it needs they need.
		if to != "." && to != "minidb" && !under(to, "minidb/blob", "lqp", "formula", "rbac", "audit", "realtime", "adapter", "cmd") {
			return "the daemon uses what every embedder can use"
		}
		fallthrough
	case under(from, "examples"):
		if strings.HasPrefix(to+"/", "internal/") || strings.Contains(to, "/internal/") && !under(to, "cmd") {
			return "an embedder cannot"
		}
	}
	return ""
}

func TestWhyNot(t *testing.T) {
	for _, test := range []struct {
		from, to string
		allowed  bool
	}{
		{"lqp", "lqp/internal/decimal", true},
		{"lqp", "formula", false},
		{"formula", "lqp", true},
		{"rbac", "audit", false},
		{"adapter", "formula", false},
		{"adapter/sqlite", "adapter/internal/sqlgen", true},
		{"adapter/sqlite", "formula", true},
		{"adapter/sqlite", ".", false},
		{"adapter/sqlite", "minidb", false},
		{"minidb", "adapter/sqlite", true},
		{"minidb/catalog", ".", false},
		{"realtime/redis", "realtime", true},
		{"realtime/redis", "internal/testenv", false},
		{".", "minidb/catalog", true},
		{".", "cmd/livetablesd", false},
		{"cmd/livetablesd/httpapi", ".", true},
		{"cmd/livetablesd", "cmd/livetablesd/internal/web", true},
		{"cmd/livetablesd", "minidb", true},
		{"cmd/livetablesd/internal/canary/cmd/canaries", "internal/campaign", true},
		{"cmd/livetablesd/internal/canary", "internal/campaign", false},
		{"cmd/livetablesd", "minidb/catalog", false},
		{"examples/embed", "internal/clock", false},
		{"examples/embed", "adapter/sqlite", true},
		{"internal/bench", "internal/testenv", true},
	} {
		if why := whyNot(test.from, test.to); (why == "") != test.allowed {
			t.Errorf("%s imports %s: got %q, want allowed %v", test.from, test.to, why, test.allowed)
		}
	}
}

// drivers are the modules that talk to databases and brokers.
var drivers = []string{
	"github.com/jackc/pgx", "github.com/jackc/pglogrepl", "github.com/ncruces/go-sqlite3",
	"github.com/go-sql-driver/mysql", "github.com/go-mysql-org/go-mysql",
	"go.mongodb.org/mongo-driver", "github.com/redis/go-redis",
}

// TestRootLinksNoDriver: whoever embeds the engine links the drivers they name
// and nothing that belongs to tests.
func TestRootLinksNoDriver(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.path() != "." {
			continue
		}
		for _, dep := range p.Deps {
			if under(dep, drivers...) || under(dep, "testing") {
				t.Errorf("the root package depends on %s", dep)
			}
		}
	}
}

// TestDriversStayInTheirAdapters: nobody else talks to a database directly.
func TestDriversStayInTheirAdapters(t *testing.T) {
	for _, p := range listPackages(t) {
		if under(p.path(), "adapter", "realtime/redis", "cmd/livetablesd/internal/limit", "internal/testenv", "internal/storetest", "internal/bench", "internal/differential", "internal/interference", "internal/faultdisk") {
			continue
		}
		for _, imported := range p.Imports {
			if under(imported, drivers...) {
				t.Errorf("%s imports %s", p.path(), imported)
			}
		}
	}
}

// TestOnlySuitesUseTesting: a package that a program links has no business with
// package testing, unless it is a test suite for implementers.
func TestOnlySuitesUseTesting(t *testing.T) {
	for _, p := range listPackages(t) {
		suite := strings.HasSuffix(filepath.Base(p.path()), "test")
		if suite || under(p.path(), "internal/testenv", "internal/bench") {
			continue
		}
		for _, imported := range p.Imports {
			if under(imported, "testing") && imported != "testing/fstest" {
				t.Errorf("%s imports %s", p.path(), imported)
			}
		}
	}
}
