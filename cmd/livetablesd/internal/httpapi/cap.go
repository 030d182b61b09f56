package httpapi

import (
	"net/http"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func capRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/caps", handler: listCaps},
		{method: "PUT", path: api + "/workspaces/{workspace}/caps", handler: putCap, body: bodyJSON},
		{method: "DELETE", path: api + "/workspaces/{workspace}/caps", handler: deleteCap, params: []string{"resource", "role", "user"}},
	}
}

// capDocument is what a role or a user may do at most with a resource.
type capDocument struct {
	Resource string    `json:"resource_id"`
	Role     rbac.Role `json:"role,omitempty"`
	User     string    `json:"user_id,omitempty"`
	Max      rbac.Role `json:"max"`
}

func capOf(c minidb.Cap) capDocument { return capDocument{c.Resource, c.Role, c.User, c.Max} }

func listCaps(c *call) error {
	found, err := c.access.Caps(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	list := make([]capDocument, len(found))
	for i := range found {
		list[i] = capOf(found[i])
	}
	return c.list(list)
}

func putCap(c *call) error {
	in, err := decode[capDocument](c)
	if err != nil {
		return err
	}
	if err := c.capped(in.Resource); err != nil {
		return err
	}
	set, err := c.access.SetCap(c.ctx(), in.Resource, rbac.Cap{Role: in.Role, User: in.User, Max: in.Max})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, capOf(*set))
}

// capped demands that a resource is in the workspace of the path and that the caller may narrow others there.
func (c *call) capped(resource string) error {
	if resource == "" {
		return c.may(c.id("workspace"), rbac.ManageRules)
	}
	return c.mayOn(c.id("workspace"), rbac.ManageRules, resource)
}

func deleteCap(c *call) error {
	resource, err := c.params.required("resource")
	if err != nil {
		return err
	}
	if err := c.capped(resource); err != nil {
		return err
	}
	if err := c.access.RemoveCap(c.ctx(), resource, rbac.Role(c.params.text("role")), c.params.text("user")); err != nil {
		return err
	}
	return c.noContent()
}
