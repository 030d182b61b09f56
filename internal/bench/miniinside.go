package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// miniInside compares the engine with statements, both in this process.
type miniInside struct {
	*miniBench
	w      *world
	t      *minidb.Table
	plain  plainTable
	ids    []string // of the keys, in the mini-DB
	cursor string   // to the last page
}

func measureInside(ctx context.Context, m *miniBench, dir string) (err error) {
	dir = filepath.Join(dir, "engine")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	plain, err := m.place.plain(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	w, err := openWorldOn(ctx, dir, m.place.store)
	if err != nil {
		return err
	}
	if err := w.furnish(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	in := &miniInside{miniBench: m, w: w, plain: plain}
	steps := []func(context.Context) error{in.durability, in.importsOfFiles, in.prepare, in.pages, in.updates, in.inserts, in.exports}
	if m.imports {
		steps = steps[:2]
	}
	for _, measure := range steps {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *miniInside) durability(ctx context.Context) error {
	hand, err := m.plain.durability(ctx)
	if err != nil {
		return err
	}
	ours, err := m.place.durabilityOf(ctx, m.w.store)
	if err != nil {
		return err
	}
	return m.checkDurability(hand, ours)
}

// emptyTable makes a table with the indexes, in the place of the one before.
func (m *miniInside) emptyTable(ctx context.Context) error {
	if m.t != nil {
		if err := m.w.owner.DeleteTable(ctx, m.t.ID, 0); err != nil {
			return err
		}
	}
	t, err := m.w.owner.CreateTable(ctx, m.w.base, wideTable("wide"))
	if err != nil {
		return err
	}
	for _, name := range indexedColumns {
		if _, err := m.w.owner.CreateIndex(ctx, t.ID, []minidb.IndexColumn{{Column: name}}, 0); err != nil {
			return err
		}
	}
	m.t = t
	return nil
}

const byHandImport = "per row, against COPY, or one prepared INSERT in a transaction"

func nothing(context.Context) error { return nil }

// query is a query of all columns.
func (m *miniInside) query() *lqp.Builder {
	return lqp.FromSource(lqp.Source{Table: m.t.ID}).Columns(wideNames()...)
}

// prepare looks up the ids of the keys and the cursor of the last page.
func (m *miniInside) prepare(ctx context.Context) error {
	for from := 0; from < keys; from += 100 {
		list := make([]*lqp.Lit, 100)
		for i := range list {
			list[i] = lqp.Literal(lqp.IntValue(int64(m.number(from + i))))
		}
		rows, err := m.w.owner.Query(ctx, m.w.workspace, lqp.FromSource(lqp.Source{Table: m.t.ID}).Columns(minidb.ColumnID).
			Filter(call("in", lqp.Ref("", "n"), lqp.NewList(list...))).Sort("n").Limit(100).Query())
		if err != nil {
			return err
		}
		for rows.Next() {
			m.ids = append(m.ids, rows.Value(0).Text())
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	if len(m.ids) != keys {
		return fmt.Errorf("%d rows in the place of %d", len(m.ids), keys)
	}
	var err error
	m.cursor, err = m.w.cursorAfter(ctx, m.query().Sort("n").Query(), m.rows-100)
	return err
}

// reading is a side of clients that read by the engine, byHand one of clients that read the plain table.
func (m *miniInside) reading(r miniRead, clients int) side {
	return together("engine", clients, m.place.server, func(ctx context.Context, _ int, i int64) error {
		return withBuffer(func(buf []byte) ([]byte, error) { return m.answer(ctx, buf, r, int(i)) })
	})
}

func (m *miniInside) byHand(r miniRead, clients int) side {
	return together("by hand", clients, m.place.server, func(ctx context.Context, _ int, i int64) error {
		return withBuffer(func(buf []byte) ([]byte, error) { return m.plain.read(ctx, buf, r.tail, r.args(int(i))...) })
	})
}

// answer appends what the engine finds.
func (m *miniInside) answer(ctx context.Context, buf []byte, r miniRead, i int) ([]byte, error) {
	rows, err := m.w.owner.Query(ctx, m.w.workspace, r.query(m.query(), m.ids, m.cursor, i))
	if err != nil {
		return nil, err
	}
	return appendRows(buf, rows)
}

// pages compares what reads a page or a row, by one client and by many, and the last page with the first one.
func (m *miniInside) pages(ctx context.Context) error {
	ends := map[string]miniRead{}
	for _, r := range m.reads() {
		hand, err := m.plain.read(ctx, nil, r.tail, r.args(1)...)
		if err != nil {
			return fmt.Errorf("%s: by hand: %w", r.name, err)
		}
		ours, err := m.answer(ctx, nil, r, 1)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		if err := sameFields(r.found, hand, ours); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		ends[r.name] = r
		for _, clients := range []int{1, writers} {
			s, err := m.compare(ctx, m.byHand(r, clients), m.reading(r, clients))
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			m.addRate(clientsOf(r.name, clients), r.target, s[0], s[1], "")
		}
	}
	s, err := m.compare(ctx, m.reading(ends[firstPage], 1), m.reading(ends[lastPage], 1))
	if err != nil {
		return err
	}
	m.addTime(lastAgainstFirst, "T11: <= 1.1", s[0], s[1], fmt.Sprintf("page %d, ours against ours", m.rows/100))
	return nil
}

const lastAgainstFirst = "last page against page 1"

func clientsOf(what string, clients int) string {
	if clients == 1 {
		return what + ", 1 client"
	}
	return fmt.Sprintf("%s, %d clients", what, clients)
}

// wideSet are the cells of a new row as newCells makes them.
func (m *miniInside) wideSet(r *wideRow[string]) []lqp.Assignment {
	cent := func(f float64) lqp.Value { return lqp.NumberValue(lqp.DecimalFromScaled(hundredths(f), 2)) }
	cells := []lqp.Value{lqp.IntValue(r.N), lqp.TextValue(r.City), lqp.TextValue(r.Name), lqp.TextValue(r.Street), lqp.TextValue(r.Email),
		lqp.TextValue(r.Phone), lqp.TextValue(r.Note), lqp.IntValue(r.Quantity), lqp.IntValue(r.Stock), lqp.IntValue(r.Points), lqp.IntValue(r.Year),
		cent(r.Price), cent(r.Total), cent(r.Discount), lqp.BoolValue(r.Paid), lqp.BoolValue(r.Active),
		lqp.DateValue(newDay), lqp.DateValue(newDay), lqp.DateTimeValue(newDay * millisOfDay), lqp.DateTimeValue(newDay * millisOfDay)}
	set := make([]lqp.Assignment, len(cells))
	for i, v := range cells {
		set[i] = lqp.Assignment{Column: m.t.Columns[i].ID, Value: v}
	}
	return set
}

// updates compares single updates, each durable when its caller goes on.
func (m *miniInside) updates(ctx context.Context) error {
	hands, ours := newTurns(), newTurns()
	total := m.t.Columns[12].ID
	return m.compareWrites(ctx, update, func(ctx context.Context, client int) error {
		key, version, total := hands.next(client)
		return m.plain.update(ctx, fmt.Sprintf(plainID, m.number(key)), version, total, nil)
	}, func(ctx context.Context, client int) error {
		key, version, cents := ours.next(client)
		_, err := m.w.owner.Apply(ctx, m.w.workspace, &lqp.Mutation{Op: lqp.Update, Table: m.t.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(m.ids[key])},
			Version: version, Set: []lqp.Assignment{{Column: total, Value: lqp.NumberValue(lqp.DecimalFromScaled(cents, 2))}}}}})
		return err
	})
}

// inserts compares single inserts.
func (m *miniInside) inserts(ctx context.Context) error {
	var inserted atomic.Int64
	inserted.Store(int64(m.rows))
	return m.compareWrites(ctx, insert, func(ctx context.Context, _ int) error {
		r := newCells(inserted.Add(1))
		return m.plain.insert(ctx, &r, nil)
	}, func(ctx context.Context, _ int) error {
		r := newCells(inserted.Add(1))
		_, err := m.w.owner.Apply(ctx, m.w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: m.t.ID, Rows: []lqp.RowChange{{Set: m.wideSet(&r)}}})
		return err
	})
}

// compareWrites compares a write, given the number of the client, by one client and by many.
func (m *miniInside) compareWrites(ctx context.Context, what string, hand, ours func(ctx context.Context, client int) error) error {
	numbered := func(do func(context.Context, int) error) func(context.Context, int, int64) error {
		return func(ctx context.Context, client int, _ int64) error { return do(ctx, client) }
	}
	for _, clients := range []int{1, writers} {
		s, err := m.compare(ctx, together("by hand", clients, m.place.server, numbered(hand)), together("engine", clients, m.place.server, numbered(ours)))
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		m.addRate(clientsOf(what, clients), writeTarget(what, clients), s[0], s[1], "against a commit each")
	}
	return nil
}

const (
	update = "update with version"
	insert = "insert"
)

func writeTarget(what string, clients int) string {
	switch {
	case what == update:
		return "T5: CPU <= 1.25"
	case clients == writers:
		return "T12: >= 5 (SQLite)"
	}
	return ""
}

// exports compares the export as NDJSON with a scan that encodes structs.
func (m *miniInside) exports(ctx context.Context) error {
	var peaks [2]int
	hand := func(context.Context) (err error) {
		peaks[0], err = peakMiB(os.Getpid(), func() error { _, err := m.plain.export(ctx, io.Discard); return err })
		return err
	}
	ours := func(context.Context) (err error) {
		peaks[1], err = peakMiB(os.Getpid(), func() error {
			rows, err := m.w.owner.Export(ctx, m.w.workspace, m.query().Query())
			if err != nil {
				return err
			}
			_, err = livetables.WriteRows(io.Discard, rows, livetables.FormatNDJSON)
			return errors.Join(err, rows.Close())
		})
		return err
	}
	s, err := compareCold(ctx, m.times(mostExported), 0, once("by hand", m.rows, m.place.server, nil, nothing, hand),
		once("engine", m.rows, m.place.server, nil, nothing, ours))
	if err != nil {
		return err
	}
	m.addTime(exportWhat, "", s[0], s[1], "per row, against a scan into structs and encoding/json")
	m.addMemory(exportWhat, peaks[0], peaks[1])
	return nil
}

const exportWhat = "export as NDJSON"
