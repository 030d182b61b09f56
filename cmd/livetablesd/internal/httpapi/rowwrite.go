package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// rowRequest is one row to write.
type rowRequest struct {
	ID string `json:"id"`
	rowBasis
	Fields map[string]json.RawMessage `json:"fields"`
}

// rowBasis says what a change of a row is based on: a version that the row must still have, one that it is merged with if need
// be, or nothing, explicitly.
type rowBasis struct {
	Version     int64 `json:"version"`
	BaseVersion int64 `json:"base_version"`
	Overwrite   bool  `json:"overwrite"`
}

// of puts the basis into a change; version is that of Version and of the headers. It answers with what is wrong with it.
func (b rowBasis) of(change *lqp.RowChange, version int64) (path, message string) {
	switch {
	case b.Version < 0:
		return ".version", "a version is 1 or more"
	case b.BaseVersion < 0:
		return ".base_version", "a version is 1 or more"
	case b.BaseVersion != 0 && version != 0:
		return ".base_version", "either a version that the row must have or one to merge with"
	case b.Overwrite && (version != 0 || b.BaseVersion != 0):
		return ".overwrite", "a change that overwrites what is there names no version"
	}
	change.Version, change.Overwrite = version, b.Overwrite
	if b.BaseVersion != 0 {
		change.Version, change.Merge = b.BaseVersion, true
	}
	return "", ""
}

// writable is the table of the path, for a caller who may write rows there.
func (c *call) writable() (*minidb.Table, error) {
	return c.access.WritableTable(c.ctx(), c.id("table"))
}

// mayWriteRows asks whether the caller may write rows of the table of the path.
func mayWriteRows(c *call) error {
	_, err := c.writable()
	return err
}

// apply carries out one mutation of a table and answers with its result. rowAt says where a row stands in the request.
func (c *call) apply(t *minidb.Table, m *lqp.Mutation, rowAt func(row int) string) (*livetables.Result, error) {
	results, err := c.access.Apply(c.ctx(), t.Workspace, m)
	if err != nil {
		return nil, rowFaults(err, t, rowAt)
	}
	return &results[0], nil
}

// change carries out the mutation that plan makes of the table of the path, for a caller who may write rows there.
func (c *call) change(plan func(*minidb.Table) (*lqp.Mutation, error)) (*minidb.Table, *livetables.Result, error) {
	t, r, err := c.access.WriteTable(c.ctx(), c.id("table"), plan)
	if err != nil && t != nil { // else there was nothing to carry out
		err = rowFaults(err, t, theRow)
	}
	return t, r, err
}

// theRow is the place of the only row of a request; rowPath is that of one of several.
func theRow(int) string { return "$" }

func rowPath(i int) string { return "$.rows[" + strconv.Itoa(i) + "]" }

// rowAtProblem leads from the path of a problem of a mutation to its row and what follows; ok is false for other paths.
func rowAtProblem(path string) (row int, rest string, ok bool) {
	at, ok := strings.CutPrefix(path, "$[0].rows[")
	if !ok {
		return 0, "", false
	}
	number, rest, _ := strings.Cut(at, "]")
	row, err := strconv.Atoi(number)
	return row, strings.TrimPrefix(rest, "."), err == nil && rest != ""
}

// rowFaults gives the problems of written values the places that the values have in the request: "$.fields.Price" of a
// single row, "$.rows[3].fields.Price" of several.
func rowFaults(err error, t *minidb.Table, rowAt func(int) string) error {
	var (
		values   *minidb.ValidationError
		problems lqp.Problems
		row      *minidb.RowError
	)
	place := func(i int, column string) string {
		path := rowAt(i)
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
			if row, column, ok := rowAtProblem(one.Path); ok {
				one.Path = rowAt(row) + ".fields." + column
			} else if rest, ok := strings.CutPrefix(one.Path, "$[0]"); ok { // of the one mutation
				one.Path = "$" + rest
			}
			p.Errors = append(p.Errors, one)
		}
		return p
	case errors.As(err, &row) && errors.Is(err, minidb.ErrVersionRequired):
		return invalidProblem("the version that you have seen is needed", FieldError{Path: rowAt(row.Index) + ".version", Code: "version_required", Message: row.Error()})
	}
	return err
}

