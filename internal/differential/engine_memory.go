package differential

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
)

// memoryBackend holds worlds in memory.
type memoryBackend struct{}

func openMemory(context.Context) (backend, error) { return memoryBackend{}, nil }

func (memoryBackend) load(_ context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error) {
	found := map[string]*lqp.Table{}
	var held []memory.Table
	for _, t := range w.Tables {
		found[t.Name] = t.schema()
		held = append(held, memory.Table{Schema: found[t.Name], Rows: t.Rows})
	}
	return memory.New(held, memory.Options{Prover: memory.Everything}), found, nil
}

func (memoryBackend) close(context.Context) error { return nil }

// schema is the table as the world says it is.
func (t *Table) schema() *lqp.Table {
	s := &lqp.Table{Name: t.Name, Path: []string{t.Name}, Kind: lqp.BaseTable, Key: t.Key, Rows: int64(len(t.Rows))}
	for _, c := range t.Columns {
		s.Columns = append(s.Columns, lqp.Column{ID: c.Name, Name: c.Name, Type: c.Type})
	}
	return s
}

// sqliteBackend holds each world in a file of its own.
type sqliteBackend struct {
	dir  string
	open adapter.Adapter
}

func openSQLite(context.Context) (backend, error) {
	dir, err := os.MkdirTemp("", "differential")
	return &sqliteBackend{dir: dir}, err
}

func (b *sqliteBackend) load(ctx context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error) {
	if err := b.end(); err != nil {
		return nil, nil, err
	}
	file := filepath.Join(b.dir, "world.db")
	if err := fillSQLite(ctx, file, w); err != nil {
		return nil, nil, err
	}
	a, err := sqlite.Open(ctx, adapter.Settings{Driver: "sqlite", File: file, ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	b.open = a
	found, err := discover(ctx, a, w, func(name string) string { return name })
	return a, found, err
}

// end closes the world before and removes its files.
func (b *sqliteBackend) end() error {
	if b.open == nil {
		return nil
	}
	if err := b.open.Close(); err != nil {
		return err
	}
	b.open = nil
	files, err := filepath.Glob(filepath.Join(b.dir, "world.db*"))
	for _, f := range files {
		if err == nil {
			err = os.Remove(f)
		}
	}
	return err
}

func (b *sqliteBackend) close(context.Context) error {
	if err := b.end(); err != nil {
		return err
	}
	return os.RemoveAll(b.dir)
}

func fillSQLite(ctx context.Context, file string, w *World) error {
	s, err := sqlite.OpenStore(ctx, file, sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Write(ctx, func(tx adapter.Tx) error {
		for _, t := range w.Tables {
			if _, err := tx.Exec(ctx, createTable(t, t.Name, SQLite, quoteDouble, func(c *Column, native string) string {
				if native == store {
					return s.DeclareType(c.Type)
				}
				return native
			})); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	catalog, err := s.Tables(ctx)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx adapter.Tx) error {
		for _, t := range w.Tables {
			if err := insertSQLite(ctx, tx, t, catalog.Table(t.Name)); err != nil {
				return err
			}
			for i := range t.Columns { // what stands in an index is read bare where the cells allow it
				index := fmt.Sprintf("%s_%d", t.Name, i)
				if _, err := tx.Exec(ctx, "CREATE INDEX "+quoteDouble(index)+" ON "+quoteDouble(t.Name)+" ("+quoteDouble(t.Columns[i].Name)+")"); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// insertSQLite writes the rows, and then what is no value of its column over some of the NULLs of odd columns.
func insertSQLite(ctx context.Context, tx adapter.Tx, t *Table, schema *lqp.Table) error {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Name
	}
	for n, row := range t.Rows {
		if err := tx.Insert(ctx, schema, columns, [][]lqp.Value{row}); err != nil {
			return err
		}
		for i := range t.Columns {
			wrong := wrongSQLite(&t.Columns[i])
			if !row[i].IsNull() || !t.Columns[i].odd(n, i) || wrong == "" {
				continue
			}
			if _, err := tx.Exec(ctx, "UPDATE "+quoteDouble(t.Name)+" SET "+quoteDouble(columns[i])+" = "+wrong+" WHERE rowid = last_insert_rowid()"); err != nil {
				return err
			}
		}
	}
	return nil
}

// wrongSQLite is a value of another type than the column's, which reads as NULL, as an SQL literal.
func wrongSQLite(c *Column) string {
	switch c.Type.Kind {
	case lqp.Text:
		return "x'61'"
	case lqp.Number, lqp.Float, lqp.Bool:
		return "x'01'"
	}
	return ""
}

// createTable is the statement that makes a table under a name; declare finishes the native type of a column.
func createTable(t *Table, name, engine string, quote func(string) string, declare func(c *Column, native string) string) string {
	var parts []string
	var keys []string
	for _, k := range t.Key {
		keys = append(keys, quote(k))
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		key := false
		for _, k := range t.Key {
			key = key || k == c.Name
		}
		text := quote(c.Name) + " " + declare(c, c.native(engine, key))
		if c.Type.NotNull {
			text += " NOT NULL"
		} else if engine == MySQL || engine == MariaDB {
			text += " NULL"
		}
		parts = append(parts, text)
	}
	if len(keys) > 0 {
		parts = append(parts, "PRIMARY KEY ("+strings.Join(keys, ", ")+")")
	}
	return "CREATE TABLE " + quote(name) + " (" + strings.Join(parts, ", ") + ")"
}

func quoteDouble(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// discover finds the tables of a world; at is the name of a table at the source.
func discover(ctx context.Context, a adapter.Adapter, w *World, at func(string) string) (map[string]*lqp.Table, error) {
	catalog, err := a.Tables(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]*lqp.Table{}
	for _, t := range w.Tables {
		found[t.Name] = catalog.Table(at(t.Name))
	}
	return found, nil
}
