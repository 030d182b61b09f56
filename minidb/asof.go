package minidb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Moment is a state of a table in the past.
type Moment struct {
	Table *Table
	// Offset is the last entry of the table's log that had been written by then, 0 for none.
	Offset int64
}

// MomentAt finds the state that a table was in at a time: after the newest entry of its log that is not later. It is a
// *HistoryCutError when that entry was cut, or one after it.
func (db *DB) MomentAt(ctx context.Context, t *Table, at time.Time) (m Moment, err error) {
	m.Table = t
	err = db.read(ctx, "find the past of "+t.ID, func(s session) (err error) {
		floor, cut, err := s.tableFloor(t.ID)
		if err != nil {
			return err
		}
		m.Offset, _, err = one(s, func(r record) int64 { return r.integer(0) }, `SELECT table_offset FROM lt_change
			WHERE table_id = ? AND table_id <> '' AND at <= ? ORDER BY table_offset DESC LIMIT 1`, argText(t.ID), argTime(at))
		if cut && m.Offset <= floor.offset && err == nil {
			if m.Offset = floor.offset; at.Before(floor.begins) {
				err = floor.refusal()
			}
		}
		return err
	})
	return m, err
}

// MomentAfter finds the state that an operation of the workspace left a table in.
func (db *DB) MomentAfter(ctx context.Context, t *Table, operation string) (m Moment, err error) {
	m.Table = t
	err = db.read(ctx, "find the past of "+t.ID, func(s session) error {
		o, err := s.operation(t.Workspace, operation)
		if err != nil {
			return s.lost(t.Workspace, operation, err)
		}
		floor, cut, err := s.tableFloor(t.ID)
		if err != nil {
			return err
		}
		m.Offset, _, err = one(s, func(r record) int64 { return r.integer(0) }, `SELECT coalesce(max(table_offset), 0) FROM lt_change
			WHERE table_id || '' = ? AND position >= ? AND position <= ?`, argText(t.ID), argInt(o.first), argInt(o.last))
		if err == nil && m.Offset == 0 {
			m.Offset, _, err = one(s, func(r record) int64 { return r.integer(0) }, `SELECT table_offset FROM lt_change
				WHERE table_id = ? AND table_id <> '' AND position <= ? ORDER BY table_offset DESC LIMIT 1`, argText(t.ID), argInt(o.last))
		}
		if cut && m.Offset <= floor.offset && err == nil {
			if m.Offset = floor.offset; o.last < floor.position {
				err = floor.refusal()
			}
		}
		return err
	})
	return m, err
}

// maxChangedSince bounds the rows that may have changed since a moment that is read; their ids are held in memory.
const maxChangedSince = 500_000

// AsOf is a read-only adapter of one table as it was at a moment: its rows with the columns that the table has today, old
// values converted to their types, the names of choices as they are now. It makes the past from the present: the rows that
// have not changed since are those of the table, the others are as the first later entry of the log says they were before. A
// page therefore costs a look at each entry since then, and nothing for the rows that have none.
//
// Queries of one table are taken with filter, order and page. More than 500,000 rows changed since then are a *LimitError.
func (db *DB) AsOf(m Moment) adapter.Adapter { return &pastAdapter{db: db, m: m} }

// pastAdapter is the adapter of a moment. It needs no closing.
type pastAdapter struct {
	db *DB
	m  Moment
}

// Tables implements adapter.Adapter.
func (a *pastAdapter) Tables(context.Context) (lqp.Catalog, error) {
	return lqp.Catalog{Tables: []*lqp.Table{a.m.Table.Schema()}}, nil
}

// Capabilities implements adapter.Adapter.
func (a *pastAdapter) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: "past"}
}

// Ping implements adapter.Adapter.
func (a *pastAdapter) Ping(ctx context.Context) error { return a.db.store.Ping(ctx) }

// Close implements adapter.Adapter.
func (a *pastAdapter) Close() error { return nil }

// Plan implements adapter.Adapter.
func (a *pastAdapter) Plan(q *lqp.Query) adapter.Split {
	return adapter.SplitWith(q, pastProver{table: a.m.Table.ID})
}

// pastProver takes everything of a query of the one table but groups: rows are filtered and put in order here.
type pastProver struct {
	adapter.ScanProver
	table string
}

// Source implements adapter.Prover.
func (p pastProver) Source(s *lqp.Source) adapter.Proof {
	if s.Query != nil || s.Table != p.table {
		return adapter.Proof{Reason: "the past of one table is read by itself"}
	}
	return adapter.Proof{Exact: true}
}

// Expr implements adapter.Prover.
func (pastProver) Expr(use adapter.Use, _ lqp.Expr) adapter.Proof {
	if use == adapter.UseFilter || use == adapter.UseSort {
		return adapter.Proof{Exact: true}
	}
	return adapter.Proof{Reason: "groups of the past are made by the engine"}
}

// After implements adapter.Prover.
func (pastProver) After([]lqp.Order, []lqp.Value) adapter.Proof { return adapter.Proof{Exact: true} }

