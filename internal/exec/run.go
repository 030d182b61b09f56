package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// Options bound a run. The zero Options are unlimited.
type Options struct {
	MaxRows  int64 // rows read from sources for work in memory
	MaxBytes int64 // bytes held by joins, sorts and groups
	// Spill is where they go on that hold more, for this run; nil makes that an error.
	Spill lqp.Spill

	chunk, batch int // rows of the first chunk and left rows of a look-up, 0 for the defaults
}

// running is what the parts of one run share.
type running struct {
	lqp.RunOptions
	chunk int
	// buffer says that there are look-ups. They are made while the source of their left side is being read: its rows are
	// then fetched ahead, so that no query holds a connection to one source while it waits for another. Enough queries
	// that did would wait for each other.
	buffer bool
	traces *traces // nil unless the run is analyzed
}

func (o Options) start() running {
	return running{RunOptions: lqp.RunOptions{Budget: &lqp.Budget{MaxRows: o.MaxRows, MaxBytes: o.MaxBytes}, Spill: o.Spill, Compile: compile,
		LookupBatch: o.batch, NarrowKeys: narrowKeys}, chunk: o.chunk}
}

// compile prefers the formula package's closures; an expression they do not know is evaluated by walking its tree.
func compile(e lqp.Expr) func([]lqp.Value) lqp.Value {
	if p, err := formula.Compile(e); err == nil {
		return p.Eval
	}
	return func(row []lqp.Value) lqp.Value { return lqp.Eval(e, row) }
}

// Run starts the tree. The rows have the columns of the plan's query and must be closed.
func (t *Tree) Run(ctx context.Context, opt Options) (adapter.Rows, error) {
	return t.start(ctx, opt.start())
}

func (t *Tree) start(ctx context.Context, run running) (adapter.Rows, error) {
	rows, err := t.rows(ctx, run)
	if err != nil {
		return nil, t.explained(err)
	}
	if t.whole != nil && t.whole.split.Residual == nil && t.watched == nil {
		return rows, nil // without work here
	}
	return budgetRows{rows, t}, nil
}

func (t *Tree) rows(ctx context.Context, run running) (adapter.Rows, error) {
	switch {
	case t.watched != nil:
		return t.runWatched(ctx, run)
	case t.whole != nil:
		return t.whole.open(ctx, run)
	}
	run.buffer = slices.ContainsFunc(t.order, func(p *part) bool { return p.lookups })
	top := run.RunOptions
	top.Sorted = t.sorted
	if limit := t.top.Page.Limit; t.sorted > 0 && limit > 0 && run.LookupBatch == 0 {
		top.LookupBatch = min(max(limit, smallBatch), bigBatch) // the page will probably be full with the first
	}
	return lqp.Run(ctx, t.top, treeSources{t: t, run: run, narrowed: map[*part]*part{}, looked: map[*part]int64{}}, top)
}

// The left rows that are joined with one look-up when the page may stop early.
const (
	smallBatch = 16
	bigBatch   = 256
)

// treeSources gives the top block of a tree the rows of its parts.
type treeSources struct {
	t        *Tree
	run      running
	narrowed map[*part]*part // what is read in the place of a part
	looked   map[*part]int64 // keys looked up
}

func (s treeSources) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	rows, err := s.open(ctx, src)
	if err == nil && s.t.free {
		return uncounted{rows}, nil
	}
	return rows, err
}

func (s treeSources) open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	p, ok := s.t.parts[src.Query]
	if n := s.narrowed[p]; n != nil {
		p = n
	}
	switch {
	case !ok:
		return nil, lqp.ErrRunNested
	case p.ties != nil:
		return openSequence(ctx, p.ties, p, s.run)
	}
	return p.ahead(ctx, s.run)
}

func (s treeSources) Lookup(ctx context.Context, src *lqp.Source, on []lqp.Expr, keys [][]lqp.Value) (lqp.RowReader, error) {
	p, ok := s.t.parts[src.Query]
	if !ok || !p.lookups {
		return nil, lqp.ErrNoLookup
	}
	s.looked[p] += int64(len(keys))
	if most := enoughLookups(p.estimate()); most > 0 && s.looked[p] > most {
		return nil, lqp.ErrNoLookup
	}
	return lookup(ctx, p, on, keys, s.run)
}

// ahead opens a part as the left side of joins.
func (p *part) ahead(ctx context.Context, run running) (adapter.Rows, error) {
	rows, err := p.open(ctx, run)
	if err != nil || !run.buffer || !p.first || p.inChunks() {
		return rows, err
	}
	return newBuffer(rows, len(p.query.Select), run.RunOptions)
}

// open runs a part: the pushed query at the source, the residual over its rows.
func (p *part) open(ctx context.Context, run running) (adapter.Rows, error) {
	residual := p.split.Residual
	if residual == nil {
		return p.read(ctx, run)
	}
	if p.inOrder() {
		// The rows come sorted and after the cursor: the residual only filters, and stops when its page is full.
		c := *residual
		c.OrderBy, c.Page.After = nil, nil
		run.traces.instead(&c, residual)
		residual = &c
	}
	return lqp.Run(ctx, residual, partSource{p, run}, run.RunOptions)
}

// inOrder reports that the pushed rows come in the order of the part and behind its cursor.
func (p *part) inOrder() bool {
	return p.split.Sorted && (len(p.query.Page.After) == 0 || len(p.split.Pushed.Page.After) > 0)
}

// inChunks reports that the pushed query is read in chunks: its reader will probably stop early.
func (p *part) inChunks() bool {
	early := p.early || p.split.Residual != nil && p.split.Residual.Page.Limit > 0
	return early && p.inOrder() && resumable(p.split.Pushed)
}

// read reads the pushed query.
func (p *part) read(ctx context.Context, run running) (adapter.Rows, error) {
	if !p.inChunks() {
		return p.scan(ctx, p.split.Pushed, run)
	}
	limit := 0
	if p.split.Residual != nil {
		limit = p.split.Residual.Page.Limit
	}
	return newChunks(ctx, p, limit, run), nil
}

// scan runs a query at the part's source.
func (p *part) scan(ctx context.Context, q *lqp.Query, run running) (adapter.Rows, error) {
	name := sourceName(q, p.connection)
	rows, err := run.traces.scan(p, func() (adapter.Rows, error) { return p.adapter.Scan(ctx, q) })
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return namedRows{rows, name}, nil
}

// namedRows names its source in the error that ends it.
type namedRows struct {
	adapter.Rows
	name string
}

func (r namedRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return fmt.Errorf("read %s: %w", r.name, err)
	}
	return nil
}

func sourceName(q *lqp.Query, connection string) string {
	s := q.From
	for s.Query != nil {
		s = s.Query.From
	}
	name := s.Table
	if s.Schema != nil {
		name = s.Schema.Name
	}
	if connection == "" {
		return name
	}
	return connection + "/" + name
}

// partSource gives a residual query the rows of its pushed query.
type partSource struct {
	p   *part
	run running
}

func (s partSource) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != s.p.split.Pushed {
		return nil, lqp.ErrRunNested
	}
	return s.p.read(ctx, s.run)
}

func (partSource) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}
