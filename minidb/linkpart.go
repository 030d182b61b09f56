package minidb

import (
	"fmt"
	"iter"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// linkParts are the linked rows of which a writer sees a part, for the columns with LinkGuard.Part that a write sets.
type linkParts struct {
	slots map[int]*linkPart // by the slot of the column
}

// linkPart are the linked rows of one column that the writer sees.
type linkPart struct {
	c    *Column
	seen map[string]bool
}

// linksToKeep finds out which of the rows that the cells of old rows name, and of those that the changes give them, the writer
// sees. each gives every change with the old row that it is of. The answer is nil where nothing of that kind is written.
func (u *unit) linksToKeep(p *rowPlan, each iter.Seq2[*rowChange, []lqp.Value]) (*linkParts, error) {
	if p.m.Op == lqp.Delete {
		return nil, nil
	}
	var parts *linkParts
	for _, i := range p.l.links {
		c := &p.t.Columns[i]
		if !p.links[c.ID].Part {
			continue
		}
		slot := p.l.user[i]
		seen := map[string]bool{}
		for c, old := range each {
			at := slices.IndexFunc(c.set, func(o cell) bool { return o.slot == slot })
			if at < 0 || old == nil {
				continue
			}
			for _, v := range []lqp.Value{old[slot], c.set[at].value} {
				for _, item := range v.Items() {
					seen[item.Text()] = false
				}
			}
		}
		if len(seen) == 0 {
			continue
		}
		if err := u.seenOf(p, c, seen); err != nil {
			return nil, err
		}
		if parts == nil {
			parts = &linkParts{slots: map[int]*linkPart{}}
		}
		parts.slots[slot] = &linkPart{c: c, seen: seen}
	}
	return parts, nil
}

// seenOf notes which of some rows of the table that a column names the writer sees.
func (u *unit) seenOf(p *rowPlan, c *Column, rows map[string]bool) error {
	target, err := u.linkTarget(p, c)
	if err != nil || target == nil || target.Archived() {
		return err
	}
	check, err := target.layout.guard(Guard{Read: p.links[c.ID].Read})
	if err != nil {
		return err
	}
	ids := make([]lqp.Value, 0, len(rows))
	for id := range rows {
		ids = append(ids, lqp.TextValue(id))
	}
	return u.scanIn(target.layout, idSlot, ids, func(row []lqp.Value) error {
		rows[row[idSlot].Text()] = allows(check.read, row)
		return nil
	})
}

// change is the change of a row with the links in it that its writer does not see: those stay, behind what it gives. A row out
// of sight that it gives is refused like one that is not there, whether the cell names it already or not.
func (k *linkParts) change(p *rowPlan, c *rowChange, before []lqp.Value) *rowChange {
	if k == nil {
		return c
	}
	kept := *c
	kept.set = make([]cell, 0, len(c.set))
	kept.bad = slices.Clone(c.bad)
	for _, s := range c.set {
		part := k.slots[s.slot]
		if part == nil {
			kept.set = append(kept.set, s)
			continue
		}
		value, code, message := part.merge(linkIDs(before[s.slot]), linkIDs(s.value))
		if code != "" {
			fault := FieldError{Row: c.index, Column: part.c.ID, Code: code, Message: message}
			if !slices.Contains(p.faults, fault) { // of one change by filter there are many rows
				p.faults = append(p.faults, fault)
			}
			kept.bad = append(kept.bad, s.slot)
			continue
		}
		kept.set = append(kept.set, cell{s.slot, value})
	}
	return &kept
}

// merge is a cell after its writer, who sees some of the rows that it names, has given it others.
func (part *linkPart) merge(old, given []string) (_ lqp.Value, code, message string) {
	for _, id := range given {
		if !part.seen[id] {
			return lqp.Value{}, CodeLink, part.c.noRow(id)
		}
	}
	hidden := slices.DeleteFunc(slices.Clone(old), func(id string) bool { return part.seen[id] })
	shown := slices.DeleteFunc(slices.Clone(old), func(id string) bool { return !part.seen[id] })
	if slices.Equal(shown, given) {
		return linkValue(old), "", ""
	}
	all := slices.Concat(given, hidden)
	switch {
	case part.c.Options.Link.Single && len(all) > 1:
		return lqp.Value{}, CodeLink, fmt.Sprintf("%q: the row is linked to another row already, and to one at most", part.c.Name)
	case len(all) > MaxLinks:
		return lqp.Value{}, CodeTooLong, fmt.Sprintf("a cell of %q would name more than %d rows", part.c.Name, MaxLinks)
	}
	return linkValue(all), "", ""
}
