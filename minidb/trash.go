package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/rbac"
)

// What is deleted goes into the trash first: its records leave the tables of the catalogue, so that whatever reads the
// catalogue finds nothing of it, and its name is free; rows, cells, rules and caps stay where they are. RestoreTrash puts the
// records back. DeleteForever and PurgeTrash remove for good what they belong to.
//
// A column that is put away (Removal.Archive) is in the trash too, without an end. A table that is archived is not: it stays
// in the catalogue and keeps its name.

// TrashKind says what lies in the trash.
type TrashKind string

// What can lie in the trash.
const (
	TrashedBase   TrashKind = "base" // with its tables and views
	TrashedTable  TrashKind = "table"
	TrashedColumn TrashKind = "column"
	TrashedView   TrashKind = "view"
)

// Trashed is something in the trash. The entries of a snapshot are immutable.
type Trashed struct {
	ID        string    `json:"id"` // "trs_…"
	Workspace string    `json:"workspace_id"`
	Kind      TrashKind `json:"kind"`
	Resource  string    `json:"resource_id"` // the id that it had and gets back
	// Place is what it was in: the project of a base, empty for none, the base of a table or view, the table of a column.
	Place     string    `json:"place_id"`
	Name      string    `json:"name"`
	Archived  bool      `json:"archived"` // put away without an end: PurgeTrash leaves it
	DeletedAt time.Time `json:"deleted_at"`
	DeletedBy string    `json:"deleted_by"`
	// Grants are what roles may do with a column, as their rules said: what is not listed is fully accessible. Whom one of
	// them binds is not to know of the column.
	Grants map[rbac.Role]rbac.Access `json:"-"`

	inside  []string // tables and views of a base, by id
	storage string   // physical type of a column
}

// Inside are the tables and views that a base in the trash has, by id.
func (t *Trashed) Inside() []string { return slices.Clone(t.inside) }

// MaxTrash is how much may lie in the trash of a workspace. When it is full, deleting is refused with a *LimitError until
// something is restored or deleted for good.
const MaxTrash = 2_000

const (
	prefixTrash  = "trs"
	trashColumns = `id, workspace, kind, resource, place, name, inside, grants, storage, kept, deleted_at, deleted_by`
)

func scanTrashed(r record) Trashed {
	t := Trashed{ID: r.text(0), Workspace: r.text(1), Kind: TrashKind(r.text(2)), Resource: r.text(3), Place: r.text(4), Name: r.text(5),
		storage: r.text(8), Archived: r.flag(9), DeletedAt: r.instant(10), DeletedBy: r.text(11)}
	_ = json.Unmarshal(r.document(6), &t.inside) // it is what we wrote
	if json.Unmarshal(r.document(7), &t.Grants) != nil {
		t.Grants = map[rbac.Role]rbac.Access{rbac.Admin: rbac.Hidden, rbac.Editor: rbac.Hidden, rbac.Viewer: rbac.Hidden}
	}
	return t
}

func (u *unit) trashed(id string) (Trashed, error) {
	return must(u.session, "trash "+id, scanTrashed, `SELECT `+trashColumns+` FROM lt_trash WHERE id = ?`, argText(id))
}

// newTrash begins to put something into the trash.
func (u *unit) newTrash(workspace string, kind TrashKind, resource, place, name string) (*trashing, error) {
	if err := u.room(workspace, "trash", `SELECT count(*) FROM lt_trash WHERE workspace = ?`, MaxTrash); err != nil {
		return nil, err
	}
	return &trashing{unit: u, Trashed: Trashed{ID: NewID(prefixTrash), Workspace: workspace, Kind: kind, Resource: resource, Place: place,
		Name: name, DeletedAt: u.now, DeletedBy: u.actor.ID}}, nil
}

// trashing is something on its way into the trash.
type trashing struct {
	*unit
	Trashed
	records int
}

