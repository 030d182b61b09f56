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
	// Masks are what masked columns show, as the predicates are written.
	Masks map[string]json.RawMessage `json:"masks,omitempty"`
}

func ruleOf(r *minidb.Rule) ruleDocument {
	return ruleDocument{Connection: r.Table.Connection, Table: r.Table.Table, Role: r.Role,
		Read: r.Read, Create: r.Create, Update: r.Update, Delete: r.Delete, Columns: r.Columns, Masks: r.Masks}
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
	if err := in.expressions(&spec); err != nil {
		return err
	}
	if err := c.columnIDs(workspace, in, &spec); err != nil {
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

// expressions reads the predicates and masks of a rule, formulas or trees.
func (in *ruleDocument) expressions(spec *livetables.RuleSpec) error {
	var faults []FieldError
	read := func(path string, raw json.RawMessage) (lqp.Expr, error) {
		if len(raw) == 0 || string(raw) == "null" {
			return nil, nil
		}
		e, err := lqp.DecodeExpr(raw, lqp.DecodeOptions{Formula: formula.Parse, Syntaxes: formula.Syntaxes()})
		var problems lqp.Problems
		if errors.As(err, &problems) {
			faults = append(faults, problemFields(problems, path)...)
			return nil, nil
		}
		return e, err
	}
	var err error
	for _, part := range []struct {
		name string
		raw  json.RawMessage
		to   *lqp.Expr
	}{{"read", in.Read, &spec.Read}, {"create", in.Create, &spec.Create}, {"update", in.Update, &spec.Update}, {"delete", in.Delete, &spec.Delete}} {
		if *part.to, err = read("$."+part.name, part.raw); err != nil {
			return err
		}
	}
	spec.Masks = make(map[string]lqp.Expr, len(in.Masks))
	for column, raw := range in.Masks {
		if spec.Masks[column], err = read("$.masks."+column, raw); err != nil {
			return err
		}
	}
	if len(faults) > 0 {
		return invalidProblem("the rule cannot be used", faults...)
	}
	return nil
}

// columnIDs gives the columns of a rule on a table of the mini-DB their ids.
func (c *call) columnIDs(workspace string, in *ruleDocument, spec *livetables.RuleSpec) error {
	spec.Columns = in.Columns
	if in.Connection != "" || len(in.Columns)+len(in.Masks) == 0 {
		return nil
	}
	t, err := c.access.Table(c.ctx(), in.Table)
	if err != nil {
		return err
	}
	if t.Workspace != workspace {
		return minidb.ErrNotFound
	}
	ids := make(map[string]string, len(t.Columns))
	for i := range t.Columns {
		ids[t.Columns[i].Name] = t.Columns[i].ID
	}
	if spec.Columns, err = byColumnID(ids, "$.columns.", in.Columns); err != nil {
		return err
	}
	spec.Masks, err = byColumnID(ids, "$.masks.", spec.Masks)
	return err
}

// byColumnID is a map by column id of one by name or id.
func byColumnID[T any](ids map[string]string, path string, named map[string]T) (map[string]T, error) {
	byID := make(map[string]T, len(named))
	for name, v := range named {
		id := name
		if known, ok := ids[name]; ok {
			id = known
		}
		if _, twice := byID[id]; twice {
			return nil, invalidProblem("the rule cannot be used", FieldError{Path: path + name, Code: lqp.CodeDuplicateKey, Message: "the column is given by name and by id"})
		}
		byID[id] = v
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
