package minidb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// revisions reads the revisions of workspaces for those who must know whether another process has changed one. Callers
// that come while a reading is under way share the next one: an answer is never from before the question, and however
// many ask, a workspace is read by one statement at a time.
type revisions struct {
	store  adapter.Store
	schema *lqp.Table

	once      sync.Once
	statement adapter.Prepared // see prepared

	mu      sync.Mutex
	running map[string]*revisionReading
}

// revisionReading is one statement that reads a revision.
type revisionReading struct {
	done     chan struct{} // closed when the following are set
	revision int64
	found    bool
	err      error

	next *revisionReading // of those who came after it began; guarded by the mutex of revisions
}

func newRevisions(store adapter.Store) *revisions {
	t := &lqp.Table{Name: "lt_workspace", Path: []string{"lt_workspace"}, Kind: lqp.BaseTable, Key: []string{"id"}}
	for _, c := range []lqp.Column{
		{ID: "id", Type: lqp.Type{Kind: lqp.Text, NotNull: true}},
		{ID: "revision", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}},
	} {
		c.Name = c.ID
		t.Columns = append(t.Columns, declared(store, c, c.Type))
	}
	return &revisions{store: store, schema: t, running: make(map[string]*revisionReading)}
}

// of is the revision of a workspace at some moment of the call; ErrNotFound when there is no such workspace.
func (r *revisions) of(ctx context.Context, workspace string) (int64, error) {
	r.mu.Lock()
	f := r.running[workspace]
	switch {
	case f == nil:
		f = &revisionReading{done: make(chan struct{})}
		r.running[workspace] = f
		// It serves others too and must not end with the first caller's context; the store bounds its time.
		go r.run(context.WithoutCancel(ctx), workspace, f)
	case f.next == nil:
		f.next = &revisionReading{done: make(chan struct{})}
		f = f.next
	default:
		f = f.next
	}
	r.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if f.err == nil && !f.found {
		return 0, fmt.Errorf("workspace: %w", ErrNotFound)
	}
	return f.revision, f.err
}

// run reads for one reading and for those that follow it.
func (r *revisions) run(ctx context.Context, workspace string, f *revisionReading) {
	for f != nil {
		f.revision, f.found, f.err = r.read(ctx, workspace)
		r.mu.Lock()
		next := f.next
		if next == nil {
			delete(r.running, workspace)
		} else {
			r.running[workspace] = next
		}
		r.mu.Unlock()
		close(f.done)
		f = next
	}
}

// question is the query for the revision of a workspace.
func (r *revisions) question(workspace lqp.Value) *lqp.Query {
	const alias = "w"
	id, number := &r.schema.Columns[0], &r.schema.Columns[1]
	return &lqp.Query{
		From:   lqp.Source{Table: r.schema.Name, Alias: alias, Schema: r.schema},
		Where:  lqp.NewCall("eq", lqp.TypedRef(alias, id.ID, id.Type), lqp.Literal(workspace)),
		Select: []lqp.Named{{Name: number.ID, Expr: lqp.TypedRef(alias, number.ID, number.Type)}},
		Page:   lqp.Page{Limit: 1},
	}
}

// prepared is the question as a statement with a hole for the workspace, nil when the store prepares none.
func (r *revisions) prepared() adapter.Prepared {
	r.once.Do(func() {
		if store, ok := r.store.(adapter.Preparer); ok {
			hole := argText("workspace to be asked for")
			if p, err := store.Prepare(r.question(hole), []lqp.Value{hole}); err == nil { // else it is written each time
				r.statement = p
			}
		}
	})
	return r.statement
}

// read asks the store outside a transaction, which is the cheapest way there is: one statement, one answer.
func (r *revisions) read(ctx context.Context, workspace string) (revision int64, found bool, err error) {
	var rows adapter.Rows
	err = adapter.ErrUnprepared
	if p := r.prepared(); p != nil {
		rows, err = p.Scan(ctx, []lqp.Value{argText(workspace)})
	}
	if errors.Is(err, adapter.ErrUnprepared) {
		rows, err = r.store.Scan(ctx, r.question(argText(workspace)))
	}
	if err != nil {
		return 0, false, fmt.Errorf("read revision of %s: %w", workspace, err)
	}
	defer rows.Close()
	for rows.Next() { // to the end: one that is closed before has to be cancelled at the server
		revision, found = record{rows: rows}.integer(0), true
	}
	return revision, found, rows.Err()
}
