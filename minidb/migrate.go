package minidb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
)

//go:embed migrations
var migrationFiles embed.FS

// migration is one step from an older form of the mini-DB's own tables to the next.
type migration struct {
	version    int64
	name       string
	statements []string
}

// migrations lists the steps for a driver in order.
//
// To add a step, put migrations/NNNN_name.sql there with the next number, in the words of package ddl, which serve every
// database. Where the databases must differ, NNNN_name.DRIVER.sql ("postgres", "sqlite") takes the place of the common
// file for its driver alone. A released step is never edited.
func migrations(driver string) ([]migration, error) {
	entries, err := fs.ReadDir(migrationFiles, "migrations")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var list []migration
	for _, e := range entries { // sorted by name, a step's variants for drivers before its common file
		base, variant, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), ".")
		number, name, ok := strings.Cut(base, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("migration %s: not VERSION_NAME.sql", e.Name())
		}
		if last := len(list); variant != "" && variant != driver || variant == "" && last > 0 && list[last-1].version == version && list[last-1].name == name {
			continue // another driver's, or this driver has its own
		}
		if version != int64(len(list)+1) {
			return nil, fmt.Errorf("migration %s: name out of order", e.Name())
		}
		text, err := fs.ReadFile(migrationFiles, path.Join("migrations", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", e.Name(), err)
		}
		statements, err := ddl.Statements(driver, string(text))
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", e.Name(), err)
		}
		list = append(list, migration{version: version, name: name, statements: statements})
	}
	return list, nil
}

// migrationTable notes the steps that a database has taken.
const migrationTable = `CREATE TABLE IF NOT EXISTS lt_migration (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);`

// migrate brings the mini-DB's own tables to the form of this release. Each step is one transaction together with the
// note that it was done, so that a crash leaves a whole number of steps.
func (db *DB) migrate(ctx context.Context) error {
	driver := db.store.Capabilities().Driver
	steps, err := migrations(driver)
	if err != nil {
		return err
	}
	own, err := ddl.Statements(driver, migrationTable)
	if err != nil {
		return err
	}
	for {
		done, step := false, migration{}
		err := db.store.Write(ctx, func(tx adapter.Tx) error {
			done = false
			s := session{ctx, tx}
			if _, err := s.exec(own[0]); err != nil {
				return fmt.Errorf("prepare migrations: %w", err)
			}
			at, _, err := one(s, func(r record) int64 { return r.integer(0) }, `SELECT coalesce(max(version), 0) FROM lt_migration`)
			if err != nil {
				return fmt.Errorf("read version of the database: %w", err)
			}
			if at > int64(len(steps)) {
				return fmt.Errorf("database has version %d, this release knows %d: %w", at, len(steps), ErrNewerDatabase)
			}
			if done = at == int64(len(steps)); done {
				return nil
			}
			step = steps[at]
			return db.step(s, step)
		})
		if err == nil && !done {
			db.opt.Logger.InfoContext(ctx, "migrated the mini-DB", "version", step.version, "name", step.name)
		}
		if err != nil || done {
			return err
		}
	}
}

func (db *DB) step(s session, m migration) error {
	for _, statement := range m.statements {
		if _, err := s.exec(statement); err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.version, m.name, err)
		}
	}
	_, err := s.exec(`INSERT INTO lt_migration (version, name, applied_at) VALUES (?, ?, ?)`,
		argInt(m.version), argText(m.name), argTime(db.now()))
	return err
}
