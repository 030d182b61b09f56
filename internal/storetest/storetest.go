// Package storetest lets one suite of tests run on every database that can hold a mini-DB.
//
// A package whose tests ask New for their stores runs them through Main: all of them on SQLite, then all of them again on
// PostgreSQL. No test has to say so, and none can be forgotten. What holds for one database alone asks Driver.
package storetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/adapter/sqlite"
)

// Env names the one driver that the tests are to run on ("sqlite", "postgres"), for those who look for a fault. A test
// that starts its own program again sets it there.
const Env = "LIVETABLES_TEST_STORE"

// current is the driver of the run under way.
var current = ddl.SQLite

// Driver is the database that the tests run on now, as [adapter.Capabilities] names it.
func Driver() string { return current }

// Main runs the tests of a package on each database and ends the process. Fuzzing, benchmarks and listings run once, on
// what Env says, SQLite by default.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for programs that have something left to do: it answers the code to end with. The tests named in once run on
// SQLite only: those that take their time and whose subject is another than what is stored.
func Run(m interface{ Run() int }, once ...string) int {
	return run(m, "test.skip", once)
}

// RunCentral is Run for a package of which only the named tests run on PostgreSQL as well: what the others are about is the
// same on every store. With -run given, tests run on SQLite only; Env names another database for them.
func RunCentral(m interface{ Run() int }, both ...string) int {
	flag.Parse()
	if flag.Lookup("test.run").Value.String() != "" && os.Getenv(Env) == "" {
		if err := os.Setenv(Env, ddl.SQLite); err != nil {
			panic(err)
		}
	}
	return run(m, "test.run", both)
}

// run runs the tests on each database, on PostgreSQL with a flag of package testing that selects by the names.
func run(m interface{ Run() int }, by string, names []string) int {
	flag.Parse()
	drivers := []string{ddl.SQLite, ddl.Postgres}
	for _, name := range []string{"test.list", "test.fuzz", "test.bench"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			drivers = drivers[:1]
		}
	}
	if only := os.Getenv(Env); only != "" {
		drivers = []string{only}
	}
	code := 0
	for _, driver := range drivers {
		current = driver
		if f := flag.Lookup(by); driver != ddl.SQLite && len(names) > 0 && f.Value.String() == "" {
			if err := f.Value.Set("^(" + strings.Join(names, "|") + ")$"); err != nil {
				panic(err) // it takes any text
			}
		}
		if flag.Lookup("test.v").Value.String() != "false" || len(drivers) == 1 {
			fmt.Println("=== STORE", current)
		}
		if c := m.Run(); c != 0 {
			fmt.Println("FAIL: on the store", current)
			code = max(code, c)
		}
	}
	if err := dropAll(); err != nil {
		fmt.Fprintln(os.Stderr, "drop the databases of the tests:", err)
		code = max(code, 1)
	}
	return code
}

// Place is a database of one test. It can be opened many times, as by several processes.
type Place struct {
	// File is the file of an SQLite database, empty for any other.
	File string
	// URL is the address of a PostgreSQL database, and Schema the schema in it that the store owns; empty for any other.
	URL, Schema string
	// Relaxed commits without waiting for the disk.
	Relaxed bool

	kept *kept // what is used again by the next test, nil when nothing is
}

// tellCache lets go test know that the result of the tests depends on Env: it takes note of variables that are asked for while tests run,
// and not of what is asked before. Else the result on one database would be taken for that on another one.
func tellCache() { _ = os.Getenv(Env) }

// New makes a database of the current driver without data for a test. In it the mini-DB may have been before, and the
// store that the first Open of the test gives may have served another one; both are ready in a fraction of the time.
func New(t testing.TB) Place {
	t.Helper()
	tellCache()
	if current == ddl.Postgres {
		return used(t)
	}
	return Fresh(t)
}

// Fresh is New for a database that nobody has had before: for tests that look at how a mini-DB is made, or that change what
// it is made of.
func Fresh(t testing.TB) Place {
	t.Helper()
	tellCache()
	if current == ddl.Postgres {
		return schema(t)
	}
	return Place{File: filepath.Join(t.TempDir(), "mini.db")}
}

// Postgres is Fresh on PostgreSQL, whatever the current driver: for tests whose subject is how that is asked.
func Postgres(t testing.TB) Place {
	t.Helper()
	return schema(t)
}

// Open opens a store in the database; it is closed with the test.
func (p Place) Open(t testing.TB) adapter.Store {
	t.Helper()
	if store := p.kept.take(); store != nil {
		return store
	}
	store, err := p.OpenStore(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// Lend is Open for a test that is done with the store earlier, for example to open it again: it calls done then.
func (p Place) Lend(t testing.TB) (store adapter.Store, done func()) {
	t.Helper()
	if store := p.kept.take(); store != nil {
		return store, func() {}
	}
	store, err := p.OpenStore(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return store, func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// OpenStore opens a store that the caller closes.
func (p Place) OpenStore(ctx context.Context) (adapter.Store, error) {
	switch {
	case p.URL != "":
		return p.openPostgres(ctx)
	case p.File != "":
		return sqlite.OpenStore(ctx, p.File, sqlite.StoreOptions{Relaxed: p.Relaxed})
	}
	return nil, errors.New("no database is named")
}
