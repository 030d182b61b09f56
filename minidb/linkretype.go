package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// beginLinks makes what belongs to a link for column i of t, which was none in before, and has the links of converted cells stored:
// those to rows that are there.
func (u *unit) beginLinks(before, t *Table, i int, convert converter) (converter, error) {
	c := &t.Columns[i]
	if c.Type != LinkColumn || before.Columns[i].Type == LinkColumn {
		return convert, nil
	}
	target := before
	if c.Options.Link.Table != t.ID {
		var err error
		if target, err = u.linkTable(c.Options.Link.Table); err != nil {
			return nil, err
		}
		if target == nil || target.Archived() {
			return nil, invalid("options", CodeOption, "the linked table is not in use")
		}
	}
	e := edgesOf(t, c)
	if err := e.define(u); err != nil {
		return nil, err
	}
	if err := u.putLink(t, c); err != nil {
		return nil, err
	}
	return func(rows [][]lqp.Value) ([]conversion, error) {
		cells, err := convert(rows)
		if err != nil {
			return nil, err
		}
		there := map[string]bool{}
		var ids []lqp.Value
		for _, to := range cells {
			for _, item := range to.value.Items() {
				if _, ok := there[item.Text()]; !ok {
					there[item.Text()] = false
					ids = append(ids, item)
				}
			}
		}
		err = u.scanColumnsIn(target.layout, target.layout.selects[idSlot:idSlot+1], idSlot, ids, func(row []lqp.Value) error {
			there[row[0].Text()] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
		var list []edge
		for k := range cells {
			links := slices.DeleteFunc(linkIDs(cells[k].value), func(id string) bool { return !there[id] })
			if len(links) == 0 && c.Required {
				return nil, invalid("type", CodeRequired, "rows would have no value of %q, which is required", c.Name)
			}
			cells[k].value = linkValue(links)
			for _, id := range links {
				list = append(list, edge{rows[k][idSlot].Text(), id})
			}
		}
		return cells, e.add(u, list)
	}, nil
}

// endLinksOf removes what belonged to the link that column i of t was in before.
func (u *unit) endLinksOf(before, t *Table, i int) error {
	c := &before.Columns[i]
	if c.Type != LinkColumn || t.Columns[i].Type == LinkColumn {
		return nil
	}
	if c.Options.Link.Inverse != "" {
		return invalid("type", CodeType, "%q is shown from the other side: make it one-way first", c.Name)
	}
	if err := u.dropTable(before.Workspace, edgesOf(before, c).table); err != nil {
		return err
	}
	return u.removeLink(t.Workspace, c.ID)
}
