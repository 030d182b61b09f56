package minidb

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// groupWork is the transaction of a group. The calls are carried out one after the other, each on what those before it have
// left, but on rows in memory: those that the calls name are read at once before, and what becomes of them is written at once
// behind. A call that fails leaves nothing in the memory. One that needs to ask the database anything else is not for groups.
type groupWork struct {
	*unit  // of the whole: its statements do go to the database
	calls  []*groupCall
	tables map[string]*groupTable // by id
	order  []*groupTable
	links  map[string][]listedLink // by table
	undo   []groupUndo             // of the call that is being carried out
	done   []groupDone
	broken error // of a statement: the whole transaction fails
	asked  []*askedTable
}

// groupDone is a call that was carried out, with its entries.
type groupDone struct {
	unit    *unit
	entries []audit.Entry
}

func newGroupWork(ctx context.Context, db *DB) *groupWork {
	return &groupWork{unit: &unit{session: session{ctx: ctx}, db: db, now: db.now(), shared: true}, tables: make(map[string]*groupTable, 1)}
}

// run carries out those of the calls that are still waited for and writes what they do. answers are those to what was asked.
func (g *groupWork) run(tx adapter.Tx, calls []*groupCall, answers []adapter.Rows) error {
	g.tx = tx
	for _, c := range calls {
		if c.state.CompareAndSwap(callWaiting, callStarted) {
			g.calls = append(g.calls, c)
		}
	}
	if err := g.answered(answers); err != nil {
		return err
	}
	if err := g.prepare(); err != nil {
		return err
	}
	for _, c := range g.calls {
		g.carryOut(c)
		if g.broken != nil {
			return g.broken
		}
	}
	return g.store()
}

// carryOut carries out one call.
func (g *groupWork) carryOut(c *groupCall) {
	if c.err = c.ctx.Err(); c.err != nil {
		return
	}
	refusing := &groupTx{}
	u := &unit{session: session{g.ctx, refusing}, db: g.db, actor: c.actor.clean(), now: g.db.now(), group: g}
	results := make([]Result, 0, len(c.plans))
	g.undo = g.undo[:0]
	var err error
	for _, p := range c.plans {
		var r Result
		if r, err = u.apply(p); err != nil {
			break
		}
		results = append(results, r)
	}
	switch {
	case refusing.asked:
		g.takeBack()
		c.alone = true
	case err != nil:
		g.takeBack()
		c.err = err
	default:
		c.results = results
		g.done = append(g.done, groupDone{u, u.entries})
	}
}

// store writes what the calls did: the rows, the entries in the order of the calls, the ends of the chains, the operations.
func (g *groupWork) store() error {
	n := 0
	for i := range g.done {
		n += len(g.done[i].entries)
	}
	if n == 0 {
		return nil
	}
	log := g.db.log
	entries := make([]audit.Entry, 0, n)
	for i := range g.done {
		d := &g.done[i]
		if len(d.entries) == 0 {
			continue
		}
		if len(d.entries) > 1 {
			d.unit.batch = NewID(prefixBatch)
		}
		from := len(entries)
		for _, e := range d.entries {
			e.Batch = d.unit.batch
			entries = append(entries, e)
		}
		if err := log.place(g.unit, entries[from:]); err != nil {
			return fmt.Errorf("write change log: %w", err)
		}
		d.unit.observe(entries[from:])
	}
	for _, t := range g.order {
		list := t.changes()
		if len(list) == 0 {
			continue
		}
		if err := adapter.Deferred(g.tx, func() error { return g.unit.storeRows(t.l, list, nil) }); err != nil {
			return err
		}
	}
	if err := log.write(g.unit, entries); err != nil {
		return fmt.Errorf("write change log: %w", err)
	}
	operations := make([][]lqp.Value, 0, len(g.done))
	for i := range g.done {
		if row := g.done[i].unit.operationRow(); row != nil {
			operations = append(operations, row)
		}
	}
	return adapter.Deferred(g.tx, func() error { return log.insertOperations(g.unit, operations) })
}

// linksOf are the link columns that a table has to do with, read once for the group.
func (g *groupWork) linksOf(workspace, table string) ([]listedLink, error) {
	if list, ok := g.links[table]; ok {
		return list, nil
	}
	list, err := g.session.linksOf(workspace, table)
	if err != nil {
		g.broken = err
		return nil, err
	}
	if g.links == nil {
		g.links = make(map[string][]listedLink, 1)
	}
	g.links[table] = list
	return list, nil
}

// standingOf is how a table stands, read once for the group.
func (g *groupWork) standingOf(t *Table) (tableState, error) {
	k := g.tables[t.ID]
	if k == nil {
		var err error
		k = &groupTable{id: t.ID, rows: make(map[string]*groupRow), holders: make(map[int]map[string]string)}
		if a := g.askedOf(t.ID); a != nil && a.exists && a.t.Workspace == t.Workspace {
			k.now = a.now
			g.seq.know(t.ID, t.Workspace, a.now.ends)
		} else if k.now, err = g.unit.standing(t); err != nil {
			if !errors.Is(err, ErrNotFound) {
				g.broken = err
				return tableState{}, err
			}
			k.err = err
		}
		g.tables[t.ID] = k
		g.order = append(g.order, k)
	}
	return k.now, k.err
}

// errGroup is never seen by anybody: the call is carried out once more, by itself.
var errGroup = errors.New("not in a group")

// groupTx is the transaction that a call in a group is given for whatever the group does not answer from memory.
type groupTx struct{ asked bool }

var _ adapter.Tx = (*groupTx)(nil)

func (t *groupTx) refuse() error {
	t.asked = true
	return errGroup
}

// Exec implements [adapter.Tx].
func (t *groupTx) Exec(context.Context, string, ...lqp.Value) (int64, error) { return 0, t.refuse() }

// Query implements [adapter.Tx].
func (t *groupTx) Query(context.Context, string, ...lqp.Value) (adapter.Rows, error) {
	return nil, t.refuse()
}

// Scan implements [adapter.Tx].
func (t *groupTx) Scan(context.Context, *lqp.Query) (adapter.Rows, error) { return nil, t.refuse() }

// Insert implements [adapter.Writer].
func (t *groupTx) Insert(context.Context, *lqp.Table, []string, [][]lqp.Value) error {
	return t.refuse()
}

// Update implements [adapter.Writer].
func (t *groupTx) Update(context.Context, *lqp.Table, []lqp.Value, []lqp.Assignment, []lqp.Assignment) (int64, error) {
	return 0, t.refuse()
}

// Delete implements [adapter.Writer].
func (t *groupTx) Delete(context.Context, *lqp.Table, []lqp.Value, []lqp.Assignment) (int64, error) {
	return 0, t.refuse()
}

// refuse says that a call cannot be carried out in its group.
func (u *unit) refuse() error {
	if t, ok := u.tx.(*groupTx); ok {
		return t.refuse()
	}
	return errGroup
}
