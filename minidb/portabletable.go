package minidb

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// catalogueRecords are the records of a workspace's catalogue, by the names of their kinds.
type catalogueRecords map[string][][]lqp.Value

// wholeTable is a table with the cells of its columns in the trash.
type wholeTable struct {
	*Table
	trash string   // the entry of the trash that it is in, "" for none
	gone  []Column // in the trash, by id
	whole *layout  // of the physical table
	slots []int    // of whole whose values are in archives
}

func joined(columns []string) string { return strings.Join(columns, ", ") }

// tables are the tables of a workspace, those in the trash too, by id.
func (c catalogueRecords) tables(store adapter.Store, workspace string) (map[string]*wholeTable, error) {
	tables := map[string]*wholeTable{}
	add := func(source string, row []lqp.Value, trash string) {
		r := recordOf(row)
		switch source {
		case "lt_table":
			t := scanTable(r)
			tables[t.ID] = &wholeTable{Table: &t, trash: trash}
		case "lt_column":
			if t := tables[r.text(1)]; t != nil && t.trash == trash {
				t.Columns = append(t.Columns, scanColumn(r))
			}
		case "lt_index":
			if t := tables[r.text(1)]; t != nil && t.trash == trash {
				t.indexes = append(t.indexes, scanIndex(r))
			}
		}
	}
	for _, name := range []string{"table", "column", "index"} {
		for _, row := range c[name] {
			add("lt_"+name, row, "")
		}
	}
	kinds := map[string]TrashKind{}
	for _, row := range c["trash"] {
		kinds[row[0].Text()] = TrashKind(row[2].Text())
	}
	var single []Column
	for _, row := range c["trash_record"] {
		k, trash := keptOf(row)
		if trashedTables[k.source] == "" {
			continue
		}
		values, err := k.values(nil)
		if err != nil {
			return nil, err
		}
		if kinds[trash] == TrashedColumn {
			if k.source == "lt_column" {
				single = append(single, scanColumn(recordOf(values)))
			}
			continue
		}
		add(k.source, values, trash)
	}
	for i := range single {
		if t := tables[single[i].Table]; t != nil {
			t.gone = append(t.gone, single[i])
		}
	}
	for _, t := range tables {
		t.describe(store)
	}
	return tables, nil
}

// keptOf is a record of the trash, and its entry.
func keptOf(row []lqp.Value) (k keptRecord, trash string) {
	r := recordOf(row)
	return keptRecord{r.text(3), r.document(4)}, r.text(0)
}

// describe works out the layouts of a table.
func (t *wholeTable) describe(store adapter.Store) {
	slices.SortFunc(t.Columns, func(a, b Column) int { return cmp.Or(a.Position-b.Position, strings.Compare(a.ID, b.ID)) })
	slices.SortFunc(t.gone, func(a, b Column) int { return strings.Compare(a.ID, b.ID) })
	t.layout = newLayout(store, t.Table)
	every := *t.Table
	every.Columns = slices.Clone(t.Columns)
	for _, c := range t.gone {
		c.Required, c.Unique = false, false
		every.Columns = append(every.Columns, c)
	}
	l := newLayout(store, &every)
	for i := range every.Columns {
		c, slot := &every.Columns[i], l.user[i]
		if i >= len(t.Columns) { // rows that were made meanwhile have no value in what is in the trash
			column := &l.schema.Columns[slot]
			column.Type.NotNull = false
			l.selects[slot].Expr = lqp.TypedRef(sourceAlias, column.ID, column.Type)
		}
		if c.Type.Computed() || c.Type.BuiltIn() != "" {
			continue
		}
		t.slots = append(t.slots, slot)
	}
	t.slots = append([]int{idSlot}, t.slots...)
	for slot := l.user0(); slot < len(l.ids); slot++ {
		t.slots = append(t.slots, slot)
	}
	t.whole = l
}

// user0 is the slot behind those of the table's own columns.
func (l *layout) user0() int { return 1 + len(l.user) }

// header appends the line with the ids of the columns.
func (t *wholeTable) header(dst []byte) []byte {
	for i, slot := range t.slots {
		dst = append(dst, "[,"[min(i, 1)])
		dst = lqp.AppendJSONString(dst, t.whole.ids[slot])
	}
	return append(dst, ']')
}

// appendRow appends the line of a row.
func (t *wholeTable) appendRow(dst []byte, row []lqp.Value) []byte {
	for i, slot := range t.slots {
		dst = append(dst, "[,"[min(i, 1)])
		dst = row[slot].AppendJSON(dst)
	}
	return append(dst, ']')
}

