package minidb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// The ids and names of the columns that every user table has beside its own.
const (
	ColumnID        = "_id"         // the row's id, "row_…", the key
	ColumnVersion   = "_version"    // 1 for a new row, one more with every change
	ColumnCreatedAt = "_created_at" // when
	ColumnUpdatedAt = "_updated_at"
	ColumnCreatedBy = "_created_by" // by which actor; NULL for the program itself
	ColumnUpdatedBy = "_updated_by"
)

// sourceAlias is the alias of the table in the expressions of guards and mutations.
const sourceAlias = "t"

// layout is what writing a table needs to know of it, worked out once.
type layout struct {
	schema *lqp.Table
	shown  *lqp.Table     // schema without the manual order and what is in the trash, which are no columns to anybody
	ids    []string       // column ids in the order of schema.Columns
	slots  map[string]int // place of a column id in a row
	kept   map[string]int // the same of the columns in the trash
	// user are the slots of the table's own columns; column i of the Table has slot user[i].
	user    []int
	unique  []int    // slots of unique columns
	mirrors []mirror // columns that show built-in ones
	users   []int    // places of user columns in the Table
	numbers []int    // places of autonumber columns in the Table
	links   []int    // places of link columns in the Table
	files   []int    // places of attachment columns in the Table
	members []string // `"col_…":`, the beginnings of the members of a row image
	// imageSize is about how many bytes the image of a row has.
	imageSize int
	selects   []lqp.Named
	byID      *rowStatement
	// computed are the computed columns in an order in which they can be; looks says that some look through links.
	computed []computedCell
	looks    bool
}

// The slots of the built-in columns: the id is the first column, the others are the last ones. Behind them all is the manual
// order, of a table that has one, and then the columns in the trash.
func (l *layout) version() int   { return len(l.shown.Columns) - 5 }
func (l *layout) createdAt() int { return len(l.shown.Columns) - 4 }
func (l *layout) updatedAt() int { return len(l.shown.Columns) - 3 }
func (l *layout) createdBy() int { return len(l.shown.Columns) - 2 }
func (l *layout) updatedBy() int { return len(l.shown.Columns) - 1 }
func (l *layout) order() int     { return len(l.shown.Columns) }

const idSlot = 0

func isSystemName(name string) bool {
	return slices.Contains([]string{ColumnID, ColumnVersion, ColumnCreatedAt, ColumnUpdatedAt, ColumnCreatedBy, ColumnUpdatedBy},
		strings.ToLower(name))
}

