package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/lqp"
)

// createTable is the statement for a fixture with the given column types.
func createTable(f *adaptertest.Fixture, declare func(lqp.Type) string) string {
	if f.View != "" {
		return "CREATE VIEW " + f.Name + " AS SELECT * FROM " + f.View
	}
	quote := func(names []string) string {
		var b []byte
		for i, n := range names {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendIdent(b, n)
		}
		return string(b)
	}
	var parts []string
	for _, c := range f.Columns {
		col := quote([]string{c.Name}) + " " + declare(c.Type)
		if c.Type.NotNull {
			col += " NOT NULL"
		}
		if !c.Default.IsNull() {
			col += " DEFAULT '" + strings.ReplaceAll(c.Default.String(), "'", "''") + "'"
		}
		parts = append(parts, col)
	}
	if len(f.Key) > 0 {
		parts = append(parts, "PRIMARY KEY ("+quote(f.Key)+")")
	}
	for _, u := range f.Unique {
		parts = append(parts, "UNIQUE ("+quote(u)+")")
	}
	for _, k := range f.ForeignKeys {
		parts = append(parts, "FOREIGN KEY ("+quote(k.Columns)+") REFERENCES "+quote([]string{k.RefTable})+" ("+quote(k.RefColumns)+")")
	}
	return "CREATE TABLE " + quote([]string{f.Name}) + " (" + strings.Join(parts, ", ") + ")"
}

func TestStoreConformance(t *testing.T) {
	adaptertest.Run(t, adaptertest.Harness{
		Open: func(t testing.TB) adapter.Adapter {
			s, err := OpenStore(t.Context(), filepath.Join(t.TempDir(), "store.db"), StoreOptions{Relaxed: true})
			require.NoError(t, err)
			return s
		},
		Load: func(t testing.TB, a adapter.Adapter, tables []*adaptertest.Fixture) {
			s := a.(*Store)
			ctx := context.Background()
			for _, f := range tables {
				require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
					_, err := tx.Exec(ctx, createTable(f, s.DeclareType))
					return err
				}))
			}
			cat, err := s.Tables(ctx)
			require.NoError(t, err)
			for _, f := range tables {
				var ids []string
				for _, c := range f.Columns {
					ids = append(ids, c.Name)
				}
				require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error { return tx.Insert(ctx, cat.Table(f.Name), ids, f.Rows) }))
			}
		},
	})
}

// ordinaryType is what people declare in files of their own.
func ordinaryType(t lqp.Type) string {
	switch t.Kind {
	case lqp.Bool:
		return "BOOLEAN"
	case lqp.Number:
		if t.Scale > 0 {
			return "DECIMAL(12,2)"
		}
		return "INTEGER"
	case lqp.Float:
		return "DOUBLE PRECISION"
	case lqp.Text:
		if t.MaxLen > 0 {
			return "VARCHAR(120) COLLATE NOCASE"
		}
		return "TEXT"
	case lqp.Date:
		return "DATE"
	case lqp.DateTime:
		return "DATETIME"
	case lqp.JSON:
		return "JSON"
	}
	return "BLOB"
}

func TestFileConformance(t *testing.T) { adaptertest.Run(t, fileHarness("UTF-8")) }

// Files that keep their texts in UTF-16 order them otherwise.
func TestUTF16Conformance(t *testing.T) {
	for _, encoding := range []string{"UTF-16le", "UTF-16be"} {
		t.Run(encoding, func(t *testing.T) {
			h := fileHarness(encoding)
			h.Only, h.Random = []string{"Discovery", "Operators", "Membership", "Texts", "Sorting", "Keyset", "Joins", "Groups", "Random"}, 150
			adaptertest.Run(t, h)
		})
	}
}

// withoutLastCodePoint replaces U+FFFF, which SQLite turns into U+FFFD when it writes UTF-16.
func withoutLastCodePoint(f *adaptertest.Fixture) {
	for _, row := range f.Rows {
		for i, v := range row {
			if v.Kind() == lqp.Text {
				row[i] = lqp.TextValue(strings.ReplaceAll(v.Text(), "\uffff", "\ufffd"))
			}
		}
	}
}

func fileHarness(encoding string) adaptertest.Harness {
	return adaptertest.Harness{
		Open: func(t testing.TB) adapter.Adapter {
			path := filepath.Join(t.TempDir(), "file.db")
			db, err := sqlite3.Open(path)
			require.NoError(t, err)
			require.NoError(t, db.Exec("PRAGMA encoding = '"+encoding+"'; CREATE TABLE first (i); DROP TABLE first"))
			require.NoError(t, db.Close())
			a, err := Open(t.Context(), adapter.Settings{Driver: "sqlite", File: path})
			require.NoError(t, err)
			return a
		},
		Load: func(t testing.TB, a adapter.Adapter, tables []*adaptertest.Fixture) {
			path := a.(*Adapter).path
			for _, f := range tables {
				if encoding != "UTF-8" {
					withoutLastCodePoint(f)
				}
				foreignFile(t, path, createTable(f, ordinaryType))
				if f.View != "" {
					continue
				}
				for i, c := range f.Columns { // columns with an index are read bare where that is exact
					foreignFile(t, path, fmt.Sprintf("CREATE INDEX %s_%d ON %s (%s)", f.Name, i, f.Name, appendIdent(nil, c.Name)))
				}
			}
			cat, err := a.Tables(context.Background())
			require.NoError(t, err)
			for _, f := range tables {
				if f.View != "" {
					continue
				}
				var ids []string
				for _, c := range f.Columns {
					ids = append(ids, c.Name)
				}
				require.NoError(t, a.(adapter.Writer).Insert(context.Background(), cat.Table(f.Name), ids, f.Rows))
			}
		},
		Holds: func(t lqp.Type) bool { return t.Kind != lqp.List && t.Precision <= 19 },
		Facts: adaptertest.Facts{Defaults: true, Views: true, Rows: true},
	}
}
