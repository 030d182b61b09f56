package minidb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
)

// Connection is an external database of a workspace.
type Connection struct {
	ID        string          `json:"id"`
	Workspace string          `json:"workspace_id"`
	Name      string          `json:"name"` // unique in the workspace, case aside
	Driver    string          `json:"driver"`
	Settings  json.RawMessage `json:"settings"` // a JSON object without secrets: it goes into the change log
	Secret    []byte          `json:"-"`        // sealed by the caller, never in the change log
	Version   int64           `json:"version"`
	CreatedAt time.Time       `json:"created_at"`
	CreatedBy string          `json:"created_by"`
	// Waits says that the connection came with the archive of a workspace, without its password: it is not to be opened before
	// UpdateConnection has given it its settings.
	Waits bool `json:"waits,omitempty"`
}

// ConnectionSpec describes a new connection. ID may be given by a caller that binds the sealed secret to it
// (NewID("con")); empty makes one.
type ConnectionSpec struct {
	ID, Name, Driver string
	Settings         json.RawMessage
	Secret           []byte
}

// ConnectionPatch lists what UpdateConnection changes; nil fields stay.
type ConnectionPatch struct {
	Name     *string
	Settings json.RawMessage
	Secret   []byte
	Resealed bool // Secret is what it was, sealed for the new version: the change log does not call it another one
}

const (
	connectionColumns = `id, workspace, name, driver, settings, secret, version, created_at, created_by`
	connectionRead    = connectionColumns + `, waits`
)

// scanConnection reads connectionRead.
func scanConnection(r record) Connection {
	return Connection{ID: r.text(0), Workspace: r.text(1), Name: r.text(2), Driver: r.text(3), Settings: r.document(4),
		Secret: r.bytes(5), Version: r.integer(6), CreatedAt: r.instant(7), CreatedBy: r.text(8), Waits: r.flag(9)}
}

func (s session) connection(id string) (Connection, error) {
	return must(s, "connection "+id, scanConnection, `SELECT `+connectionRead+` FROM lt_connection WHERE id = ?`, argText(id))
}

func (c Connection) entry(action string) audit.Entry {
	return audit.Entry{Workspace: c.Workspace, Action: action, ResourceType: "connection", Resource: c.ID, Version: c.Version}
}

func (c *Connection) check() (err error) {
	if c.Name, err = cleanName(c.Name); err != nil {
		return err
	}
	if c.Driver == "" {
		return invalid("driver", CodeRequired, "a driver is required")
	}
	if err := checkText("driver", c.Driver, maxLook); err != nil {
		return err
	}
	c.Settings, err = cleanObject("settings", c.Settings)
	return err
}

func (u *unit) freeConnectionName(c Connection) error {
	taken, err := u.taken(`SELECT 1 FROM lt_connection WHERE workspace = ? AND name_key = ? AND id <> ?`,
		argText(c.Workspace), argText(nameKey(c.Name)), argText(c.ID))
	if err == nil && taken {
		err = fmt.Errorf("connection %q: %w", c.Name, ErrExists)
	}
	return err
}

// CreateConnection adds a connection to a workspace.
func (db *DB) CreateConnection(ctx context.Context, actor Actor, workspace string, spec ConnectionSpec) (*Connection, error) {
	if spec.ID == "" {
		spec.ID = NewID(prefixConnection)
	} else if !ValidID(spec.ID, prefixConnection) {
		return nil, fmt.Errorf("create connection: %w", invalid("id", CodeInvalid, "not a connection id"))
	}
	var c Connection
	err := db.write(ctx, "create connection", actor, func(u *unit) error {
		c = Connection{ID: spec.ID, Workspace: workspace, Name: spec.Name, Driver: spec.Driver, Settings: spec.Settings,
			Secret: spec.Secret, Version: 1, CreatedAt: u.now, CreatedBy: u.actor.ID}
		if err := c.check(); err != nil {
			return err
		}
		if err := u.touch(workspace, false); err != nil {
			return err
		}
		if err := u.freeConnectionName(c); err != nil {
			return err
		}
		if err := u.roomForConnection(workspace); err != nil {
			return err
		}
		if taken, err := u.taken(`SELECT 1 FROM lt_connection WHERE id = ?`, argText(c.ID)); err != nil {
			return err
		} else if taken {
			return fmt.Errorf("connection id: %w", ErrExists)
		}
		if _, err := u.exec(`INSERT INTO lt_connection (`+connectionColumns+`, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			argText(c.ID), argText(c.Workspace), argText(c.Name), argText(c.Driver), argText(string(c.Settings)), argBytes(c.Secret),
			argInt(c.Version), argTime(c.CreatedAt), argText(c.CreatedBy), argText(nameKey(c.Name))); err != nil {
			return err
		}
		return u.resource(c.entry("connection.create"), nil, c)
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// connectionImage is what the change log keeps of a connection: of the secret only that it is another one.
type connectionImage struct {
	Connection
	SecretChanged bool `json:"secret_changed,omitempty"`
}

// UpdateConnection changes a connection; the driver stays. version is the one the caller has seen, 0 for any.
func (db *DB) UpdateConnection(ctx context.Context, actor Actor, id string, p ConnectionPatch, version int64) (*Connection, error) {
	var c Connection
	err := db.write(ctx, "update connection "+id, actor, func(u *unit) error {
		old, err := u.connection(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, old.Version); err != nil {
			return err
		}
		c = old
		patch(&c.Name, p.Name)
		if p.Settings != nil {
			c.Settings = p.Settings
		}
		if p.Secret != nil {
			c.Secret = p.Secret
		}
		if err := c.check(); err != nil {
			return err
		}
		c.Version++
		c.Waits = false
		if err := u.touch(c.Workspace, false); err != nil {
			return err
		}
		if err := u.freeConnectionName(c); err != nil {
			return err
		}
		if _, err := u.exec(`UPDATE lt_connection SET name = ?, name_key = ?, settings = ?, secret = ?, version = ?, waits = 0
			WHERE workspace = ? AND id = ?`, argText(c.Name), argText(nameKey(c.Name)), argText(string(c.Settings)),
			argBytes(c.Secret), argInt(c.Version), argText(c.Workspace), argText(id)); err != nil {
			return err
		}
		return u.resource(c.entry("connection.update"), connectionImage{Connection: old},
			connectionImage{Connection: c, SecretChanged: !p.Resealed && !bytes.Equal(old.Secret, c.Secret)})
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// DeleteConnection removes a connection and the rules of its tables.
func (db *DB) DeleteConnection(ctx context.Context, actor Actor, id string, version int64) error {
	return db.write(ctx, "delete connection "+id, actor, func(u *unit) error {
		c, err := u.connection(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, c.Version); err != nil {
			return err
		}
		rules, err := all(u.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND connection = ?`,
			argText(c.Workspace), argText(id))
		if err != nil {
			return err
		}
		for _, r := range rules {
			if err := u.deleteRule(r); err != nil {
				return err
			}
		}
		if err := u.uncap(c.Workspace, id); err != nil {
			return err
		}
		if err := u.touch(c.Workspace, false); err != nil {
			return err
		}
		for _, sql := range []string{`DELETE FROM lt_schema WHERE workspace = ? AND connection = ?`, `DELETE FROM lt_connection WHERE workspace = ? AND id = ?`} {
			if _, err := u.exec(sql, argText(c.Workspace), argText(id)); err != nil {
				return err
			}
		}
		return u.resource(c.entry("connection.delete"), c, nil)
	})
}