// done writes the entry of the trash.
func (t *trashing) done() error {
	inside, err := json.Marshal(append([]string{}, t.inside...))
	if err != nil {
		return err
	}
	grants, err := json.Marshal(t.Grants)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO lt_trash (`+trashColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, argText(t.ID), argText(t.Workspace),
		argText(string(t.Kind)), argText(t.Resource), argText(t.Place), argText(t.Name), argText(string(inside)), argText(string(grants)),
		argText(t.storage), argFlag(t.Archived), argTime(t.DeletedAt), argText(t.DeletedBy))
	return err
}

// table takes the records of a table along; its physical table stays.
func (t *trashing) table(tb *Table) error {
	if _, err := t.exec(`DELETE FROM lt_lock WHERE workspace = ? AND table_id = ?`, argText(tb.Workspace), argText(tb.ID)); err != nil {
		return fmt.Errorf("remove locks: %w", err)
	}
	if _, err := t.exec(`INSERT INTO lt_trash_table (physical, trash, workspace) VALUES (?, ?, ?)`, argText(tb.physicalName()), argText(t.ID),
		argText(tb.Workspace)); err != nil {
		return err
	}
	if err := t.pruneLinksOf(tb); err != nil {
		return err
	}
	for _, r := range []struct{ source, key string }{{"lt_table", "id"}, {"lt_column", "table_id"}, {"lt_index", "table_id"}} {
		if err := t.take(r.source, r.key, tb.ID); err != nil {
			return err
		}
	}
	return t.resource(tb.entry("table.delete"), tb, nil)
}

// view takes the record of a view along. Its publication ends: an address does not come back to life by itself.
func (t *trashing) view(v View) error {
	if err := t.unpublish(v); err != nil {
		return err
	}
	if err := t.take("lt_view", "id", v.ID); err != nil {
		return err
	}
	return t.resource(v.entry("view.delete"), v, nil)
}

// unpublish ends the publication of a view that is deleted.
func (u *unit) unpublish(v View) error {
	shares, err := all(u.session, scanShare, `SELECT `+shareColumns+` FROM lt_share WHERE workspace = ? AND view = ?`,
		argText(v.Workspace), argText(v.ID))
	if err != nil {
		return err
	}
	for _, share := range shares {
		if err := u.deleteShare(share); err != nil {
			return err
		}
	}
	return nil
}

// DeleteBase puts a base with its tables, their rows, and its views into the trash. Each table and view gets a log entry of
// its own. version is the one the caller has seen, 0 for any.
func (db *DB) DeleteBase(ctx context.Context, actor Actor, id string, version int64) error {
	return db.write(ctx, "delete base "+id, actor, func(u *unit) error {
		b, err := u.base(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, b.Version); err != nil {
			return err
		}
		t, err := u.newTrash(b.Workspace, TrashedBase, b.ID, b.Project, b.Name)
		if err != nil {
			return err
		}
		if err := t.take("lt_base", "id", b.ID); err != nil {
			return err
		}
		tables, err := all(u.session, func(r record) string { return r.text(0) },
			`SELECT id FROM lt_table WHERE workspace = ? AND base = ? ORDER BY id`, argText(b.Workspace), argText(id))
		if err != nil {
			return err
		}
		for _, id := range tables {
			tb, err := u.table(id)
			if err != nil {
				return err
			}
			if err := t.table(tb); err != nil {
				return err
			}
		}
		views, err := all(u.session, scanView, `SELECT `+viewColumns+` FROM lt_view WHERE workspace = ? AND base = ? ORDER BY id`,
			argText(b.Workspace), argText(id))
		if err != nil {
			return err
		}
		t.inside = tables
		for _, v := range views {
			t.inside = append(t.inside, v.ID)
			if err := t.view(v); err != nil {
				return err
			}
		}
		if err := t.done(); err != nil {
			return err
		}
		if err := u.touch(b.Workspace, false); err != nil {
			return err
		}
		if err := u.resource(b.entry("base.delete"), b, nil); err != nil {
			return err
		}
		return u.recomputeAround(b.Workspace, tables...)
	})
}

// DeleteTable puts a table, archived or not, and its rows into the trash. version is the one the caller has seen, 0 for any.
func (db *DB) DeleteTable(ctx context.Context, actor Actor, id string, version int64) error {
	return db.write(ctx, "delete table "+id, actor, func(u *unit) error {
		_, err := u.discardTable(id, version)
		return err
	})
}

// DeleteTableForever is DeleteTable and DeleteForever in one: for a table that nobody is to bring back.
func (db *DB) DeleteTableForever(ctx context.Context, actor Actor, id string, version int64) error {
	return db.write(ctx, "delete table "+id, actor, func(u *unit) error {
		t, err := u.discardTable(id, version)
		if err != nil {
			return err
		}
		return u.end(t.Trashed)
	})
}

// discardTable puts a table into the trash.
func (u *unit) discardTable(id string, version int64) (*trashing, error) {
	tb, err := u.table(id)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(version, tb.Version); err != nil {
		return nil, err
	}
	t, err := u.newTrash(tb.Workspace, TrashedTable, tb.ID, tb.Base, tb.Name)
	if err != nil {
		return nil, err
	}
	if err := t.table(tb); err != nil {
		return nil, err
	}
	if err := t.done(); err != nil {
		return nil, err
	}
	if err := u.touch(tb.Workspace, false); err != nil {
		return nil, err
	}
	return t, u.recomputeAround(tb.Workspace, tb.ID)
}

// DeleteView puts a view into the trash and ends its publication with its keys. version is the one the caller has seen, 0
// for any.
func (db *DB) DeleteView(ctx context.Context, actor Actor, id string, version int64) error {
	return db.write(ctx, "delete view "+id, actor, func(u *unit) error {
		v, err := u.view(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, v.Version); err != nil {
			return err
		}
		t, err := u.newTrash(v.Workspace, TrashedView, v.ID, v.Base, v.Name)
		if err != nil {
			return err
		}
		if err := t.view(v); err != nil {
			return err
		}
		if err := t.done(); err != nil {
			return err
		}
		return u.touch(v.Workspace, false)
	})
}
