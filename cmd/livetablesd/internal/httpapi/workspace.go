package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func workspaceRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces", handler: listWorkspaces},
		{method: "POST", path: api + "/workspaces", handler: createWorkspace, people: true, body: bodyJSON},
		{method: "GET", path: api + "/workspaces/{workspace}", handler: getWorkspace},
		{method: "PATCH", path: api + "/workspaces/{workspace}", handler: updateWorkspace, body: bodyJSON},
		{method: "DELETE", path: api + "/workspaces/{workspace}", handler: deleteWorkspace, params: []string{"version"}},
	}
}

// workspaceDocument is a workspace with the caller's role in it, where that is known.
type workspaceDocument struct {
	*minidb.Workspace
	Role rbac.Role `json:"role,omitempty"`
}

func listWorkspaces(c *call) error {
	found, err := c.access.Workspaces(c.ctx())
	if err != nil {
		return err
	}
	return c.list(orEmpty(found))
}

// orEmpty makes an absent list an empty one, which JSON shows as [].
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func createWorkspace(c *call) error {
	in, err := decode[struct {
		Name string `json:"name"`
	}](c)
	if err != nil {
		return err
	}
	w, err := c.access.CreateWorkspace(c.ctx(), in.Name)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/workspaces/"+w.ID)
	return c.versioned(http.StatusCreated, w.Version, workspaceDocument{w, rbac.Owner})
}

func getWorkspace(c *call) error {
	w, role, err := c.access.Workspace(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, w.Version, workspaceDocument{w, role})
}

func updateWorkspace(c *call) error {
	if err := c.may(c.id("workspace"), rbac.UpdateWorkspace); err != nil {
		return err
	}
	in, err := decodeStated[struct {
		stated
		Name     *string         `json:"name"`
		Settings json.RawMessage `json:"settings"`
	}](c)
	if err != nil {
		return err
	}
	w, err := c.access.UpdateWorkspace(c.ctx(), c.id("workspace"), minidb.WorkspacePatch{Name: in.Name, Settings: in.Settings}, in.Version)
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, w.Version, workspaceDocument{Workspace: w})
}

func deleteWorkspace(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	if err := c.access.DeleteWorkspace(c.ctx(), c.id("workspace"), version); err != nil {
		return err
	}
	if err := c.s.opt.Auth.DropInvites(c.ctx(), c.id("workspace"), ""); err != nil {
		return err
	}
	if err := c.s.opt.Auth.ForgetWorkspace(c.ctx(), c.id("workspace")); err != nil {
		return err
	}
	return c.noContent()
}
