package interference

import (
	"context"
	"sync/atomic"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// swap is an external database whose tables are replaced between questions.
type swap struct {
	now atomic.Pointer[memory.Adapter]
}

var (
	_ Source            = (*swap)(nil)
	_ adapter.Adapter   = (*swap)(nil)
	_ adapter.Explainer = (*swap)(nil)
	_ adapter.Estimator = (*swap)(nil)
)

// Open implements Source, as Put and Fixed do.
func (s *swap) Open(context.Context, adapter.Settings) (adapter.Adapter, error) { return s, nil }

// Put replaces the tables.
func (s *swap) Put(_ context.Context, tables []memory.Table, prover adapter.Prover) error {
	s.now.Store(memory.New(tables, memory.Options{Prover: prover}))
	return nil
}

// Fixed is false: tables come with every world.
func (s *swap) Fixed() bool { return false }

// Tables implements adapter.Adapter, as the following do.
func (s *swap) Tables(ctx context.Context) (lqp.Catalog, error) { return s.now.Load().Tables(ctx) }

func (s *swap) Capabilities() adapter.Capabilities { return s.now.Load().Capabilities() }

func (s *swap) Plan(q *lqp.Query) adapter.Split { return s.now.Load().Plan(q) }

func (s *swap) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	return s.now.Load().Scan(ctx, q)
}

func (s *swap) Ping(ctx context.Context) error { return s.now.Load().Ping(ctx) }

func (s *swap) Close() error { return nil }

func (s *swap) Native(q *lqp.Query) (string, error) { return s.now.Load().Native(q) }

func (s *swap) Estimate(ctx context.Context, q *lqp.Query) (int64, error) {
	return s.now.Load().Estimate(ctx, q)
}

// policies is a policy store with one policy that is replaced between worlds.
type policies struct{ now atomic.Pointer[rbac.Policy] }

// Policy implements rbac.PolicyStore.
func (p *policies) Policy(context.Context, string) (*rbac.Policy, error) { return p.now.Load(), nil }
