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
)

//go:embed migrations
var migrationFiles embed.FS

// migration is one step from an older form of the mini-DB's own tables to the next.
type migration struct {
	version int64
	name    string
	text    string
}

// migrations lists the steps for a driver in order. File names are VERSION_NAME.sql.
func migrations(driver string) ([]migration, error) {
	dir := path.Join("migrations", driver)
	entries, err := fs.ReadDir(migrationFiles, dir)
	if err != nil {
		return nil, fmt.Errorf("mini-DB on %s: %w", driver, adapter.ErrUnsupported)
	}
	var list []migration
	for _, e := range entries { // sorted by name
		number, name, ok := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || version != int64(len(list)+1) {
			return nil, fmt.Errorf("migration %s: name out of order", e.Name())
		}
		text, err := fs.ReadFile(migrationFiles, path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", e.Name(), err)
		}
		list = append(list, migration{version: version, name: name, text: string(text)})
	}
	return list, nil
}

// migrate brings the mini-DB's own tables to the form of this release. Each step is one transaction together with the
// note that it was done, so that a crash leaves a whole number of steps.
func (db *DB) migrate(ctx context.Context) error {
	steps, err := migrations(db.store.Capabilities().Driver)
	if err != nil {
		return err
	}
	for {
		done, step := false, migration{}
		err := db.store.Write(ctx, func(tx adapter.Tx) error {
			done = false
			s := session{ctx, tx}
			if _, err := s.exec(`CREATE TABLE IF NOT EXISTS lt_migration
				(version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)`); err != nil {
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
	for _, statement := range statements(m.text) {
		if _, err := s.exec(statement); err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.version, m.name, err)
		}
	}
	_, err := s.exec(`INSERT INTO lt_migration (version, name, applied_at) VALUES (?, ?, ?)`,
		argInt(m.version), argText(m.name), argTime(db.now()))
	return err
}

// statements splits the text of a migration. Its own convention makes that safe: a statement ends with a semicolon at the
// end of a line, and a comment has its line to itself.
func statements(text string) []string {
	var list []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "--") || line == "" {
			continue
		}
		if end, ok := strings.CutSuffix(line, ";"); ok {
			b.WriteString(end)
			list = append(list, b.String())
			b.Reset()
			continue
		}
		b.WriteString(line + "\n")
	}
	return list
}
