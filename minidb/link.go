package minidb

import (
	"fmt"
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// LinkColumn is the type of columns whose cells name rows of a table: a list of row ids in the order in which they were
// given, each at most once.
const LinkColumn ColumnType = "link"

// Link are the settings of a link column.
type Link struct {
	// Table is the id of the table of the workspace whose rows the cells name. Of a new column, empty is the column's own
	// table. It never changes.
	Table string `json:"table_id"`
	// Single lets a cell name one row at most.
	Single bool `json:"single,omitempty"`
	// Inverse is the id of the column of Table that shows the same links from the other side, empty for a one-way link. The
	// mini-DB sets it.
	Inverse string `json:"inverse_id,omitempty"`
}

// InverseSpec describes the column in the linked table that shows a link from the other side.
type InverseSpec struct {
	Name   string // of the column, unique in its table, case aside
	Single bool   // a row of the linked table is named by one row at most
}

// MaxLinks is how many rows one cell of a link column names at most.
const MaxLinks = 10_000

// CodeLink says that a link names a row that is not there for the writer, or one that no other row may be linked to.
const CodeLink = "link"

// clone is a copy, nil for nil.
func (l *Link) clone() *Link {
	if l == nil {
		return nil
	}
	c := *l
	return &c
}

// checkLink checks the settings of a link column by themselves; whether the table is there is found out in the transaction
// that makes the column.
func (c *Column) checkLink() error {
	o := &c.Options
	switch {
	case c.Type != LinkColumn && o.Link != nil:
		return invalid("options", CodeOption, "a %s column has no link", c.Type)
	case c.Type != LinkColumn:
		return nil
	case o.Link == nil:
		return invalid("options", CodeOption, "a link column has a link with the table whose rows it names")
	case o.Link.Table != "" && !ValidID(o.Link.Table, prefixTable):
		return invalid("options", CodeOption, "%q is no table", cleanText(o.Link.Table, maxLook))
	case !c.Default.IsNull():
		return invalid("default", CodeOption, "a link column has no default: rows come and go")
	}
	return nil
}

// conformLinks is conform for the cells of a link column. Whether the rows are there is found out in the transaction.
func (c *Column) conformLinks(v lqp.Value) (_ lqp.Value, code, message string) {
	items := v.Items()
	seen := make(map[string]bool, min(len(items), MaxLinks))
	once := make([]lqp.Value, 0, min(len(items), MaxLinks))
	for _, item := range items {
		id := item.Text()
		if item.Kind() != lqp.Text || !ValidID(id, prefixRow) {
			return v, CodeLink, c.noRow(id)
		}
		if seen[id] {
			continue
		}
		if len(once) == MaxLinks {
			return v, CodeTooLong, fmt.Sprintf("a cell of %q names at most %d rows", c.Name, MaxLinks)
		}
		seen[id] = true
		once = append(once, item)
	}
	if c.Options.Link.Single && len(once) > 1 {
		return v, CodeLink, fmt.Sprintf("a cell of %q names one row, not %d", c.Name, len(once))
	}
	if len(once) < len(items) {
		v = lqp.ListValue(once)
	}
	return v, "", ""
}

// noRow is what is said of a linked row that does not exist and of one that the writer cannot see alike.
func (c *Column) noRow(id string) string {
	return fmt.Sprintf("%q: there is no row %s to link to", c.Name, strconv.Quote(cleanText(id, maxName)))
}

// linkIDs are the row ids of a cell of a link column, in order; none for NULL.
func linkIDs(v lqp.Value) []string {
	items := v.Items()
	if len(items) == 0 {
		return nil
	}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Text()
	}
	return ids
}

// linkValue is the cell with these row ids, NULL for none.
func linkValue(ids []string) lqp.Value {
	if len(ids) == 0 {
		return lqp.Value{}
	}
	items := make([]lqp.Value, len(ids))
	for i, id := range ids {
		items[i] = lqp.TextValue(id)
	}
	return lqp.ListValue(items)
}
