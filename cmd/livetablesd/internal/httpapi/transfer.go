package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func transferRoutes() []route {
	return []route{
		{method: "POST", path: api + "/tables/{table}/import", handler: importRows, params: []string{"separator"}, body: bodyFile, allow: mayWriteRows},
		{method: "POST", path: api + "/bases/{base}/import", handler: importTable, params: []string{"name", "separator"}, body: bodyFile, allow: mayMakeTable},
		{method: "GET", path: api + "/tables/{table}/export.csv", handler: exportTable, params: []string{"filter", "syntax", "sort", "fields"}, filters: true},
		{method: "POST", path: api + "/workspaces/{workspace}/query/export.csv", handler: exportQuery, body: bodyJSON},
	}
}

// mayMakeTable asks whether the caller may make a table in the base of the path.
func mayMakeTable(c *call) error {
	b, err := c.access.Base(c.ctx(), c.id("base"))
	if err != nil {
		return err
	}
	return c.mayOn(b.Workspace, rbac.AlterTables, b.ID)
}

// separator is the one character between the cells of a file, 0 to find out.
func (c *call) separator() (rune, error) {
	text, ok := c.params.find("separator")
	switch r, n := utf8.DecodeRuneInString(text); {
	case !ok:
		return 0, nil
	case text == "tab":
		return '\t', nil
	case n == len(text) && strings.ContainsRune(",;|\t", r):
		return r, nil
	}
	return 0, badParam("separator", lqp.CodeArgument, "a comma, semicolon, bar or tab was expected")
}

// importRows adds the rows of a file to a table, all or none.
func importRows(c *call) error {
	comma, err := c.separator()
	if err != nil {
		return err
	}
	report, err := c.access.ImportCSV(c.ctx(), livetables.ImportSpec{Table: c.id("table"), Comma: comma}, c.upload.file)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, report)
}

// importTable makes a new table of a file.
func importTable(c *call) error {
	comma, err := c.separator()
	if err != nil {
		return err
	}
	name, err := c.params.required("name")
	if err != nil {
		return err
	}
	report, err := c.access.ImportCSV(c.ctx(), livetables.ImportSpec{Base: c.id("base"), Name: name, Comma: comma}, c.upload.file)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/tables/"+report.Table)
	return c.json(http.StatusCreated, report)
}

// exportTable sends the rows of a table with its own columns, in the form that importRows reads.
func exportTable(c *call) error {
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	s, err := c.selection(t.Schema().Columns)
	if err != nil {
		return err
	}
	q := &lqp.Query{From: lqp.Source{Table: t.ID, Alias: "t"}, Where: s.where, OrderBy: s.orderBy}
	columns := s.columns
	if len(columns) == 0 {
		for i := range t.Columns {
			columns = append(columns, lqp.Column{ID: t.Columns[i].ID})
		}
	}
	for _, col := range columns {
		q.Select = append(q.Select, lqp.Named{Expr: lqp.Ref("t", col.ID)})
	}
	if len(q.Select) == 0 { // a table without columns has its row ids to show
		q.Select = []lqp.Named{{Expr: lqp.Ref("t", minidb.ColumnID)}}
	}
	if err := c.tally.acquire(c.ctx(), c.s.opt.Concurrency.Wait, c.exportShares()...); err != nil {
		return err
	}
	rows, err := c.access.Export(c.ctx(), t.Workspace, q)
	if err != nil {
		return placedFilter(err)
	}
	return c.streamCSV(rows)
}

// exportQuery sends every row of a query.
func exportQuery(c *call) error {
	q, err := c.query("")
	if err != nil {
		return err
	}
	if _, err := c.access.Can(c.ctx(), c.id("workspace"), rbac.ReadData, ""); err != nil { // whose export it is, before it takes a place
		return err
	}
	if err := c.tally.acquire(c.ctx(), c.s.opt.Concurrency.Wait, c.exportShares()...); err != nil {
		return err
	}
	rows, err := c.access.Export(c.ctx(), c.id("workspace"), q)
	if err != nil {
		return err
	}
	return c.streamCSV(rows)
}

// streamCSV answers with rows as a file and closes them. As with every list, an error after the first bytes breaks the
// connection.
func (c *call) streamCSV(rows *livetables.Rows) error {
	defer rows.Close()
	if _, err := livetables.ExportCSV(csvResponse{c.w}, rows); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// csvResponse sets the headers of a file with its first bytes.
type csvResponse struct{ w *response }

var _ io.Writer = csvResponse{}

func (r csvResponse) Write(b []byte) (int, error) {
	if r.w.status == 0 {
		r.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		r.w.Header().Set("Content-Disposition", `attachment; filename="export.csv"`)
	}
	r.w.extend()
	n, err := r.w.Write(b)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	return n, nil
}
