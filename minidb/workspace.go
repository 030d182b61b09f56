package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Workspace is a tenant: everything else belongs to exactly one.
type Workspace struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Settings  json.RawMessage `json:"settings"` // a JSON object of the caller's own, "{}" at first
	Version   int64           `json:"version"`  // counts the updates of the workspace itself
	CreatedAt time.Time       `json:"created_at"`
	CreatedBy string          `json:"created_by"`
}

const workspaceColumns = `id, name, settings, version, created_at, created_by`

func scanWorkspace(r record) Workspace {
	return Workspace{ID: r.text(0), Name: r.text(1), Settings: r.document(2), Version: r.integer(3),
		CreatedAt: r.instant(4), CreatedBy: r.text(5)}
}

func (s session) workspace(id string) (Workspace, error) {
	return must(s, "workspace "+id, scanWorkspace, `SELECT `+workspaceColumns+` FROM lt_workspace WHERE id = ?`, argText(id))
}

// CreateWorkspace makes a workspace whose first owner is the actor, who must have an id.
func (db *DB) CreateWorkspace(ctx context.Context, actor Actor, name string) (*Workspace, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, fmt.Errorf("create workspace: %w", err)
	}
	if err := checkUser(actor.ID); err != nil {
		return nil, fmt.Errorf("create workspace: owner: %w", err)
	}
	var w Workspace
	err = db.write(ctx, "create workspace", actor, func(u *unit) error {
		w = Workspace{ID: NewID(prefixWorkspace), Name: name, Settings: json.RawMessage("{}"), Version: 1,
			CreatedAt: u.now, CreatedBy: u.actor.ID}
		if _, err := u.exec(`INSERT INTO lt_workspace (`+workspaceColumns+`, policy_version, revision) VALUES (?, ?, ?, ?, ?, ?, 1, 1)`,
			argText(w.ID), argText(w.Name), argText(string(w.Settings)), argInt(w.Version), argTime(w.CreatedAt), argText(w.CreatedBy)); err != nil {
			return err
		}
		if err := u.createNamespace(w.ID); err != nil {
			return err
		}
		if err := u.resource(audit.Entry{Workspace: w.ID, Action: "workspace.create", ResourceType: "workspace",
			Resource: w.ID, Version: w.Version}, nil, w); err != nil {
			return err
		}
		_, err := u.putMember(w.ID, Member{User: actor.ID, Role: rbac.Owner, AddedAt: u.now}, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &w, nil
}

// WorkspacePatch lists what UpdateWorkspace changes; nil fields stay.
type WorkspacePatch struct {
	Name     *string
	Settings json.RawMessage // a JSON object
}

// UpdateWorkspace changes a workspace. version is the one the caller has seen, 0 for any; a *VersionError says that it is
// another.
func (db *DB) UpdateWorkspace(ctx context.Context, actor Actor, id string, p WorkspacePatch, version int64) (*Workspace, error) {
	var w Workspace
	err := db.write(ctx, "update workspace "+id, actor, func(u *unit) error {
		old, err := u.workspace(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, old.Version); err != nil {
			return err
		}
		w = old
		if p.Name != nil {
			if w.Name, err = cleanName(*p.Name); err != nil {
				return err
			}
		}
		if p.Settings != nil {
			if w.Settings, err = cleanObject("settings", p.Settings); err != nil {
				return err
			}
		}
		w.Version++
		if _, err := u.exec(`UPDATE lt_workspace SET name = ?, settings = ?, version = ? WHERE id = ?`,
			argText(w.Name), argText(string(w.Settings)), argInt(w.Version), argText(id)); err != nil {
			return err
		}
		if err := u.touch(id, false); err != nil {
			return err
		}
		return u.resource(audit.Entry{Workspace: id, Action: "workspace.update", ResourceType: "workspace", Resource: id,
			Version: w.Version}, old, w)
	})
	if err != nil {
		return nil, err
	}
	return &w, nil
}

// WorkspacesOf lists the workspaces a user is a member of, by name.
func (db *DB) WorkspacesOf(ctx context.Context, user string) (list []Workspace, err error) {
	err = db.read(ctx, "list workspaces", func(s session) (err error) {
		list, err = all(s, scanWorkspace, `SELECT `+workspaceColumns+` FROM lt_workspace
			WHERE id IN (SELECT workspace FROM lt_member WHERE user_id = ?) ORDER BY name, id`, argText(user))
		return err
	})
	return list, err
}

// checkVersion compares the version a writer has seen, 0 for any, with the current one.
func checkVersion(seen, current int64) error {
	if seen != 0 && seen != current {
		return &VersionError{Current: current}
	}
	return nil
}

// cleanObject checks that a document is a JSON object and answers it in compact form.
func cleanObject(field string, doc json.RawMessage) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(doc, &object); err != nil || object == nil {
		return nil, invalid(field, CodeInvalid, "a JSON object is required")
	}
	if len(doc) > lqp.MaxText {
		return nil, invalid(field, CodeTooLong, "at most %d bytes", lqp.MaxText)
	}
	return compact(doc), nil
}