// newLayout describes the physical table of t.
func newLayout(store adapter.Store, t *Table) *layout {
	const rowIDLen = len(prefixRow) + 1 + idLen
	id := lqp.Type{Kind: lqp.Text, MaxLen: rowIDLen, ASCII: true}
	version := lqp.Type{Kind: lqp.Number, Precision: intPrecision}
	instant := lqp.Type{Kind: lqp.DateTime}
	user := lqp.Type{Kind: lqp.Text, MaxLen: maxActorText}

	l := &layout{slots: make(map[string]int, len(t.Columns)+6), byID: &rowStatement{}}
	schema := &lqp.Table{Name: t.ID, Path: pathOf(store, t.Workspace, t.physicalName()), Label: t.Name, Kind: lqp.BaseTable, Key: []string{ColumnID},
		Version: ColumnVersion, Rows: -1, Comment: t.Description}
	add := func(c lqp.Column, stored lqp.Type) int {
		c = declared(store, c, stored)
		slot := len(schema.Columns)
		schema.Columns = append(schema.Columns, c)
		l.ids = append(l.ids, c.ID)
		l.slots[c.ID] = slot
		l.members = append(l.members, `"`+c.ID+`":`)
		l.imageSize += len(c.ID) + 16
		l.selects = append(l.selects, lqp.Named{Name: c.ID, Expr: lqp.TypedRef(sourceAlias, c.ID, c.Type)})
		return slot
	}
	system := func(id string, stored lqp.Type, notNull bool, fact lqp.Fact) {
		typ := stored
		typ.NotNull = notNull
		add(lqp.Column{ID: id, Name: id, Type: typ, ReadOnly: true, Fact: fact}, stored)
	}
	system(ColumnID, id, true, lqp.FactRecordID)
	for i := range t.Columns {
		c := &t.Columns[i]
		column := lqp.Column{ID: c.ID, Name: c.Name, Type: c.valueType(), HasDefault: !c.Default.IsNull() || c.Options.Generate != "",
			ReadOnly: c.Type.Filled(), Comment: c.Description}
		switch c.Type {
		case UserColumn:
			l.users = append(l.users, i)
		case LinkColumn:
			l.links = append(l.links, i)
			column.Origins = []lqp.Origin{{Table: c.Options.Link.Table, Column: ColumnID}}
		case AttachmentColumn:
			l.files = append(l.files, i)
		case AutonumberColumn:
			if l.numbers = append(l.numbers, i); len(l.numbers) == 1 {
				column.Fact = lqp.FactAutoNumber
			}
		}
		l.user = append(l.user, add(column, c.storedType()))
		if c.Unique {
			l.unique = append(l.unique, l.user[i])
			schema.Uniques = append(schema.Uniques, []string{c.ID})
		}
	}
	system(ColumnVersion, version, true, "")
	system(ColumnCreatedAt, instant, true, lqp.FactCreatedTime)
	system(ColumnUpdatedAt, instant, true, lqp.FactModifiedTime)
	system(ColumnCreatedBy, user, false, lqp.FactCreatedBy)
	system(ColumnUpdatedBy, user, false, "")
	for i := range t.Columns {
		if from := t.Columns[i].Type.BuiltIn(); from != "" {
			l.mirrors = append(l.mirrors, mirror{l.user[i], l.slots[from]})
		}
	}
	l.schema, l.shown = schema, schema
	width := len(schema.Columns)
	if t.Ordered() {
		add(lqp.Column{ID: ColumnOrder, Name: ColumnOrder, Type: placeType, ReadOnly: true}, placeType)
	}
	l.addTrashed(t, add)
	if len(schema.Columns) > width {
		shown := *schema
		shown.Columns = schema.Columns[:width:width] // the same columns: what they are made of is told later
		if t.Ordered() {
			shown.Place = &schema.Columns[width]
		}
		l.shown = &shown
	}
	l.compile(t)
	return l
}

// appendImage appends a row as the JSON object that the change log keeps: every column by id, in order.
func (l *layout) appendImage(dst []byte, row []lqp.Value) []byte {
	for i, v := range row {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		dst = append(dst, sep)
		dst = append(dst, l.members[i]...)
		dst = v.AppendJSON(dst)
	}
	return append(dst, '}')
}

// Row decodes the image of a row in a change-log entry of this table (Before, After) to values in the order of
// Schema().Columns. A column the image does not have, because it was added later, is NULL; one that the table no longer
// has is left out; a value from when the column had another type is converted, and NULL where that cannot be. A nil image is a nil row.
func (t *Table) Row(image json.RawMessage) ([]lqp.Value, error) {
	if image == nil {
		return nil, nil
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal(image, &members)
	if err != nil {
		return nil, fmt.Errorf("row image of table %s: %w", t.ID, err)
	}
	row := make([]lqp.Value, len(t.layout.shown.Columns))
	for i, id := range t.layout.ids[:len(row)] {
		doc, ok := members[id]
		if !ok {
			continue
		}
		typ := t.layout.schema.Columns[i].Type
		if row[i], err = lqp.ParseValue(typ, doc); err != nil {
			row[i] = recast(scalar(doc), typ).value
		}
	}
	t.layout.mirror(row)
	return row, nil
}

// scalar is the value that a JSON document shows by itself, NULL for lists and objects.
func scalar(doc json.RawMessage) lqp.Value {
	for _, kind := range []lqp.Kind{lqp.Bool, lqp.Number, lqp.Text} {
		if v, err := lqp.ParseValue(lqp.Type{Kind: kind}, doc); err == nil {
			return v
		}
	}
	return lqp.Value{}
}
