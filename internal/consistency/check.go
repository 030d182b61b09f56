package consistency

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// checkTime bounds the search for an order of the operations on all registers.
const checkTime = 2 * time.Minute

// state is a register at one moment. Every write makes the next version.
type state struct{ version, value int64 }

// model is a register as it ought to be.
var model = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, op := range history {
			t, _ := op.Input.(*touch)
			byKey[t.key] = append(byKey[t.key], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() []any { return []any{state{1, 0}} },
	Step: func(s, input, _ any) []any {
		now, _ := s.(state)
		t, _ := input.(*touch)
		return t.step(now)
	},
	DescribeOperation: func(input, _ any) string { return fmt.Sprintf("%+v", input) },
}

// step gives the states that a register can have after the operation, none when the operation cannot have come then.
func (t *touch) step(now state) []any {
	next := state{now.version + 1, t.value}
	switch {
	case t.kind == read && t.unknown:
		return []any{now}
	case t.kind == read:
		if t.version == now.version && t.was == now.value {
			return []any{now}
		}
		return nil
	case t.unknown && t.kind == swap && t.expected != now.version:
		return []any{now}
	case t.unknown:
		return []any{now, next}
	case t.refused:
		if t.expected != now.version && (!t.hasVersion || t.version == now.version && t.was == now.value) {
			return []any{now}
		}
		return nil
	case t.kind == swap && t.expected != now.version:
		return nil
	case t.version == next.version && t.was == next.value:
		return []any{next}
	}
	return nil
}

// checkRegisters looks for an order of all operations.
func (c *campaign) checkRegisters() {
	var history []porcupine.Operation
	last := c.now()
	for i := range c.touches {
		t := &c.touches[i]
		to := t.to
		if t.unknown {
			to = last // it may have its effect at any time
		}
		history = append(history, porcupine.Operation{ClientId: t.client, Input: t, Call: t.from, Return: to})
		switch {
		case t.kind == read:
			c.report.Reads++
		case t.refused:
			c.report.Conflicts++
		case !t.unknown:
			c.report.Writes++
		}
	}
	switch porcupine.CheckOperationsTimeout(model.ToModel(), history, checkTime) {
	case porcupine.Illegal:
		c.report.add("the operations on the registers fit into no order: a read was stale, or an update was lost")
	case porcupine.Unknown:
		c.report.add("no order of the operations on the registers was found within %s", checkTime)
	case porcupine.Ok:
	}
	c.checkUpdates()
}

// checkUpdates says more of what went wrong: of two writes that were told the same version of a register, one is lost.
func (c *campaign) checkUpdates() {
	type version struct {
		key    string
		number int64
	}
	wrote := map[version]int64{}
	for _, t := range c.touches {
		if t.kind == read || t.unknown || t.refused {
			continue
		}
		v := version{t.key, t.version}
		if other, ok := wrote[v]; ok {
			c.report.add("register %s: %d and %d were both acknowledged as version %d: one update is lost", t.key, other, t.value, t.version)
		}
		wrote[v] = t.value
	}
}

// checkLists compares all readings with each other and with the appends.
func (c *campaign) checkLists() {
	final := map[string][]int64{}
	for _, l := range c.looks {
		c.report.Looks++
		for key, list := range l.lists {
			if len(list) > len(final[key]) {
				final[key] = list
			}
		}
	}
	places := map[string]map[int64]int{}
	for key, list := range final {
		places[key] = make(map[int64]int, len(list))
		for i, v := range list {
			if _, twice := places[key][v]; twice {
				c.report.add("list %s has %d twice", key, v)
			}
			places[key][v] = i
		}
	}
	for _, l := range c.looks {
		for key, list := range l.lists {
			if !slices.Equal(list, final[key][:len(list)]) {
				c.report.add("list %s was read as %v, which is no beginning of %v", key, list, final[key])
			}
		}
	}
	c.checkAppends(places)
	c.checkGrowth()
}

// checkAppends looks for appends that are lost, there by half or seen by half, and for readings that came after an append and
// do not have it.
func (c *campaign) checkAppends(places map[string]map[int64]int) {
	for _, a := range c.appends {
		there := 0
		for _, key := range a.keys {
			if _, ok := places[key][a.value]; ok {
				there++
			}
		}
		switch {
		case there != 0 && there != len(a.keys):
			c.report.add("the append of %d is in %d of its %d lists", a.value, there, len(a.keys))
			continue
		case there == 0 && a.done:
			c.report.add("the append of %d was acknowledged and is lost", a.value)
			continue
		case there == 0:
			continue
		}
		c.report.Appends++
		for _, l := range c.looks {
			seen := 0
			for _, key := range a.keys {
				if places[key][a.value] < len(l.lists[key]) {
					seen++
				}
			}
			switch {
			case seen != 0 && seen != len(a.keys):
				c.report.add("a reading has %d in %d of its %d lists", a.value, seen, len(a.keys))
			case seen == 0 && a.done && a.to < l.from:
				c.report.add("a reading that began %s after the append of %d was acknowledged does not have it", time.Duration(l.from-a.to), a.value)
			case seen != 0 && l.to < a.from:
				c.report.add("a reading has %d, which was appended later", a.value)
			}
		}
	}
}

// checkGrowth looks for a reading that has less than one that ended before it began. Of the readings that have ended the
// longest is enough to compare with.
func (c *campaign) checkGrowth() {
	began, ended := slices.Clone(c.looks), slices.Clone(c.looks)
	slices.SortFunc(began, func(a, b look) int { return cmp.Compare(a.from, b.from) })
	slices.SortFunc(ended, func(a, b look) int { return cmp.Compare(a.to, b.to) })
	longest, i := map[string]int{}, 0
	for _, l := range began {
		for ; i < len(ended) && ended[i].to < l.from; i++ {
			for key, list := range ended[i].lists {
				longest[key] = max(longest[key], len(list))
			}
		}
		for key, list := range l.lists {
			if len(list) < longest[key] {
				c.report.add("list %s was read with %d numbers after it had been read with %d", key, len(list), longest[key])
			}
		}
	}
}
