package httpapi

import (
	"net/http"
	"time"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func retentionRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/retention", handler: getRetention},
		{method: "PUT", path: api + "/workspaces/{workspace}/retention", handler: putRetention, body: bodyJSON, people: true},
	}
}

func getRetention(c *call) error {
	policy, err := c.access.Retention(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, policy)
}

func putRetention(c *call) error {
	if err := c.may(c.id("workspace"), rbac.DeleteWorkspace); err != nil {
		return err
	}
	in, err := decode[minidb.Retention](c)
	if err != nil {
		return err
	}
	if err := c.access.SetRetention(c.ctx(), c.id("workspace"), *in); err != nil {
		return err
	}
	return getRetention(c)
}

// cutBefore tells with the last page of a history from which time on it is whole, where that is later than what was asked for.
func (c *call) cutBefore(out *listing, workspace, table string, from time.Time) error {
	if out.Page.More {
		return nil
	}
	begins, err := c.access.HistoryBegins(c.ctx(), workspace, table)
	if from.Before(begins) {
		out.Page.CutBefore = &begins
	}
	return err
}
