package lqp

import (
	"cmp"
	"slices"
)

// When the groups outgrow their memory, two things happen, one after the other if the first is not enough:
//
//   - The values that aggregates have kept, and those to come, go to temporary storage, sorted by group: those of
//     count_unique, of median and of the functions that look at the order of rows. Other accumulators do not grow.
//   - No more groups are made. The rows of groups that are not in memory go to temporary storage, sorted by group.
//
// In the end all of this is read in the order of the groups' keys, one group at a time, and the groups are sorted by
// their first row.

// byGroup sorts by the bytes that identify a group.
var byGroup = []Order{{Nulls: NullsFirst}}

// take takes memory for groups and makes room when there is none left.
func (g *grouper) take(bytes int64) error {
	full, err := g.share.take(bytes)
	if err != nil || !full {
		return err
	}
	if g.others != nil || g.done {
		return g.share.exceeded()
	}
	if grew, err := g.unload(); grew || err != nil {
		return err
	}
	if len(g.keys) == 0 { // one group is all there will be
		return g.share.exceeded()
	}
	values := len(g.keys)
	for i := range g.aggs {
		if g.aggs[i].entries == nil {
			values += 2 + len(g.aggs[i].order)
		}
	}
	g.others = newExternal(g.share.account, g.tick, g.share.step, byGroup, values)
	return nil
}

// collects reports that an accumulator keeps values without end.
func collects(acc Accumulator) bool {
	switch a := acc.(type) {
	case *uniqueAccumulator, *medianAccumulator:
		return true
	case *orderedAccumulator:
		return a.one == 0
	}
	return false
}

// unload moves the values that accumulators have kept to temporary storage, and reports whether there were any.
func (g *grouper) unload() (some bool, err error) {
	for i := range g.aggs {
		a := &g.aggs[i]
		if a.entries != nil || len(g.groups) == 0 || !collects(g.groups[0].accs[i]) {
			continue
		}
		some = true
		order := slices.Clone(byGroup)
		values := 1
		switch g.groups[0].accs[i].(type) {
		case *orderedAccumulator:
			order = append(order, a.orderBy...)
		default:
			order, values = append(order, byGroup...), 0
		}
		a.entries = newExternal(g.share.account, g.tick, g.share.step, order, values)
		for _, st := range g.groups {
			acc := st.accs[i]
			st.accs[i] = nil
			st.held -= int64(acc.Size())
			g.share.release(int64(acc.Size()))
			if err := unloadInto(a.entries, st.key, acc); err != nil {
				return false, err
			}
		}
	}
	return some, nil
}

func unloadInto(x *external, group string, acc Accumulator) error {
	id := groupID(group)
	switch acc := acc.(type) {
	case *uniqueAccumulator:
		for v := range acc.seen {
			if err := x.add(&spillRow{keys: []Value{id, {kind: Bytes, str: v}}}); err != nil {
				return err
			}
		}
	case *medianAccumulator:
		for _, d := range acc.numbers {
			if err := x.add(&spillRow{keys: []Value{id, NumberValue(d)}}); err != nil {
				return err
			}
		}
		for _, f := range acc.floats {
			if err := x.add(&spillRow{keys: []Value{id, FloatValue(f)}}); err != nil {
				return err
			}
		}
	case *orderedAccumulator:
		for _, r := range acc.rows { // their places come before those of rows that are still to come
			if err := x.add(&spillRow{keys: append([]Value{id}, r.keys...), row: r.row, seq: r.seq}); err != nil {
				return err
			}
		}
	}
	return nil
}

func groupID(key string) Value { return Value{kind: Bytes, str: key} }

// addEntries gives a row to the aggregates whose values are in temporary storage.
func (g *grouper) addEntries(key []byte, row []Value) error {
	for i := range g.aggs {
		a := &g.aggs[i]
		if a.entries == nil {
			continue
		}
		v, seen := a.value(row)
		if !seen || v.kind == Null { // which all of these functions leave out
			continue
		}
		entry := spillRow{keys: make([]Value, 1, 2+len(a.order)), seq: g.seq}
		entry.keys[0] = groupID(string(key))
		switch {
		case a.entries.runs.values == 1:
			entry.keys, entry.row = a.orderKeys(entry.keys, row), []Value{v}
		case a.fn.Name == "median":
			entry.keys = append(entry.keys, v)
		default:
			entry.keys = append(entry.keys, Value{kind: Bytes, str: string(v.AppendKey(nil))})
		}
		if err := a.entries.add(&entry); err != nil {
			return err
		}
	}
	return nil
}

