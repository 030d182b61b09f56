package livetables

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// maxImportLabels is how many different labels of linked rows one file may have. They are remembered from the reading that
// checks the file to the one that stores it, which looks nothing up: every writer may wait for it.
const maxImportLabels = 100_000

// labelled finds the rows that the cells of a file name by their labels, as far as the importer sees them. It serves one
// import and one goroutine.
type labelled struct {
	s       *entry
	ctx     context.Context // of the import
	table   string
	primary lqp.Column
	found   map[string]foundLabel
}

// foundLabel is the row with a label, or what is wrong with it.
type foundLabel struct {
	row   string
	fault string
}

// labelCells lets the cells that go to link columns name rows by their labels.
func (s *entry) labelCells(ctx context.Context, cells []importCell) error {
	for i := range cells {
		c := cells[i].own
		if c == nil || c.Type != minidb.LinkColumn {
			continue
		}
		t, seen, err := s.tableOf(ctx, c.Options.Link.Table)
		if err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
		cells[i].links = &labelled{s: s, ctx: ctx, table: t.ID, found: map[string]foundLabel{}}
		if primary := seen.Table().Column(t.Primary()); primary != nil && seen.Shows(primary.ID) && seen.Access(primary.ID) != rbac.Hidden {
			cells[i].links.primary = *primary
		}
	}
	return nil
}

// parse reads a cell: a row id or a label, or a list of them as a JSON array or with commas between. A label with commas is
// recognised when the cell has nothing else.
func (l *labelled) parse(own *minidb.Column, text string) (lqp.Value, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return lqp.Value{}, nil
	}
	whole, err := l.row(text)
	if err != nil {
		return lqp.Value{}, err
	}
	if whole.fault == "" {
		return lqp.ListValue([]lqp.Value{lqp.TextValue(whole.row)}), nil
	}
	list, err := own.ParseText(text)
	if err != nil {
		return list, err
	}
	items := make([]lqp.Value, 0, len(list.Items()))
	for _, item := range list.Items() {
		one, err := l.row(item.Text())
		if err != nil {
			return lqp.Value{}, err
		}
		if one.fault != "" {
			return lqp.Value{}, fmt.Errorf("%s", one.fault)
		}
		items = append(items, lqp.TextValue(one.row))
	}
	return lqp.ListValue(items), nil
}

// row finds a row by its id or its label. Whether there is a row of an id is seen when the row is stored.
func (l *labelled) row(name string) (foundLabel, error) {
	if minidb.ValidID(name, "row") {
		return foundLabel{row: name}, nil
	}
	if f, ok := l.found[name]; ok {
		return f, nil
	}
	if len(l.found) == maxImportLabels {
		return foundLabel{}, &minidb.LimitError{Name: "different labels of linked rows in a file", Max: maxImportLabels}
	}
	f, err := l.look(name)
	if err == nil {
		l.found[name] = f
	}
	return f, err
}

func (l *labelled) look(name string) (foundLabel, error) {
	none := foundLabel{fault: fmt.Sprintf("no row of the linked table is called %s", strconv.Quote(shortened(name)))}
	if l.primary.ID == "" || !l.primary.Type.Kind.Orderable() {
		return none, nil
	}
	v, err := lqp.ParseText(l.primary.Type, name)
	if err != nil || v.IsNull() {
		return none, nil // what is no value of the column is the label of no row
	}
	rows, err := l.s.query(l.ctx, &lqp.Query{From: lqp.Source{Table: l.table, Alias: "t"}, Page: lqp.Page{Limit: 2},
		Select: []lqp.Named{{Expr: lqp.Ref("t", minidb.ColumnID)}}, Where: lqp.NewCall("eq", lqp.Ref("t", l.primary.ID), lqp.Literal(v))})
	if err != nil {
		return none, fmt.Errorf("look for a linked row: %w", err)
	}
	defer rows.Close()
	f := none
	for n := 1; rows.Next(); n++ {
		f = foundLabel{row: rows.Value(0).Text()}
		if n > 1 {
			f = foundLabel{fault: fmt.Sprintf("several rows of the linked table are called %s: give the row's id", strconv.Quote(shortened(name)))}
		}
	}
	return f, rows.Err()
}

// shortened is the beginning of a text for an error.
func shortened(text string) string {
	const most = 100
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
