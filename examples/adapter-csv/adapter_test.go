package main

import (
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/lqp"
)

// TestConformance runs the suite of all adapters. Files have no foreign keys, no unique keys and no lists, documents or
// bytes, and the columns of a key stand in the order of the file.
func TestConformance(t *testing.T) {
	var dir string
	adaptertest.Run(t, adaptertest.Harness{
		Open: func(t testing.TB) adapter.Adapter {
			dir = t.TempDir()
			a, err := Open(t.Context(), adapter.Settings{File: dir})
			require.NoError(t, err)
			return a
		},
		Load: func(t testing.TB, _ adapter.Adapter, tables []*adaptertest.Fixture) {
			for _, f := range tables {
				f.Unique, f.Key = nil, slices.Clone(f.Key)
				slices.SortFunc(f.Key, func(a, b string) int { return position(f, a) - position(f, b) })
				writeTable(t, dir, f)
			}
		},
		Holds:         func(t lqp.Type) bool { return t.Kind.Orderable() },
		NoForeignKeys: true,
	})
}

func position(f *adaptertest.Fixture, column string) int {
	return slices.IndexFunc(f.Columns, func(c adaptertest.Column) bool { return c.Name == column })
}

func writeTable(t testing.TB, dir string, f *adaptertest.Fixture) {
	records := [][]string{nil}
	for _, c := range f.Columns {
		mark := ""
		if slices.Contains(f.Key, c.Name) {
			mark = "!"
		}
		records[0] = append(records[0], c.Name+":"+c.Type.Kind.String()+mark)
	}
	for _, row := range f.Rows {
		var cells []string
		for _, v := range row {
			cell := `\N`
			if !v.IsNull() {
				cell = v.String()
			}
			cells = append(cells, cell)
		}
		records = append(records, cells)
	}
	file, err := os.Create(filepath.Join(dir, f.Name+".csv"))
	require.NoError(t, err)
	require.NoError(t, csv.NewWriter(file).WriteAll(records))
	require.NoError(t, file.Close())
}

// folderOf opens a folder with one file.
func folderOf(t *testing.T, text string) adapter.Adapter {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "t.csv"), []byte(text), 0o600))
	a, err := Open(t.Context(), adapter.Settings{File: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

func bind(t *testing.T, a adapter.Adapter, q *lqp.Query) *lqp.Query {
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return cat.Table(name), nil }})
	require.NoError(t, err)
	return bound
}

// TestComparisonsArePushed: the records that cannot match are skipped at the source, before their other cells are read.
func TestComparisonsArePushed(t *testing.T) {
	a := folderOf(t, "id:number!,name:text,n:number\n1,a,5\n2,b,6\n3,a,7\n")
	split := a.Plan(bind(t, a, lqp.From("t").Filter(
		lqp.NewCall("eq", lqp.Ref("", "name"), lqp.Literal(lqp.TextValue("a"))),
		lqp.NewCall("gt", lqp.Ref("", "n"), lqp.Literal(lqp.IntValue(5))),
	).Query()))
	require.Equal(t, []adapter.Placement{adapter.PushedExact, adapter.InMemory}, []adapter.Placement{split.Notes[0].Placement, split.Notes[1].Placement})
	r, err := a.(*folder).open("t")
	require.NoError(t, err)
	r.where = lqp.Conjuncts(split.Pushed.Where)
	var ids []string
	for r.Next() {
		ids = append(ids, r.cells[0])
	}
	require.ErrorIs(t, r.Err(), io.EOF)
	require.NoError(t, r.Close())
	require.Equal(t, []string{"1", "3"}, ids, "the source filters by name, the engine does the rest")
}

// TestFilesThatAreWrong names the file and the place instead of answering with less.
func TestFilesThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, problem string }{
		"empty":            {"", "header of t"},
		"no kind":          {"id\n", `"id" is no name and kind`},
		"unknown kind":     {"id:int\n", `"id:int" is no name and kind`},
		"twice":            {"id:text,id:text\n", `"id:text" is no name and kind`},
		"more cells":       {"id:text\na,b\n", "line 2: wrong number of fields"},
		"open quote":       {"id:text\n\"" + strings.Repeat("a", 5<<20), "more than 4 MB"},
		"column went away": {"other:text\na\n", "no column id of kind text any more"},
		"kind changed":     {"id:number\n1\n", "no column id of kind text any more"},
	} {
		t.Run(name, func(t *testing.T) {
			before := folderOf(t, "id:text\na\n")
			q := bind(t, before, &lqp.Query{From: lqp.Source{Table: "t"}})
			a := folderOf(t, c.text)
			rows, err := a.Scan(t.Context(), q)
			require.NoError(t, err) // files are opened by the first row
			for rows.Next() {
			}
			require.ErrorContains(t, rows.Err(), c.problem)
			require.NoError(t, rows.Close())
		})
	}
}

// TestTablesAreSortedByName, as the contract says: a blank and a minus come before the dot of the files' names.
func TestTablesAreSortedByName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a-b.csv", "a.csv", "a b.csv", "notes.txt", "b.csv"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("id:number!\n"), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.csv"), 0o700))
	a, err := Open(t.Context(), adapter.Settings{File: dir})
	require.NoError(t, err)
	defer a.Close()
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	var names []string
	for _, table := range cat.Tables {
		names = append(names, table.Name)
	}
	require.Equal(t, []string{"a", "a b", "a-b", "b"}, names)
}

// TestFilesOutsideAreNotRead: neither a link nor a name leads out of the folder.
func TestFilesOutsideAreNotRead(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.csv")
	require.NoError(t, os.WriteFile(outside, []byte("id:text\nsecret\n"), 0o600))
	dir := t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "t.csv")))
	a, err := Open(t.Context(), adapter.Settings{File: dir})
	require.NoError(t, err)
	defer a.Close()
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	require.Empty(t, cat.Tables)
	for _, name := range []string{"t", "../secret", outside[:len(outside)-len(".csv")]} {
		_, err = a.(*folder).open(name)
		require.ErrorIs(t, err, adapter.ErrNoTable)
		require.ErrorContains(t, err, "escapes")
	}
	_, err = Open(t.Context(), adapter.Settings{File: filepath.Join(dir, "none")})
	require.ErrorIs(t, err, adapter.ErrUnavailable)
}

func Example_run() {
	dir, err := os.MkdirTemp("", "livetables")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir, os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// Noor: 3 visits, 16.25
	// Tadeo: 1 visits, 7.25
	// Ilse: 1 visits, 0
}

// TestTheGuideIsCutOut: the Go in docs/adapters.md stands in these files as it is.
func TestTheGuideIsCutOut(t *testing.T) {
	guide, err := os.ReadFile("../../docs/adapters.md")
	require.NoError(t, err)
	var sources string
	for _, name := range []string{"adapter.go", "adapter_test.go", "main.go"} {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		if name == "adapter.go" {
			require.Less(t, strings.Count(string(b), "\n"), 150, "the guide promises less than 150 lines")
		}
		sources += string(b)
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		require.Contains(t, sources, code)
	}
}
