package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func viewRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/views", handler: listViews},
		{method: "POST", path: api + "/workspaces/{workspace}/views", handler: createViewIn, body: bodyJSON},
		{method: "GET", path: api + "/views", handler: listViewsOf, params: []string{"workspace_id"}},
		{method: "POST", path: api + "/views", handler: createView, body: bodyJSON},
		{method: "GET", path: api + "/views/{view}", handler: getView},
		{method: "PATCH", path: api + "/views/{view}", handler: updateView, body: bodyJSON},
		{method: "DELETE", path: api + "/views/{view}", handler: deleteView, params: []string{"version"}},
		{method: "GET", path: api + "/views/{view}/data", handler: viewData, params: slices.Clone(listParams), filters: true},
	}
}

func listViews(c *call) error { return c.viewsOf(c.id("workspace")) }

func listViewsOf(c *call) error {
	workspace, err := c.params.required("workspace_id")
	if err != nil {
		return err
	}
	return c.viewsOf(workspace)
}

func (c *call) viewsOf(workspace string) error {
	found, err := c.access.Views(c.ctx(), workspace)
	if err != nil {
		return err
	}
	return c.list(orEmpty(found))
}

func createViewIn(c *call) error { return c.newView(c.id("workspace")) }

func createView(c *call) error { return c.newView("") }

// newView saves a view; workspace, when given, must be that of its base.
func (c *call) newView(workspace string) error {
	in, err := decode[struct {
		Base  string          `json:"base_id"`
		Name  string          `json:"name"`
		Query json.RawMessage `json:"query"`
	}](c)
	if err != nil {
		return err
	}
	if workspace != "" {
		if _, err := c.access.Can(c.ctx(), workspace, rbac.AlterViews, ""); err != nil {
			return err
		}
	}
	b, err := c.access.Base(c.ctx(), in.Base)
	if err != nil {
		return err
	}
	if workspace != "" && b.Workspace != workspace {
		return minidb.ErrNotFound
	}
	if err := c.mayOn(b.Workspace, rbac.AlterViews, b.ID); err != nil {
		return err
	}
	spec := livetables.ViewSpec{Name: in.Name}
	if spec.Query, err = c.viewQuery(in.Query); err != nil {
		return err
	}
	v, err := c.access.CreateView(c.ctx(), b.ID, spec)
	if err != nil {
		return placed(err, "$.query")
	}
	c.w.Header().Set("Location", api+"/views/"+v.ID)
	return c.versioned(http.StatusCreated, v.Version, v)
}

// viewQuery reads the query of a view, nil when there is none.
func (c *call) viewQuery(raw json.RawMessage) (*lqp.Query, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	q, err := lqp.DecodeQuery(raw, decodeOptions(c.s.opt.MaxBody))
	return q, placed(err, "$.query")
}

func getView(c *call) error {
	v, err := c.access.View(c.ctx(), c.id("view"))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, v.Version, v)
}

func updateView(c *call) error {
	old, err := c.access.View(c.ctx(), c.id("view"))
	if err != nil {
		return err
	}
	if err := c.mayOn(old.Workspace, rbac.AlterViews, old.ID); err != nil {
		return err
	}
	in, err := decodeStated[struct {
		stated
		Name  string          `json:"name"`
		Query json.RawMessage `json:"query"`
	}](c)
	if err != nil {
		return err
	}
	spec := livetables.ViewSpec{Name: in.Name}
	if spec.Query, err = c.viewQuery(in.Query); err != nil {
		return err
	}
	v, err := c.access.UpdateView(c.ctx(), old.ID, in.Version, spec)
	if err != nil {
		return placed(err, "$.query")
	}
	return c.versioned(http.StatusOK, v.Version, v)
}

func deleteView(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	if err := c.access.DeleteView(c.ctx(), c.id("view"), version); err != nil {
		return err
	}
	return c.noContent()
}

func viewData(c *call) error { return c.readView(c.access, c.id("view")) }

// readView answers with the rows of a view. Only the view's own columns can be named in the query string.
func (c *call) readView(access *livetables.Access, view string) error {
	columns, err := access.ViewColumns(c.ctx(), view)
	var problems lqp.Problems
	if errors.As(err, &problems) {
		// The request has no part in it, and what the view's query names is not for everybody.
		c.s.log.WarnContext(c.ctx(), "view is closed", "request_id", c.w.request, "view", view, "error", err)
		return problemOf(http.StatusUnprocessableEntity, "view_closed", "the view needs something that is not there, or not for you")
	}
	if err != nil {
		return err
	}
	s, err := c.selection(columns)
	if err != nil {
		return err
	}
	r := livetables.ViewRequest{Where: s.where, OrderBy: s.orderBy, Page: s.page, Count: s.count}
	for _, col := range s.columns {
		r.Select = append(r.Select, lqp.Named{Expr: lqp.Ref("", col.ID)})
	}
	rows, err := access.ViewData(c.ctx(), view, r)
	if err != nil {
		return placedFilter(err)
	}
	return c.streamRows(rows, shapeOf(rows.Columns, shapeOptions{bare: true}), columnHead(rows.Columns))
}
