package httpapi

import (
	"net/http"

	"github.com/livetables/livetables/minidb"
)

func projectRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/projects", handler: listProjects},
		{method: "POST", path: api + "/workspaces/{workspace}/projects", handler: createProject, body: bodyJSON},
		{method: "GET", path: api + "/projects", handler: listProjectsOf, params: []string{"workspace_id"}},
		{method: "POST", path: api + "/projects", handler: createProjectIn, params: []string{"workspace_id"}, body: bodyJSON},
		{method: "GET", path: api + "/projects/{project}", handler: getProject},
		{method: "PATCH", path: api + "/projects/{project}", handler: updateProject, body: bodyJSON},
		{method: "DELETE", path: api + "/projects/{project}", handler: deleteProject, params: []string{"version", "keep_bases"}},
	}
}

func listProjects(c *call) error { return c.projectsOf(c.id("workspace")) }

func listProjectsOf(c *call) error {
	workspace, err := c.params.required("workspace_id")
	if err != nil {
		return err
	}
	return c.projectsOf(workspace)
}

func (c *call) projectsOf(workspace string) error {
	found, err := c.access.Projects(c.ctx(), workspace)
	if err != nil {
		return err
	}
	return c.list(found)
}

func createProject(c *call) error { return c.newProject(c.id("workspace")) }

func createProjectIn(c *call) error {
	workspace, err := c.params.required("workspace_id")
	if err != nil {
		return err
	}
	return c.newProject(workspace)
}

func (c *call) newProject(workspace string) error {
	in, err := decode[struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}](c)
	if err != nil {
		return err
	}
	p, err := c.access.CreateProject(c.ctx(), workspace, minidb.ProjectSpec{Name: in.Name, Description: in.Description})
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/projects/"+p.ID)
	return c.versioned(http.StatusCreated, p.Version, p)
}

func getProject(c *call) error {
	p, err := c.access.Project(c.ctx(), c.id("project"))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, p.Version, p)
}

func updateProject(c *call) error {
	in, err := decodeStated[struct {
		stated
		Name        *string `json:"name"`
		Description *string `json:"description"`
	}](c)
	if err != nil {
		return err
	}
	p, err := c.access.UpdateProject(c.ctx(), c.id("project"), minidb.ProjectPatch{Name: in.Name, Description: in.Description}, in.Version)
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, p.Version, p)
}

// deleteProject removes a project that has no bases, or with keep_bases=true any: its bases stay in the workspace.
func deleteProject(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	keep, err := c.params.boolean("keep_bases")
	if err != nil {
		return err
	}
	if err := c.access.DeleteProject(c.ctx(), c.id("project"), keep, version); err != nil {
		return err
	}
	return c.noContent()
}
