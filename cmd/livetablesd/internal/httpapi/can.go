package httpapi

import (
	"net/http"

	"github.com/livetables/livetables/rbac"
)

func canRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/can", handler: can, params: []string{"action", "resource"}},
		{method: "GET", path: api + "/workspaces/{workspace}/permissions", handler: permissions, params: []string{"resource"}},
	}
}

// can answers the policy question, for clients that want to show only what works.
func can(c *call) error {
	action, err := c.params.required("action")
	if err != nil {
		return err
	}
	d, err := c.access.Can(c.ctx(), c.id("workspace"), rbac.Action(action), c.params.text("resource"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

// permissions answers it for every action at once.
func permissions(c *call) error {
	decisions, err := c.access.May(c.ctx(), c.id("workspace"), c.params.text("resource"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, struct {
		Resource string                        `json:"resource_id,omitempty"`
		Actions  map[rbac.Action]rbac.Decision `json:"actions"`
	}{c.params.text("resource"), decisions})
}
