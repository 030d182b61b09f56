package httpapi

import (
	"net/http"

	"github.com/livetables/livetables"
)

// Bases made of something: another base, or a template (see createBase).
func baseCopyRoutes() []route {
	return []route{
		{method: "POST", path: api + "/bases/{base}/duplicate", handler: duplicateBase, body: bodyOptional},
		{method: "GET", path: api + "/templates", handler: listTemplates},
	}
}

// duplicateBase copies a base, with its rows when asked. Without a name the copy is called like the original, "copy" behind.
func duplicateBase(c *call) error {
	in, err := decode[struct {
		Name string `json:"name"`
		Rows bool   `json:"rows"`
	}](c)
	if err != nil {
		return err
	}
	b, err := c.access.DuplicateBase(c.ctx(), c.id("base"), in.Name, in.Rows)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/bases/"+b.ID)
	return c.versioned(http.StatusCreated, b.Version, b)
}

func listTemplates(c *call) error { return c.list(livetables.Templates()) }