// Scan implements adapter.Adapter.
func (a *pastAdapter) Scan(ctx context.Context, q *lqp.Query) (_ adapter.Rows, err error) {
	l := a.m.Table.layout
	needed := map[int]bool{idSlot: true}
	p := &pastRows{width: len(l.ids), after: q.Page.After, limit: q.Page.Limit, skip: q.Page.Offset}
	slot := func(c *lqp.Col) (int, error) {
		if s, ok := l.slots[c.Column]; ok {
			needed[s] = true
			return s, nil
		}
		return 0, fmt.Errorf("column %s: %w", c.Column, ErrSchemaChanged)
	}
	for _, n := range q.Select {
		e, err := lqp.Resolve(n.Expr, slot)
		if err != nil {
			return nil, err
		}
		p.out = append(p.out, e)
	}
	clear(needed) // what is shown is read of the rows that are
	for _, o := range q.OrderBy {
		if o.Expr, err = lqp.Resolve(o.Expr, slot); err != nil {
			return nil, err
		}
		p.order = append(p.order, o)
	}
	var where lqp.Expr
	if q.Where != nil {
		if where, err = lqp.Resolve(q.Where, slot); err != nil {
			return nil, err
		}
	}
	for _, m := range l.mirrors {
		needed[m.from] = true
	}
	// One snapshot of the log and the present, so that neither has what the other lacks.
	p.now, err = a.db.lend(ctx, "read the past of "+a.m.Table.ID, func(t session) (adapter.Rows, error) {
		c, err := t.changed(a.m.Table, a.m.Offset)
		if err != nil {
			return nil, err
		}
		p.changed = c.seen
		if err := t.old(a.m.Table, where, needed, c.first, p); err != nil {
			return nil, err
		}
		// A page needs no more of the present than itself and the rows that are not taken from there.
		most := 0
		if known := len(c.seen); q.Page.Limit > 0 && known <= spare {
			most = q.Page.Offset + q.Page.Limit + known
		}
		now, sorted, err := a.present(t, q, most)
		if err != nil {
			return nil, err
		}
		if p.now = now; !sorted {
			if err := p.gather(where); err != nil {
				return nil, errors.Join(err, now.Close())
			}
		}
		return now, nil
	})
	if err != nil {
		return nil, err
	}
	p.sort()
	return p, nil
}

// present reads the table as it is, filtered and in order, most rows of it, 0 for all; sorted is false when the store cannot do that exactly, and then it
// delivers all rows.
func (a *pastAdapter) present(s session, q *lqp.Query, most int) (rows adapter.Rows, sorted bool, err error) {
	l := a.m.Table.layout
	c := *q
	c.From.Schema = l.schema // with the manual order
	c.Page = lqp.Page{After: q.Page.After, Limit: most}
	c.Select = make([]lqp.Named, len(l.ids))
	for i, id := range l.ids {
		c.Select[i] = lqp.Named{Name: id, Expr: lqp.TypedRef(q.From.Alias, id, l.schema.Columns[i].Type)}
	}
	split := a.db.store.Plan(&c)
	if sorted = split.Residual == nil && split.Pushed != nil; !sorted {
		c.Where, c.OrderBy, c.Page = nil, nil, lqp.Page{}
		if split = a.db.store.Plan(&c); split.Residual != nil || split.Pushed == nil {
			return nil, false, fmt.Errorf("scan %s: the store does not read whole rows of it", l.schema.Name)
		}
	}
	rows, err = s.tx.Scan(s.ctx, split.Pushed)
	return rows, sorted, err
}

// changes are the rows that have changed since a moment.
type changes struct {
	seen  map[string]bool // their ids
	first []lqp.Value     // the positions of the first change of each, in their order
}

// changed reads in the log which rows of a table have changed since an offset.
func (s session) changed(t *Table, since int64) (*changes, error) {
	if floor, cut, err := s.tableFloor(t.ID); err != nil || cut && since < floor.offset {
		return nil, orElse(err, floor.refusal())
	}
	found, err := s.tx.Query(s.ctx, `SELECT resource, position FROM lt_change WHERE table_id = ? AND table_id <> ''
		AND table_offset > ? AND resource_type = 'row' ORDER BY table_offset`, argText(t.ID), argInt(since))
	if err != nil {
		return nil, err
	}
	defer found.Close()
	c := &changes{seen: map[string]bool{}}
	for found.Next() {
		id := found.Value(0).Text()
		if c.seen[id] {
			continue
		}
		if len(c.seen) == maxChangedSince {
			return nil, &LimitError{Name: "rows_changed_since", Max: maxChangedSince}
		}
		c.seen[id] = true
		c.first = append(c.first, found.Value(1))
	}
	return c, found.Err()
}

// old reads the rows of a table at the positions of their first changes as they were before them and keeps those that satisfy a
// condition. needed are the slots that they are filtered and sorted by.
func (s session) old(t *Table, where lqp.Expr, needed map[int]bool, first []lqp.Value, to *pastRows) error {
	if len(first) == 0 {
		return nil
	}
	p, err := s.pastOf(t)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(first, inChunk) {
		list, err := all(s, func(r record) audit.Entry {
			return audit.Entry{Position: r.integer(0), ID: r.text(1), Batch: r.text(2), Before: r.image(3)}
		}, `SELECT position, id, batch, before_doc FROM lt_change WHERE position IN (`+marks(len(chunk))+`) AND before_doc IS NOT NULL`, chunk...)
		if err != nil {
			return err
		}
		for i := range list {
			row, err := p.some(list[i].Before, &list[i], true, nil, needed)
			if err != nil {
				return err
			}
			if !allows(where, row) {
				continue
			}
			e := list[i] // by itself: what is kept of a row must not keep its neighbours
			whole := func() ([]lqp.Value, error) { return p.row(e.Before, &e, true, nil) }
			if err := to.keep(row, whole, len(e.Before)); err != nil {
				return err
			}
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
