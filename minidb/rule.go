package minidb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Rule narrows what one role may do with one table. The expressions are JSON that the mini-DB does not read: the
// caller's encoded lqp.Expr trees, nil for none.
type Rule struct {
	Workspace string                 `json:"workspace_id"`
	Table     rbac.TableRef          `json:"table"`
	Role      rbac.Role              `json:"role"`
	Read      json.RawMessage        `json:"read,omitempty"`
	Create    json.RawMessage        `json:"create,omitempty"`
	Update    json.RawMessage        `json:"update,omitempty"`
	Delete    json.RawMessage        `json:"delete,omitempty"`
	Columns   map[string]rbac.Access `json:"columns,omitempty"` // by column id; what is not listed is fully accessible
	// Masks are what masked columns show, by column id; one that has none shows NULL.
	Masks map[string]json.RawMessage `json:"masks,omitempty"`
}

const (
	ruleColumns  = `workspace, connection, table_name, role, read_expr, create_expr, update_expr, delete_expr, columns, masks`
	maxTableName = 300
)

func scanRule(r record) Rule {
	rule := Rule{Workspace: r.text(0), Table: rbac.TableRef{Connection: r.text(1), Table: r.text(2)}, Role: rbac.Role(r.text(3)),
		Read: r.document(4), Create: r.document(5), Update: r.document(6), Delete: r.document(7)}
	if errors.Join(json.Unmarshal(r.document(8), &rule.Columns), json.Unmarshal(r.document(9), &rule.Masks)) != nil {
		// Written by putRule and by nobody else: a text that does not parse is a damaged file. An expression that no reader
		// can decode closes the table instead of opening its columns.
		rule.Read = json.RawMessage(`{}`)
	}
	return rule
}

func (r Rule) entry(action string) audit.Entry {
	resource := r.Table.Table + ":" + string(r.Role)
	if r.Table.Connection != "" {
		resource = r.Table.Connection + "/" + resource
	}
	return audit.Entry{Workspace: r.Workspace, Action: action, ResourceType: "rule", Resource: resource}
}

func (r *Rule) check() error {
	if err := checkText("table", r.Table.Table, maxTableName); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		doc  *json.RawMessage
	}{{"read", &r.Read}, {"create", &r.Create}, {"update", &r.Update}, {"delete", &r.Delete}} {
		if *f.doc == nil {
			continue
		}
		if !json.Valid(*f.doc) || len(*f.doc) > lqp.MaxText {
			return invalid(f.name, CodeInvalid, "an expression is required")
		}
		if *f.doc = compact(*f.doc); string(*f.doc) == "null" {
			*f.doc = nil
		}
	}
	for column, access := range r.Columns {
		if access != rbac.Hidden && access != rbac.Masked && access != rbac.ReadOnly {
			return invalid("columns", CodeInvalid, "%q is no access of a column", access)
		}
		if err := checkText("columns", column, maxTableName); err != nil {
			return err
		}
	}
	for column, doc := range r.Masks {
		if r.Columns[column] != rbac.Masked {
			return invalid("masks", CodeInvalid, "a mask is for a masked column")
		}
		if !json.Valid(doc) || len(doc) > lqp.MaxText {
			return invalid("masks", CodeInvalid, "an expression is required")
		}
		r.Masks[column] = compact(doc)
	}
	return nil
}

// compact is a valid JSON document without blanks between its tokens.
func compact(doc json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, doc) != nil {
		return doc
	}
	return b.Bytes()
}

func (u *unit) rule(workspace string, table rbac.TableRef, role rbac.Role) (Rule, bool, error) {
	return one(u.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule
		WHERE workspace = ? AND connection = ? AND table_name = ? AND role = ?`,
		argText(workspace), argText(table.Connection), argText(table.Table), argText(string(role)))
}

// PutRule sets the rule of a role on a table, in the place of the one before. The table, or for a foreign table its
// connection, belongs to the workspace; the columns named for a table of the mini-DB are columns it has.
func (db *DB) PutRule(ctx context.Context, actor Actor, r Rule) (*Rule, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("set rule: %w", err)
	}
	err := db.write(ctx, "set rule", actor, func(u *unit) error {
		if err := u.touch(r.Workspace, true); err != nil {
			return err
		}
		if err := u.checkRole(r.Workspace, r.Role); err != nil {
			return err
		}
		if err := u.checkRuleTable(r); err != nil {
			return err
		}
		old, existed, err := u.rule(r.Workspace, r.Table, r.Role)
		if err != nil {
			return err
		}
		if err := u.storeRule(r); err != nil {
			return err
		}
		if existed {
			return u.resource(r.entry("rule.update"), old, r)
		}
		return u.resource(r.entry("rule.create"), nil, r)
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

func (u *unit) checkRuleTable(r Rule) error {
	if r.Table.Connection != "" {
		c, err := u.connection(r.Table.Connection)
		if err == nil && c.Workspace != r.Workspace {
			err = fmt.Errorf("connection %s: %w", r.Table.Connection, ErrNotFound)
		}
		return err
	}
	t, err := u.table(r.Table.Table)
	if err != nil {
		return err
	}
	if t.Workspace != r.Workspace {
		return fmt.Errorf("table %s: %w", r.Table.Table, ErrNotFound)
	}
	for column := range r.Columns {
		if t.Schema().Column(column) == nil {
			return invalid("columns", CodeUnknownColumn, "the table has no column %q", column)
		}
	}
	return nil
}

func (u *unit) storeRule(r Rule) error {
	columns, err := json.Marshal(r.Columns)
	if err != nil {
		return err
	}
	masks := []byte("{}")
	if len(r.Masks) > 0 {
		if masks, err = json.Marshal(r.Masks); err != nil {
			return err
		}
	}
	_, err = u.exec(`INSERT INTO lt_rule (`+ruleColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (workspace, connection, table_name, role) DO UPDATE SET read_expr = excluded.read_expr,
		create_expr = excluded.create_expr, update_expr = excluded.update_expr, delete_expr = excluded.delete_expr,
		columns = excluded.columns, masks = excluded.masks`,
		argText(r.Workspace), argText(r.Table.Connection), argText(r.Table.Table), argText(string(r.Role)), argDocument(r.Read),
		argDocument(r.Create), argDocument(r.Update), argDocument(r.Delete), argText(string(columns)), argText(string(masks)))
	return err
}

// DeleteRule lets a role do with a table all that the matrix of actions allows it.
func (db *DB) DeleteRule(ctx context.Context, actor Actor, workspace string, table rbac.TableRef, role rbac.Role) error {
	return db.write(ctx, "delete rule", actor, func(u *unit) error {
		r, ok, err := u.rule(workspace, table, role)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("rule: %w", ErrNotFound)
		}
		return u.deleteRule(r)
	})
}

func (u *unit) deleteRule(r Rule) error {
	if err := u.touch(r.Workspace, true); err != nil {
		return err
	}
	if _, err := u.exec(`DELETE FROM lt_rule WHERE workspace = ? AND connection = ? AND table_name = ? AND role = ?`,
		argText(r.Workspace), argText(r.Table.Connection), argText(r.Table.Table), argText(string(r.Role))); err != nil {
		return err
	}
	return u.resource(r.entry("rule.delete"), r, nil)
}
