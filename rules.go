package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

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
	// Columns lists columns, by id, that are hidden, masked or read-only.
	Columns map[string]rbac.Access
	// Masks are what masked columns show, by column id: expressions over the table's columns, of the column's own kind. A
	// masked column that is not here shows NULL.
	Masks map[string]lqp.Expr
}

// PutRule sets what a role, built in or custom, may see and do in a table, replacing an earlier rule of the two. The
// predicates and masks must compile against the table's columns now; attributes that they ask for are attributes that some
// member has. Rules for roles with power over others are set and lifted by owners, and so are those for one's own role, for
// the role that it is made from, and all rules of a table on which one is bound by one.
func (a *Access) PutRule(ctx context.Context, workspace string, r RuleSpec) error {
	_, err := again(func() (struct{}, error) {
		var none struct{}
		s, err := a.enter(ctx, workspace, rbac.ManageRules)
		if err != nil {
			return none, err
		}
		if err := s.mayRule(r.Table, r.Role); err != nil {
			return none, err
		}
		rule, err := s.compileRule(ctx, r)
		if err != nil {
			return none, err
		}
		_, err = a.e.store.PutRule(ctx, a.granted(s), rule)
		return none, err
	})
	return err
}

// DeleteRule lifts the rule of a role on a table: [ErrNotFound] when there is none. It asks what [Access.PutRule] asks: the right to
// manage rules in the workspace and on the table (rbac.ManageRules), and owners for the rules of roles with power over others,
// of one's own role and the one it is made from, and of a table on which a rule binds the principal; otherwise [ErrForbidden].
func (a *Access) DeleteRule(ctx context.Context, workspace string, table rbac.TableRef, role rbac.Role) error {
	_, err := again(func() (struct{}, error) {
		var none struct{}
		s, err := a.enter(ctx, workspace, rbac.ManageRules)
		if err != nil {
			return none, err
		}
		if err := s.mayRule(table, role); err != nil {
			return none, err
		}
		return none, a.e.store.DeleteRule(ctx, a.granted(s), workspace, table, role)
	})
	return err
}

// Rules lists the rules of a workspace for those who manage them (rbac.ManageRules in the workspace): those of tables that they
// may read and that are not in the trash, where rules stay in force. The rules are not to be changed.
func (a *Access) Rules(ctx context.Context, workspace string) ([]*minidb.Rule, error) {
	s, err := a.enter(ctx, workspace, rbac.ManageRules)
	if err != nil {
		return nil, err
	}
	list := make([]*minidb.Rule, 0, len(s.Snapshot.Rules))
	for _, r := range s.Snapshot.Rules {
		if s.readable(ruledPlace(r.Table)) && s.inUse(r.Table) {
			list = append(list, r)
		}
	}
	return list, nil
}

// inUse reports whether the table of a rule is not in the trash, where its rules stay in force out of sight.
func (s *entry) inUse(t rbac.TableRef) bool {
	_, ok := s.AnyTable(t.Table)
	return ok || t.Connection != ""
}

// ruledPlace is the resource that the policy knows a table by.
func ruledPlace(t rbac.TableRef) string {
	if t.Connection != "" {
		return t.Connection
	}
	return t.Table
}

// mayRule refuses to let somebody lift a rule that binds them, or show to others what it hides.
func (s *entry) mayRule(table rbac.TableRef, role rbac.Role) error {
	if err := s.may(ruledPlace(table), rbac.ManageRules); err != nil {
		return err
	}
	if s.policy.Can(s.p, rbac.GrantAdmin, "").Allowed {
		return nil
	}
	own := s.policy.Role(s.p)
	for _, binding := range []rbac.Role{own, s.policy.Roles[own].Base} {
		if _, bound := s.policy.Rules[table][binding]; bound {
			return fmt.Errorf("a rule of the table binds you; its rules are set by owners: %w", ErrForbidden)
		}
	}
	return s.mayCap(role, "")
}

