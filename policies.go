package livetables

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// cataloguePolicies is the default PolicyStore: members, roles, rules and caps of the workspace's catalogue.
type cataloguePolicies struct {
	store *minidb.DB
	cache sync.Map // *minidb.Snapshot -> *rbac.Policy would keep old snapshots alive: workspace -> cachedPolicy
}

type cachedPolicy struct {
	snapshot *minidb.Snapshot
	policy   *rbac.Policy
}

// Policy implements rbac.PolicyStore.
func (c *cataloguePolicies) Policy(ctx context.Context, workspace string) (*rbac.Policy, error) {
	snap, err := c.store.Snapshot(ctx, workspace)
	if err != nil {
		c.cache.Delete(workspace)
		return nil, err
	}
	if v, ok := c.cache.Load(workspace); ok && v.(cachedPolicy).snapshot == snap {
		return v.(cachedPolicy).policy, nil
	}
	p := policyOf(snap)
	c.cache.Store(workspace, cachedPolicy{snap, p})
	return p, nil
}

// givenPolicies are those of an embedding program. What it leaves out of where resources are is taken from the catalogue, so
// that a cap on a base is never lost on its tables; a policy of another workspace is refused.
type givenPolicies struct {
	given rbac.PolicyStore
	store *minidb.DB
}

// Policy implements rbac.PolicyStore.
func (g givenPolicies) Policy(ctx context.Context, workspace string) (*rbac.Policy, error) {
	p, err := g.given.Policy(ctx, workspace)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, errors.New("the policy store answers with no policy")
	case p.Workspace != "" && p.Workspace != workspace:
		return nil, fmt.Errorf("the policy store answers with the policy of %s", p.Workspace)
	case p.Workspace != "" && p.Parents != nil:
		return p, nil
	}
	whole := *p
	whole.Workspace = workspace
	if whole.Parents == nil {
		snap, err := g.store.Snapshot(ctx, workspace)
		if err != nil {
			return nil, err
		}
		whole.Parents = snap.Parents()
	}
	return &whole, nil
}

// policyOf is the policy that a catalogue holds. Whatever of it cannot be read takes rights away and gives none: a role is
// none, a member without readable attributes has no role, a cap closes its resource, a rule its table.
func policyOf(snap *minidb.Snapshot) *rbac.Policy {
	p := &rbac.Policy{Workspace: snap.Workspace.ID, Version: snap.PolicyVersion, Members: snap.Members, Parents: snap.Parents(),
		Networks: snap.Networks, Attributes: map[string]map[string]lqp.Value{}, Roles: map[rbac.Role]rbac.CustomRole{},
		Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{}, Caps: map[string][]rbac.Cap{}}
	for i := range snap.MemberList {
		if m := &snap.MemberList[i]; len(m.Attributes) > 0 {
			p.Attributes[m.User] = m.Attributes
		}
	}
	for _, r := range snap.Roles {
		if !r.Damaged() {
			p.Roles[r.ID] = r.Custom()
		}
	}
	for _, r := range snap.Rules {
		if p.Rules[r.Table] == nil {
			p.Rules[r.Table] = map[rbac.Role]rbac.TableRule{}
		}
		p.Rules[r.Table][r.Role] = tableRule(r)
	}
	for i := range snap.Caps {
		c := &snap.Caps[i]
		p.Caps[c.Resource] = append(p.Caps[c.Resource], c.Cap)
	}
	return p
}

// tableRule decodes a stored rule. One that cannot be read closes its table: no rule must ever be lost by being broken.
func tableRule(r *minidb.Rule) rbac.TableRule {
	rule := rbac.TableRule{Columns: r.Columns}
	for _, part := range []struct {
		stored []byte
		expr   *lqp.Expr
	}{{r.Read, &rule.Read}, {r.Create, &rule.Create}, {r.Update, &rule.Update}, {r.Delete, &rule.Delete}} {
		if len(part.stored) == 0 {
			continue
		}
		e, err := lqp.DecodeExpr(part.stored, lqp.DecodeOptions{})
		if err != nil {
			return rbac.TableRule{Closed: true}
		}
		*part.expr = e
	}
	for column, stored := range r.Masks {
		e, err := lqp.DecodeExpr(stored, lqp.DecodeOptions{})
		if err != nil {
			return rbac.TableRule{Closed: true}
		}
		if rule.Masks == nil {
			rule.Masks = make(map[string]lqp.Expr, len(r.Masks))
		}
		rule.Masks[column] = e
	}
	return rule
}
