package livetables

import (
	"crypto/rand"
	"sync"

	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/internal/indexuse"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// keptPlan is what was made of a query for a principal, for the next time that it asks the same. It is immutable.
//
// It is found only by an entry with the very same catalogue and policy in its hands, which every request asks for anew, as if
// there were no plans kept: what has changed of either is another one, and everything that was made of the old one is out of
// reach. What else a plan depends on is in its key.
type keptPlan struct {
	plan    *rewrite.Plan // with its page, one row more than asked, but not where a cursor continues
	columns []lqp.Column
	views   []string // that were read
	table   string   // whose use of indexes is noted, empty for none
	shape   indexuse.Shape
	// statement is that of the plan, nil for a plan that is more than a statement.
	statement *exec.Prepared
	// whole says that the query's key must have all its texts, never that it is planned anew each time. There is nothing else in
	// such a keptPlan.
	whole, never bool
}

// size is about how many bytes of memory a plan takes: its outputs are bound, rewritten and described.
func (p *keptPlan) size() int {
	n := 1 << 10
	if p.plan != nil {
		n += 4<<10 + 800*len(p.plan.Query().Select)
	}
	if p.statement != nil {
		n += p.statement.Size()
	}
	return n
}

// planPlace is where a plan is kept: what it was made of by identity, and its key.
type planPlace struct {
	snapshot *minidb.Snapshot
	policy   *rbac.Policy
	key      string
}

// The bounds of kept plans.
const (
	keptPlansBytes = 16 << 20 // of all plans of an engine, about
	keptPlanBytes  = keptPlansBytes / 32
)

// keptPlans are the plans of an engine, those that were asked for last, in two generations: when the young ones take half of the
// room, they become the old ones, and those that were old are forgotten.
type keptPlans struct {
	holes [maxHoles]*lqp.Lit // constants that nobody can guess

	mu         sync.Mutex
	young, old map[planPlace]*keptPlan
	size       int                         // of the young ones
	latest     map[string]*minidb.Snapshot // by workspace: whose plans are kept
}

func newKeptPlans() *keptPlans {
	k := &keptPlans{}
	secret := rand.Text()
	for i := range k.holes {
		k.holes[i] = lqp.Literal(lqp.TextValue("hole" + secret + string(rune('a'+i))))
	}
	k.forget()
	return k
}

// forget forgets all plans.
func (k *keptPlans) forget() {
	k.young, k.old, k.latest, k.size = map[planPlace]*keptPlan{}, nil, map[string]*minidb.Snapshot{}, 0
}

// get finds a plan, nil when there is none.
func (k *keptPlans) get(snapshot *minidb.Snapshot, policy *rbac.Policy, key []byte) *keptPlan {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.young[planPlace{snapshot, policy, string(key)}]; p != nil {
		return p
	}
	p := k.old[planPlace{snapshot, policy, string(key)}]
	if p != nil {
		k.add(planPlace{snapshot, policy, string(key)}, p)
	}
	return p
}

// put keeps a plan. Those of an older catalogue of the workspace are forgotten: nobody will ask for them, and they hold on to it.
func (k *keptPlans) put(snapshot *minidb.Snapshot, policy *rbac.Policy, key []byte, p *keptPlan) {
	if p.size()+len(key) > keptPlanBytes {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	workspace := snapshot.Workspace.ID
	switch latest := k.latest[workspace]; {
	case latest == snapshot:
	case latest != nil && latest.Revision > snapshot.Revision:
		return
	default:
		if latest != nil {
			k.drop(workspace)
		}
		k.latest[workspace] = snapshot
	}
	k.add(planPlace{snapshot, policy, string(key)}, p)
}

func (k *keptPlans) add(at planPlace, p *keptPlan) {
	if was := k.young[at]; was != nil {
		k.size -= was.size() + len(at.key)
		delete(k.young, at)
	}
	size := p.size() + len(at.key)
	if k.size+size > keptPlansBytes/2 {
		k.turn()
	}
	k.young[at] = p
	k.size += size
}

// turn makes the young plans old.
func (k *keptPlans) turn() {
	k.old, k.young, k.size = k.young, map[planPlace]*keptPlan{}, 0
	k.latest = map[string]*minidb.Snapshot{}
	for at := range k.old { // one that was promoted from the generation before is here too
		if s := at.snapshot; k.latest[s.Workspace.ID] == nil || k.latest[s.Workspace.ID].Revision < s.Revision {
			k.latest[s.Workspace.ID] = s
		}
	}
}

// drop forgets the plans of a workspace.
func (k *keptPlans) drop(workspace string) {
	for at, p := range k.young {
		if at.snapshot.Workspace.ID == workspace {
			delete(k.young, at)
			k.size -= p.size() + len(at.key)
		}
	}
	for at := range k.old {
		if at.snapshot.Workspace.ID == workspace {
			delete(k.old, at)
		}
	}
}
