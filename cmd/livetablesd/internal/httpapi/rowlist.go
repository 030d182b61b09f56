package httpapi

import (
	"errors"
	"net/http"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func rowRoutes() []route {
	write := []string{"dry_run", "keys"}
	return []route{
		{method: "GET", path: api + "/tables/{table}/rows", handler: listRows, params: append(slices.Clone(listParams), "keys", "as_of", "expand"), filters: true},
		{method: "POST", path: api + "/tables/{table}/rows", handler: insertRow, params: write, body: bodyJSON},
		{method: "POST", path: api + "/tables/{table}/rows/bulk", handler: bulkRows, params: write, body: bodyBulk, allow: mayWriteRows},
		{method: "POST", path: api + "/tables/{table}/rows/move", handler: moveRows, params: []string{"dry_run"}, body: bodyJSON, allow: mayWriteRows},
		{method: "GET", path: api + "/tables/{table}/rows/{row}", handler: getRow, params: []string{"keys", "as_of", "expand"}},
		{method: "PATCH", path: api + "/tables/{table}/rows/{row}", handler: updateRow, params: write, body: bodyJSON},
		{method: "DELETE", path: api + "/tables/{table}/rows/{row}", handler: deleteRow, params: []string{"dry_run", "version", "overwrite", "reason"}},
	}
}

// byID reports whether fields stand under the ids of their columns (keys=id) and not under their names.
func (c *call) byID() (bool, error) {
	switch c.params.text("keys") {
	case "", "name":
		return false, nil
	case "id":
		return true, nil
	}
	return false, badParam("keys", lqp.CodeArgument, "name or id was expected")
}

// keyed is the shape of rows of a table: fields under the names of their columns, or with keys=id under their ids.
func (c *call) keyed(t *minidb.Table) (shapeOptions, error) {
	byID, err := c.byID()
	if err != nil || !byID {
		return shapeOptions{}, err
	}
	return keyedByID(t), nil
}

func keyedByID(t *minidb.Table) shapeOptions {
	ids := make(map[string]string, len(t.Columns))
	for i := range t.Columns {
		ids[t.Columns[i].Name] = t.Columns[i].ID
	}
	return shapeOptions{key: func(col lqp.Column) string {
		if id, ok := ids[col.Name]; ok {
			return id
		}
		return col.Name
	}}
}

// showing is how a request wants rows of a table to be shown.
type showing struct {
	table  *minidb.Table
	keyed  shapeOptions
	labels *expansion
}

func (c *call) showing(t *minidb.Table) (s showing, err error) {
	s.table = t
	if s.keyed, err = c.keyed(t); err == nil {
		s.labels, err = c.expansion()
	}
	return s, err
}

func (s *showing) shape(columns []lqp.Column) *shape {
	look := shapeOf(columns, s.keyed)
	look.labels = s.labels.of(s.table, columns)
	return look
}

// tableQuery is the query of a list of a table's rows.
func tableQuery(t *minidb.Table, s *selection) *lqp.Query {
	q := &lqp.Query{From: lqp.Source{Table: t.ID, Alias: "t"}, Where: s.where, OrderBy: s.orderBy, Page: s.page, Count: s.count}
	if len(s.columns) > 0 {
		q.Select = append(q.Select, lqp.Named{Expr: lqp.Ref("t", minidb.ColumnID)}, lqp.Named{Expr: lqp.Ref("t", minidb.ColumnVersion)})
		for _, col := range s.columns {
			if col.ID != minidb.ColumnID && col.ID != minidb.ColumnVersion {
				q.Select = append(q.Select, lqp.Named{Expr: lqp.Ref("t", col.ID)})
			}
		}
	}
	return q
}

func listRows(c *call) error {
	var as showing
	rows, err := c.tableRows(func(t *minidb.Table) (_ *lqp.Query, err error) {
		if as, err = c.showing(t); err != nil {
			return nil, err
		}
		s, err := c.selection(t.Schema().Columns)
		if err != nil {
			return nil, err
		}
		return tableQuery(t, s), nil
	})
	if err != nil {
		return placedFilter(err)
	}
	return c.streamRows(rows, as.shape(rows.Columns), rowsHead)
}

// placedFilter puts the problems of a query that came in the query string where its formula stands: short filters, sorts
// and fields were checked before.
func placedFilter(err error) error {
	var problems lqp.Problems
	if !errors.As(err, &problems) {
		return err
	}
	p := invalidProblem("the query string cannot be used", problemFields(problems, "$")...)
	for i := range p.Errors {
		p.Errors[i].Path = "?filter"
	}
	return p
}

func getRow(c *call) error {
	if _, past := c.params.find("as_of"); past {
		return getPastRow(c)
	}
	byID, err := c.byID()
	labels, wrong := c.expansion()
	if err == nil {
		err = wrong
	}
	if err != nil { // a table that is not there has no wrong parameters
		if _, gone := c.access.Table(c.ctx(), c.id("table")); gone != nil {
			return gone
		}
		return err
	}
	row, err := c.access.Row(c.ctx(), c.id("table"), c.id("row"))
	if err != nil {
		return err
	}
	defer row.Close()
	var keyed shapeOptions
	if byID || labels != nil {
		t, err := row.Table(c.ctx())
		if err != nil {
			return err
		}
		if byID {
			keyed = keyedByID(t)
		}
		labels.of(t, row.Columns)
	}
	s := shapeOf(row.Columns, keyed)
	body := appendRow(make([]byte, 0, usualRow), s, row)
	if s.version >= 0 {
		version, _ := row.Value(s.version).Decimal().Int64()
		c.w.Header().Set("ETag", etag(version))
	}
	if labels != nil {
		labels.see(row)
	}
	if err := row.Close(); err != nil { // what follows asks the store: nobody waits for a connection who holds one
		return err
	}
	if body, err = c.appendLabels(body, labels); err != nil {
		return err
	}
	if body, err = appendLock(body, row.Lock); err != nil {
		return err
	}
	return c.raw(http.StatusOK, append(body, '\n'))
}

// usualRow is how many bytes a row has at most as a rule.
const usualRow = 1 << 10

// appendLabels puts what the caller wants to be told of linked rows and files at the end of a row's document.
func (c *call) appendLabels(row []byte, labels *expansion) ([]byte, error) {
	if labels == nil {
		return row, nil
	}
	row, err := labels.append(row[:len(row)-1], c)
	return append(row, '}'), err
}

// getPastRow answers with a row as it was. Neither a version to name in a write nor a lock is of the past.
func getPastRow(c *call) error {
	var as showing
	rows, err := c.tableRows(func(t *minidb.Table) (_ *lqp.Query, err error) {
		if as, err = c.showing(t); err != nil {
			return nil, err
		}
		return &lqp.Query{
			From:  lqp.Source{Table: t.ID, Alias: "t"},
			Where: lqp.NewCall("eq", lqp.Ref("t", minidb.ColumnID), lqp.Literal(lqp.TextValue(c.id("row")))),
			Page:  lqp.Page{Limit: 1},
		}, nil
	})
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return minidb.ErrNotFound
	}
	look := as.shape(rows.Columns)
	body := appendRow(nil, look, rows)
	if look.labels != nil {
		look.labels.see(rows)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if body, err = c.appendLabels(body, look.labels); err != nil {
		return err
	}
	return c.raw(http.StatusOK, append(body, '\n'))
}
