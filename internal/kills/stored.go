package kills

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
)

// stored compares the catalogue in the store with the log and with the physical tables, columns and indexes.
func (k *checker) stored(ctx context.Context, store adapter.Store) error {
	return store.Read(ctx, func(tx adapter.Tx) error {
		c, err := readCatalogue(ctx, tx, store)
		if err != nil {
			return fmt.Errorf("read catalogue: %w", err)
		}
		k.compareShapes(c.shapes)
		for _, fault := range c.faults() {
			k.c.violation("%s", fault)
		}
		return nil
	})
}

// catalogue is what the store says that there is, and what there is.
type catalogue struct {
	shapes
	physical map[string]string   // the names of physical tables by table
	trashed  map[string][]string // columns in the trash, by table
	bare     map[string]bool     // physical tables of tables in the trash
	links    map[string]bool     // physical tables of links that are there
	indexes  map[string]string   // the tables of indexes
	tables   map[string][]string // the columns of the physical tables that there are
	built    map[string]string   // the physical tables of the indexes that there are
}

func readCatalogue(ctx context.Context, tx adapter.Tx, store adapter.Store) (*catalogue, error) {
	c := &catalogue{shapes: shapes{}, physical: map[string]string{}, trashed: map[string][]string{}, bare: map[string]bool{}, links: map[string]bool{},
		indexes: map[string]string{}, tables: map[string][]string{}, built: map[string]string{}}
	columns := `SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	indexes := `SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index'`
	if store.Capabilities().Driver == ddl.Postgres {
		columns = `SELECT table_name::text, column_name::text FROM information_schema.columns`
		indexes = `SELECT indexname::text, tablename::text FROM pg_indexes`
	}
	var err error
	read := func(query string, row func(adapter.Rows)) {
		rows, failed := tx.Query(ctx, query)
		if failed != nil {
			err = errors.Join(err, failed)
			return
		}
		for rows.Next() {
			row(rows)
		}
		err = errors.Join(err, rows.Err(), rows.Close())
	}
	read(`SELECT id, name, version, CASE physical WHEN '' THEN id ELSE physical END FROM lt_table`, func(r adapter.Rows) {
		version, _ := r.Value(2).Decimal().Int64()
		c.shapes[r.Value(0).Text()] = &shape{Name: r.Value(1).Text(), Version: version, Columns: map[string]columnShape{}}
		c.physical[r.Value(0).Text()] = r.Value(3).Text()
	})
	var astray []string
	read(`SELECT id, table_id, name, type FROM lt_column`, func(r adapter.Rows) {
		if t := c.shapes[r.Value(1).Text()]; t != nil {
			t.Columns[r.Value(0).Text()] = columnShape{r.Value(2).Text(), r.Value(3).Text()}
			return
		}
		astray = append(astray, r.Value(0).Text())
	})
	if len(astray) > 0 {
		err = errors.Join(err, fmt.Errorf("columns without a table: %v", astray))
	}
	read(`SELECT place, resource FROM lt_trash WHERE kind = 'column'`, func(r adapter.Rows) {
		c.trashed[r.Value(0).Text()] = append(c.trashed[r.Value(0).Text()], r.Value(1).Text())
	})
	read(`SELECT physical FROM lt_trash_table`, func(r adapter.Rows) { c.bare[r.Value(0).Text()] = true })
	read(`SELECT edges FROM lt_link`, func(r adapter.Rows) { c.links[r.Value(0).Text()] = true })
	read(`SELECT id, table_id FROM lt_index`, func(r adapter.Rows) { c.indexes[r.Value(0).Text()] = r.Value(1).Text() })
	read(columns, func(r adapter.Rows) {
		c.tables[r.Value(0).Text()] = append(c.tables[r.Value(0).Text()], r.Value(1).Text())
	})
	read(indexes, func(r adapter.Rows) { c.built[r.Value(0).Text()] = r.Value(1).Text() })
	return c, err
}

// faults are what does not fit together.
func (c *catalogue) faults() (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	owned := map[string]bool{}
	for id, t := range c.shapes {
		physical := c.physical[id]
		owned[physical] = true
		there := c.tables[physical]
		if there == nil {
			add("table %s has no physical table %s", id, physical)
			continue
		}
		for column := range t.Columns {
			if !slices.Contains(there, column) {
				add("column %s of table %s is not in its physical table", column, id)
			}
		}
		for _, column := range there {
			if _, known := t.Columns[column]; strings.HasPrefix(column, "col_") && !known && !slices.Contains(c.trashed[id], column) {
				add("the physical table of %s has a column %s that nothing names", id, column)
			}
		}
	}
	for name := range c.tables {
		switch {
		case strings.HasPrefix(name, "tbl_") && !owned[name] && !c.bare[name]:
			add("there is a physical table %s that nothing names", name)
		case strings.HasPrefix(name, "edge_") && !c.links[name] && !c.bare[name]:
			add("there are edges %s that no link names", name)
		}
	}
	for name := range c.bare {
		if c.tables[name] == nil {
			add("the trash names a physical table %s, which is not there", name)
		}
	}
	for name := range c.links {
		if c.tables[name] == nil {
			add("a link names edges %s, which are not there", name)
		}
	}
	for id, table := range c.indexes {
		switch at := c.built[id]; {
		case at == "":
			add("index %s of table %s was not built", id, table)
		case at != c.physical[table]:
			add("index %s of table %s is built on %s", id, table, at)
		}
	}
	for id, at := range c.built {
		if strings.HasPrefix(id, "idx_") && c.indexes[id] == "" && !c.bare[at] {
			add("there is an index %s on %s that nothing names", id, at)
		}
	}
	return faults
}