// compileRule checks a rule against its table and gives columns their ids.
func (s *entry) compileRule(ctx context.Context, spec RuleSpec) (minidb.Rule, error) {
	r := minidb.Rule{Workspace: s.Workspace.ID, Table: spec.Table, Role: spec.Role, Columns: spec.Columns}
	if _, custom := s.Role(spec.Role); !custom && !spec.Role.BuiltIn() || spec.Role == rbac.Owner {
		return r, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "role", Code: minidb.CodeInvalid,
			Message: "rules are for the roles admin, editor and viewer and for those of the workspace"}}}
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
		if access != rbac.Hidden && access != rbac.Masked && access != rbac.ReadOnly {
			problems = append(problems, lqp.Problem{Path: "$.columns." + id, Code: lqp.CodeArgument, Message: fmt.Sprintf("%q is not one of hidden, masked, read_only", access)})
		}
	}
	problems = append(problems, s.compileMasks(&r, t, spec)...)
	for _, part := range []struct {
		name   string
		expr   lqp.Expr
		stored *[]byte
	}{{"read", spec.Read, (*[]byte)(&r.Read)}, {"create", spec.Create, (*[]byte)(&r.Create)}, {"update", spec.Update, (*[]byte)(&r.Update)}, {"delete", spec.Delete, (*[]byte)(&r.Delete)}} {
		if part.expr == nil {
			continue
		}
		byID := columnsByID(part.expr, t)
		if _, err := s.bindRule(byID, t); err != nil {
			var p lqp.Problems
			if !errors.As(err, &p) {
				return r, err
			}
			problems = append(problems, under("$."+part.name, p)...)
			continue
		}
		*part.stored = lqp.EncodeExpr(byID)
	}
	if len(problems) > 0 {
		return r, problems
	}
	return r, nil
}

// compileMasks checks the masks of a rule, those that show NULL too, and stores them.
func (s *entry) compileMasks(r *minidb.Rule, t *lqp.Table, spec RuleSpec) (problems lqp.Problems) {
	reader := s.reader()
	reader.Principal.Attributes = s.someAttributes()
	for id := range spec.Masks {
		if spec.Columns[id] != rbac.Masked {
			problems = append(problems, lqp.Problem{Path: "$.masks." + id, Code: lqp.CodeArgument, Message: "a mask is for a column that is masked"})
		}
	}
	for id, access := range spec.Columns {
		if access != rbac.Masked || t.Column(id) == nil {
			continue
		}
		mask := columnsByID(spec.Masks[id], t)
		if err := rewrite.CheckMask(mask, t, id, reader); err != nil {
			var p lqp.Problems
			if !errors.As(err, &p) {
				p = lqp.Problems{{Path: "$", Code: lqp.CodeTypeMismatch, Message: err.Error()}}
			}
			problems = append(problems, under("$.masks."+id, p)...)
			continue
		}
		if mask != nil {
			if r.Masks == nil {
				r.Masks = map[string]json.RawMessage{}
			}
			r.Masks[id] = lqp.EncodeExpr(mask)
		}
	}
	return problems
}

// under moves the problems of an expression to where it stands.
func under(path string, problems lqp.Problems) lqp.Problems {
	for i := range problems {
		problems[i].Path = path + problems[i].Path[min(1, len(problems[i].Path)):]
	}
	return problems
}

// columnsByID is an expression with the ids of columns in the place of their names.
func columnsByID(e lqp.Expr, t *lqp.Table) lqp.Expr {
	if e == nil {
		return nil
	}
	return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			return lqp.Ref("", columnID(t, c.Column))
		}
		return e
	})
}

// someAttributes are the attributes that a rule may ask for, with values to check it by: the principal's own, and of what it
// lacks those of the first member who has them.
func (s *entry) someAttributes() map[string]lqp.Value {
	some := map[string]lqp.Value{}
	for i := len(s.MemberList) - 1; i >= 0; i-- {
		maps.Copy(some, s.policy.Attributes[s.MemberList[i].User])
	}
	maps.Copy(some, s.p.Attributes)
	maps.Copy(some, s.policy.Attributes[s.p.ID])
	return some
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

// bindRule binds a stored predicate to the whole table, to see whether it compiles.
func (s *entry) bindRule(e lqp.Expr, t *lqp.Table) (lqp.Expr, error) {
	if e == nil {
		return nil, nil
	}
	some := s.someAttributes()
	return lqp.BindExpr(e, lqp.Scope{{Alias: ruleAlias, Columns: t.Columns, Key: t.Key}}, lqp.Env{
		Now: s.e.clock(), User: s.p.ID,
		Attribute: func(name string) (lqp.Value, bool) { v, ok := some[name]; return v, ok },
	})
}
