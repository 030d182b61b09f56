package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// RuleSpec narrows what a role may see and do in one table of the mini-DB or of a connection.
type RuleSpec struct {
	Table rbac.TableRef
	Role  rbac.Role
	// Read, Create, Update and Delete are predicates over the table's columns, by name or id; nil allows every row.
	Read, Create, Update, Delete lqp.Expr
	// Columns lists columns, by id, that are hidden or read-only.
	Columns map[string]rbac.Access
}

// mayRule refuses to let somebody lift a rule that binds them, or show to others what it hides.
func (s *entry) mayRule(table rbac.TableRef, role rbac.Role) error {
	if s.policy.Can(s.p, rbac.GrantAdmin, "").Allowed {
		return nil
	}
	if role.AtLeast(rbac.Admin) {
		return fmt.Errorf("rules for the role %s are set by owners: %w", role, ErrForbidden)
	}
	if _, bound := s.policy.Rules[table][s.policy.Role(s.p)]; bound {
		return fmt.Errorf("a rule of the table binds you; its rules are set by owners: %w", ErrForbidden)
	}
	return nil
}

// compileRule checks a rule against its table and gives columns their ids.
func (s *entry) compileRule(ctx context.Context, spec RuleSpec) (minidb.Rule, error) {
	r := minidb.Rule{Workspace: s.Workspace.ID, Table: spec.Table, Role: spec.Role, Columns: spec.Columns}
	if !spec.Role.BuiltIn() || spec.Role == rbac.Owner {
		return r, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "role", Code: minidb.CodeInvalid, Message: "rules are for the roles admin, editor and viewer"}}}
	}
	t, err := s.table(ctx, spec.Table.Connection, spec.Table.Table)
	if errors.Is(err, rewrite.ErrNoTable) {
		return r, fmt.Errorf("table %s: %w", spec.Table.Table, ErrNotFound)
	}
	if err != nil {
		return r, err
	}
	var problems lqp.Problems
	for id, access := range spec.Columns {
		if t.Column(id) == nil {
			problems = append(problems, lqp.Problem{Path: "$.columns." + id, Code: lqp.CodeUnknownColumn, Message: fmt.Sprintf("no column has the id %q", id)})
		}
		if access != rbac.Hidden && access != rbac.ReadOnly {
			problems = append(problems, lqp.Problem{Path: "$.columns." + id, Code: lqp.CodeArgument, Message: fmt.Sprintf("%q is not one of hidden, read_only", access)})
		}
	}
	for _, part := range []struct {
		name   string
		expr   lqp.Expr
		stored *[]byte
	}{{"read", spec.Read, (*[]byte)(&r.Read)}, {"create", spec.Create, (*[]byte)(&r.Create)}, {"update", spec.Update, (*[]byte)(&r.Update)}, {"delete", spec.Delete, (*[]byte)(&r.Delete)}} {
		if part.expr == nil {
			continue
		}
		byID := lqp.Rewrite(part.expr, func(e lqp.Expr) lqp.Expr {
			if c, ok := e.(*lqp.Col); ok {
				return lqp.Ref("", columnID(t, c.Column))
			}
			return e
		})
		if _, err := s.bindRule(byID, t); err != nil {
			var p lqp.Problems
			if !errors.As(err, &p) {
				return r, err
			}
			for _, one := range p {
				one.Path = "$." + part.name + one.Path[min(1, len(one.Path)):]
				problems = append(problems, one)
			}
			continue
		}
		*part.stored = lqp.EncodeExpr(byID)
	}
	if len(problems) > 0 {
		return r, problems
	}
	return r, nil
}

// columnID is the id of the column that has the id or the name, the name itself when there is none.
func columnID(t *lqp.Table, name string) string {
	if t.Column(name) != nil {
		return name
	}
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return t.Columns[i].ID
		}
	}
	return name
}

// ruleAlias is the source that a bound rule speaks of.
const ruleAlias = "t"

// bindRule binds a stored predicate to the whole table, as the principal of the entry.
func (s *entry) bindRule(e lqp.Expr, t *lqp.Table) (lqp.Expr, error) {
	if e == nil {
		return nil, nil
	}
	return lqp.BindExpr(e, lqp.Scope{{Alias: ruleAlias, Columns: t.Columns, Key: t.Key}}, lqp.Env{
		Now: s.e.clock(), User: s.p.ID,
		Attribute: func(name string) (lqp.Value, bool) { return s.policy.Attribute(s.p, name) },
	})
}

// guard is the rule of a table in the form that the mini-DB checks writes with.
func (s *entry) guard(t *minidb.Table) (minidb.Guard, error) {
	rule := s.policy.Table(s.p, rbac.TableRef{Table: t.ID})
	if rule.Closed {
		return minidb.Guard{}, fmt.Errorf("table %s: %w", t.ID, ErrNotFound)
	}
	var g minidb.Guard
	if _, own := s.e.policies.(*cataloguePolicies); own {
		g.PolicyVersion = s.policy.Version // a right revoked before the commit is not used
	}
	for _, part := range []struct {
		stored lqp.Expr
		bound  *lqp.Expr
	}{{rule.Read, &g.Read}, {rule.Create, &g.Create}, {rule.Update, &g.Update}, {rule.Delete, &g.Delete}} {
		e, err := s.bindRule(part.stored, t.Schema())
		if err != nil {
			return g, fmt.Errorf("table %s: its rule does not compile: %w", t.ID, ErrNotFound)
		}
		*part.bound = e
	}
	return g, nil
}
