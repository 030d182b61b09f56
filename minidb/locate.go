package minidb

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// located are the tables in which resources of a kind are found by id.
var located = map[string]string{
	prefixWorkspace:  `SELECT id FROM lt_workspace WHERE id = ?`,
	prefixProject:    `SELECT workspace FROM lt_project WHERE id = ?`,
	prefixBase:       `SELECT workspace FROM lt_base WHERE id = ?`,
	prefixTable:      `SELECT workspace FROM lt_table WHERE id = ?`,
	prefixColumn:     `SELECT workspace FROM lt_column WHERE id = ?`,
	prefixView:       `SELECT workspace FROM lt_view WHERE id = ?`,
	prefixShare:      `SELECT workspace FROM lt_share WHERE id = ?`,
	prefixConnection: `SELECT workspace FROM lt_connection WHERE id = ?`,
	prefixTrash:      `SELECT workspace FROM lt_trash WHERE id = ?`,
}

// WorkspaceOf is the workspace that a resource of the catalogue (a workspace, project, base, table, column, view, share
// or connection) belongs to. ErrNotFound for an id that is none of these or that no longer exists.
func (db *DB) WorkspaceOf(ctx context.Context, resourceID string) (string, error) {
	s, workspace, err := db.locate(ctx, resourceID)
	if s != nil {
		workspace = s.Workspace.ID
	}
	return workspace, err
}

// Locate is the Snapshot of the workspace that a resource belongs to, with the resource in it; ErrNotFound as in WorkspaceOf.
func (db *DB) Locate(ctx context.Context, resourceID string) (*Snapshot, error) {
	s, workspace, err := db.locate(ctx, resourceID)
	if s != nil || err != nil {
		return s, err
	}
	return db.Snapshot(ctx, workspace)
}

// locate finds the workspace of a resource, and its snapshot where it came by one.
func (db *DB) locate(ctx context.Context, resourceID string) (*Snapshot, string, error) {
	// A resource never moves, but it may be gone: the snapshot, which is in memory as a rule, knows.
	if workspace, ok := db.places.get(resourceID); ok {
		s, err := db.Snapshot(ctx, workspace)
		switch {
		case err == nil && s.has(resourceID):
			return s, workspace, nil
		case err != nil && !errors.Is(err, ErrNotFound):
			return nil, "", err
		}
		db.places.forget(resourceID)
		return nil, "", fmt.Errorf("%s: %w", cleanText(resourceID, maxName), ErrNotFound)
	}
	sql, ok := located[idPrefix(resourceID)]
	if !ok || !ValidID(resourceID, idPrefix(resourceID)) {
		return nil, "", fmt.Errorf("%s: %w", cleanText(resourceID, maxName), ErrNotFound)
	}
	var workspace string
	err := db.read(ctx, "locate "+resourceID, func(s session) (err error) {
		workspace, err = must(s, resourceID, func(r record) string { return r.text(0) }, sql, argText(resourceID))
		return err
	})
	if err != nil {
		return nil, "", err
	}
	db.places.put(resourceID, workspace)
	return nil, workspace, nil
}

// Miss looks for a resource that there is none of, which takes as long as being asked for one: for callers who answer that
// something does not exist although it does.
func (db *DB) Miss(ctx context.Context) {
	_, _ = db.WorkspaceOf(ctx, NewID(prefixTable)) // the answer is known
}

// places remembers the workspaces of resources.
type places struct {
	mu sync.RWMutex
	of map[string]string
}

// maxPlaces bounds the memory of places; a full one starts anew.
const maxPlaces = 100_000

func (p *places) get(id string) (string, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	w, ok := p.of[id]
	return w, ok
}

func (p *places) put(id, workspace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= maxPlaces {
		p.of = make(map[string]string)
	}
	p.of[id] = workspace
}

func (p *places) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, id)
}
