package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func ruleRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/rules", handler: listRules},
		{method: "PUT", path: api + "/workspaces/{workspace}/rules", handler: putRule, body: bodyJSON},
		{method: "DELETE", path: api + "/workspaces/{workspace}/rules", handler: deleteRule, params: []string{"connection", "table", "role"}},
	}
}

// ruleDocument narrows what a role may see and do in one table. The predicates are formulas or expression trees; they are
// answered as trees, with columns by id.
type ruleDocument struct {
	Connection string                 `json:"connection,omitempty"` // id, empty for the mini-DB
	Table      string                 `json:"table"`
	Role       rbac.Role              `json:"role"`
	Read       json.RawMessage        `json:"read,omitempty"`
	Create     json.RawMessage        `json:"create,omitempty"`
	Update     json.RawMessage        `json:"update,omitempty"`
	Delete     json.RawMessage        `json:"delete,omitempty"`
	Columns    map[string]rbac.Access `json:"columns,omitempty"` // by id or, in a request, by name
}

func ruleOf(r *minidb.Rule) ruleDocument {
	return ruleDocument{Connection: r.Table.Connection, Table: r.Table.Table, Role: r.Role,
		Read: r.Read, Create: r.Create, Update: r.Update, Delete: r.Delete, Columns: r.Columns}
}

func listRules(c *call) error {
	found, err := c.access.Rules(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	list := make([]ruleDocument, len(found))
	for i := range found {
		list[i] = ruleOf(found[i])
	}
	return c.list(list)
}

func putRule(c *call) error {
	workspace := c.id("workspace")
	if err := c.may(workspace, rbac.ManageRules); err != nil {
		return err
	}
	in, err := decode[ruleDocument](c)
	if err != nil {
		return err
	}
	spec := livetables.RuleSpec{Table: rbac.TableRef{Connection: in.Connection, Table: in.Table}, Role: in.Role}
	var faults []FieldError
	for _, part := range []struct {
		name string
		raw  json.RawMessage
		to   *lqp.Expr
	}{{"read", in.Read, &spec.Read}, {"create", in.Create, &spec.Create}, {"update", in.Update, &spec.Update}, {"delete", in.Delete, &spec.Delete}} {
		if len(part.raw) == 0 || string(part.raw) == "null" {
			continue
		}
		var problems lqp.Problems
		if *part.to, err = lqp.DecodeExpr(part.raw, lqp.DecodeOptions{Formula: formula.Parse, Syntaxes: formula.Syntaxes()}); errors.As(err, &problems) {
			faults = append(faults, problemFields(problems, "$."+part.name)...)
		} else if err != nil {
			return err
		}
	}
	if len(faults) > 0 {
		return invalidProblem("the rule cannot be used", faults...)
	}
	if spec.Columns, err = c.columnIDs(workspace, in); err != nil {
		return err
	}
	if err := c.access.PutRule(c.ctx(), workspace, spec); err != nil {
		return err
	}
	rules, err := c.access.Rules(c.ctx(), workspace)
	if err != nil {
		return err
	}
	for i := range rules {
		if rules[i].Table == spec.Table && rules[i].Role == spec.Role {
			return c.json(http.StatusOK, ruleOf(rules[i]))
		}
	}
	return c.noContent() // lifted again meanwhile
}

// columnIDs gives the columns of a rule on a table of the mini-DB their ids.
func (c *call) columnIDs(workspace string, in *ruleDocument) (map[string]rbac.Access, error) {
	if in.Connection != "" || len(in.Columns) == 0 {
		return in.Columns, nil
	}
	t, err := c.access.Table(c.ctx(), in.Table)
	if err != nil {
		return nil, err
	}
	if t.Workspace != workspace {
		return nil, minidb.ErrNotFound
	}
	byID := make(map[string]rbac.Access, len(in.Columns))
	for name, access := range in.Columns {
		id := name
		for i := range t.Columns {
			if t.Columns[i].Name == name {
				id = t.Columns[i].ID
			}
		}
		if _, twice := byID[id]; twice {
			return nil, invalidProblem("the rule cannot be used", FieldError{Path: "$.columns." + name, Code: lqp.CodeDuplicateKey, Message: "the column is given by name and by id"})
		}
		byID[id] = access
	}
	return byID, nil
}

func deleteRule(c *call) error {
	table, err := c.params.required("table")
	if err != nil {
		return err
	}
	role, err := c.params.required("role")
	if err != nil {
		return err
	}
	ref := rbac.TableRef{Connection: c.params.text("connection"), Table: table}
	if err := c.access.DeleteRule(c.ctx(), c.id("workspace"), ref, rbac.Role(role)); err != nil {
		return err
	}
	return c.noContent()
}
