package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// importParams are the parameters that say how a file is read and where its columns go.
var importParams = []string{"format", "separator", "encoding", "sheet", "columns", "key", "batch"}

func transferRoutes() []route {
	tables := api + "/tables/{table}"
	list := []route{
		{method: "POST", path: tables + "/import", handler: importRows, params: append([]string{"async"}, importParams...), body: bodyFile, allow: mayWriteRows},
		{method: "POST", path: tables + "/import/preview", handler: previewRows, params: importParams, body: bodyFile, allow: mayWriteRows},
		{method: "POST", path: api + "/bases/{base}/import", handler: importTable, params: append([]string{"name", "async"}, importParams...), body: bodyFile, allow: mayMakeTable},
		{method: "POST", path: api + "/bases/{base}/import/preview", handler: previewTable, params: importParams, body: bodyFile, allow: mayMakeTable},
	}
	for _, f := range fileFormats {
		list = append(list,
			route{method: "GET", path: tables + "/export." + string(f.format), handler: func(c *call) error { return exportTable(c, f) }, params: []string{"filter", "syntax", "sort", "fields", "links"}, filters: true},
			route{method: "POST", path: api + "/workspaces/{workspace}/query/export." + string(f.format), handler: func(c *call) error { return exportQuery(c, f) }, body: bodyJSON})
	}
	return list
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

// importSpec is how the file of the request is to be read.
func (c *call) importSpec() (spec livetables.ImportSpec, err error) {
	spec.Table, spec.Base = c.id("table"), c.id("base")
	spec.Format, spec.Encoding, spec.Sheet = c.upload.format, livetables.Encoding(strings.ToLower(c.params.text("encoding"))), c.params.text("sheet")
	if text, ok := c.params.find("format"); ok {
		given := livetables.Format(text)
		if !given.Valid() || given == "" {
			return spec, badParam("format", lqp.CodeArgument, "csv, ndjson, json or xlsx was expected")
		}
		if spec.Format != "" && spec.Format != given {
			return spec, badParam("format", lqp.CodeArgument, "the Content-Type names another format")
		}
		spec.Format = given
	}
	if !spec.Encoding.Valid() {
		return spec, badParam("encoding", lqp.CodeArgument, "utf-8, utf-16le, utf-16be or windows-1252 was expected")
	}
	if spec.Comma, err = c.separator(); err != nil {
		return spec, err
	}
	if text, ok := c.params.find("columns"); ok {
		if err := lqp.DecodeStrict([]byte(text), &spec.Columns, lqp.StrictLimits{MaxBytes: maxQuery}); err != nil {
			return spec, badParam("columns", lqp.CodeSyntax, `an object such as {"Title in the file":"Column"} was expected`)
		}
	}
	if spec.Key, err = c.params.list("key"); err != nil {
		return spec, err
	}
	if len(spec.Key) > 0 && spec.Table == "" {
		return spec, badParam("key", lqp.CodeArgument, "a new table has no rows to be matched")
	}
	spec.Batch, err = c.params.integer("batch", 0, 0, asyncBatch)
	return spec, err
}

// importRows adds the rows of a file to a table, or changes those that match.
func importRows(c *call) error {
	spec, err := c.importSpec()
	if err != nil {
		return err
	}
	if later, err := c.params.boolean("async"); err != nil {
		return err
	} else if later {
		return c.startImport(spec)
	}
	report, err := c.access.Import(c.ctx(), spec, c.upload.file)
	if err != nil {
		return storedBefore(err, report)
	}
	return c.json(http.StatusOK, report)
}

// storedBefore tells of the batches that were stored before an import failed.
func storedBefore(err error, report *livetables.ImportReport) error {
	if report == nil || report.Rows == 0 {
		return err
	}
	p := problemFor(err)
	if p.Status >= http.StatusInternalServerError {
		return err
	}
	p.Detail = fmt.Sprintf("the first %d rows were stored, in batches; after them: %s", report.Rows, p.Detail)
	return p
}

// previewRows tells what importing a file into a table would find.
func previewRows(c *call) error { return c.preview() }

// previewTable tells of what columns a new table of a file would have.
func previewTable(c *call) error { return c.preview() }

func (c *call) preview() error {
	spec, err := c.importSpec()
	if err != nil {
		return err
	}
	preview, err := c.access.PreviewImport(c.ctx(), spec, c.upload.file)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, preview)
}

// importTable makes a new table of a file.
func importTable(c *call) error {
	spec, err := c.importSpec()
	if err != nil {
		return err
	}
	if spec.Name, err = c.params.required("name"); err != nil {
		return err
	}
	if later, err := c.params.boolean("async"); err != nil {
		return err
	} else if later {
		return c.startImport(spec)
	}
	report, err := c.access.Import(c.ctx(), spec, c.upload.file)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/tables/"+report.Table)
	return c.json(http.StatusCreated, report)
}

// exportTable sends the rows of a table with its own columns, in the form that importRows reads.
func exportTable(c *call, as fileFormat) error {
	workspace, q, err := c.tableQuery()
	if err != nil {
		return err
	}
	if err := c.tally.acquire(c.ctx(), c.s.opt.Concurrency.Wait, c.exportShares()...); err != nil {
		return err
	}
	export := c.access.Export
	switch c.params.text("links") {
	case "", "ids":
	case "labels":
		export = c.access.ExportLabelled
	default:
		return badParam("links", lqp.CodeArgument, "ids or labels was expected")
	}
	rows, err := export(c.ctx(), workspace, q)
	if err != nil {
		return placedFilter(err)
	}
	return c.streamFile(rows, as)
}

// tableQuery asks for the rows of a table with its own columns, as the parameters of the request want them.
func (c *call) tableQuery() (workspace string, q *lqp.Query, err error) {
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return "", nil, err
	}
	s, err := c.selection(t.Schema().Columns)
	if err != nil {
		return "", nil, err
	}
	q = &lqp.Query{From: lqp.Source{Table: t.ID, Alias: "t"}, Where: s.where, OrderBy: s.orderBy}
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
	return t.Workspace, q, nil
}

// exportQuery sends every row of a query.
func exportQuery(c *call, as fileFormat) error {
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
	return c.streamFile(rows, as)
}
