package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/livetables/livetables/minidb"
)

func tableRoutes() []route {
	return []route{
		{method: "GET", path: api + "/bases/{base}/tables", handler: listTables, params: []string{"archived"}},
		{method: "POST", path: api + "/bases/{base}/tables", handler: createTable, body: bodyJSON},
		{method: "GET", path: api + "/tables/{table}", handler: getTable},
		{method: "PATCH", path: api + "/tables/{table}", handler: updateTable, body: bodyJSON},
		{method: "DELETE", path: api + "/tables/{table}", handler: deleteTable, params: []string{"version"}},
		{method: "POST", path: api + "/tables/{table}/duplicate", handler: duplicateTable, body: bodyOptional},
		{method: "PUT", path: api + "/bases/{base}/tables/order", handler: orderTables, body: bodyJSON},
	}
}

func listTables(c *call) error {
	archived, err := c.params.boolean("archived")
	if err != nil {
		return err
	}
	list := c.access.Tables
	if archived {
		list = c.access.AllTables
	}
	found, err := list(c.ctx(), c.id("base"))
	if err != nil {
		return err
	}
	return c.list(orEmpty(found))
}

func createTable(c *call) error {
	in, err := decode[struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Icon        string          `json:"icon"`
		Colour      string          `json:"colour"`
		Settings    json.RawMessage `json:"settings"`
		Columns     []columnRequest `json:"columns"`
		Rules       *tableRules     `json:"rules"` // columns by name
	}](c)
	if err != nil {
		return err
	}
	spec := minidb.TableSpec{Name: in.Name, Description: in.Description, Icon: in.Icon, Colour: in.Colour, Settings: in.Settings}
	if in.Rules != nil {
		rules, err := in.Rules.rules()
		if err != nil {
			return err
		}
		spec.Rules = *rules
	}
	var faults []FieldError
	for i := range in.Columns {
		column, fault := in.Columns[i].spec(fmt.Sprintf("$.columns[%d]", i))
		if fault != nil {
			faults = append(faults, *fault)
		}
		spec.Columns = append(spec.Columns, column)
	}
	if len(faults) > 0 {
		return invalidProblem("the table cannot be made", faults...)
	}
	t, err := c.access.CreateTable(c.ctx(), c.id("base"), spec)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/tables/"+t.ID)
	return c.versioned(http.StatusCreated, t.Version, t)
}

func getTable(c *call) error {
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, t.Version, t)
}

func updateTable(c *call) error {
	in, err := decodeStated[struct {
		stated
		Name        *string         `json:"name"`
		Description *string         `json:"description"`
		Icon        *string         `json:"icon"`
		Colour      *string         `json:"colour"`
		Base        *string         `json:"base_id"` // another one of the workspace
		Settings    json.RawMessage `json:"settings"`
		Rules       *tableRules     `json:"rules"`
	}](c)
	if err != nil {
		return err
	}
	id := c.id("table")
	patch := minidb.TablePatch{Name: in.Name, Description: in.Description, Icon: in.Icon, Colour: in.Colour, Base: in.Base, Settings: in.Settings}
	if in.Rules != nil {
		if patch.Rules, err = in.Rules.rules(); err != nil {
			return err
		}
	}
	if _, err := c.access.UpdateTable(c.ctx(), id, patch, in.Version); err != nil {
		return err
	}
	return c.tableNow(id)
}

// tableNow answers with a table as the caller may see it, which what a change returns need not be.
func (c *call) tableNow(id string) error {
	t, err := c.access.Table(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, t.Version, t)
}

func deleteTable(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	if err := c.access.DeleteTable(c.ctx(), c.id("table"), version); err != nil {
		return err
	}
	return c.noContent()
}

// duplicateTable copies a table within its base, with its rows when asked.
func duplicateTable(c *call) error {
	in, err := decode[struct {
		Name string `json:"name"`
		Rows bool   `json:"rows"`
	}](c)
	if err != nil {
		return err
	}
	t, err := c.access.DuplicateTable(c.ctx(), c.id("table"), in.Name, in.Rows)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/tables/"+t.ID)
	return c.versioned(http.StatusCreated, t.Version, t)
}

// orderTables puts the tables of a base into an order that names each of them once.
func orderTables(c *call) error {
	in, err := decodeStated[struct {
		stated          // the base's
		Tables []string `json:"tables"`
	}](c)
	if err != nil {
		return err
	}
	b, err := c.access.OrderTables(c.ctx(), c.id("base"), in.Tables, in.Version)
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, b.Version, b)
}
