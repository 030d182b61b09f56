package minidb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// A column of texts becomes a link by what rows of the linked table are called, which is the value of its primary column, and a link
// becomes a column of texts by the same. The links of such a change are kept like all others, in cells and edges.

// maxLabels is how many different labels of linked rows one change of type looks for; they are held in memory.
const maxLabels = 100_000

// newLabelled is a link column as the column of texts that it becomes, or the other way round. c has the type and options asked for.
func (u *unit) newLabelled(t *Table, old, c *Column) (*Column, error) {
	switch {
	case c.Type == old.Type:
		return nil, invalid("type", CodeType, "%q is a link already", old.Name)
	case old.Type == LinkColumn && c.Type != TextColumn && c.Type != LongTextColumn:
		return nil, invalid("type", CodeType, "a link becomes a column of texts only, of what the linked rows are called")
	case old.Type == LinkColumn && old.Options.Link.Inverse != "":
		return nil, invalid("type", CodeType, "%q is shown from the other side: make it one-way first", old.Name)
	case old.Type == AttachmentColumn || old.Type == UserColumn || old.valueType().Kind == lqp.JSON:
		return nil, invalid("type", CodeType, "a column of %s values does not become a link: nothing of them is what rows are called", old.Type)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	_, err := u.prepareLink(t, c, nil)
	return c, err
}

// assessRetype counts what becomes of the cells when the column of t becomes c. The answer has a matcher for changes into and out
// of links.
func (u *unit) assessRetype(t *Table, c *Column, r Retype) (*Retyping, *labelMatcher, error) {
	old, _ := t.Column(c.ID)
	if c.Type != LinkColumn && old.Type != LinkColumn {
		if r.CreateRows {
			return nil, nil, invalid("create_rows", CodeOption, "only a column that becomes a link makes rows")
		}
		report, err := u.assess(t, c, r)
		return report, nil, err
	}
	m, err := u.newLabelMatcher(t, *old, c, r.CreateRows)
	if err != nil {
		return nil, nil, err
	}
	shows := func([]lqp.Value) bool { return true }
	if r.Visible != nil {
		check, err := lqp.Resolve(r.Visible, t.layout.slot)
		if err != nil {
			return nil, nil, fmt.Errorf("rule of the table: %w", err)
		}
		shows = func(row []lqp.Value) bool { return allows(check, row) }
	}
	report, err := u.assessWith(t, c, m.convert, shows)
	if err != nil {
		return nil, nil, err
	}
	report.DefaultLost, report.Created = !old.Default.IsNull(), int64(len(m.created))
	return report, m, nil
}

// labelMatcher converts the cells of a column by the labels of the rows of a table. It lives as long as the transaction.
type labelMatcher struct {
	u       *unit
	was, c  *Column
	own     int // the slot of the column in the rows that are converted
	target  *Table
	l       *layout // of target
	label   int     // the slot of its primary column
	rows    map[string]labelled
	ids     map[string]string // labels by row id, of rows that are there
	create  bool
	created []string // labels of rows to be made, in the order of the cells
}

// labelled is what is known of a label: the row that has it, "" for none.
type labelled struct {
	row     string
	several bool
}

func (u *unit) newLabelMatcher(t *Table, was Column, c *Column, create bool) (*labelMatcher, error) {
	link := c.Options.Link
	if link == nil {
		link = was.Options.Link
	}
	m := &labelMatcher{u: u, was: &was, c: c, own: t.layout.slots[c.ID], target: t, create: create, rows: map[string]labelled{}, ids: map[string]string{}}
	if link.Table != t.ID {
		var err error
		if m.target, err = u.linkTable(link.Table); err != nil {
			return nil, err
		}
		if m.target == nil || m.target.Archived() {
			return nil, invalid("options", CodeOption, "the linked table is not in use")
		}
	}
	m.l = m.target.layout
	primary := m.target.Primary()
	column, ok := m.target.Column(primary)
	switch {
	case !ok || !column.ValueType().Kind.Orderable():
		return nil, invalid("options", CodeOption, "rows of the linked table are not called anything that a text can match")
	case primary == c.ID:
		return nil, invalid("options", CodeOption, "%q is what the rows themselves are called", c.Name)
	case create && m.target == t:
		return nil, invalid("create_rows", CodeOption, "rows are made in another table only")
	case create && (column.Type.Computed() || column.Type.Filled()):
		return nil, invalid("create_rows", CodeOption, "what rows of the linked table are called is computed")
	}
	m.label = m.l.slots[primary]
	return m, nil
}

// convert implements converter.
func (m *labelMatcher) convert(rows [][]lqp.Value) ([]conversion, error) {
	list := make([]conversion, len(rows))
	look := m.lookRows
	if m.c.Type == LinkColumn {
		look = m.lookLabels
	}
	if err := look(rows); err != nil {
		return nil, err
	}
	for i, row := range rows {
		switch v := row[m.own]; {
		case v.IsNull():
			list[i] = conversion{exact: true}
		case m.c.Type == LinkColumn:
			list[i] = m.toLink(v)
		default:
			list[i] = m.toText(v)
		}
	}
	return list, nil
}

// named are the texts of a cell that may each be the label of a row: the whole of it, or else its parts.
func (m *labelMatcher) named(v lqp.Value) (whole string, parts []string) {
	if v.Kind() == lqp.List {
		for _, item := range v.Items() {
			parts = append(parts, item.Text())
		}
		return "", parts
	}
	whole = strings.TrimSpace(string(v.AppendText(nil)))
	if list, err := m.c.ParseText(whole); err == nil {
		for _, item := range list.Items() {
			parts = append(parts, strings.TrimSpace(item.Text()))
		}
	}
	return whole, parts
}

// lookLabels finds the rows that the cells of some rows name.
func (m *labelMatcher) lookLabels(rows [][]lqp.Value) error {
	want := map[string][]string{} // labels by the key of their value
	var values []lqp.Value
	var ids []lqp.Value
	add := func(text string) {
		if _, ok := m.rows[text]; ok || text == "" {
			return
		}
		m.rows[text] = labelled{}
		if ValidID(text, prefixRow) {
			ids = append(ids, lqp.TextValue(text))
		}
		v, err := lqp.ParseText(m.l.schema.Columns[m.label].Type, text)
		if err != nil || v.IsNull() {
			return // the label of no row
		}
		key := string(v.AppendKey(nil))
		if want[key] == nil {
			values = append(values, v)
		}
		want[key] = append(want[key], text)
	}
	for _, row := range rows {
		whole, parts := m.named(row[m.own])
		add(whole)
		for _, part := range parts {
			add(part)
		}
	}
	if len(m.rows) > maxLabels {
		return &LimitError{Name: "different labels of linked rows", Max: maxLabels}
	}
	selects := []lqp.Named{m.l.selects[idSlot], m.l.selects[m.label]}
	err := m.u.scanColumnsIn(m.l, selects, m.label, values, func(row []lqp.Value) error {
		for _, text := range want[string(row[1].AppendKey(nil))] {
			m.rows[text] = labelled{row: row[0].Text(), several: m.rows[text].row != ""}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.u.scanColumnsIn(m.l, selects[:1], idSlot, ids, func(row []lqp.Value) error {
		m.rows[row[0].Text()] = labelled{row: row[0].Text()}
		return nil
	})
}

// toLink is a cell as links.
func (m *labelMatcher) toLink(v lqp.Value) conversion {
	whole, parts := m.named(v)
	if f := m.rows[whole]; f.row != "" && !f.several {
		return conversion{value: linkValue([]string{f.row})}
	}
	r := conversion{}
	wrong := func(code, format string, args ...any) {
		if !r.lost {
			r.lost, r.code, r.message = true, code, fmt.Sprintf(format, args...)
		}
	}
	var ids []string
	for _, text := range parts {
		f := m.rows[text]
		switch {
		case text == "":
			continue
		case f.several:
			wrong(CodeLink, "several rows of the linked table are called %s", strconv.Quote(cleanText(text, maxLook)))
			continue
		case f.row == "" && m.create:
			f.row = NewID(prefixRow)
			m.rows[text] = f
			m.created = append(m.created, text)
		case f.row == "":
			wrong(CodeLink, "no row of the linked table is called %s", strconv.Quote(cleanText(text, maxLook)))
			continue
		}
		ids = append(ids, f.row)
	}
	links, code, message := m.c.conformLinks(linkValue(ids))
	if code != "" {
		wrong(code, "%s", message)
		links = linkValue(ids[:min(len(ids), 1)])
	}
	if r.value = links; links.IsNull() && !r.lost {
		wrong(CodeType, "nothing is left of %s", strconv.Quote(cleanText(whole, maxLook)))
	}
	return r
}

// lookRows finds the labels of the rows that the cells of some rows name.
func (m *labelMatcher) lookRows(rows [][]lqp.Value) error {
	var ids []lqp.Value
	clear(m.ids) // of one portion at a time
	for _, row := range rows {
		for _, item := range row[m.own].Items() {
			if _, ok := m.ids[item.Text()]; !ok {
				m.ids[item.Text()] = ""
				ids = append(ids, item)
			}
		}
	}
	return m.u.scanColumnsIn(m.l, []lqp.Named{m.l.selects[idSlot], m.l.selects[m.label]}, idSlot, ids, func(row []lqp.Value) error {
		m.ids[row[0].Text()] = string(row[1].AppendText(nil))
		return nil
	})
}

// toText is a cell of links as what the rows are called: one as it is, several as a JSON list.
func (m *labelMatcher) toText(v lqp.Value) conversion {
	var labels []lqp.Value
	r := conversion{}
	for _, item := range v.Items() {
		label := m.ids[item.Text()]
		if label == "" {
			r.lost, r.code, r.message = true, CodeLink, fmt.Sprintf("row %s is called nothing", item.Text())
			continue
		}
		labels = append(labels, lqp.TextValue(label))
	}
	switch len(labels) {
	case 0:
		return r
	case 1:
		r.value = labels[0]
	default:
		r.value = lqp.TextValue(string(lqp.ListValue(labels).AppendJSON(nil)))
	}
	w, code, message := m.c.conform(r.value)
	if code != "" {
		return conversion{lost: true, code: code, message: message}
	}
	r.value = w
	return r
}

// createRows makes the rows whose labels were found missing.
func (m *labelMatcher) createRows(g Guard) error {
	guard, err := m.l.guard(g)
	if err != nil {
		return err
	}
	p := &rowPlan{t: m.target, l: m.l, m: &lqp.Mutation{Op: lqp.Insert, Table: m.target.ID}, guard: guard, links: g.Links}
	if p.checks, err = m.target.rowChecks(m.u.db); err != nil {
		return err
	}
	if len(m.created) == 0 {
		return nil
	}
	if err := m.u.findWriter(m.target); err != nil {
		return err
	}
	column, _ := m.target.Column(m.l.ids[m.label])
	for chunk := range slices.Chunk(m.created, rewriteChunk) {
		list := make([]rowWrite, 0, len(chunk))
		for i, text := range chunk {
			v, err := lqp.ParseText(m.l.schema.Columns[m.label].Type, text)
			code := CodeType // unless the column has something else to say
			var message string
			if err != nil {
				message = err.Error()
			} else {
				v, code, message = column.conform(v)
			}
			if code != "" {
				return invalid("create_rows", code, "no row can be made that is called %s: %s", strconv.Quote(cleanText(text, maxLook)), message)
			}
			list = append(list, m.u.insertion(p, &rowChange{index: i, id: m.rows[text].row, set: []cell{{m.label, v}}}))
		}
		if err := m.u.settle(p, list); err != nil {
			return fmt.Errorf("make rows of the linked table: %w", err)
		}
		if err := m.u.flush(); err != nil {
			return err
		}
	}
	return nil
}
