package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// blueprintRows are the rows that a blueprint has made so far: ids by label, by the id of their table.
type blueprintRows map[string]map[string]string

// add gives a new row its id and notes its label. Of rows with the same label the first one keeps it.
func (b blueprintRows) add(t *Table, row []lqp.Value) lqp.Value {
	id := NewID(prefixRow)
	labels := b[t.ID]
	if labels == nil {
		labels = make(map[string]string)
		b[t.ID] = labels
	}
	primary := t.Primary()
	for i := range row {
		if t.Columns[i].ID != primary {
			continue
		}
		label := string(row[i].AppendText(nil))
		if _, ok := labels[label]; !ok {
			labels[label] = id
		}
	}
	return lqp.TextValue(id)
}

// resolve puts ids in the place of labels in the link cells of rows. What is no label stays and is refused as a row that is not
// there.
func (b blueprintRows) resolve(t *Table, rows []lqp.RowChange) {
	for i := range rows {
		for k := range rows[i].Set {
			a := &rows[i].Set[k]
			c, ok := t.Column(a.Column)
			if !ok || c.Type != LinkColumn || a.Value.Kind() != lqp.List {
				continue
			}
			items := slices.Clone(a.Value.Items())
			for n, item := range items {
				if id, ok := b[c.Options.Link.Table][item.Text()]; ok {
					items[n] = lqp.TextValue(id)
				}
			}
			a.Value = lqp.ListValue(items)
		}
	}
}

// linkedByName are columns whose links name tables by their ids. The columns given are not changed.
func linkedByName(columns []ColumnSpec, made []*Table) []ColumnSpec {
	columns = slices.Clone(columns)
	for i := range columns {
		l := columns[i].Options.Link
		if l == nil {
			continue
		}
		if at := slices.IndexFunc(made, func(t *Table) bool { return t.Name == l.Table }); at >= 0 {
			named := *l
			named.Table = made[at].ID
			columns[i].Options.Link = &named
		}
	}
	return columns
}
