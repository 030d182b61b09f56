package databasetest

import (
	"strings"
	"sync"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
)

// Admins remember the connection C with which the database of an adapter is filled. The zero value is ready; they are safe
// for concurrent use.
type Admins[C any] struct {
	mu sync.Mutex
	of map[adapter.Adapter]C
}

// Set remembers the connection for an adapter.
func (a *Admins[C]) Set(of adapter.Adapter, admin C) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[adapter.Adapter]C{}
	}
	a.of[of] = admin
}

// Of is the connection for an adapter, the zero value without one.
func (a *Admins[C]) Of(of adapter.Adapter) C {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.of[of]
}

// QuoteSQL writes a text as SQL does where a backslash is nothing special.
func QuoteSQL(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// CreateTable is the statement that makes a table of the suite, or a view; declare writes the type of a column with
// everything that belongs to it but its name, its being NOT NULL and its default.
func CreateTable(f *adaptertest.Fixture, declare func(adaptertest.Column) string) string {
	if f.View != "" {
		return "CREATE VIEW " + f.Name + " AS SELECT * FROM " + f.View
	}
	var parts []string
	for _, c := range f.Columns {
		null := " NULL" // or MySQL's old timestamps would not take it
		if c.Type.NotNull {
			null = " NOT NULL"
		}
		if !c.Default.IsNull() {
			null += " DEFAULT " + QuoteSQL(c.Default.String())
		}
		parts = append(parts, c.Name+" "+declare(c)+null)
	}
	if len(f.Key) > 0 {
		parts = append(parts, "PRIMARY KEY ("+strings.Join(f.Key, ", ")+")")
	}
	for _, u := range f.Unique {
		parts = append(parts, "UNIQUE ("+strings.Join(u, ", ")+")")
	}
	for _, k := range f.ForeignKeys {
		parts = append(parts, "FOREIGN KEY ("+strings.Join(k.Columns, ", ")+") REFERENCES "+k.RefTable+" ("+strings.Join(k.RefColumns, ", ")+")")
	}
	return "CREATE TABLE " + f.Name + " (" + strings.Join(parts, ", ") + ")"
}
