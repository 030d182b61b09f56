package httpapi

import (
	"net/http"
	"strings"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

func queryRoutes() []route {
	return []route{
		{method: "POST", path: api + "/workspaces/{workspace}/query", handler: queryWorkspace, body: bodyJSON},
		{method: "POST", path: api + "/workspaces/{workspace}/query/explain", handler: explainWorkspace, params: []string{"analyze"}, body: bodyJSON},
		{method: "POST", path: api + "/connections/{connection}/query", handler: queryConnection, body: bodyJSON},
		{method: "POST", path: api + "/connections/{connection}/query/explain", handler: explainConnection, params: []string{"analyze"}, body: bodyJSON},
	}
}

// query reads the plan in the body. With a connection, sources that name none and are no tables or views of the workspace
// are tables there.
func (c *call) query(connection string) (*lqp.Query, error) {
	q, err := lqp.DecodeQuery(c.body, decodeOptions(c.s.opt.MaxBody))
	if err != nil {
		return nil, err
	}
	if connection != "" {
		defaultConnection(q, connection)
	}
	return q, nil
}

func decodeOptions(maxBytes int64) lqp.DecodeOptions {
	return lqp.DecodeOptions{Formula: formula.Parse, Syntaxes: formula.Syntaxes(), Limits: lqp.StrictLimits{MaxBytes: int(maxBytes)}}
}

func defaultConnection(q *lqp.Query, connection string) {
	set := func(s *lqp.Source) {
		switch {
		case s.Query != nil:
			defaultConnection(s.Query, connection)
		case s.Connection == "" && !strings.HasPrefix(s.Table, "tbl_") && !strings.HasPrefix(s.Table, "viw_"):
			s.Connection = connection
		}
	}
	set(&q.From)
	for i := range q.Joins {
		set(&q.Joins[i].Source)
	}
}

func queryWorkspace(c *call) error { return c.runQuery(c.id("workspace"), "") }

func queryConnection(c *call) error {
	con := c.id("connection")
	workspace, err := c.access.WorkspaceOfConnection(c.ctx(), con)
	if err != nil {
		return err
	}
	return c.runQuery(workspace, con)
}

func (c *call) runQuery(workspace, connection string) error {
	// A foreign workspace must be refused before the plan is looked at: its problems would tell the two apart.
	if _, err := c.access.Can(c.ctx(), workspace, rbac.ReadData, ""); err != nil {
		return err
	}
	q, err := c.query(connection)
	if err != nil {
		return err
	}
	rows, err := c.access.Query(c.ctx(), workspace, q)
	if err != nil {
		return err
	}
	return c.streamRows(rows, shapeOf(rows.Columns, shapeOptions{bare: true}), columnHead(rows.Columns))
}

func explainWorkspace(c *call) error { return c.explain(c.id("workspace"), "") }

func explainConnection(c *call) error {
	con := c.id("connection")
	workspace, err := c.access.WorkspaceOfConnection(c.ctx(), con)
	if err != nil {
		return err
	}
	return c.explain(workspace, con)
}

// explain shows how a query would be run, and with analyze=true how it was. The engine leaves out what row rules ask for those who may not know it.
func (c *call) explain(workspace, connection string) error {
	if _, err := c.access.Can(c.ctx(), workspace, rbac.ReadData, ""); err != nil {
		return err
	}
	q, err := c.query(connection)
	if err != nil {
		return err
	}
	explain := c.access.Explain
	if analyze, err := c.params.boolean("analyze"); err != nil {
		return err
	} else if analyze {
		explain = c.access.Analyze
	}
	x, err := explain(c.ctx(), workspace, q)
	if err != nil {
		return err
	}
	if strings.HasPrefix(c.r.Header.Get("Accept"), "text/plain") {
		return c.text(x.String())
	}
	return c.json(http.StatusOK, x)
}

func (c *call) text(s string) error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := c.w.Write([]byte(s)); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
