package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// Harness connects the suite to an adapter.
type Harness struct {
	// Open opens an adapter on a database of its own, which is empty. It is called several times; the suite closes what it
	// opens. Cleaning up the database is the harness's (t.Cleanup).
	Open func(t testing.TB) adapter.Adapter
	// Load creates the tables in the adapter's database and fills them, in the order given. It is called once for an adapter.
	// It may change a fixture to what the source can say of it at all, for example leave out a unique key that cannot be
	// declared; it must not change what the rows mean.
	Load func(t testing.TB, a adapter.Adapter, tables []*Fixture)
	// Holds says whether the source can keep every value of a column of that type and tell it from others; nil holds all.
	// The suite leaves out the columns that are not held, never those of kind number with 12 digits or text.
	Holds func(t lqp.Type) bool
	// Facts are those that Load declares and discovery has to tell. The zero value asks for none.
	Facts Facts
	// NoForeignKeys says that the source has none to discover.
	NoForeignKeys bool
	// Sessions, if it is set, asks the source itself how many connections the adapter has there and how many of them are
	// running a statement at this moment. The suite then makes sure that cancelled statements end and that nothing stays
	// open after Close; without it, it only sees what happens in this process.
	Sessions func(t testing.TB, a adapter.Adapter) (open, running int)
	// Patience is how long the suite waits for what ends by itself: cancelled statements, goroutines, connections. Default 10 s.
	Patience time.Duration
	// Random is how many random queries are asked, default 300.
	Random int
	// Seed of the random queries. 0 takes what LIVETABLES_TEST_SEED says: a number, "new" for one that is drawn, and unset
	// one that is always the same.
	Seed uint64
	// Only names the subjects to check, as the sub-tests are called ("Sorting"); nil checks all.
	Only []string
}

// T is what the suite needs of a test: testing.TB and sub-tests. *testing.T becomes one by Run; tests of the suite itself
// record failures instead.
type T interface {
	testing.TB
	// Run runs f as a sub-test and reports whether it passed.
	Run(name string, f func(T)) bool
}

type goTest struct {
	testing.TB
	t *testing.T
}

func (g goTest) Run(name string, f func(T)) bool {
	return g.t.Run(name, func(t *testing.T) { f(goTest{t, t}) })
}

// Run runs the whole suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	RunT(goTest{t, t}, h)
}

// RunT is Run for a test of another kind than *testing.T.
func RunT(t T, h Harness) {
	t.Helper()
	if h.Holds == nil {
		h.Holds = func(lqp.Type) bool { return true }
	}
	if h.Random == 0 {
		h.Random = 300
	}
	if h.Patience == 0 {
		h.Patience = 10 * time.Second
	}
	s := &suite{h: h}
	s.subject(t, "Lifecycle", s.lifecycle)
	s.open(t)
	for _, c := range []struct {
		name string
		run  func(T)
	}{
		{"Discovery", s.discovery},
		{"Rows", s.rows},
		{"Operators", s.operators},
		{"Contexts", s.emission},
		{"Membership", s.membership},
		{"Texts", s.texts},
		{"Functions", s.functions},
		{"Cases", s.functionCases},
		{"Sorting", s.sorting},
		{"Keyset", s.keyset},
		{"Paging", s.paging},
		{"Promises", s.promises},
		{"Joins", s.joins},
		{"Groups", s.groups},
		{"Nested", s.nested},
		{"Cancellation", s.cancellation},
		{"Random", s.random},
		{"Metamorphic", s.metamorphic},
		{"Leaks", s.leaks},
		{"Writes", s.writes},
	} {
		s.subject(t, c.name, c.run)
	}
}

func (s *suite) subject(t T, name string, run func(T)) {
	if len(s.h.Only) == 0 || slices.Contains(s.h.Only, name) {
		t.Run(name, run)
	}
}

// connection is the id under which the suite's queries name the adapter.
const connection = "src"

// suite is one run over one adapter.
type suite struct {
	h        Harness
	a        adapter.Adapter
	fixtures []*Fixture
	tables   map[string]*lqp.Table // discovered, by the fixture's name
	oracle   *memory.Adapter
	checks   int
}

// open loads the fixtures and discovers them.
func (s *suite) open(t T) {
	t.Helper()
	s.a = s.h.Open(t)
	t.Cleanup(func() {
		if err := s.a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	s.fixtures = fixtures(s.h.Holds, s.h.Facts)
	s.h.Load(t, s.a, s.fixtures)
	s.discover(t)
}

// discover reads the catalogue and builds the oracle over the discovered schemas.
func (s *suite) discover(t T) {
	t.Helper()
	cat, err := s.a.Tables(ctxOf(t))
	if err != nil {
		t.Fatalf("discover tables: %v", err)
	}
	s.tables = map[string]*lqp.Table{}
	var held []memory.Table
	for _, f := range s.fixtures {
		found := findTable(cat, f.Name)
		if found == nil {
			t.Fatalf("table %s was loaded and is not discovered; found %v", f.Name, tableNames(cat))
		}
		rows, err := f.rowsFor(found)
		if err != nil {
			t.Fatalf("table %s: %v", f.Name, err)
		}
		s.tables[f.Name] = found
		held = append(held, memory.Table{Schema: found, Rows: rows})
	}
	s.oracle = memory.New(held, memory.Options{Prover: memory.Everything})
}

func findTable(cat lqp.Catalog, name string) *lqp.Table {
	for _, t := range cat.Tables {
		if t.Name == name || len(t.Path) > 0 && t.Path[len(t.Path)-1] == name {
			return t
		}
	}
	return nil
}

func tableNames(cat lqp.Catalog) []string {
	names := make([]string, len(cat.Tables))
	for i, t := range cat.Tables {
		names[i] = t.Name
	}
	return names
}

// now is the instant that every query of the suite is asked at.
var now = time.Date(2024, 2, 29, 10, 30, 15, 250_000_000, time.UTC)

// bind resolves a query against the discovered tables.
func (s *suite) bind(q *lqp.Query) (*lqp.Query, error) {
	return lqp.Bind(q, lqp.Env{
		Now:  now,
		User: "usr_suite",
		Table: func(conn, name string) (*lqp.Table, error) {
			if t := s.tables[name]; conn == connection && t != nil {
				return t, nil
			}
			for _, t := range s.tables {
				if t.Name == name {
					return t, nil
				}
			}
			return nil, fmt.Errorf("%w: %s", lqp.ErrUnknownTable, name)
		},
	})
}

// from is a source of the suite's connection, named by the table's discovered name.
func (s *suite) from(fixture, alias string) lqp.Source {
	return lqp.Source{Connection: connection, Table: s.tables[fixture].Name, Alias: alias}
}

func (s *suite) seed(t T) uint64 {
	if s.h.Seed != 0 {
		return s.h.Seed
	}
	return testseed.Of(t)
}

func ctxOf(t testing.TB) context.Context { return t.Context() }
