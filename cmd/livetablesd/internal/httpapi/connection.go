package httpapi

import (
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

func connectionRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/connections", handler: listConnections},
		{method: "POST", path: api + "/workspaces/{workspace}/connections", handler: createConnection, body: bodyJSON},
		{method: "GET", path: api + "/connections", handler: listConnectionsOf, params: []string{"workspace_id"}},
		{method: "POST", path: api + "/connections", handler: createConnectionOf, params: []string{"workspace_id"}, body: bodyJSON},
		{method: "GET", path: api + "/connections/{connection}", handler: getConnection},
		{method: "PUT", path: api + "/connections/{connection}", handler: updateConnection, body: bodyJSON},
		{method: "DELETE", path: api + "/connections/{connection}", handler: deleteConnection, params: []string{"version"}},
		{method: "POST", path: api + "/connections/{connection}/test", handler: testConnection, body: bodyOptional},
		{method: "GET", path: api + "/connections/{connection}/health", handler: connectionHealth},
		{method: "GET", path: api + "/connections/{connection}/schema", handler: connectionSchema, params: []string{"refresh"}},
	}
}

func listConnections(c *call) error { return c.connectionsOf(c.id("workspace")) }

func listConnectionsOf(c *call) error {
	workspace, err := c.params.required("workspace_id")
	if err != nil {
		return err
	}
	return c.connectionsOf(workspace)
}

func (c *call) connectionsOf(workspace string) error {
	found, err := c.access.Connections(c.ctx(), workspace)
	if err != nil {
		return err
	}
	return c.list(orEmpty(found))
}

func createConnection(c *call) error { return c.newConnection(c.id("workspace")) }

func createConnectionOf(c *call) error {
	workspace, err := c.params.required("workspace_id")
	if err != nil {
		return err
	}
	return c.newConnection(workspace)
}

func (c *call) newConnection(workspace string) error {
	if err := c.may(workspace, rbac.ManageConnections); err != nil {
		return err
	}
	in, err := decode[livetables.ConnectionSpec](c)
	if err != nil {
		return err
	}
	con, err := c.access.CreateConnection(c.ctx(), workspace, *in)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/connections/"+con.ID)
	return c.versioned(http.StatusCreated, con.Version, con)
}

func getConnection(c *call) error {
	con, err := c.access.Connection(c.ctx(), c.id("connection"))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, con.Version, con)
}

// updateConnection replaces the settings. Leaving out the password keeps it, unless the connection leads elsewhere then.
func updateConnection(c *call) error {
	old, err := c.access.Connection(c.ctx(), c.id("connection"))
	if err != nil {
		return err
	}
	if err := c.mayOn(old.Workspace, rbac.ManageConnections, old.ID); err != nil {
		return err
	}
	in, err := decodeStated[struct {
		stated
		livetables.ConnectionSpec
	}](c)
	if err != nil {
		return err
	}
	con, err := c.access.UpdateConnection(c.ctx(), old.ID, in.Version, in.ConnectionSpec)
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, con.Version, con)
}

func deleteConnection(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	if err := c.access.DeleteConnection(c.ctx(), c.id("connection"), version); err != nil {
		return err
	}
	return c.noContent()
}

func testConnection(c *call) error {
	if _, err := decode[struct{}](c); err != nil {
		return err
	}
	r, err := c.access.TestConnection(c.ctx(), c.id("connection"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, r)
}

func connectionHealth(c *call) error {
	h, err := c.access.ConnectionHealth(c.ctx(), c.id("connection"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, h)
}

// schemaDocument is what a connection holds, as the caller sees it.
type schemaDocument struct {
	Database string        `json:"database"`
	ReadAt   time.Time     `json:"read_at"`           // when the database was asked
	Expired  bool          `json:"expired,omitempty"` // it is older than it should be: the database cannot be reached
	Tables   []schemaTable `json:"tables"`
}

type schemaTable struct {
	Name        string          `json:"name"`
	Path        []string        `json:"path"` // its name at the source with what it lies in, such as its schema, outermost first
	Kind        lqp.TableKind   `json:"kind"`
	Comment     string          `json:"comment,omitempty"`
	Rows        int64           `json:"estimated_rows"` // -1 when unknown
	Key         []string        `json:"key"`
	Uniques     [][]string      `json:"uniques,omitempty"`
	Columns     []schemaColumn  `json:"columns"`
	ForeignKeys []schemaForeign `json:"foreign_keys,omitempty"`
}

type schemaColumn struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Native    string `json:"native,omitempty"`
	Nullable  bool   `json:"nullable"`
	Precision int    `json:"precision,omitempty"`
	Scale     int    `json:"scale,omitempty"`
	MaxLength int    `json:"max_length,omitempty"`
	ReadOnly  bool   `json:"read_only,omitempty"`
	Default   bool   `json:"has_default,omitempty"`
	Comment   string `json:"comment,omitempty"`
}

type schemaForeign struct {
	Name       string   `json:"name,omitempty"`
	Columns    []string `json:"columns"`
	RefTable   string   `json:"ref_table"`
	RefColumns []string `json:"ref_columns"`
}

func connectionSchema(c *call) error {
	refresh, err := c.params.boolean("refresh")
	if err != nil {
		return err
	}
	catalog, err := c.access.Schema(c.ctx(), c.id("connection"), refresh)
	if err != nil {
		return err
	}
	out := schemaDocument{Database: catalog.Database, ReadAt: catalog.ReadAt, Expired: catalog.Expired, Tables: make([]schemaTable, len(catalog.Tables))}
	for i, t := range catalog.Tables {
		out.Tables[i] = schemaOf(t)
	}
	return c.json(http.StatusOK, out)
}

func schemaOf(t *lqp.Table) schemaTable {
	out := schemaTable{Name: t.Name, Path: orEmpty(t.Path), Kind: t.Kind, Comment: t.Comment, Rows: t.Rows, Key: orEmpty(t.Key), Uniques: t.Uniques,
		Columns: make([]schemaColumn, len(t.Columns))}
	for i, col := range t.Columns {
		out.Columns[i] = schemaColumn{ID: col.ID, Name: col.Name, Type: col.Type.String(), Native: col.Native, Nullable: !col.Type.NotNull,
			Precision: col.Type.Precision, Scale: col.Type.Scale, MaxLength: col.Type.MaxLen, ReadOnly: col.ReadOnly,
			Default: col.HasDefault, Comment: col.Comment}
	}
	for _, f := range t.ForeignKeys {
		out.ForeignKeys = append(out.ForeignKeys, schemaForeign(f))
	}
	return out
}
