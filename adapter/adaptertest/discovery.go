package adaptertest

import (
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// discovery holds the discovered catalogue against what was loaded.
func (s *suite) discovery(t T) {
	cat, err := s.a.Tables(ctxOf(t))
	if err != nil {
		t.Fatalf("discover tables: %v", err)
	}
	if !slices.IsSortedFunc(cat.Tables, func(a, b *lqp.Table) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("tables are not sorted by name: %v", tableNames(cat))
	}
	for _, f := range s.fixtures {
		t.Run(f.Name, func(t T) { s.discovered(t, f, findTable(cat, f.Name)) })
	}
	for _, c := range []string{"Driver", "Version"} {
		caps := s.a.Capabilities()
		if c == "Driver" && caps.Driver == "" || c == "Version" && caps.Version == "" {
			t.Errorf("Capabilities().%s is empty", c)
		}
	}
}

func (s *suite) discovered(t T, f *Fixture, table *lqp.Table) {
	if table == nil {
		t.Fatalf("not found")
	}
	s.facts(t, f, table)
	if len(table.Path) == 0 {
		t.Errorf("no path")
	}
	if !slices.Equal(table.Key, f.Key) {
		t.Errorf("key %v instead of %v", table.Key, f.Key)
	}
	for i, c := range table.Columns {
		want := f.Columns[f.column(c.ID)]
		if !c.Type.Same(want.Type) {
			t.Errorf("column %s has type %s instead of %s (declared as %q)", c.ID, c.Type, want.Type, c.Native)
		}
		if c.Name == "" {
			t.Errorf("column %s has no name", c.ID)
		}
		for _, r := range f.Rows {
			if problem := broken(c.Type, r[f.column(c.ID)]); problem != "" {
				t.Errorf("column %s is promised to be %+v, value %s %s", c.ID, table.Columns[i].Type, r[f.column(c.ID)].String(), problem)
				break
			}
		}
	}
	for _, u := range f.Unique {
		if !slices.ContainsFunc(table.Uniques, func(got []string) bool { return slices.Equal(got, u) }) {
			t.Errorf("unique key %v is not among %v", u, table.Uniques)
		}
	}
	if len(table.Uniques) > len(f.Unique)+1 { // some count the key too
		t.Errorf("unique keys %v, there are %v", table.Uniques, f.Unique)
	}
	if s.h.NoForeignKeys {
		return
	}
	if len(table.ForeignKeys) != len(f.ForeignKeys) {
		t.Fatalf("%d foreign keys instead of %d", len(table.ForeignKeys), len(f.ForeignKeys))
	}
	for i, want := range f.ForeignKeys {
		got := table.ForeignKeys[i]
		if got.RefTable != s.tables[want.RefTable].Name || !slices.Equal(got.Columns, want.Columns) || !slices.Equal(got.RefColumns, want.RefColumns) {
			t.Errorf("foreign key %+v instead of %+v", got, want)
		}
	}
}

// rows reads every table whole: every value of every type must come back as it was loaded.
func (s *suite) rows(t T) {
	for _, f := range s.fixtures {
		t.Run(f.Name, func(t T) {
			q := &lqp.Query{From: s.from(f.Name, "")}
			for _, k := range f.Key {
				q.OrderBy = append(q.OrderBy, lqp.Order{Expr: ref(k)})
			}
			s.check(t, q, len(f.Key) > 0)
			s.check(t, &lqp.Query{From: s.from(f.Name, "")}, false)
			for _, c := range f.Columns {
				s.check(t, &lqp.Query{From: s.from(f.Name, ""), Select: []lqp.Named{{Name: "v", Expr: ref(c.Name)}}}, false)
			}
		})
	}
}
