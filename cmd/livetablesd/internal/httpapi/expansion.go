package httpapi

import (
	"slices"
	"strconv"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// expansion is what a request wants to be told beside a page of rows: of the rows that they link to and of their files.
type expansion struct {
	links *linkLabels
	files *fileLabels
}

// expansion is nil unless the request asks for something with expand=links,attachments.
func (c *call) expansion() (*expansion, error) {
	wanted, err := c.params.list("expand")
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	e := &expansion{}
	for _, what := range wanted {
		switch what {
		case "links":
			e.links = &linkLabels{rows: map[string][]string{}, seen: map[string]bool{}, complete: true}
		case "attachments":
			e.files = &fileLabels{complete: true}
		default:
			return nil, badParam("expand", lqp.CodeArgument, "links or attachments was expected")
		}
	}
	return e, nil
}

// of finds the columns that are expanded among those of a list of a table's rows.
func (e *expansion) of(t *minidb.Table, columns []lqp.Column) *expansion {
	if e != nil {
		e.links.of(t, columns)
		e.files.of(t, columns)
	}
	return e
}

// see notes the current row.
func (e *expansion) see(row interface{ Value(i int) lqp.Value }) {
	if e.links != nil {
		e.links.see(row)
	}
	if e.files != nil {
		e.files.see(row)
	}
}

// append appends what there is to tell, as members of a JSON object that has some already.
func (e *expansion) append(dst []byte, c *call) (_ []byte, err error) {
	if e.links != nil {
		if dst, err = e.links.append(dst, c); err != nil {
			return dst, err
		}
	}
	if e.files != nil {
		dst, err = e.files.append(dst, c)
	}
	return dst, err
}

// fileLabels gathers the rows of a page that have files, and describes these beside the page.
type fileLabels struct {
	table    string
	id       int   // slot of the row's id, below 0 for none
	cells    []int // slots of columns of attachments
	rows     []string
	complete bool // every file that is in sight is described
}

// of finds the columns of attachments among those of a list of a table's rows.
func (l *fileLabels) of(t *minidb.Table, columns []lqp.Column) {
	if l == nil {
		return
	}
	l.table, l.id = t.ID, slices.IndexFunc(columns, func(o lqp.Column) bool { return o.Name == minidb.ColumnID })
	for i := range t.Columns {
		if t.Columns[i].Type != minidb.AttachmentColumn {
			continue
		}
		if slot := slices.IndexFunc(columns, func(o lqp.Column) bool { return o.Name == t.Columns[i].Name }); slot >= 0 {
			l.cells = append(l.cells, slot)
		}
	}
}

// see notes the current row if it has files.
func (l *fileLabels) see(row interface{ Value(i int) lqp.Value }) {
	if l.id < 0 || !slices.ContainsFunc(l.cells, func(slot int) bool { return !row.Value(slot).IsNull() }) {
		return
	}
	if len(l.rows) == livetables.LabelBatch {
		l.complete = false
		return
	}
	l.rows = append(l.rows, row.Value(l.id).Text())
}

// append appends `,"attachments":{id: {…}}`: the files that the rows have now, for whom they are in sight.
func (l *fileLabels) append(dst []byte, c *call) ([]byte, error) {
	var files map[string]minidb.Attachment
	if len(l.rows) > 0 {
		var complete bool
		var err error
		if files, complete, err = c.access.Attachments(c.ctx(), l.table, l.rows); err != nil {
			return dst, err
		}
		l.complete = l.complete && complete
	}
	ids := make([]string, 0, len(files))
	for id := range files {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	dst = append(dst, `,"attachments":{`...)
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		a := files[id]
		dst = append(lqp.AppendJSONString(dst, id), `:{"id":`...)
		dst = append(lqp.AppendJSONString(dst, id), `,"name":`...)
		dst = append(lqp.AppendJSONString(dst, a.Name), `,"type":`...)
		dst = append(lqp.AppendJSONString(dst, a.Type), `,"size":`...)
		dst = append(strconv.AppendInt(dst, a.Size, 10), '}')
	}
	dst = append(dst, `},"attachments_complete":`...)
	return strconv.AppendBool(dst, l.complete), nil
}