// addOther puts a row of a group that is not in memory into temporary storage: the keys, and of every aggregate whether
// it sees the row, its argument and its sort keys.
func (g *grouper) addOther(key []byte, tuple, row []Value) error {
	values := append(make([]Value, 0, g.others.runs.values), tuple...)
	for i := range g.aggs {
		a := &g.aggs[i]
		if a.entries != nil {
			continue
		}
		v, seen := a.value(row)
		values = append(values, BoolValue(seen), v)
		values = a.orderKeys(values, row)
	}
	return g.others.add(&spillRow{keys: []Value{groupID(string(key))}, row: values, seq: g.seq})
}

// finish puts the groups together when something of them is in temporary storage.
func (g *grouper) finish() error {
	results := make([]*groupEntries, len(g.aggs))
	some := g.others != nil
	for i := range g.aggs {
		if x := g.aggs[i].entries; x != nil {
			some = true
			var err error
			if results[i], err = newGroupEntries(&g.aggs[i]); err != nil {
				return err
			}
		}
	}
	if !some {
		return nil
	}
	g.done = true
	slices.SortFunc(g.groups, func(a, b *groupState) int { return cmp.Compare(a.key, b.key) })
	out := newExternal(g.share.account, g.tick, g.share.step, nil, len(g.keys)+len(g.aggs))
	emit := func(st *groupState) error {
		for i, acc := range st.accs {
			var v Value
			if acc != nil {
				v = acc.Result()
			} else {
				var err error
				if v, err = results[i].of(st.key); err != nil {
					return err
				}
			}
			st.row = append(st.row, v)
		}
		g.share.release(st.held)
		return out.add(&spillRow{row: st.row, seq: st.seq})
	}
	others, err := g.otherGroups()
	if err != nil {
		return err
	}
	other, err := others.next()
	for err == nil && (other != nil || len(g.groups) > 0) {
		if other == nil || len(g.groups) > 0 && g.groups[0].key < other.key {
			st := g.groups[0]
			g.groups[0] = nil
			g.groups = g.groups[1:]
			g.share.release(rowBytes(st.row) + int64(len(st.key)) + groupOverhead)
			err = emit(st)
			continue
		}
		if err = emit(other); err == nil {
			other, err = others.next()
		}
	}
	if err != nil {
		return err
	}
	g.groups = nil
	g.out, err = out.sorted()
	return err
}

// otherGroups makes groups of the rows in temporary storage, in the order of their keys.
type otherGroups struct {
	g    *grouper
	rows rowSource
	row  *spillRow // the first of the next group
}

func (g *grouper) otherGroups() (*otherGroups, error) {
	o := &otherGroups{g: g}
	if g.others == nil {
		return o, nil
	}
	var err error
	if o.rows, err = g.others.sorted(); err != nil {
		return nil, err
	}
	o.row, err = o.rows.next()
	return o, err
}

func (o *otherGroups) next() (*groupState, error) {
	if o.row == nil {
		return nil, nil
	}
	g := o.g
	n := len(g.keys)
	st := &groupState{key: o.row.keys[0].str, seq: o.row.seq, accs: make([]Accumulator, len(g.aggs)),
		row: append(make([]Value, 0, n+len(g.aggs)), o.row.row[:n]...)}
	for i := range g.aggs {
		if g.aggs[i].entries == nil {
			st.accs[i] = g.aggs[i].start()
		}
	}
	for o.row != nil && o.row.keys[0].str == st.key {
		values := o.row.row[n:]
		for i := range g.aggs {
			a := &g.aggs[i]
			acc := st.accs[i]
			if acc == nil {
				continue
			}
			seen, v, keys := Truth(values[0]), values[1], values[2:2+len(a.order)]
			values = values[2+len(a.order):]
			switch acc, ordered := acc.(*orderedAccumulator); {
			case !seen:
			case ordered:
				acc.add(keys, v)
			default:
				st.accs[i].Add(v)
			}
		}
		if size := st.size(); size > st.held {
			if err := g.take(size - st.held); err != nil {
				return nil, err
			}
			st.held = size
		}
		var err error
		if o.row, err = o.rows.next(); err != nil {
			return nil, err
		}
	}
	return st, nil
}
