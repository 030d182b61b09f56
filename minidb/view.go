package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
)

// View is a saved query of a base.
type View struct {
	ID        string          `json:"id"`
	Workspace string          `json:"workspace_id"`
	Base      string          `json:"base_id"`
	Name      string          `json:"name"`  // unique among the base's views, case aside
	Query     json.RawMessage `json:"query"` // a JSON object that the mini-DB does not read: the caller's encoded lqp.Query
	Version   int64           `json:"version"`
	CreatedAt time.Time       `json:"created_at"`
	CreatedBy string          `json:"created_by"`
}

// ViewSpec describes a new view.
type ViewSpec struct {
	Name  string
	Query json.RawMessage
}

// ViewPatch lists what UpdateView changes; nil fields stay.
type ViewPatch struct {
	Name  *string
	Query json.RawMessage
}

const viewColumns = `id, workspace, base, name, query, version, created_at, created_by`

func scanView(r record) View {
	return View{ID: r.text(0), Workspace: r.text(1), Base: r.text(2), Name: r.text(3), Query: r.document(4), Version: r.integer(5),
		CreatedAt: r.instant(6), CreatedBy: r.text(7)}
}

func (s session) view(id string) (View, error) {
	return must(s, "view "+id, scanView, `SELECT `+viewColumns+` FROM lt_view WHERE id = ?`, argText(id))
}

func (v View) entry(action string) audit.Entry {
	return audit.Entry{Workspace: v.Workspace, Action: action, ResourceType: "view", Resource: v.ID, Version: v.Version}
}

func (v *View) check() (err error) {
	if v.Name, err = cleanName(v.Name); err != nil {
		return err
	}
	v.Query, err = cleanObject("query", v.Query)
	return err
}

func (u *unit) freeViewName(v View) error {
	taken, err := u.taken(`SELECT 1 FROM lt_view WHERE workspace = ? AND base = ? AND name_key = ? AND id <> ?`,
		argText(v.Workspace), argText(v.Base), argText(nameKey(v.Name)), argText(v.ID))
	if err == nil && taken {
		err = fmt.Errorf("view %q: %w", v.Name, ErrExists)
	}
	return err
}

// CreateView saves a query in a base.
func (db *DB) CreateView(ctx context.Context, actor Actor, base string, spec ViewSpec) (*View, error) {
	var v View
	err := db.write(ctx, "create view", actor, func(u *unit) error {
		b, err := u.base(base)
		if err != nil {
			return err
		}
		v, err = u.newView(&b, NewID(prefixView), spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// newView saves a query under an id in a base.
func (u *unit) newView(b *Base, id string, spec ViewSpec) (View, error) {
	v := View{ID: id, Workspace: b.Workspace, Base: b.ID, Name: spec.Name, Query: spec.Query, Version: 1,
		CreatedAt: u.now, CreatedBy: u.actor.ID}
	if err := v.check(); err != nil {
		return v, err
	}
	if err := u.touch(v.Workspace, false); err != nil {
		return v, err
	}
	if err := u.freeViewName(v); err != nil {
		return v, err
	}
	if _, err := u.exec(`INSERT INTO lt_view (`+viewColumns+`, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		argText(v.ID), argText(v.Workspace), argText(v.Base), argText(v.Name), argText(string(v.Query)), argInt(v.Version),
		argTime(v.CreatedAt), argText(v.CreatedBy), argText(nameKey(v.Name))); err != nil {
		return v, err
	}
	return v, u.resource(v.entry("view.create"), nil, v)
}

// UpdateView changes a view. version is the one the caller has seen, 0 for any.
func (db *DB) UpdateView(ctx context.Context, actor Actor, id string, p ViewPatch, version int64) (*View, error) {
	var v View
	err := db.write(ctx, "update view "+id, actor, func(u *unit) error {
		old, err := u.view(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, old.Version); err != nil {
			return err
		}
		v = old
		patch(&v.Name, p.Name)
		if p.Query != nil {
			v.Query = p.Query
		}
		if err := v.check(); err != nil {
			return err
		}
		v.Version++
		if err := u.touch(v.Workspace, false); err != nil {
			return err
		}
		if err := u.freeViewName(v); err != nil {
			return err
		}
		if _, err := u.exec(`UPDATE lt_view SET name = ?, name_key = ?, query = ?, version = ? WHERE workspace = ? AND id = ?`,
			argText(v.Name), argText(nameKey(v.Name)), argText(string(v.Query)), argInt(v.Version), argText(v.Workspace),
			argText(id)); err != nil {
			return err
		}
		return u.resource(v.entry("view.update"), old, v)
	})
	if err != nil {
		return nil, err
	}
	return &v, nil
}
