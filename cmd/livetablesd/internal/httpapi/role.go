package httpapi

import (
	"net/http"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func roleRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/roles", handler: listRoles},
		{method: "POST", path: api + "/workspaces/{workspace}/roles", handler: createRole, body: bodyJSON},
		{method: "PUT", path: api + "/workspaces/{workspace}/roles/{role}", handler: putRole, body: bodyJSON},
		{method: "DELETE", path: api + "/workspaces/{workspace}/roles/{role}", handler: deleteRole, params: []string{"version"}},
	}
}

// roleRequest is a custom role as clients write it.
type roleRequest struct {
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Base        rbac.Role    `json:"base"`
	Grants      []rbac.Grant `json:"grants"`
	Version     int64        `json:"version"`
}

func listRoles(c *call) error {
	list, err := c.access.Roles(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.list(orEmpty(list))
}

func createRole(c *call) error {
	r, err := c.role("")
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/workspaces/"+r.Workspace+"/roles/"+string(r.ID))
	return c.versioned(http.StatusCreated, r.Version, r)
}

func putRole(c *call) error {
	r, err := c.role(rbac.Role(c.id("role")))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, r.Version, r)
}

// role makes the role of the request, or puts it in the place of another.
func (c *call) role(id rbac.Role) (*minidb.Role, error) {
	if err := c.may(c.id("workspace"), rbac.ManageRoles); err != nil {
		return nil, err
	}
	in, err := decode[roleRequest](c)
	if err != nil {
		return nil, err
	}
	version := int64(0)
	if id != "" {
		if version, err = c.seen(in.Version); err != nil {
			return nil, err
		}
	}
	return c.access.PutRole(c.ctx(), c.id("workspace"), id, minidb.RoleSpec{Name: in.Name, Description: in.Description, Base: in.Base, Grants: in.Grants}, version)
}

func deleteRole(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	if err := c.access.DeleteRole(c.ctx(), c.id("workspace"), rbac.Role(c.id("role")), version); err != nil {
		return err
	}
	return c.noContent()
}
