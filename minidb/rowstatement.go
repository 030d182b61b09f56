package minidb

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// rowStatement finds one row of a table by its id, with all columns: what every write of a single row begins with. It is prepared
// with the first of them, and then neither planned nor written again as long as the definition of the table stays. That the store
// answers it by itself shows that it reads whole rows of the table by id, several of them too: they are not planned either.
type rowStatement struct {
	once sync.Once
	st   adapter.Prepared // nil when the store prepares none
}

// of is the statement for a layout, nil where rows are to be found without.
func (r *rowStatement) of(db *DB, l *layout) adapter.Prepared {
	r.once.Do(func() {
		store, ok := db.store.(adapter.Preparer)
		if !ok {
			return
		}
		hole := []lqp.Value{lqp.TextValue("id of a row that is looked for")}
		pushed, residual := db.pushedIn(l, l.selects, idSlot, hole)
		if residual {
			return
		}
		if st, err := store.Prepare(pushed, hole); err == nil { // else it is written each time
			r.st = st
		}
	})
	return r.st
}

// usualIDs reports that texts look like ids of rows, so that no store takes them for anything but texts.
func usualIDs(ids []lqp.Value) bool {
	return !slices.ContainsFunc(ids, func(v lqp.Value) bool {
		id := v.Text()
		return id == "" || len(id) > len(prefixRow)+1+idLen ||
			strings.ContainsFunc(id, func(c rune) bool { return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') })
	})
}

// rowsQuery is the query of rows by whose ids there is a rowStatement, as the store is given it.
func (l *layout) rowsQuery(ids []lqp.Value) *lqp.Query {
	return &lqp.Query{From: lqp.Source{Table: l.schema.Name, Alias: sourceAlias, Schema: l.schema}, Where: anyOf(l.selects[idSlot].Expr, ids), Select: l.selects}
}

// rowsQuestion asks for rows by their ids; ok is false when the store does not answer that by itself.
func (db *DB) rowsQuestion(l *layout, ids []lqp.Value) (q adapter.Question, ok bool) {
	if usualIDs(ids) {
		switch st := l.byID.of(db, l); {
		case st != nil && len(ids) == 1:
			return adapter.Question{Prepared: st, Args: ids}, true
		case st != nil:
			return adapter.Question{Pushed: l.rowsQuery(ids)}, true
		}
	}
	pushed, residual := db.pushedIn(l, l.selects, idSlot, ids)
	return adapter.Question{Pushed: pushed}, !residual
}

// scanByIDs is what [unit.scanColumnsIn] does for whole rows by their ids. ok is false when they have to be found otherwise.
func (u *unit) scanByIDs(l *layout, ids []lqp.Value, f func(row []lqp.Value) error) (ok bool, err error) {
	if !usualIDs(ids) {
		return false, nil
	}
	st := l.byID.of(u.db, l)
	if st == nil {
		return false, nil
	}
	var rows adapter.Rows
	if tx, prepares := u.tx.(adapter.PreparedTx); prepares && len(ids) == 1 {
		rows, err = tx.ScanPrepared(u.ctx, st, ids)
	} else {
		rows, err = u.tx.Scan(u.ctx, l.rowsQuery(ids))
	}
	switch {
	case errors.Is(err, adapter.ErrUnprepared):
		return false, nil
	case err != nil:
		return true, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(valuesOf(rows, len(l.selects))); err != nil {
			return true, err
		}
	}
	return true, rows.Err()
}
