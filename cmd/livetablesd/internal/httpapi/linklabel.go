package httpapi

import (
	"errors"
	"slices"
	"strconv"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// linkLabels gathers the rows that the link cells of a page name, and tells beside the page by which names people know them.
type linkLabels struct {
	cells    []linkCell
	tables   []string            // ids, in the order of their first appearance
	rows     map[string][]string // row ids by table
	seen     map[string]bool
	complete bool // every row has a label or is out of sight
}

// linkCell is a link column of a list of rows.
type linkCell struct {
	slot  int
	table string // whose rows it names
}

// of finds the link columns of a table among those of a list of its rows.
func (l *linkLabels) of(t *minidb.Table, columns []lqp.Column) *linkLabels {
	if l == nil {
		return nil
	}
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Options.Link == nil { // a masked one tells nothing of what it names
			continue
		}
		if slot := slices.IndexFunc(columns, func(o lqp.Column) bool { return o.Name == col.Name }); slot >= 0 {
			l.cells = append(l.cells, linkCell{slot, col.Options.Link.Table})
		}
	}
	return l
}

// see notes the rows that the current row names.
func (l *linkLabels) see(row interface{ Value(i int) lqp.Value }) {
	for _, cell := range l.cells {
		for _, item := range row.Value(cell.slot).Items() {
			id := item.Text()
			if l.seen[id] {
				continue
			}
			if len(l.seen) == livetables.LabelBatch {
				l.complete = false
				return
			}
			l.seen[id] = true
			if l.rows[cell.table] == nil {
				l.tables = append(l.tables, cell.table)
			}
			l.rows[cell.table] = append(l.rows[cell.table], id)
		}
	}
}

// append appends `,"links":{table: {row: label}}`. A table that is not there for the caller any more has no labels.
func (l *linkLabels) append(dst []byte, c *call) ([]byte, error) {
	dst = append(dst, `,"links":{`...)
	for i, table := range l.tables {
		labels, err := c.access.Labels(c.ctx(), table, l.rows[table])
		if err != nil && !errors.Is(err, minidb.ErrNotFound) && !errors.Is(err, minidb.ErrArchived) {
			return dst, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(lqp.AppendJSONString(dst, table), ":{"...)
		first := true
		for _, id := range l.rows[table] {
			label, ok := labels[id]
			if !ok {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(lqp.AppendJSONString(dst, id), ':')
			dst = label.AppendJSON(dst)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `},"links_complete":`...)
	return strconv.AppendBool(dst, l.complete), nil
}
