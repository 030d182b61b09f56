package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// rowRequest is one row to write.
type rowRequest struct {
	ID      string                     `json:"id"`
	Version int64                      `json:"version"`
	Fields  map[string]json.RawMessage `json:"fields"`
}

// writable is the table of the path, for a caller who may write rows there.
func (c *call) writable() (*minidb.Table, error) {
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return nil, err
	}
	return t, c.mayOn(t.Workspace, rbac.WriteRows, t.ID)
}

// mayWriteRows asks whether the caller may write rows of the table of the path.
func mayWriteRows(c *call) error {
	_, err := c.writable()
	return err
}

// apply carries out one mutation of a table and answers with its result.
func (c *call) apply(t *minidb.Table, m *lqp.Mutation) (*livetables.Result, error) {
	results, err := c.access.Apply(c.ctx(), t.Workspace, m)
	if err != nil {
		return nil, rowFaults(err, t, len(m.Rows) == 1 && m.Where == nil)
	}
	return &results[0], nil
}

// rowFaults gives the problems of written values the places that the values have in the request: "$.fields.Price" of a
// single row, "$.rows[3].fields.Price" of several.
func rowFaults(err error, t *minidb.Table, single bool) error {
	var (
		values   *minidb.ValidationError
		problems lqp.Problems
		row      *minidb.RowError
	)
	place := func(i int, column string) string {
		path := "$"
		if !single {
			path = fmt.Sprintf("$.rows[%d]", i)
		}
		if column == "" { // one that the writer cannot see
			return path
		}
		if column == minidb.ColumnID {
			return path + ".id"
		}
		if col, ok := t.Column(column); ok {
			column = col.Name
		}
		return path + ".fields." + column
	}
	switch {
	case errors.As(err, &values):
		p := invalidProblem("the values cannot be stored; errors says which and why")
		for _, f := range values.Fields {
			p.Errors = append(p.Errors, FieldError{Path: place(f.Row, f.Column), Code: f.Code, Message: f.Message})
		}
		return p
	case errors.As(err, &problems):
		p := invalidProblem("the rows cannot be written; errors says what and where")
		for _, one := range problemFields(problems, "$") {
			if len(one.Path) >= 4 && one.Path[:4] == "$[0]" { // of the one mutation
				one.Path = "$" + one.Path[4:]
			}
			p.Errors = append(p.Errors, one)
		}
		return p
	case errors.As(err, &row) && errors.Is(err, minidb.ErrVersionRequired):
		return invalidProblem("the version that you have seen is needed", FieldError{Path: "$.version", Code: "version_required", Message: row.Error()})
	}
	return err
}

// rowNow answers with the row of a single write.
func (c *call) rowNow(status int, t *minidb.Table, r *livetables.Result) error {
	keyed, err := c.keyed(t)
	if err != nil {
		return err
	}
	row := r.Rows[0]
	c.w.Header().Set("ETag", etag(row.Version))
	if c.minimal() {
		c.w.Header().Set("Preference-Applied", "return=minimal")
		return c.noContent()
	}
	body := appendRow(nil, shapeOf(r.Columns, keyed), valuesOf(row.After))
	return c.raw(status, append(body, '\n'))
}

func insertRow(c *call) error {
	t, err := c.writable()
	if err != nil {
		return err
	}
	in, err := decode[struct {
		ID     string                     `json:"id"`
		Fields map[string]json.RawMessage `json:"fields"`
		Reason string                     `json:"reason"`
	}](c)
	if err != nil {
		return err
	}
	dry, err := c.params.boolean("dry_run")
	if err != nil {
		return err
	}
	set, err := livetables.ParseFields(t.Schema(), "$.fields", in.Fields)
	if err != nil {
		return err
	}
	change := lqp.RowChange{Set: set}
	if in.ID != "" {
		change.ID = []lqp.Value{lqp.TextValue(in.ID)}
	}
	r, err := c.apply(t, &lqp.Mutation{Op: lqp.Insert, Table: t.ID, Rows: []lqp.RowChange{change}, Reason: in.Reason, DryRun: dry})
	if err != nil {
		return err
	}
	if dry {
		return c.rowNow(http.StatusOK, t, r)
	}
	c.w.Header().Set("Location", api+"/tables/"+t.ID+"/rows/"+r.Rows[0].ID)
	return c.rowNow(http.StatusCreated, t, r)
}

func updateRow(c *call) error {
	t, err := c.writable()
	if err != nil {
		return err
	}
	in, err := decode[struct {
		Fields  map[string]json.RawMessage `json:"fields"`
		Version int64                      `json:"version"`
		Reason  string                     `json:"reason"`
	}](c)
	if err != nil {
		return err
	}
	dry, err := c.params.boolean("dry_run")
	if err != nil {
		return err
	}
	version, err := c.seen(in.Version)
	if err != nil {
		return err
	}
	set, err := livetables.ParseFields(t.Schema(), "$.fields", in.Fields)
	if err != nil {
		return err
	}
	r, err := c.apply(t, &lqp.Mutation{Op: lqp.Update, Table: t.ID, Reason: in.Reason, DryRun: dry,
		Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(c.id("row"))}, Version: version, Set: set}}})
	if err != nil {
		return err
	}
	return c.rowNow(http.StatusOK, t, r)
}

func deleteRow(c *call) error {
	t, err := c.writable()
	if err != nil {
		return err
	}
	dry, err := c.params.boolean("dry_run")
	if err != nil {
		return err
	}
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	_, err = c.apply(t, &lqp.Mutation{Op: lqp.Delete, Table: t.ID, Reason: c.params.text("reason"), DryRun: dry,
		Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(c.id("row"))}, Version: version}}})
	if err != nil {
		return err
	}
	return c.noContent()
}
