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

// keyed is the shape of rows of a table: fields under the names of their columns, or with keys=id under their ids.
func (c *call) keyed(t *minidb.Table) (shapeOptions, error) {
	switch c.params.text("keys") {
	case "", "name":
		return shapeOptions{}, nil
	case "id":
		ids := make(map[string]string, len(t.Columns))
		for i := range t.Columns {
			ids[t.Columns[i].Name] = t.Columns[i].ID
		}
		return shapeOptions{key: func(col lqp.Column) string {
			if id, ok := ids[col.Name]; ok {
				return id
			}
			return col.Name
		}}, nil
	}
	return shapeOptions{}, badParam("keys", lqp.CodeArgument, "name or id was expected")
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
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	keyed, err := c.keyed(t)
	if err != nil {
		return err
	}
	s, err := c.selection(t.Schema().Columns)
	if err != nil {
		return err
	}
	labels, err := c.expansion()
	if err != nil {
		return err
	}
	rows, _, err := c.rowsOf(t, tableQuery(t, s))
	if err != nil {
		return placedFilter(err)
	}
	look := shapeOf(rows.Columns, keyed)
	look.labels = labels.of(t, rows.Columns)
	return c.streamRows(rows, look, rowsHead)
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
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	keyed, err := c.keyed(t)
	if err != nil {
		return err
	}
	labels, err := c.expansion()
	if err != nil {
		return err
	}
	rows, past, err := c.rowsOf(t, &lqp.Query{
		From:  lqp.Source{Table: t.ID, Alias: "t"},
		Where: lqp.NewCall("eq", lqp.Ref("t", minidb.ColumnID), lqp.Literal(lqp.TextValue(c.id("row")))),
		Page:  lqp.Page{Limit: 1},
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
	s := shapeOf(rows.Columns, keyed)
	body := appendRow(nil, s, rows)
	if !past && s.version >= 0 {
		version, _ := rows.Value(s.version).Decimal().Int64()
		c.w.Header().Set("ETag", etag(version))
	}
	if labels != nil {
		labels.of(t, rows.Columns).see(rows)
	}
	if err := rows.Close(); err != nil { // what follows asks the store: nobody waits for a connection who holds one
		return err
	}
	if labels != nil {
		if body, err = labels.append(body[:len(body)-1], c); err != nil {
			return err
		}
		body = append(body, '}')
	}
	if !past { // neither a version to name in a write nor a lock is of the past
		if body, err = c.appendLock(body); err != nil {
			return err
		}
	}
	return c.raw(http.StatusOK, append(body, '\n'))
}
