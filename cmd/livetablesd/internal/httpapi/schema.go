package httpapi

import (
	"net/http"
	"time"

	"github.com/livetables/livetables"
)

// The older forms of tables, and changes of them that are taken back.
func schemaRoutes() []route {
	return []route{
		{method: "GET", path: api + "/tables/{table}/schema", handler: schemaAt, params: []string{"version"}},
		{method: "GET", path: api + "/tables/{table}/schema/versions", handler: schemaVersions, params: []string{"before", "limit"}},
		{method: "GET", path: api + "/tables/{table}/schema/diff", handler: schemaDiff, params: []string{"from", "to"}},
		{method: "POST", path: api + "/tables/{table}/schema/revert", handler: revertSchema, body: bodyJSON},
	}
}

// schemaAt answers with the definition of a table at a version, the current one without.
func schemaAt(c *call) error {
	version, err := c.version("version")
	if err != nil {
		return err
	}
	form, err := c.access.SchemaAt(c.ctx(), c.id("table"), version)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, form)
}

// version is a version of the table of the path, the current one where the parameter is missing.
func (c *call) version(param string) (int64, error) {
	v, err := c.params.integer(param, 0, 1, 1<<53)
	if err != nil || v > 0 {
		return int64(v), err
	}
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return 0, err
	}
	return t.Version, nil
}

func schemaVersions(c *call) error {
	before, err := c.params.integer("before", 0, 1, 1<<53)
	if err != nil {
		return err
	}
	limit, err := c.params.integer("limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	list, more, err := c.access.SchemaVersions(c.ctx(), c.id("table"), int64(before), limit)
	if err != nil {
		return err
	}
	type version struct {
		livetables.SchemaVersion
		Changes []entryDocument `json:"changes"`
	}
	data := make([]version, len(list))
	for i, v := range list {
		data[i] = version{SchemaVersion: v, Changes: make([]entryDocument, len(v.Changes))}
		for k := range v.Changes {
			data[i].Changes[k] = entryOf(v.Changes[k], false)
		}
	}
	out := listing{Data: data, Page: page{More: more}}
	if err := c.cutBefore(&out, "", c.id("table"), time.Time{}); err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func schemaDiff(c *call) error {
	from, err := c.version("from")
	if err != nil {
		return err
	}
	to, err := c.version("to")
	if err != nil {
		return err
	}
	diff, err := c.access.SchemaDiff(c.ctx(), c.id("table"), from, to)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, diff)
}

// revertSchema takes a change of a table back, or with preview tells what that would do.
func revertSchema(c *call) error {
	in, err := decodeStated[struct {
		stated
		Change     int64 `json:"change"` // the version that it led to
		AcceptLoss bool  `json:"accept_loss"`
		Preview    bool  `json:"preview"`
	}](c)
	if err != nil {
		return err
	}
	revert := livetables.SchemaRevert{Change: in.Change, Version: in.Version, AcceptLoss: in.AcceptLoss}
	do := c.access.RevertSchema
	if in.Preview {
		do = c.access.PreviewSchemaRevert
	}
	report, err := do(c.ctx(), c.id("table"), revert)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, report)
}
