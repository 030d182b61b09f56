package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func columnRoutes() []route {
	return []route{
		{method: "GET", path: api + "/tables/{table}/columns", handler: listColumns},
		{method: "POST", path: api + "/tables/{table}/columns", handler: addColumn, body: bodyJSON},
		{method: "PUT", path: api + "/tables/{table}/columns/order", handler: orderColumns, body: bodyJSON},
		{method: "PATCH", path: api + "/tables/{table}/columns/{column}", handler: updateColumn, body: bodyJSON},
		{method: "DELETE", path: api + "/tables/{table}/columns/{column}", handler: deleteColumn, params: []string{"version", "force"}},
		{method: "POST", path: api + "/tables/{table}/columns/{column}/archive", handler: archiveColumn, body: bodyOptional},
		{method: "POST", path: api + "/tables/{table}/columns/{column}/duplicate", handler: duplicateColumn, body: bodyOptional},
	}
}

// columnRequest describes a new column.
type columnRequest struct {
	Name        string               `json:"name"`
	Type        minidb.ColumnType    `json:"type"`
	Options     minidb.ColumnOptions `json:"options"`
	Required    bool                 `json:"required"`
	Unique      bool                 `json:"unique"`
	Default     json.RawMessage      `json:"default"`
	Description string               `json:"description"`
	Inverse     *inverseRequest      `json:"inverse"`
}

// inverseRequest describes the column that shows a link from the other side.
type inverseRequest struct {
	Name   string `json:"name"`
	Single bool   `json:"single"`
}

func (in *inverseRequest) spec() *minidb.InverseSpec {
	if in == nil {
		return nil
	}
	return &minidb.InverseSpec{Name: in.Name, Single: in.Single}
}

func (in *columnRequest) spec(path string) (minidb.ColumnSpec, *FieldError) {
	spec := minidb.ColumnSpec{Name: in.Name, Type: in.Type, Options: in.Options, Required: in.Required, Unique: in.Unique, Description: in.Description,
		Inverse: in.Inverse.spec()}
	v, fault := defaultValue(in.Type, in.Options, in.Default, path)
	spec.Default = v
	return spec, fault
}

// defaultValue reads the default of a column, NULL when there is none. What the column makes of it, the mini-DB checks.
func defaultValue(kind minidb.ColumnType, o minidb.ColumnOptions, raw json.RawMessage, path string) (lqp.Value, *FieldError) {
	if len(raw) == 0 {
		return lqp.NullValue, nil
	}
	v, err := lqp.ParseValue(valueType(kind, o), raw)
	if err != nil {
		return lqp.NullValue, &FieldError{Path: path + ".default", Code: lqp.CodeTypeMismatch, Message: err.Error()}
	}
	return v, nil
}

// valueType is the type of a column's values as far as reading them goes.
func valueType(kind minidb.ColumnType, o minidb.ColumnOptions) lqp.Type {
	c := minidb.Column{Type: kind, Options: o}
	if t := c.ValueType(); t.Kind != lqp.Null {
		return t
	}
	return lqp.Type{Kind: lqp.Text} // there is no such type: the mini-DB says so
}

func listColumns(c *call) error {
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	return c.list(orEmpty(t.Columns))
}

// addColumn adds a column. The version is the table's: a change of a column is one of its table.
func addColumn(c *call) error {
	in, err := decodeStated[struct {
		stated
		columnRequest
		Position *int `json:"position"`
	}](c)
	if err != nil {
		return err
	}
	spec, fault := in.spec("$")
	if fault != nil {
		return invalidProblem("the column cannot be made", *fault)
	}
	spec.Position = in.Position
	table := c.id("table")
	column, err := c.access.AddColumn(c.ctx(), table, spec, in.Version)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/tables/"+table+"/columns/"+column.ID)
	return c.json(http.StatusCreated, column)
}

// tableOfColumn is the table of the path, provided that it has the column of the path and the caller sees both.
func (c *call) tableOfColumn() (*minidb.Column, error) {
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return nil, err
	}
	column, ok := t.Column(c.id("column"))
	if !ok {
		return nil, minidb.ErrNotFound
	}
	return column, nil
}

func updateColumn(c *call) error {
	in, err := decodeStated[struct {
		stated
		Name        *string               `json:"name"`
		Description *string               `json:"description"`
		Required    *bool                 `json:"required"`
		Unique      *bool                 `json:"unique"`
		Default     json.RawMessage       `json:"default"`
		Type        *minidb.ColumnType    `json:"type"`
		Options     *minidb.ColumnOptions `json:"options"`
		Replace     map[string]string     `json:"replace_choices"`
		Inverse     *inverseRequest       `json:"inverse"`
		OneWay      bool                  `json:"one_way"`
		Position    *int                  `json:"position"`
	}](c)
	if err != nil {
		return err
	}
	column, err := c.tableOfColumn()
	if err != nil {
		return err
	}
	patch := minidb.ColumnPatch{Name: in.Name, Description: in.Description, Required: in.Required, Unique: in.Unique, Type: in.Type, Options: in.Options, Replace: in.Replace,
		Inverse: in.Inverse.spec(), OneWay: in.OneWay, Position: in.Position}
	if len(in.Default) > 0 {
		v, fault := defaultValue(column.Type, column.Options, in.Default, "$")
		if fault != nil {
			return invalidProblem("the column cannot be changed", *fault)
		}
		patch.Default = &v
	}
	column, err = c.access.UpdateColumn(c.ctx(), column.ID, patch, in.Version)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, column)
}

func deleteColumn(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	column, err := c.tableOfColumn()
	if err != nil {
		return err
	}
	force, err := c.params.boolean("force")
	if err != nil {
		return err
	}
	if err := c.access.RemoveColumn(c.ctx(), column.ID, minidb.Removal{Version: version, Force: force}); err != nil {
		return err
	}
	return c.noContent()
}

// archiveColumn puts a column away without an end.
func archiveColumn(c *call) error {
	in, err := decodeStated[struct {
		stated
		Force bool `json:"force"`
	}](c)
	if err != nil {
		return err
	}
	column, err := c.tableOfColumn()
	if err != nil {
		return err
	}
	if err := c.access.RemoveColumn(c.ctx(), column.ID, minidb.Removal{Version: in.Version, Force: in.Force, Archive: true}); err != nil {
		return err
	}
	return c.noContent()
}

// duplicateColumn copies a column within its table, with its cells when asked.
func duplicateColumn(c *call) error {
	in, err := decodeStated[struct {
		stated
		Name     string `json:"name"`
		Cells    bool   `json:"cells"`
		Position *int   `json:"position"`
	}](c)
	if err != nil {
		return err
	}
	column, err := c.tableOfColumn()
	if err != nil {
		return err
	}
	made, err := c.access.DuplicateColumn(c.ctx(), column.ID, minidb.DuplicateColumn{Name: in.Name, Cells: in.Cells, Position: in.Position, Version: in.Version})
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/tables/"+c.id("table")+"/columns/"+made.ID)
	return c.json(http.StatusCreated, made)
}

// orderColumns puts the columns into an order that names each of them once.
func orderColumns(c *call) error {
	in, err := decodeStated[struct {
		stated
		Columns []string `json:"columns"`
	}](c)
	if err != nil {
		return err
	}
	table := c.id("table")
	if _, err := c.access.ReorderColumns(c.ctx(), table, in.Columns, in.Version); err != nil {
		return err
	}
	return c.tableNow(table)
}
