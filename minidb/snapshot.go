package minidb

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/livetables/livetables/rbac"
)

// Snapshot is the catalogue of one workspace at one moment. It is immutable and shared: nothing in it may be changed.
type Snapshot struct {
	Workspace Workspace
	// Revision counts the changes of the workspace's catalogue, PolicyVersion those of its members and rules.
	Revision      int64
	PolicyVersion int64
	Members       map[string]rbac.Role // by user id
	MemberList    []Member             // by user id
	Projects      []*Project           // this and the following by name
	Bases         []*Base
	Tables        []*Table // without archived ones
	Archived      []*Table
	Views         []*View
	Shares        []*Share // by slug
	Connections   []*Connection
	Rules         []*Rule // by table and role
	Roles         []*Role // custom ones, by name
	Caps          []Cap   // by resource
	// Trash is what was deleted and can come back, the newest first. Rules and Caps have those of it too: they stay in force.
	Trash []*Trashed
	// Networks are those from which sensitive actions are allowed, empty for every network.
	Networks []netip.Prefix

	projects    map[string]*Project
	parents     map[string]string
	bases       map[string]*Base
	tables      map[string]*Table
	archived    map[string]*Table
	columns     map[string]*Table
	views       map[string]*View
	shares      map[string]*Share
	connections map[string]*Connection
	trash       map[string]*Trashed
	graph       *graph // nil when no column looks through a link
}

// Project is the project of that id.
func (s *Snapshot) Project(id string) (*Project, bool) { p, ok := s.projects[id]; return p, ok }

// Parents says what resources are inside of, by id: the base of a table or a view, the project of a base that is in one; also
// of those in the trash, for which caps are in force as ever. What is not listed is directly in the workspace.
func (s *Snapshot) Parents() map[string]string { return s.parents }

// Base is the base of that id.
func (s *Snapshot) Base(id string) (*Base, bool) { b, ok := s.bases[id]; return b, ok }

// Table is the table of that id, unless it is archived.
func (s *Snapshot) Table(id string) (*Table, bool) { t, ok := s.tables[id]; return t, ok }

// AnyTable is the table of that id, archived or not.
func (s *Snapshot) AnyTable(id string) (*Table, bool) {
	t, ok := s.tables[id]
	if !ok {
		t, ok = s.archived[id]
	}
	return t, ok
}

// TableOfColumn is the table, archived or not, that has the column of that id.
func (s *Snapshot) TableOfColumn(column string) (*Table, bool) {
	t, ok := s.columns[column]
	return t, ok
}

// Trashed is the entry of the trash of that id ("trs_…").
func (s *Snapshot) Trashed(id string) (*Trashed, bool) { t, ok := s.trash[id]; return t, ok }

// View is the view of that id.
func (s *Snapshot) View(id string) (*View, bool) { v, ok := s.views[id]; return v, ok }

// Share is the share of that id.
func (s *Snapshot) Share(id string) (*Share, bool) { h, ok := s.shares[id]; return h, ok }

// Connection is the connection of that id.
func (s *Snapshot) Connection(id string) (*Connection, bool) {
	c, ok := s.connections[id]
	return c, ok
}

// ShareOfView is the publication of a view.
func (s *Snapshot) ShareOfView(view string) (*Share, bool) {
	for _, h := range s.Shares {
		if h.View == view {
			return h, true
		}
	}
	return nil, false
}

// TablesOf lists the tables of a base in their order, without archived ones.
func (s *Snapshot) TablesOf(base string) (list []*Table) {
	for _, t := range s.Tables {
		if t.Base == base {
			list = append(list, t)
		}
	}
	return list
}

// ViewsOf lists the views of a base by name.
func (s *Snapshot) ViewsOf(base string) (list []*View) {
	for _, v := range s.Views {
		if v.Base == base {
			list = append(list, v)
		}
	}
	return list
}

// Has reports whether the workspace has a resource of that id: the workspace itself, a project, base, table, column, view,
// share or connection.
func (s *Snapshot) Has(id string) bool { return s.has(id) }

// Role is the custom role of that id.
func (s *Snapshot) Role(id rbac.Role) (*Role, bool) {
	for _, r := range s.Roles {
		if r.ID == id {
			return r, true
		}
	}
	return nil, false
}

// has reports whether the workspace has a resource of that id.
func (s *Snapshot) has(id string) bool {
	var ok bool
	switch idPrefix(id) {
	case prefixWorkspace:
		ok = s.Workspace.ID == id
	case prefixProject:
		_, ok = s.projects[id]
	case prefixBase:
		_, ok = s.bases[id]
	case prefixTable:
		_, ok = s.AnyTable(id)
	case prefixColumn:
		_, ok = s.columns[id]
	case prefixView:
		_, ok = s.views[id]
	case prefixTrash:
		_, ok = s.trash[id]
	case prefixShare:
		_, ok = s.shares[id]
	case prefixConnection:
		_, ok = s.connections[id]
	}
	return ok
}

