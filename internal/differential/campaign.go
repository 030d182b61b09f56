package differential

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/livetables/livetables/lqp"
)

// Options say what a campaign does.
type Options struct {
	// Seed decides everything that is asked.
	Seed uint64
	// First and Plans are the number of the first plan and how many are asked.
	First, Plans int
	// Engines are those that take part, nil for all.
	Engines []string
	// Workers ask at the same time, each with databases of its own, 0 for two.
	Workers int
	// Until ends the campaign before all plans are asked, zero for never.
	Until time.Time
	// KeepGoing does not end the campaign at the first difference.
	KeepGoing bool
	// Shrink is how long a difference may be made smaller, 0 for not at all.
	Shrink time.Duration
	// Progress hears of the state now and then, nil for never. It is called by one goroutine at a time.
	Progress func(*Stats)
	// Found hears of every difference, nil for never. It is called by one goroutine at a time.
	Found func(*Failure)
}

// PlansPerWorld is how many plans are asked of the same tables.
const PlansPerWorld = 250

// Run asks random plans and answers with what was seen. The error is one of the machinery; differences are in the Stats.
func Run(ctx context.Context, opt Options) (*Stats, error) {
	if len(opt.Engines) == 0 {
		opt.Engines = Engines
	}
	if opt.Workers <= 0 {
		opt.Workers = 2
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &campaign{opt: opt, stats: newStats(opt)}
	worlds := make(chan int)
	go func() {
		defer close(worlds)
		for n := opt.First / PlansPerWorld; n*PlansPerWorld < opt.First+opt.Plans; n++ {
			select {
			case worlds <- n:
			case <-ctx.Done():
				return
			}
		}
	}()
	var wg sync.WaitGroup
	errs := make([]error, opt.Workers)
	for i := range opt.Workers {
		wg.Go(func() {
			err := c.work(ctx, worlds)
			if err != nil && ctx.Err() == nil { // else it is the end that others brought about
				errs[i] = err
				cancel()
			}
		})
	}
	wg.Wait()
	c.stats.Took = time.Since(c.stats.Began)
	for _, err := range errs {
		if err != nil {
			return c.stats, err
		}
	}
	return c.stats, nil
}

// campaign is a Run.
type campaign struct {
	opt   Options
	mu    sync.Mutex
	stats *Stats
	ended bool
}

// work takes worlds until there are no more.
func (c *campaign) work(ctx context.Context, worlds <-chan int) (err error) {
	var r *rig
	defer func() {
		if r == nil {
			return
		}
		if closed := r.close(context.WithoutCancel(ctx)); err == nil {
			err = closed
		}
	}()
	for n := range worlds {
		if r == nil {
			if r, err = openRig(ctx, c.opt.Engines); err != nil {
				return err
			}
		}
		if err := c.world(ctx, r, n); err != nil || c.over(ctx) {
			return err
		}
	}
	return nil
}

// over reports that no more is to be asked.
func (c *campaign) over(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ctx.Err() != nil || c.ended || !c.opt.Until.IsZero() && time.Now().After(c.opt.Until)
}

// world asks the plans of one world.
func (c *campaign) world(ctx context.Context, r *rig, n int) error {
	w := NewWorld(rand.New(rand.NewPCG(c.opt.Seed, ^uint64(n))))
	if err := r.load(ctx, w); err != nil {
		return fmt.Errorf("seed %d, world %d: %w", c.opt.Seed, n, err)
	}
	for i := range PlansPerWorld {
		plan := n*PlansPerWorld + i
		if plan < c.opt.First || plan >= c.opt.First+c.opt.Plans {
			continue
		}
		if c.over(ctx) {
			return nil
		}
		if err := c.plan(ctx, r, w, plan); err != nil {
			return err
		}
	}
	return nil
}

// settledQuery makes random queries until one has exactly one answer; tries counts those that do not bind.
func settledQuery(r *rand.Rand, w *World, o *oracle, engine string) (q *lqp.Query, tries int) {
	for {
		g := &generator{r: r, w: w, depth: 1 + r.IntN(4), plain: r.IntN(2) == 0}
		if g.plain {
			g.depth = min(g.depth, 2)
		}
		q = g.query(r.IntN(2))
		bound, err := o.bind(place(q, []string{engine}))
		if err == nil && !settled(bound, true) {
			q = settle(q)
			bound, err = o.bind(place(q, []string{engine}))
		}
		if err == nil && settled(bound, true) && pairs(q, w) <= maxPairs {
			return q, tries
		}
		tries++
	}
}

// maxPairs bounds the rows that the naive answer of a plan makes of the joined tables.
const maxPairs = 30_000

// pairs is how many rows there are when every row of each table meets every row of the others.
func pairs(q *lqp.Query, w *World) int {
	n := 1
	source := func(s *lqp.Source) {
		if s.Query != nil {
			n *= pairs(s.Query, w)
		} else if t := w.table(s.Table); t != nil {
			n *= max(1, len(t.Rows))
		}
		n = min(n, maxPairs+1)
	}
	source(&q.From)
	for i := range q.Joins {
		source(&q.Joins[i].Source)
	}
	return n
}

// plan asks one plan of all engines at once, then once more of some in another mode, of several together, and holds the
// answers of one against a relation of their own.
func (c *campaign) plan(ctx context.Context, r *rig, w *World, n int) error {
	rnd := rand.New(rand.NewPCG(c.opt.Seed, uint64(n)))
	q, tries := settledQuery(rnd, w, r.oracle, r.names[0])
	var asked []probe
	for _, e := range r.names {
		asked = append(asked, probe{Oracle, question{query: q, engines: []string{e}, mode: Pushdown}})
	}
	one := func() string { return r.names[rnd.IntN(len(r.names))] }
	coin := rnd.Uint64() % 1_000_000
	mode := []string{Scans, Coin, Coin}[rnd.IntN(3)]
	// Now and then the work in memory has little of it.
	bytes := []int64{0, 0, 500 + rnd.Int64N(6000)}[rnd.IntN(3)]
	asked = append(asked, probe{Oracle, question{q, []string{one()}, mode, coin, bytes}})
	if s := sources(q); s > 1 && len(r.names) > 1 && rnd.IntN(2) == 0 {
		var engines []string
		for range s {
			engines = append(engines, one())
		}
		mode := []string{Pushdown, Pushdown, Coin, Scans}[rnd.IntN(4)]
		asked = append(asked, probe{Oracle, question{q, engines, mode, coin, bytes}})
	}
	if rnd.IntN(5) == 0 {
		relation := Relations[1+rnd.IntN(len(Relations)-1)]
		mode := []string{Pushdown, Pushdown, Coin}[rnd.IntN(3)]
		asked = append(asked, probe{relation, question{q, []string{one()}, mode, coin, 0}})
	}
	for _, p := range asked {
		for _, e := range p.question.engines {
			r.engines[e].adapter.take()
		}
	}
	results := r.holdAll(ctx, asked)
	if ctx.Err() != nil {
		return nil
	}
	c.mu.Lock()
	c.stats.add(r, q, tries, asked, results)
	c.mu.Unlock()
	for i, t := range results {
		if t.diff == "" {
			continue
		}
		if err := c.fail(ctx, r, w, n, asked[i], t); err != nil {
			return err
		}
		break // other engines mostly fail for the same reason
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opt.Progress != nil {
		c.opt.Progress(c.stats)
	}
	return nil
}

// probe is a question with the relation that its answer is held against.
type probe struct {
	relation string
	question question
}

// holdAll asks questions about one query side by side. The naive answer is computed once for engines with the same kinds.
func (r *rig) holdAll(ctx context.Context, asked []probe) []trouble {
	wanted := map[string]*answer{}
	results := make([]trouble, len(asked))
	var wg sync.WaitGroup
	for i, p := range asked {
		var want *answer
		if p.relation == Oracle {
			key := r.kinds(p.question)
			if wanted[key] == nil {
				if bound, err := r.oracle.bind(place(p.question.query, p.question.engines)); err == nil && settled(bound, true) {
					wanted[key] = r.oracle.answer(bound)
				}
			}
			want = wanted[key]
		}
		wg.Go(func() { results[i] = r.hold(ctx, p, want) })
	}
	wg.Wait()
	return results
}

// kinds tell apart the questions that have different answers.
func (r *rig) kinds(q question) string {
	key := ""
	for i := range sources(q.query) {
		key += r.engines[q.engines[i%len(q.engines)]].kinds + "|"
	}
	return key
}

// fail makes a difference small and reports it.
func (c *campaign) fail(ctx context.Context, r *rig, w *World, n int, p probe, t trouble) error {
	f := &Failure{Seed: c.opt.Seed, Plan: n, Probe: p.describe(), Diff: t.diff, Case: newCase(w, p)}
	if c.opt.Shrink > 0 {
		if err := shrink(ctx, r, f, p, c.opt.Shrink); err != nil {
			return err
		}
		if err := r.load(ctx, w); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Failures = append(c.stats.Failures, f)
	if c.opt.Found != nil {
		c.opt.Found(f)
	}
	if !c.opt.KeepGoing {
		c.ended = true
	}
	return nil
}
