package minidb

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// rowsAtOnce is how many rows one statement stores.
const rowsAtOnce = 1_000

// order lists the tables of the archive by id.
func (in *importing) order() []*wholeTable {
	list := make([]*wholeTable, 0, len(in.tables))
	for _, id := range slices.Sorted(maps.Keys(in.tables)) {
		list = append(list, in.tables[id])
	}
	return list
}

// checkTables checks the definitions of the tables as far as each of them goes, and gives them their physical names.
func (in *importing) checkTables(db *DB) error {
	places := map[string]int{}
	for _, t := range in.order() {
		if len(t.Columns) > db.opt.MaxColumns || len(t.gone) > db.opt.MaxColumns {
			return &LimitError{Name: "columns", Max: db.opt.MaxColumns}
		}
		if places[t.Base]++; t.trash == "" && places[t.Base] > db.opt.MaxTables {
			return &LimitError{Name: "tables", Max: db.opt.MaxTables}
		}
		if !in.r.Has(rowsDir + t.ID + textSuffix) {
			return faulty("the rows of table %s are missing", t.ID)
		}
		for i := range t.Columns {
			if nameTaken(t.Columns[:i], &t.Columns[i]) {
				return faulty("two columns of table %s have the name %q", t.ID, t.Columns[i].Name)
			}
		}
		indexes := t.indexes
		t.indexes = nil
		for i := range indexes {
			if err := t.checkIndex(&indexes[i]); err != nil {
				return fmt.Errorf("table %s: %w", t.ID, faulty("index %s: %v", indexes[i].ID, err))
			}
			t.indexes = append(t.indexes, indexes[i])
		}
		if err := t.checkRules(db); err != nil {
			return err
		}
		t.physical = NewID(prefixTable)
		t.slots = nil
		t.describe(db.store)
	}
	return in.checkTableNames()
}

// checkTableNames finds tables and views of a base that have the name of another one.
func (in *importing) checkTableNames() error {
	for _, kind := range []string{"table", "view"} {
		p, seen := portableOf("lt_"+kind), map[string]bool{}
		for _, row := range in.records[kind] {
			key := row[p.at("base")].Text() + " " + row[p.at("name_key")].Text()
			if seen[key] {
				return faulty("two of the kind %s have the name %q", kind, row[p.at("name")].Text())
			}
			seen[key] = true
		}
	}
	return nil
}

// storeTables makes the physical tables and fills them.
func (in *importing) storeTables() error {
	for _, t := range in.order() {
		if err := in.storeRows(t); err != nil {
			return err
		}
	}
	return in.storeEdges()
}

// storeRows makes a physical table and stores its rows.
func (in *importing) storeRows(t *wholeTable) error {
	every := *t.Table
	every.layout = t.whole
	if err := in.definePhysical(&every); err != nil {
		return err
	}
	header, last := false, ""
	var rows [][]lqp.Value
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		if err := in.haveFiles(t, rows); err != nil {
			return err
		}
		err := in.tx.Insert(in.ctx, t.whole.schema, t.whole.ids, rows)
		rows = rows[:0]
		if err != nil {
			return fmt.Errorf("store rows of %s: %w", t.ID, err)
		}
		return nil
	}
	name := rowsDir + t.ID + textSuffix
	err := in.r.Lines(in.ctx, name, func(line []byte) error {
		if !header {
			if header = string(t.header(nil)) == string(line); !header {
				return faulty("the columns are not those of the table")
			}
			return nil
		}
		row, err := t.readRow(line)
		if err != nil {
			return err
		}
		id := row[idSlot].Text()
		if id <= last {
			return faulty("a row is there twice or in another place")
		}
		last = id
		t.computeOwn(row)
		if rows = append(rows, row); len(rows) < rowsAtOnce {
			return nil
		}
		return flush()
	})
	if err == nil && !header {
		err = &ArchiveError{Entry: name, Reason: "it does not name its columns"}
	}
	if err != nil {
		return err
	}
	return flush()
}

// computeOwn fills what shows something built in and what is computed from the row alone.
func (t *wholeTable) computeOwn(row []lqp.Value) {
	t.whole.mirror(row)
	l := t.layout
	if t.trash != "" || len(l.computed) == 0 {
		return
	}
	if len(t.gone) == 0 {
		l.computeRow(row)
		return
	}
	own := make([]lqp.Value, len(l.ids))
	for slot, id := range l.ids {
		own[slot] = row[t.whole.slots[id]]
	}
	l.computeRow(own)
	for i := range l.computed {
		slot := l.computed[i].slot
		row[t.whole.slots[l.ids[slot]]] = own[slot]
	}
}

// haveFiles makes sure that the files of attachment cells are those of their columns.
func (in *importing) haveFiles(t *wholeTable, rows [][]lqp.Value) error {
	type cell struct{ id, column string }
	var cells []cell
	var ids []string
	for _, slot := range t.whole.user {
		c := t.column(slot)
		if c.Type != AttachmentColumn {
			continue
		}
		for _, row := range rows {
			for _, id := range linkIDs(row[slot]) {
				cells, ids = append(cells, cell{id, c.ID}), append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	found, err := in.attachments(in.workspace.ID, slices.Compact(ids))
	if err != nil {
		return err
	}
	for _, c := range cells {
		if a, ok := found[c.id]; !ok || a.Table != t.ID || a.Column != c.column {
			return faulty("a row has a file that its column does not")
		}
	}
	return nil
}

// compute works out what is computed, once all rows and links are there.
func (in *importing) compute() error {
	for _, t := range in.order() {
		if t.trash != "" {
			continue
		}
		defined := snapshotOf(t.Table)
		if err := in.define(defined, func(*Column) bool { return false }, pathOfColumn); err != nil {
			return placed(catalogueFile, err)
		}
		for i := range defined.Columns {
			a, b := t.Columns[i].values(in.workspace.ID), defined.Columns[i].values(in.workspace.ID)
			if err := portableOf("lt_column").same(a, b); err != nil {
				return placed(catalogueFile, faulty("column %q is not what its definition makes of it", t.Columns[i].Name))
			}
		}
	}
	g, err := in.loadGraph(in.workspace.ID, nil)
	if err != nil || g == nil {
		return placed(catalogueFile, graphError(err))
	}
	for _, id := range g.order.Order() {
		k := g.looking[id]
		if k == nil {
			continue
		}
		err := in.eachChunk(k.table.layout, func(rows [][]lqp.Value) error {
			changed, err := in.recomputed(g, k.table, []*looking{k}, rows)
			if err != nil || len(changed) == 0 {
				return err
			}
			if err := in.replaceRows(k.table, changed, nil); err != nil {
				return err
			}
			return in.ctx.Err()
		})
		if err != nil {
			return fmt.Errorf("compute %s: %w", id, err)
		}
	}
	return nil
}

// placed is an error of an entry of the archive, where it is one of the archive at all.
func placed(entry string, err error) error {
	err = asFault(err)
	if fault := (*ArchiveError)(nil); errors.As(err, &fault) && fault.Entry == "" {
		fault.Entry = entry
	}
	return err
}

// finishTables makes the indexes of the tables.
func (in *importing) finishTables() error {
	for _, t := range in.order() {
		err := in.defineIndexes(t.Table)
		if errors.Is(err, adapter.ErrConstraint) {
			err = &ArchiveError{Entry: rowsDir + t.ID + textSuffix, Reason: "rows share a value that is unique"}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
