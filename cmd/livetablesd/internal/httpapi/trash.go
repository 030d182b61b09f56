package httpapi

import (
	"net/http"

	"github.com/livetables/livetables/minidb"
)

// What was deleted and can be brought back.
func trashRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/trash", handler: listTrash},
		{method: "DELETE", path: api + "/workspaces/{workspace}/trash", handler: emptyTrash},
		{method: "POST", path: api + "/trash/{trash}/restore", handler: restoreTrashed, body: bodyOptional},
		{method: "DELETE", path: api + "/trash/{trash}", handler: deleteForever},
	}
}

func listTrash(c *call) error {
	list, err := c.access.Trash(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.list(list)
}

// emptyTrash removes for good what the list has, what is put away without an end excepted.
func emptyTrash(c *call) error {
	n, err := c.access.EmptyTrash(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, struct {
		Deleted int `json:"deleted"`
	}{n})
}

// restoreTrashed answers with the entry of the trash that was.
func restoreTrashed(c *call) error {
	in, err := decode[struct {
		Name  string `json:"name"`
		Loose bool   `json:"loose"`
	}](c)
	if err != nil {
		return err
	}
	item, err := c.access.RestoreTrashed(c.ctx(), c.id("trash"), minidb.Recovery{Name: in.Name, Loose: in.Loose})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, item)
}

func deleteForever(c *call) error {
	if err := c.access.DeleteForever(c.ctx(), c.id("trash")); err != nil {
		return err
	}
	return c.noContent()
}
