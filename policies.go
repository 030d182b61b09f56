package livetables

import (
	"context"
	"sync"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// cataloguePolicies is the default PolicyStore: members and rules of the workspace's catalogue.
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
	p := &rbac.Policy{Workspace: workspace, Version: snap.PolicyVersion, Members: snap.Members, Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{}}
	for _, r := range snap.Rules {
		if p.Rules[r.Table] == nil {
			p.Rules[r.Table] = map[rbac.Role]rbac.TableRule{}
		}
		p.Rules[r.Table][r.Role] = tableRule(r)
	}
	c.cache.Store(workspace, cachedPolicy{snap, p})
	return p, nil
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
	return rule
}
