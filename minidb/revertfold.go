package minidb

import (
	"maps"
	"slices"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// revertFolder works out, row by row, what taking the selected changes back comes to.
//
// Of every cell it keeps the changes that stand, the newest on top. A change by an operation that takes another one back, and
// gives the cell what it had before that one, takes it from the top instead of adding to it: what was undone does not stand in
// the way of what came before. A cell is set back if a selected change is on top, to what it was before the selected changes
// that lie there without one of somebody else between them. If another change is on top, the cell is a conflict. That a row
// exists is treated like one more cell, which its insertion and deletion change.
type revertFolder struct {
	past    *Past
	mode    ConflictMode
	members map[string]bool   // of the workspace, nil when no column asks
	targets map[string]string // what operations took back, by their ids
	follows map[int]bool      // slots of columns that follow others
	sees    func(row []lqp.Value) bool
	held    int // bytes of the changes of the rows that are looked at
	most    int // of them
}

// rowFold is a row on the way through its entries.
type rowFold struct {
	id      string
	now     []lqp.Value // as it is after the entries so far; of a deleted row as it was last
	exists  bool
	version int64
	cells   map[int]standing // by slot
	place   standing         // in the manual order
	life    standing         // from and to say whether the row existed
	unseen  bool             // a selected change leads from or to what the asker may not know
	touches map[int]bool     // slots of cells that selected changes gave another value
}

// standing are the changes of a cell that stand, the newest last.
type standing []cellStep

// cellStep is what an operation did to a cell.
type cellStep struct {
	operation string
	mine      bool // it is selected
	position  int64
	from, to  lqp.Value
	based     bool      // there was a cell before
	lost      lostValue // why the column does not take from any more
	LaterChange
}

// add puts a change on top, or takes from the top what it takes back.
func (s standing) add(x cellStep, target string) standing {
	if last := len(s) - 1; last >= 0 {
		top := &s[last]
		switch {
		case target != "" && top.operation == target && top.based && lqp.Equal(top.from, x.to) && top.lost.code == "":
			return s[:last]
		case top.operation == x.operation && top.mine == x.mine:
			top.to, top.position, top.LaterChange = x.to, x.position, x.LaterChange
			return s
		}
	}
	return append(s, x)
}

// newest is the newest run of selected changes: its first and last, and whether anything lies on it. ok is false when no
// selected change stands.
func (s standing) newest() (first, last *cellStep, mine, ok bool) {
	end := len(s) - 1
	for end >= 0 && !s[end].mine {
		end--
	}
	if end < 0 {
		return nil, nil, false, false
	}
	begin := end
	for begin > 0 && s[begin-1].mine {
		begin--
	}
	return &s[begin], &s[end], end == len(s)-1, true
}

// step takes the next entry of a row; mine says that it is selected.
func (f *revertFolder) step(r *rowFold, e *audit.Entry, mine bool) error {
	lost := map[int]lostValue(nil)
	if mine {
		lost = map[int]lostValue{}
	}
	before, after, err := f.past.images(e, lost)
	if err != nil {
		return err
	}
	x := cellStep{operation: e.Batch, mine: mine, position: e.Position, LaterChange: LaterChange{Actor: e.Actor, At: e.At, Entry: e.ID}}
	if x.operation == "" {
		x.operation = e.ID
	}
	target := f.targets[x.operation]
	earlier := r.now // as the row was last, when it was deleted meanwhile
	if mine && f.sees != nil {
		for _, image := range [][]lqp.Value{earlier, before, after} {
			r.unseen = r.unseen || image != nil && !f.sees(image)
		}
	}
	r.version = e.Version
	if before == nil || after == nil {
		alive := x
		alive.from, alive.to, alive.based = lqp.BoolValue(before != nil), lqp.BoolValue(after != nil), true
		r.life = r.life.add(alive, target)
	}
	if after == nil {
		r.now, r.exists = before, false
		return nil // its cells are what they were
	}
	if before != nil {
		earlier = before
	}
	r.now, r.exists = after, true
	if l := f.past.t.layout; f.past.t.Ordered() && earlier != nil && !lqp.Equal(earlier[l.order()], after[l.order()]) {
		moved := x
		moved.from, moved.to, moved.based = earlier[l.order()], after[l.order()], true
		r.place = r.place.add(moved, target)
	}
	columns := f.past.t.layout.schema.Columns
	for _, slot := range f.past.t.layout.user {
		if columns[slot].ReadOnly {
			continue
		}
		x.from, x.to, x.based, x.lost = lqp.Value{}, after[slot], earlier != nil, lost[slot]
		if x.based {
			if x.from = earlier[slot]; lqp.Equal(x.from, x.to) {
				continue
			}
		}
		if mine && x.based && f.sees != nil && !f.follows[slot] {
			if r.touches == nil {
				r.touches = map[int]bool{}
			}
			r.touches[slot] = true
		}
		if r.cells == nil {
			r.cells = map[int]standing{}
		}
		if r.cells[slot] = r.cells[slot].add(x, target); mine || len(r.cells[slot]) > 1 {
			f.held += x.from.Size() + x.to.Size()
		}
	}
	if f.held > f.most { // a row that was changed a hundred thousand times
		return &LimitError{Name: "reverted_bytes", Max: f.most}
	}
	return nil
}

// touched is the newest change by somebody else of a cell after a position, nil for none.
func (r *rowFold) touched(since int64) *LaterChange {
	var newest *cellStep
	for _, s := range r.cells {
		if len(s) == 0 {
			continue
		}
		if top := &s[len(s)-1]; !top.mine && top.position > since && (newest == nil || top.position > newest.position) {
			newest = top
		}
	}
	if newest == nil {
		return nil
	}
	return &newest.LaterChange
}

// end is what becomes of a row whose entries are all read.
func (f *revertFolder) end(r *rowFold) RowRevert {
	out := RowRevert{ID: r.id, Version: r.version, Now: r.now, Gone: !r.exists}
	if r.unseen {
		out.Unseen = true
		return out
	}
	for _, slot := range slices.Sorted(maps.Keys(r.touches)) {
		out.Touched = append(out.Touched, f.past.t.layout.schema.Columns[slot].ID)
	}
	wanted := r.exists
	first, _, mine, ok := r.life.newest()
	if ok && mine {
		wanted = first.from.Bool()
	}
	force := f.mode == ForceConflicts
	switch {
	case r.exists && !wanted:
		touched := r.touched(first.position)
		if touched != nil {
			out.Conflict = &RowConflict{Code: RowChangedSince, LaterChange: *touched, Forced: force}
		}
		if touched == nil || force {
			out.Op = lqp.Delete
			return out
		}
	case !r.exists && !wanted:
		if len(r.life) > 0 && !mine && f.anyLeft(r) {
			out.Conflict = &RowConflict{Code: RowDeletedSince, LaterChange: r.life[len(r.life)-1].LaterChange}
		}
		return out
	case !r.exists && wanted:
		out.Op = lqp.Insert
	}
	for _, slot := range f.past.t.layout.user {
		if !f.follows[slot] {
			f.cell(&out, slot, r.cells[slot], r.now[slot])
		} else if first, _, mine, ok := r.cells[slot].newest(); ok && mine && first.based {
			if out.orders == nil {
				out.orders = map[int][]string{}
			}
			out.orders[slot] = linkIDs(first.from)
		}
	}
	f.move(&out, r)
	if out.Op == "" && (len(out.Cells) > 0 || out.Move != nil) {
		out.Op = lqp.Update
	}
	return out
}

// move plans the place of a row in the manual order.
func (f *revertFolder) move(out *RowRevert, r *rowFold) {
	first, _, mine, ok := r.place.newest()
	if !ok || lqp.Equal(r.now[f.past.t.layout.order()], first.from) {
		return
	}
	force := f.mode == ForceConflicts
	if !mine {
		if out.Conflict == nil {
			out.Conflict = &RowConflict{Code: RowMovedSince, LaterChange: r.place[len(r.place)-1].LaterChange, Forced: force}
		}
		if !force {
			return
		}
	}
	out.Move = &PlaceRevert{first.from}
}

// anyLeft reports whether selected changes of a row stand that gave it other values than it had.
func (f *revertFolder) anyLeft(r *rowFold) bool {
	for slot, s := range r.cells {
		if first, _, _, ok := s.newest(); ok && !f.follows[slot] && first.based && !lqp.Equal(first.from, r.now[slot]) {
			return true
		}
	}
	return false
}

// cell plans one cell.
func (f *revertFolder) cell(out *RowRevert, slot int, s standing, now lqp.Value) {
	first, last, mine, ok := s.newest()
	if !ok || !first.based || lqp.Equal(now, first.from) && first.lost.code == "" {
		return // nothing of it stands, it has no earlier value, or it has it already
	}
	l := f.past.t.layout
	id := l.ids[slot]
	force := f.mode == ForceConflicts
	if !mine {
		out.Conflicts = append(out.Conflicts, CellConflict{Column: id, Base: first.from, Left: last.to, Theirs: now,
			LaterChange: s[len(s)-1].LaterChange, Forced: force})
		if !force {
			return
		}
	}
	why, to := first.lost, first.from
	if why.code == "" {
		column := &f.past.t.Columns[slices.Index(l.user, slot)]
		v, refused := column.conformed(to)
		switch {
		case refused != nil:
			why = *refused
		case column.Type == UserColumn && !v.IsNull() && !f.members[v.Text()]:
			why = lostValue{CodeMember, column.noMember(v.Text())}
		default:
			to = v
		}
	}
	if why.code != "" {
		out.Lost = append(out.Lost, LostCell{Column: id, Code: why.code, Message: why.message})
		return
	}
	if !lqp.Equal(now, to) {
		out.Cells = append(out.Cells, CellRevert{Column: id, From: now, To: to})
	}
}