// Snapshot is the catalogue of a workspace as it is now: it includes every change whose verb has returned. It is kept in
// memory until the next change. Revisions never go back from one call to a later one. ErrNotFound when there is no such workspace.
//
// On a database that several processes write to (PostgreSQL) that holds for the verbs of all of them: each call asks the
// database for the workspace's revision, one statement that concurrent callers share, and reads the catalogue anew when it
// is another one. In an SQLite file it holds for the verbs of this DB.
func (db *DB) Snapshot(ctx context.Context, workspace string) (*Snapshot, error) {
	if s, ok := ctx.Value(snapshotKey{}).(*Snapshot); ok && s.Workspace.ID == workspace {
		return s, nil
	}
	for {
		s, err := db.kept(ctx, workspace)
		if err != nil || db.revisions == nil {
			return s, err
		}
		revision, err := db.revisions.of(ctx, workspace)
		if err == nil && revision <= s.Revision { // less when it was loaded after the question
			return s, nil
		}
		if err == nil || errors.Is(err, ErrNotFound) {
			db.snapshots.outdate(workspace, revision)
		}
		if err != nil {
			return nil, err
		}
	}
}

type snapshotKey struct{}

// WithSnapshot gives a context in which Snapshot answers s for its workspace, without asking whether it is still the
// newest: for a request that has just asked, and whose parts are to agree with each other.
func WithSnapshot(ctx context.Context, s *Snapshot) context.Context {
	return context.WithValue(ctx, snapshotKey{}, s)
}

// kept is the snapshot in memory, loaded when there is none.
func (db *DB) kept(ctx context.Context, workspace string) (*Snapshot, error) {
	c := db.snapshots
	for {
		s, generation := c.get(workspace)
		if s != nil {
			return s, nil
		}
		// Loads are shared within a generation only: a caller after a change must not be answered from a load begun before it.
		key := fmt.Sprintf("%s/%d", workspace, generation)
		v, err, _ := c.loads.Do(key, func() (any, error) {
			// The load serves others too and must not end with the first caller's context.
			return db.loadSnapshot(context.WithoutCancel(ctx), workspace)
		})
		if err != nil {
			return nil, err
		}
		// A load can also have begun before a change that is committed but has not returned yet, and that somebody has seen.
		if s := v.(*Snapshot); c.put(workspace, generation, s) {
			return s, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// Reread is Snapshot for a caller that has met a change of the catalogue before the verb that made it has returned: it
// compares with the database itself.
func (db *DB) Reread(ctx context.Context, workspace string) (*Snapshot, error) {
	var revision int64
	err := db.read(ctx, "read revision of "+workspace, func(s session) (err error) {
		revision, err = must(s, "workspace", func(r record) int64 { return r.integer(0) },
			`SELECT revision FROM lt_workspace WHERE id = ?`, argText(workspace))
		return err
	})
	if err != nil {
		return nil, err
	}
	db.snapshots.outdate(workspace, revision)
	return db.Snapshot(ctx, workspace)
}

// snapshotCache keeps the newest snapshot of workspaces.
type snapshotCache struct {
	most  int
	loads singleflight.Group

	mu      sync.RWMutex
	current map[string]*Snapshot
	// generation counts what has been dropped, so that a load begun before a change is not kept after it.
	generation int64
	seen       map[string]seen
}

// seen is what is known of a workspace beside its snapshot.
type seen struct {
	dropped  int64 // generation of the last change
	revision int64 // newest that was given out
}

func newSnapshotCache(most int) *snapshotCache {
	return &snapshotCache{most: most, current: make(map[string]*Snapshot), seen: make(map[string]seen)}
}

func (c *snapshotCache) get(workspace string) (*Snapshot, int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.current[workspace], c.generation
}

// put keeps a snapshot that was asked for in a generation, unless a change has come since. It answers false for one that
// is older than one given out before.
func (c *snapshotCache) put(workspace string, generation int64, s *Snapshot) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.seen[workspace]
	if s.Revision < known.revision {
		return false
	}
	known.revision = s.Revision
	c.seen[workspace] = known
	if old := c.current[workspace]; known.dropped > generation && (old == nil || old.Revision >= s.Revision) {
		return true
	}
	for id := range c.current { // any will do: what is in use comes back
		if len(c.current) < c.most {
			break
		}
		delete(c.current, id)
	}
	c.current[workspace] = s
	return true
}

// outdate forgets the snapshot of a workspace that has a newer revision, or none (0) any more.
func (c *snapshotCache) outdate(workspace string, revision int64) {
	if s, _ := c.get(workspace); s != nil && (s.Revision < revision || revision == 0) {
		c.drop(workspace)
	}
}

// drop forgets the snapshot of a workspace that has changed.
func (c *snapshotCache) drop(workspace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	known := c.seen[workspace]
	known.dropped = c.generation
	c.seen[workspace] = known
	delete(c.current, workspace)
}
