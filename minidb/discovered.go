package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/lqp"
)

// Discovered is what was found at a connection when it was looked at last.
type Discovered struct {
	Catalog lqp.Catalog
	Version int64     // of the connection, whose settings said where to look
	ReadAt  time.Time // in milliseconds
}

// discoveredForm counts the forms in which catalogues are kept. One of another release is as good as none.
const discoveredForm = 1

type discoveredDocument struct {
	Form    int         `json:"form"`
	Catalog lqp.Catalog `json:"catalog"`
}

// PutDiscovered keeps what was found at a connection, in the place of an older finding. It is a cache: the log gets no entry,
// and a finding made with settings that the connection no longer has is dropped.
func (db *DB) PutDiscovered(ctx context.Context, connection string, d Discovered) error {
	doc, err := json.Marshal(discoveredDocument{discoveredForm, d.Catalog})
	if err != nil {
		return fmt.Errorf("keep schema of %s: %w", connection, err)
	}
	return db.write(ctx, "keep schema of "+connection, Actor{}, func(u *unit) error {
		_, err := u.exec(`INSERT INTO lt_schema (connection, workspace, version, read_at, catalog)
			SELECT id, workspace, version, ?, ? FROM lt_connection WHERE id = ? AND version = ?
			ON CONFLICT (connection) DO UPDATE SET version = excluded.version, read_at = excluded.read_at, catalog = excluded.catalog
			WHERE excluded.version > lt_schema.version OR excluded.read_at >= lt_schema.read_at`,
			argTime(d.ReadAt), argText(string(doc)), argText(connection), argInt(d.Version))
		return err
	})
}

// Discovered is what was found at a connection with the settings of a version, nil when nothing is kept of that.
func (db *DB) Discovered(ctx context.Context, connection string, version int64) (*Discovered, error) {
	var d *Discovered
	err := db.read(ctx, "read schema of "+connection, func(s session) error {
		type found struct {
			at  time.Time
			doc json.RawMessage
		}
		f, ok, err := one(s, func(r record) found { return found{r.instant(0), r.document(1)} },
			`SELECT read_at, catalog FROM lt_schema WHERE connection = ? AND version = ?`, argText(connection), argInt(version))
		if err != nil || !ok {
			return err
		}
		var doc discoveredDocument
		if json.Unmarshal(f.doc, &doc) == nil && doc.Form == discoveredForm {
			d = &Discovered{Catalog: doc.Catalog, Version: version, ReadAt: f.at}
		}
		return nil
	})
	return d, err
}
