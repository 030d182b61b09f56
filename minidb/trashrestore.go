package minidb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// Recovery says how something comes back from the trash.
type Recovery struct {
	// Name is another name for it, empty for the one that it had. When that is taken meanwhile, ErrExists is answered.
	Name string
	// Loose leaves out what a column asked of rows that they may not keep any more, having been written without it: it is not
	// required, and rules of the table that were lifted with it do not come back. Its grants always do.
	Loose bool
}

// RestoreTrash brings something back from the trash with all that it had: a base with its tables and views, a table with its
// columns, rows, rules and caps, a column with its cells, indexes and grants. Publications do not come back. What was in a
// base or a table that is in the trash itself is ErrNotFound until that is restored. The answer is the entry of the trash as
// it was.
//
// A column gets its place back as far as it exists, and numbers and built-in values for the rows that were made meanwhile; a
// required one without a default is refused with a *ValidationError when such rows have no value, and so are the rules of the
// table that rows break now, unless r is loose.
func (db *DB) RestoreTrash(ctx context.Context, actor Actor, id string, r Recovery) (*Trashed, error) {
	var t Trashed
	err := db.write(ctx, "restore "+id, actor, func(u *unit) (err error) {
		if t, err = u.trashed(id); err != nil {
			return err
		}
		if err := u.touch(t.Workspace, false); err != nil {
			return err
		}
		kept, err := u.kept(id)
		if err != nil {
			return err
		}
		switch t.Kind {
		case TrashedBase:
			err = u.restoreBase(t, kept, r)
		case TrashedTable:
			err = u.restoreTable(t, kept, r)
		case TrashedView:
			err = u.restoreView(t, kept, r)
		case TrashedColumn:
			err = u.restoreColumn(t, kept, r)
		default:
			err = fmt.Errorf("restore a %q: %w", t.Kind, ErrNotFound)
		}
		if err != nil {
			return err
		}
		return u.forgetTrash(t)
	})
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// named is what replaces the name of a record, which was checked.
func (r Recovery) named(old string) (name string, set map[string]lqp.Value, err error) {
	if r.Name == "" {
		return old, map[string]lqp.Value{}, nil
	}
	if name, err = cleanName(r.Name); err != nil {
		return "", nil, err
	}
	return name, map[string]lqp.Value{"name": argText(name), "name_key": argText(nameKey(name))}, nil
}

func (u *unit) restoreBase(t Trashed, kept []keptRecord, r Recovery) error {
	b := Base{ID: t.Resource, Workspace: t.Workspace, Project: t.Place}
	var set map[string]lqp.Value
	var err error
	if b.Name, set, err = r.named(t.Name); err != nil {
		return err
	}
	if err := u.freeBaseName(b); err != nil {
		return err
	}
	if err := u.roomForBase(t.Workspace); err != nil {
		return err
	}
	if b.Project != "" {
		ok, err := u.taken(`SELECT 1 FROM lt_project WHERE workspace = ? AND id = ?`, argText(t.Workspace), argText(b.Project))
		if err != nil {
			return err
		}
		if !ok { // it was deleted on the condition that its bases stay without one
			set["project"] = argText("")
		}
	}
	var tables []string
	for _, k := range kept {
		over := map[string]lqp.Value{}
		switch k.source {
		case "lt_base":
			over = set
		case "lt_table":
			if err := u.roomForTable(t.Workspace); err != nil {
				return err
			}
		}
		if err := u.putBack(k, over); err != nil {
			return err
		}
	}
	if tables, err = u.readmit(t); err != nil {
		return err
	}
	whole, err := u.base(t.Resource)
	if err != nil {
		return err
	}
	whole.Version++
	if _, err := u.exec(`UPDATE lt_base SET version = ? WHERE workspace = ? AND id = ?`, argInt(whole.Version), argText(t.Workspace), argText(whole.ID)); err != nil {
		return err
	}
	if err := u.resource(whole.entry("base.restore"), nil, whole); err != nil {
		return err
	}
	for _, id := range tables {
		if err := u.tableIsBack(id); err != nil {
			return err
		}
	}
	for _, id := range t.inside {
		if idPrefix(id) != prefixView {
			continue
		}
		if err := u.viewIsBack(id); err != nil {
			return err
		}
	}
	return nil
}

// readmit takes the physical tables of an entry out of the trash and lists the tables inside it.
func (u *unit) readmit(t Trashed) (tables []string, err error) {
	for _, id := range append([]string{t.Resource}, t.inside...) {
		if idPrefix(id) == prefixTable {
			tables = append(tables, id)
		}
	}
	_, err = u.exec(`DELETE FROM lt_trash_table WHERE trash = ?`, argText(t.ID))
	return tables, err
}

// tableIsBack counts and notes that a table is in use again.
func (u *unit) tableIsBack(id string) error {
	t, err := u.table(id)
	if err != nil {
		return err
	}
	t.Version++
	if _, err := u.exec(`UPDATE lt_table SET version = ? WHERE workspace = ? AND id = ?`, argInt(t.Version), argText(t.Workspace), argText(id)); err != nil {
		return err
	}
	if err := u.resource(t.entry("table.restore"), nil, t); err != nil {
		return err
	}
	if err := u.linksAreBack(t); err != nil {
		return err
	}
	return u.recomputeAround(t.Workspace, id)
}

func (u *unit) viewIsBack(id string) error {
	v, err := u.view(id)
	if err != nil {
		return err
	}
	v.Version++
	if _, err := u.exec(`UPDATE lt_view SET version = ? WHERE workspace = ? AND id = ?`, argInt(v.Version), argText(v.Workspace), argText(id)); err != nil {
		return err
	}
	return u.resource(v.entry("view.restore"), nil, v)
}

// home is the base that something comes back to.
func (u *unit) home(t Trashed) (Base, error) {
	b, err := u.base(t.Place)
	if err == nil && b.Workspace != t.Workspace {
		err = fmt.Errorf("base %s: %w", t.Place, ErrNotFound)
	}
	return b, err
}

func (u *unit) restoreTable(t Trashed, kept []keptRecord, r Recovery) error {
	b, err := u.home(t)
	if err != nil {
		return err
	}
	name, set, err := r.named(t.Name)
	if err != nil {
		return err
	}
	if err := u.freeTableName(&Table{ID: t.Resource, Workspace: t.Workspace, Base: b.ID, Name: name}); err != nil {
		return err
	}
	if err := u.roomInBase(&b); err != nil {
		return err
	}
	if err := u.roomForTable(t.Workspace); err != nil {
		return err
	}
	for _, k := range kept {
		over := map[string]lqp.Value{}
		if k.source == "lt_table" {
			over = set
		}
		if err := u.putBack(k, over); err != nil {
			return err
		}
	}
	if _, err := u.readmit(t); err != nil {
		return err
	}
	return u.tableIsBack(t.Resource)
}

func (u *unit) restoreView(t Trashed, kept []keptRecord, r Recovery) error {
	b, err := u.home(t)
	if err != nil {
		return err
	}
	name, set, err := r.named(t.Name)
	if err != nil {
		return err
	}
	if err := u.freeViewName(View{ID: t.Resource, Workspace: t.Workspace, Base: b.ID, Name: name}); err != nil {
		return err
	}
	for _, k := range kept {
		if err := u.putBack(k, set); err != nil {
			return err
		}
	}
	return u.viewIsBack(t.Resource)
}

// decodeKept reads what an entry kept beside the records of the catalogue.
func decodeKept(kept []keptRecord, source string, to any) error {
	for _, k := range kept {
		if k.source == source {
			if err := json.Unmarshal(k.doc, to); err != nil {
				return fmt.Errorf("%s in the trash: %w", source, err)
			}
		}
	}
	return nil
}