// column is the column whose values are in a slot, nil for a built-in one.
func (t *wholeTable) column(slot int) *Column {
	switch i := slot - 1; {
	case i < 0 || i >= len(t.Columns)+len(t.gone):
		return nil
	case i < len(t.Columns):
		return &t.Columns[i]
	default:
		return &t.gone[i-len(t.Columns)]
	}
}

// forgetPhysical takes the names of physical tables, which are the business of one database, out of the records.
func (c catalogueRecords) forgetPhysical() error {
	p := portableOf("lt_table")
	for _, row := range c["table"] {
		row[p.at("physical")] = argText("")
	}
	for _, row := range c["trash_record"] {
		k, _ := keptOf(row)
		if k.source != "lt_table" {
			continue
		}
		doc, err := k.with("physical", "")
		if err != nil {
			return err
		}
		row[len(row)-1] = argText(string(doc))
	}
	return nil
}

// with is the document of a record with another text in a column.
func (k keptRecord) with(column, text string) ([]byte, error) {
	values, err := k.values(map[string]lqp.Value{column: argText(text)})
	if err != nil {
		return nil, err
	}
	return keptDocument(values), nil
}

// keptDocument is the document of a record in the trash.
func keptDocument(values []lqp.Value) []byte {
	var doc []byte
	for i, v := range values {
		doc = append(doc, "[,"[min(i, 1)])
		doc = appendCell(doc, v)
	}
	return append(doc, ']')
}

// appendEdge appends the line of a link.
func appendEdge(dst []byte, from, to string) []byte {
	dst = lqp.AppendJSONString(append(dst, '['), from)
	return append(lqp.AppendJSONString(append(dst, ','), to), ']')
}

// readEdge reads a line that appendEdge has written.
func readEdge(line []byte) (x edge, err error) {
	var pair []string
	if err := json.Unmarshal(line, &pair); err != nil || len(pair) != 2 {
		return x, faulty("no link")
	}
	x = edge{pair[0], pair[1]}
	if !ValidID(x.own, prefixRow) || !ValidID(x.other, prefixRow) || string(appendEdge(nil, x.own, x.other)) != string(line) {
		return x, faulty("no link")
	}
	return x, nil
}

// readRow reads a line that appendRow has written.
func (t *wholeTable) readRow(line []byte) ([]lqp.Value, error) {
	var cells []json.RawMessage
	if err := json.Unmarshal(line, &cells); err != nil || len(cells) != len(t.slots) {
		return nil, faulty("no row of the table")
	}
	row := make([]lqp.Value, len(t.whole.ids))
	for i, slot := range t.slots {
		v, err := lqp.ParseValue(t.whole.schema.Columns[slot].Type, cells[i])
		if err != nil {
			return nil, faulty("%s: %v", t.whole.ids[slot], err)
		}
		row[slot] = v
	}
	if string(t.appendRow(nil, row)) != string(line) {
		return nil, faulty("a row is not written like that")
	}
	return row, t.fits(row)
}

// fits finds values that the columns do not take.
func (t *wholeTable) fits(row []lqp.Value) error {
	if !ValidID(row[idSlot].Text(), prefixRow) {
		return faulty("no id of a row")
	}
	if n, ok := row[t.whole.version()].Decimal().Int64(); !ok || n < 1 {
		return faulty("a row has no version")
	}
	for _, slot := range []int{t.whole.createdBy(), t.whole.updatedBy()} {
		if by := row[slot]; !by.IsNull() && cleanText(by.Text(), maxActorText) != by.Text() {
			return faulty("a row is of nobody")
		}
	}
	for i := range t.whole.user {
		slot := t.whole.user[i]
		c := t.column(slot)
		if c.Type.Computed() || c.Type.BuiltIn() != "" {
			continue
		}
		v := row[slot]
		if v.IsNull() {
			if c.Required && i < len(t.Columns) {
				return faulty("a row has no value of %q, which is required", c.Name)
			}
			continue
		}
		if c.Type == AttachmentColumn { // how many files a cell has counts for what is written from then on
			loose := *c
			loose.Options.MaxFiles, c = 0, &loose
		}
		w, code, message := c.conform(v)
		if code != "" {
			return faulty("%s", message)
		}
		if !lqp.Equal(v, w) {
			return faulty("a value of %q is not in the form in which it is kept", c.Name)
		}
	}
	return nil
}
