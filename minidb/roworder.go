package minidb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// ColumnOrder names the manual order of a table's rows where an index is made or a query is sorted by it. It is no column: its
// values are shown nowhere and only their order counts, since they would tell of rows between two others.
const ColumnOrder = "_order"

// OrderIndex is the index of the manual order. A table has it from the first time that one of its rows is moved.
const OrderIndex IndexKind = "order"

// Move puts rows in another place of their table's manual order.
type Move struct {
	Table *Table   // as in Write
	Rows  []string // ids, in the order that they are to have among each other
	// Exactly one of these says where: before or after a row that is not among Rows, before all rows or after all.
	Before, After string
	First, Last   bool
	Guard         Guard // Read and Update are asked of every moved row, Read of the one in Before or After
	Reason        string
	DryRun        bool // check and report, change nothing
}

// Ordered reports whether rows of the table were moved, so that they may lie in another order than that of their ids.
func (t *Table) Ordered() bool {
	return slices.ContainsFunc(t.indexes, func(x Index) bool { return x.Kind == OrderIndex })
}

// MoveRows puts rows together in a place of the manual order: until they are moved rows lie in the order of their ids, which is
// that of their making, and new rows come last. The rows get a new version and an entry "row.move" in the log; their other
// values stay, the time of their last change too. A row that is in its place already is not changed.
//
// The first move of a table makes the index of its order, which takes seconds for a million rows and changes none of them;
// everybody who planned on the table as it was, this call included, is answered ErrSchemaChanged and plans anew. Errors are
// those of Apply.
func (db *DB) MoveRows(ctx context.Context, actor Actor, m Move) (Result, error) {
	p, err := db.planMove(&m)
	if err != nil {
		return Result{}, fmt.Errorf("move rows: %w", err)
	}
	if !m.Table.Ordered() {
		_, err := db.CreateIndex(ctx, Actor{}, m.Table.ID, []IndexColumn{{Column: ColumnOrder}}, 0)
		if err != nil && !errors.Is(err, ErrExists) {
			return Result{}, fmt.Errorf("move rows: %w", err)
		}
		return Result{}, fmt.Errorf("move rows: table %s: %w", m.Table.ID, ErrSchemaChanged)
	}
	r := Result{Table: m.Table.ID, DryRun: m.DryRun}
	err = db.write(ctx, "move rows", actor, func(u *unit) error {
		r.Rows, r.Affected = nil, 0
		if err := u.checkCurrent(p.t, p.policyVersion); err != nil {
			return err
		}
		list, err := u.move(p, &m)
		if err != nil {
			return err
		}
		for i := range list {
			if r.Rows = append(r.Rows, list[i].result()); list[i].changed {
				r.Affected++
			}
		}
		if m.DryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !(m.DryRun && errors.Is(err, errDryRun)) {
		return Result{}, err
	}
	return r, nil
}

// planMove checks what can be checked of a move before the transaction.
func (db *DB) planMove(m *Move) (*rowPlan, error) {
	update := &lqp.Mutation{Op: lqp.Update, Reason: m.Reason}
	for _, id := range m.Rows {
		update.Rows = append(update.Rows, lqp.RowChange{ID: []lqp.Value{lqp.TextValue(id)}})
	}
	p, err := db.planRows(&Write{Table: m.Table, Mutation: update, Guard: m.Guard}, 0)
	if err != nil {
		return nil, err
	}
	p.guard.requireVersion = false // a move overwrites nothing that somebody has seen
	places := 0
	for _, given := range []bool{m.Before != "", m.After != "", m.First, m.Last} {
		if given {
			places++
		}
	}
	switch {
	case len(m.Rows) == 0:
		return nil, invalid("rows", CodeRequired, "rows to move are needed")
	case places != 1:
		return nil, invalid("before", CodeRequired, "one of before, after, first and last says where")
	case len(p.faults) > 0:
		return nil, p.invalid(p.faults)
	case slices.Contains(m.Rows, m.Before), slices.Contains(m.Rows, m.After):
		return nil, invalid("before", CodeInvalid, "a row is not moved to where it is itself")
	}
	return p, nil
}

// move finds the place, gives the rows their places and settles them like any other change.
func (u *unit) move(p *rowPlan, m *Move) ([]rowWrite, error) {
	list, err := u.gather(p)
	if err != nil {
		return nil, err
	}
	low, high, err := u.around(p, m)
	if err != nil {
		return nil, err
	}
	if p.guard.read == nil && p.l.inPlace(list, low, high) { // to others it would tell of rows out of sight
		return list, u.settle(p, list)
	}
	places := placesBetween(low, high, len(list))
	if slices.ContainsFunc(places, func(place string) bool { return len(place) > maxPlace }) {
		if low, high, err = u.respace(p, low, high, m.Rows); err != nil {
			return nil, err
		}
		places = placesBetween(low, high, len(list))
	}
	for i := range list {
		w := &list[i]
		w.after = slices.Clone(w.before)
		w.after[p.l.order()] = lqp.TextValue(places[i])
		w.version++
		w.after[p.l.version()] = lqp.IntValue(w.version)
		w.changed, w.moved = true, true
	}
	return list, u.settle(p, list)
}

// inPlace reports that rows lie between two places already, in their order.
func (l *layout) inPlace(list []rowWrite, low, high string) bool {
	for i := range list {
		at := l.placeOf(list[i].before)
		if at <= low || high != "" && at >= high {
			return false
		}
		low = at
	}
	return true
}

// placeOf is where a row lies.
func (l *layout) placeOf(row []lqp.Value) string {
	if place := row[l.order()]; !place.IsNull() {
		return place.Text()
	}
	return row[idSlot].Text()
}

// spot is a row and its place.
type spot struct{ place, id string }

// spots reads rows that lie beyond a place (an empty one is the end), the nearest first.
func (u *unit) spots(t *Table, beyond string, down bool, limit int) ([]spot, error) {
	const term = placeTerm
	compare, direction, nulls := " > ?", "", " NULLS FIRST"
	if down {
		compare, direction, nulls = " < ?", " DESC", " NULLS LAST"
	}
	where, args := "", []lqp.Value{}
	if beyond != "" {
		where, args = " WHERE "+term+compare, append(args, argText(beyond))
	}
	return all(u.session, func(r record) spot { return spot{r.text(0), r.text(1)} }, "SELECT "+term+", "+quoteID(ColumnID)+" FROM "+
		u.physical(t)+where+" ORDER BY "+term+direction+nulls+", "+quoteID(ColumnID)+direction+" LIMIT ?", append(args, argInt(int64(limit)))...)
}

// around are the places between which the rows of a move come: that of the row they are put at, and that of the nearest row on
// the other side that does not move itself, whether or not the writer sees it. Empty is an open end.
func (u *unit) around(p *rowPlan, m *Move) (low, high string, err error) {
	moving := make(map[string]bool, len(m.Rows))
	for _, id := range m.Rows {
		moving[id] = true
	}
	nearest := func(beyond string, down bool) (string, error) {
		list, err := u.spots(p.t, beyond, down, len(m.Rows)+1)
		for _, s := range list {
			if !moving[s.id] {
				return s.place, err
			}
		}
		return "", err
	}
	switch {
	case m.First:
		high, err = nearest("", false)
		return "", high, err
	case m.Last:
		low, err = nearest("", true)
		return low, "", err
	}
	at := ""
	target := m.Before + m.After
	err = u.scanIn(p.l, idSlot, []lqp.Value{lqp.TextValue(target)}, func(row []lqp.Value) error {
		if allows(p.guard.read, row) {
			at = p.l.placeOf(row)
		}
		return nil
	})
	switch {
	case err != nil:
		return "", "", err
	case at == "":
		return "", "", fmt.Errorf("row %s: %w", cleanText(target, maxName), ErrNotFound)
	case m.After != "":
		high, err = nearest(at, false)
		return at, high, err
	}
	low, err = nearest(at, true)
	return low, at, err
}

// respace gives the rows around a place shorter places in the order that they have, and answers with those between which the
// moving rows then come, which keep what they have until then. It takes ever more rows with the same anchor, all of them at the
// end. What it writes is no change of the rows: their order stays, and so do their versions; the log has one entry that says how
// many they were.
func (u *unit) respace(p *rowPlan, low, high string, moving []string) (newLow, newHigh string, err error) {
	anchor, from := placeFront, ""
	if low != "" {
		anchor, _ = splitPlace(low)
	}
	if anchor != placeFront {
		from = anchor
	}
	for window := 64; ; window *= 4 {
		left, least, err := u.window(p.t, anchor, low, true, window, moving)
		if err != nil {
			return "", "", err
		}
		right, most, err := u.window(p.t, anchor, high, false, window, moving)
		if err != nil {
			return "", "", err
		}
		if least == "" {
			least = from
		}
		n := len(moving)
		places := placesBetween(least, most, len(left)+n+len(right))
		if slices.ContainsFunc(places, func(place string) bool { return len(place) > maxPlace/2 }) && (least != from || most != "") {
			continue
		}
		slices.Reverse(left)
		for i, s := range append(left, right...) {
			if i >= len(left) {
				i += n
			}
			if err := u.updateRow(p.l, s.id, []lqp.Assignment{{Column: ColumnOrder, Value: lqp.TextValue(places[i])}}); err != nil {
				return "", "", err
			}
		}
		newLow, newHigh = least, most
		if len(left) > 0 {
			newLow = places[len(left)-1]
		}
		if len(right) > 0 {
			newHigh = places[len(left)+n]
		}
		return newLow, newHigh, u.resource(p.t.entry("table.space"), nil, struct {
			Rows int `json:"rows"`
		}{len(left) + len(right)})
	}
}

// window are rows of an anchor from a place on, the nearest first, without those that move; bound is the place of the row behind
// the last of them when that has the anchor too.
func (u *unit) window(t *Table, anchor, at string, down bool, size int, moving []string) (rows []spot, bound string, err error) {
	list, err := u.neighbours(t, at, down, size)
	for i, s := range list {
		if a, f := splitPlace(s.place); a != anchor || f == "" || err != nil {
			return rows, "", err
		}
		if i == size-1 {
			return rows, s.place, nil
		}
		if !slices.Contains(moving, s.id) {
			rows = append(rows, s)
		}
	}
	return rows, "", err
}

// neighbours are the rows at a place and beyond it; none at an open end.
func (u *unit) neighbours(t *Table, at string, down bool, limit int) ([]spot, error) {
	if at == "" {
		return nil, nil
	}
	const term = placeTerm
	here, err := all(u.session, func(r record) spot { return spot{r.text(0), r.text(1)} },
		"SELECT "+term+", "+quoteID(ColumnID)+" FROM "+u.physical(t)+" WHERE "+term+" = ? ORDER BY "+quoteID(ColumnID)+" LIMIT ?",
		argText(at), argInt(int64(limit)))
	if err != nil || len(here) == limit {
		return here, err
	}
	rest, err := u.spots(t, at, down, limit-len(here))
	return append(here, rest...), err
}
