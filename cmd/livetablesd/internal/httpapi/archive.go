package httpapi

import (
	"context"

	"github.com/livetables/livetables/minidb"
)

// Tables that are put away and brought back.
func archiveRoutes() []route {
	return []route{
		{method: "POST", path: api + "/tables/{table}/archive", handler: archiveTable, body: bodyOptional},
		{method: "POST", path: api + "/tables/{table}/restore", handler: restoreTable, body: bodyOptional},
	}
}

func archiveTable(c *call) error { return c.setArchived(c.access.ArchiveTable) }

func restoreTable(c *call) error { return c.setArchived(c.access.RestoreTable) }

// setArchived answers with the table as it is then.
func (c *call) setArchived(change func(ctx context.Context, id string, version int64) (*minidb.Table, error)) error {
	in, err := decodeStated[struct {
		stated
	}](c)
	if err != nil {
		return err
	}
	id := c.id("table")
	if _, err := change(c.ctx(), id, in.Version); err != nil {
		return err
	}
	return c.tableNow(id)
}
