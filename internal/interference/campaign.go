package interference

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
)

// Options say what a campaign does.
type Options struct {
	// Seed decides everything that happens.
	Seed uint64
	// First and Cases are the number of the first case and how many there are.
	First, Cases int
	// Workers work at the same time, each with an engine of its own, 0 for two.
	Workers int
	// Source opens the external database of a worker; nil keeps its tables in memory.
	Source SourceFunc
	// Store opens the database of a worker's mini-DB; nil keeps it in a file.
	Store StoreFunc
	// KeepGoing does not end the campaign at the first finding.
	KeepGoing bool
	// Progress hears of the state after every world, nil for never. It is called by one goroutine at a time.
	Progress func(*Stats)
	// Found hears of every finding, nil for never. It is called by one goroutine at a time.
	Found func(*Finding)
}

// SourceFunc opens an external database for one worker and answers also with what closes it.
type SourceFunc func(ctx context.Context) (Source, func() error, error)

// StoreFunc opens the database of one worker's mini-DB, for which there is a directory, and answers also with what removes
// it once the store is closed.
type StoreFunc func(ctx context.Context, dir string) (adapter.Store, func() error, error)

// file keeps the mini-DB in an SQLite file.
func file(ctx context.Context, dir string) (adapter.Store, func() error, error) {
	s, err := sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		return nil, nil, err
	}
	return s, func() error { return nil }, nil
}

// CasesPerWorld is how many questions are asked of the same tables under the same policy.
const CasesPerWorld = 25

// Finding is something that a principal was let know and must not, or was not let know and may.
type Finding struct {
	Seed  uint64
	Case  int
	Kind  string // of the question
	About string
	// Diff says what differs: the answers before and after a change out of sight, or the answer from the reference.
	Diff  string
	World string
}

// String is the report of a finding.
func (f *Finding) String() string {
	return fmt.Sprintf("FINDING seed %d, case %d (again: -seed %d -first %d -n 1), %s\n%s\n%s\n%s\n", f.Seed, f.Case, f.Seed, f.Case, f.Kind, f.About, f.Diff, f.World)
}

// Stats are what a campaign has seen.
type Stats struct {
	Seed     uint64
	Began    time.Time
	Took     time.Duration
	Cases    int
	Worlds   int
	Linked   int            // of the worlds, those with links
	Kinds    map[string]int // cases by the kind of the question
	Failed   int            // cases whose answer was an error
	Compared int            // cases held against the reference
	Changes  int            // changes out of sight
	Rejected int            // changes that would have been in sight
	Findings []*Finding
}

// Line is the state in one line.
func (s *Stats) Line() string {
	took := s.Took
	if took == 0 {
		took = time.Since(s.Began)
	}
	return fmt.Sprintf("%d cases in %d worlds, %d held against the reference, %d errors, %d changes out of sight, %d findings, %s, %.0f cases a second",
		s.Cases, s.Worlds, s.Compared, s.Failed, s.Changes, len(s.Findings), took.Round(time.Second), float64(s.Cases)/took.Seconds())
}

// String is the state with the kinds of questions.
func (s *Stats) String() string {
	var kinds []string
	for k, n := range s.Kinds {
		kinds = append(kinds, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(kinds)
	return s.Line() + "\n" + strings.Join(kinds, ", ") + "\n"
}

func newRand(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }

// Run goes through random worlds. The error is one of the machinery; findings are in the Stats.
func Run(ctx context.Context, opt Options) (*Stats, error) {
	if opt.Workers <= 0 {
		opt.Workers = 2
	}
	if opt.Store == nil {
		opt.Store = file
	}
	if opt.Source == nil {
		opt.Source = func(context.Context) (Source, func() error, error) { return &swap{}, func() error { return nil }, nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &campaign{opt: opt, stats: &Stats{Seed: opt.Seed, Began: time.Now(), Kinds: map[string]int{}}}
	worlds := make(chan int)
	go func() {
		defer close(worlds)
		for n := opt.First / CasesPerWorld; n*CasesPerWorld < opt.First+opt.Cases; n++ {
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
			if err := c.work(ctx, worlds); err != nil && ctx.Err() == nil {
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
	from, end, err := c.opt.Source(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := end(); err == nil {
			err = closed
		}
	}()
	r, err := openRig(ctx, from, c.opt.Store)
	if err != nil {
		return err
	}
	defer func() {
		if closed := r.close(); err == nil {
			err = closed
		}
	}()
	for n := range worlds {
		world := c.world
		if n%linkedEvery == linkedEvery-1 {
			world = c.linkedWorld
		}
		if err := world(ctx, r, n); err != nil {
			return fmt.Errorf("seed %d, world %d: %w", c.opt.Seed, n, err)
		}
		if c.over(ctx) {
			return nil
		}
	}
	return nil
}

func (c *campaign) over(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ctx.Err() != nil || c.ended
}

// world goes through the cases of one world. What happens in it does not depend on which of its cases are wanted.
func (c *campaign) world(ctx context.Context, r *rig, n int) error {
	rnd := newRand(c.opt.Seed, uint64(n))
	if !r.source.Fixed() {
		r.place.furnish(rnd, externalTables)
	} else {
		r.place.refill(rnd, externalTables)
	}
	w := newWorld(rnd, n, began.Add(time.Duration(n+1)*time.Hour), &r.place)
	if err := r.load(ctx, w); err != nil {
		return err
	}
	a := &asker{r: r, w: w, as: r.access(w.me)}
	found := func(at int, kind, about, diff string) {
		c.find(&Finding{Seed: c.opt.Seed, Case: n*CasesPerWorld + at, Kind: kind, About: about, Diff: diff, World: w.String()})
	}
	if !w.reader {
		for _, look := range []func(context.Context) (string, error){a.schemas, a.live} {
			diff, err := look(ctx)
			if err != nil {
				return err
			}
			if diff != "" {
				found(0, "world", "", diff)
			}
		}
	}
	questions := make([]question, CasesPerWorld)
	for i := range questions {
		questions[i] = a.question()
	}
	from, to := max(0, c.opt.First-n*CasesPerWorld), min(CasesPerWorld, c.opt.First+c.opt.Cases-n*CasesPerWorld)
	before := make([]string, CasesPerWorld)
	failed, compared := 0, 0
	for i := from; i < to; i++ {
		q := &questions[i]
		before[i] = q.ask(ctx)
		if strings.HasPrefix(before[i], "error ") {
			failed++
		}
		if q.check != nil {
			if diff := q.check(); diff != "" {
				found(i, q.kind+" against the reference", q.about, diff)
			}
		}
		if q.last != nil {
			compared++
			if diff := w.reference(q); diff != "" {
				found(i, q.kind+" against the reference", q.about, diff)
			}
		}
	}
	was := w.String()
	changed, err := r.change(ctx, w)
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		q := &questions[i]
		if after := q.ask(ctx); after != before[i] {
			found(i, q.kind, q.about, "before "+before[i]+"\nafter  "+after+"\nwhen it was asked first:\n"+was)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Worlds++
	s.Cases += to - from
	s.Failed += failed
	s.Compared += compared
	s.Changes += changed
	s.Rejected += w.rejected
	for i := from; i < to; i++ {
		s.Kinds[questions[i].kind]++
	}
	if c.opt.Progress != nil {
		c.opt.Progress(s)
	}
	return nil
}

func (c *campaign) find(f *Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Findings = append(c.stats.Findings, f)
	if c.opt.Found != nil {
		c.opt.Found(f)
	}
	c.ended = c.ended || !c.opt.KeepGoing
}
