package httpapi

import (
	"net/http"

	"github.com/livetables/livetables/minidb"
)

func baseRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/bases", handler: listBases},
		{method: "POST", path: api + "/workspaces/{workspace}/bases", handler: createBase, body: bodyJSON},
		{method: "GET", path: api + "/bases/{base}", handler: getBase},
		{method: "PATCH", path: api + "/bases/{base}", handler: updateBase, body: bodyJSON},
		{method: "DELETE", path: api + "/bases/{base}", handler: deleteBase, params: []string{"version"}},
	}
}

func listBases(c *call) error {
	found, err := c.access.Bases(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.list(orEmpty(found))
}

func createBase(c *call) error {
	in, err := decode[struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Colour      string `json:"colour"`
		Icon        string `json:"icon"`
		Project     string `json:"project_id"`
		Template    string `json:"template"`
	}](c)
	if err != nil {
		return err
	}
	spec := minidb.BaseSpec{Name: in.Name, Description: in.Description, Colour: in.Colour, Icon: in.Icon, Project: in.Project}
	var b *minidb.Base
	if in.Template != "" {
		b, err = c.access.CreateBaseFrom(c.ctx(), c.id("workspace"), in.Template, spec)
	} else {
		b, err = c.access.CreateBase(c.ctx(), c.id("workspace"), spec)
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/bases/"+b.ID)
	return c.versioned(http.StatusCreated, b.Version, b)
}

func getBase(c *call) error {
	b, err := c.access.Base(c.ctx(), c.id("base"))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, b.Version, b)
}

func updateBase(c *call) error {
	in, err := decodeStated[struct {
		stated
		Name        *string `json:"name"`
		Description *string `json:"description"`
		Colour      *string `json:"colour"`
		Icon        *string `json:"icon"`
		Project     *string `json:"project_id"` // "" for none
	}](c)
	if err != nil {
		return err
	}
	patch := minidb.BasePatch{Name: in.Name, Description: in.Description, Colour: in.Colour, Icon: in.Icon, Project: in.Project}
	b, err := c.access.UpdateBase(c.ctx(), c.id("base"), patch, in.Version)
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, b.Version, b)
}

func deleteBase(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	if err := c.access.DeleteBase(c.ctx(), c.id("base"), version); err != nil {
		return err
	}
	return c.noContent()
}