// rowNow answers with the row of a single write.
func (c *call) rowNow(status int, keyed shapeOptions, r *livetables.Result) error {
	row := r.Rows[0]
	c.w.Header().Set("ETag", etag(row.Version))
	if c.minimal() {
		c.w.Header().Set("Preference-Applied", "return=minimal")
		return c.noContent()
	}
	body := appendRow(make([]byte, 0, usualRow), shapeOf(r.Columns, keyed), valuesOf(row.After))
	if row.Merged {
		body = append(body[:len(body)-1], `,"merged":true}`...)
	}
	return c.raw(status, append(body, '\n'))
}

func insertRow(c *call) error {
	var keyed shapeOptions
	dry := false
	t, r, err := c.change(func(t *minidb.Table) (*lqp.Mutation, error) {
		in, err := decode[struct {
			ID     string                     `json:"id"`
			Fields map[string]json.RawMessage `json:"fields"`
			Reason string                     `json:"reason"`
		}](c)
		if err != nil {
			return nil, err
		}
		if dry, err = c.params.boolean("dry_run"); err != nil {
			return nil, err
		}
		if keyed, err = c.keyed(t); err != nil {
			return nil, err
		}
		set, err := livetables.ParseFields(t.Schema(), "$.fields", in.Fields)
		if err != nil {
			return nil, err
		}
		change := lqp.RowChange{Set: set}
		if in.ID != "" {
			change.ID = []lqp.Value{lqp.TextValue(in.ID)}
		}
		return &lqp.Mutation{Op: lqp.Insert, Table: t.ID, Rows: []lqp.RowChange{change}, Reason: in.Reason, DryRun: dry}, nil
	})
	if err != nil {
		return err
	}
	if dry {
		return c.rowNow(http.StatusOK, keyed, r)
	}
	c.w.Header().Set("Location", api+"/tables/"+t.ID+"/rows/"+r.Rows[0].ID)
	return c.rowNow(http.StatusCreated, keyed, r)
}

func updateRow(c *call) error {
	var keyed shapeOptions
	_, r, err := c.change(func(t *minidb.Table) (*lqp.Mutation, error) {
		in, err := decode[struct {
			Fields map[string]json.RawMessage `json:"fields"`
			rowBasis
			Reason string `json:"reason"`
		}](c)
		if err != nil {
			return nil, err
		}
		dry, err := c.params.boolean("dry_run")
		if err != nil {
			return nil, err
		}
		if keyed, err = c.keyed(t); err != nil {
			return nil, err
		}
		version, err := c.seen(in.Version)
		if err != nil {
			return nil, err
		}
		set, err := livetables.ParseFields(t.Schema(), "$.fields", in.Fields)
		if err != nil {
			return nil, err
		}
		change := lqp.RowChange{ID: []lqp.Value{lqp.TextValue(c.id("row"))}, Set: set}
		if path, message := in.of(&change, version); message != "" {
			return nil, invalidProblem("", FieldError{Path: "$" + path, Code: lqp.CodeConflict, Message: message})
		}
		return &lqp.Mutation{Op: lqp.Update, Table: t.ID, Reason: in.Reason, DryRun: dry, Rows: []lqp.RowChange{change}}, nil
	})
	if err != nil {
		return err
	}
	return c.rowNow(http.StatusOK, keyed, r)
}

func deleteRow(c *call) error {
	_, _, err := c.change(func(t *minidb.Table) (*lqp.Mutation, error) {
		dry, err := c.params.boolean("dry_run")
		if err != nil {
			return nil, err
		}
		version, err := c.deletedVersion()
		if err != nil {
			return nil, err
		}
		overwrite, err := c.params.boolean("overwrite")
		if err != nil {
			return nil, err
		}
		change := lqp.RowChange{ID: []lqp.Value{lqp.TextValue(c.id("row"))}}
		if _, message := (rowBasis{Overwrite: overwrite}).of(&change, version); message != "" {
			return nil, badParam("overwrite", lqp.CodeConflict, message)
		}
		return &lqp.Mutation{Op: lqp.Delete, Table: t.ID, Reason: c.params.text("reason"), DryRun: dry, Rows: []lqp.RowChange{change}}, nil
	})
	if err != nil {
		return err
	}
	return c.noContent()
}
