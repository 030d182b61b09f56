package lqp

import (
	"context"
	"errors"
	"fmt"
)

// RowReader is the part of a row iterator that [Run] needs; adapter.Rows satisfies it. Values own their memory.
type RowReader interface {
	Next() bool
	Value(i int) Value
	Err() error
	Close() error
}

// Sources gives Run the rows of the sources of a plan.
type Sources interface {
	// Open delivers every row of a table source, its values in the order of Source.Schema.Columns. For a nested query it
	// may answer ErrRunNested, and Run runs the nested query itself.
	Open(ctx context.Context, s *Source) (RowReader, error)
	// Lookup delivers the rows of s in which the expressions on (over s alone) equal one of the given key tuples, or
	// ErrNoLookup when reading everything by Open is wanted instead, be it at the first look-up or at a later one.
	Lookup(ctx context.Context, s *Source, on []Expr, keys [][]Value) (RowReader, error)
}

// Narrower is implemented by Sources that can read less of a source whose rows are joined with few others.
type Narrower interface {
	// Narrow says, before s is opened, that only those of its rows are needed in which the expression on (over s alone)
	// equals one of the values, NULL among them. Open may deliver others too. It is called once for each join that knows.
	Narrow(s *Source, on Expr, values []Value) error
}

// Answers of Sources that are not failures.
var (
	ErrRunNested = errors.New("run the nested query")
	ErrNoLookup  = errors.New("no key look-up")
)

// RunOptions tune a Run. The zero RunOptions are the reference.
type RunOptions struct {
	Budget *Budget
	// Spill is where joins, sorts and groups go on that hold more than the budget's bytes; nil ends the Run with a
	// *BudgetError there. The answer is the same, ties included.
	Spill Spill
	// Compile turns a resolved expression into a function of the row; nil uses Eval. It must agree with Eval.
	Compile func(e Expr) func(row []Value) Value
	// LookupBatch is how many rows of the left side are joined with one Lookup, default 256.
	LookupBatch int
	// NarrowKeys is how many different keys the right side of a join may have for a [Narrower] to be told of them, 0 for none.
	NarrowKeys int
	// Sorted is how many leading sort keys of the outermost block its rows arrive in the order of: those that use the
	// first source only, which delivers its rows so. Joins keep the order of their left side. Only rows that agree in
	// these keys are then held to be sorted by the others, and the first rows leave before the last have arrived. The
	// block must have no groups and no right or full joins.
	Sorted int
	// Trace is asked once for every step of every block where to count what the step does; nil, or an answer of nil,
	// counts nothing. Steps of one Run count one after the other.
	Trace func(Step) *StepTrace
}

// Run evaluates a bound query over the rows that sources deliver and answers with an iterator over its result, columns
// in the order of q.Select. It is the reference semantics of a query: joins, filter, groups, having, sort, page, in this
// order, every expression by Eval. Rows stream through filters and through the left side of joins; joins, sorts and
// groups hold what they need within the budget. The order of rows that compare equal under OrderBy is their order of
// arrival.
//
// Page.After keeps the rows that sort after it; Offset and Limit then apply. Errors come from Run itself or from Err of
// the iterator: those of the sources, of the context, a *BudgetError, or one that wraps ErrSpill.
func Run(ctx context.Context, q *Query, sources Sources, opt RunOptions) (*Result, error) {
	if opt.Compile == nil {
		opt.Compile = func(e Expr) func([]Value) Value { return func(row []Value) Value { return Eval(e, row) } }
	}
	if opt.LookupBatch <= 0 {
		opt.LookupBatch = 256
	}
	r := &runner{ctx: ctx, sources: sources, opt: opt, account: &account{budget: opt.Budget, spill: opt.Spill}}
	it, err := r.block(q, opt.Sorted)
	if err != nil {
		r.close()
		return nil, err
	}
	return &Result{it: it, run: r}, nil
}

// Result iterates over the rows of a Run. It is used by one goroutine and must be closed.
type Result struct {
	it   iterator
	run  *runner
	row  []Value
	err  error
	done bool
}

// Next moves to the next row; false at the end or on an error.
func (r *Result) Next() bool {
	if r.done {
		return false
	}
	r.row, r.err = r.it.next()
	if r.row == nil || r.err != nil {
		r.row, r.done = nil, true
		r.run.close()
		return false
	}
	return true
}

// Value is column i of the current row.
func (r *Result) Value(i int) Value { return r.row[i] }

// AppendJSON appends column i of the current row as canonical JSON.
func (r *Result) AppendJSON(dst []byte, i int) []byte { return r.row[i].AppendJSON(dst) }

// Counted reports whether the rows were read from sources under this budget: a Run that reads them does not count them
// again. A RowReader made of Results may have this method too.
func (r *Result) Counted(b *Budget) bool { return r.run.account.budget == b }

// Err is the error that ended the iteration.
func (r *Result) Err() error { return r.err }

// Close releases the sources. It is safe to call twice.
func (r *Result) Close() error {
	r.done = true
	r.run.close()
	return nil
}

// iterator yields rows until a nil one. A row is valid until the next call.
type iterator interface{ next() ([]Value, error) }

// runner runs one block; those of nested blocks share its account.
type runner struct {
	ctx     context.Context
	sources Sources
	opt     RunOptions
	account *account
	open    []*scanner
	nested  []*runner
}

func (r *runner) close() {
	r.closeReaders()
	r.account.close()
}

func (r *runner) closeReaders() {
	for len(r.open) > 0 {
		r.open[len(r.open)-1].close()
	}
	for _, n := range r.nested {
		n.closeReaders()
	}
}

// shape says where the columns of a block's sources stand in its rows.
type shape struct {
	slots map[colKey]int
	width int
}

type colKey struct{ source, column string }

func (s *shape) add(source string, cols []Column) {
	for i := range cols {
		s.slots[colKey{source, cols[i].ID}] = s.width + i
	}
	s.width += len(cols)
}

func (s *shape) slot(c *Col) (int, error) {
	if i, ok := s.slots[colKey{c.Source, c.Column}]; ok {
		return i, nil
	}
	return 0, fmt.Errorf("column %s.%s is not in scope: the query is not bound", c.Source, c.Column)
}

func (r *runner) compile(e Expr, s *shape) (func([]Value) Value, error) {
	resolved, err := Resolve(e, s.slot)
	if err != nil {
		return nil, err
	}
	return r.opt.Compile(resolved), nil
}

func (r *runner) compileAll(es []Named, s *shape) ([]func([]Value) Value, error) {
	fs := make([]func([]Value) Value, len(es))
	for i := range es {
		f, err := r.compile(es[i].Expr, s)
		if err != nil {
			return nil, err
		}
		fs[i] = f
	}
	return fs, nil
}

// block builds the pipeline of one select block; sorted is RunOptions.Sorted for it.
func (r *runner) block(q *Query, sorted int) (iterator, error) {
	in := &shape{slots: map[colKey]int{}}
	it := r.source(&q.From, in)
	var err error
	first := &q.From
	for i := range q.Joins {
		if it, err = r.join(it, &q.Joins[i], in, first); err != nil {
			return nil, err
		}
		if k := q.Joins[i].Kind; k != Inner && k != Left {
			first = nil
		}
		it = r.traced(it, Step{q, StepJoin, i})
	}
	if q.Where != nil {
		if it, err = r.filter(it, q.Where, in); err != nil {
			return nil, err
		}
		it = r.traced(it, Step{q, StepFilter, 0})
	}
	if len(q.GroupBy)+len(q.Aggregates) > 0 {
		if it, in, err = r.group(it, q, in); err != nil {
			return nil, err
		}
		it = r.traced(it, Step{q, StepGroup, 0})
		if q.Having != nil {
			if it, err = r.filter(it, q.Having, in); err != nil {
				return nil, err
			}
			it = r.traced(it, Step{q, StepHaving, 0})
		}
	}
	if len(q.OrderBy) > 0 {
		if it, err = r.sort(it, q, in, sorted); err != nil {
			return nil, err
		}
		it = r.traced(it, Step{q, StepSort, 0})
	}
	if q.Page.Offset > 0 || q.Page.Limit > 0 {
		it = &pager{in: it, skip: q.Page.Offset, left: q.Page.Limit, unlimited: q.Page.Limit <= 0, run: r}
		it = r.traced(it, Step{q, StepLimit, 0})
	}
	return r.project(it, q.Select, in)
}

// Columns lists the columns that a bound source brings into its block.
func (s *Source) Columns() []Column {
	if s.Query != nil {
		return s.Query.Columns()
	}
	if s.Schema == nil {
		return nil
	}
	return s.Schema.Columns
}

type filterer struct {
	in   iterator
	pred func([]Value) Value
}

func (r *runner) filter(in iterator, e Expr, s *shape) (iterator, error) {
	pred, err := r.compile(e, s)
	if err != nil {
		return nil, err
	}
	return &filterer{in, pred}, nil
}

func (f *filterer) next() ([]Value, error) {
	for {
		row, err := f.in.next()
		if row == nil || err != nil {
			return nil, err
		}
		if Truth(f.pred(row)) {
			return row, nil
		}
	}
}

type projector struct {
	in   iterator
	cols []func([]Value) Value
	buf  []Value
}

func (r *runner) project(in iterator, sel []Named, s *shape) (iterator, error) {
	cols, err := r.compileAll(sel, s)
	if err != nil {
		return nil, err
	}
	return &projector{in, cols, make([]Value, len(cols))}, nil
}

func (p *projector) next() ([]Value, error) {
	row, err := p.in.next()
	if row == nil || err != nil {
		return nil, err
	}
	for i, f := range p.cols {
		p.buf[i] = f(row)
	}
	return p.buf, nil
}

type pager struct {
	in         iterator
	skip, left int
	unlimited  bool
	run        *runner
}

func (p *pager) next() ([]Value, error) {
	for ; p.skip > 0; p.skip-- {
		if row, err := p.in.next(); row == nil || err != nil {
			return nil, err
		}
	}
	if !p.unlimited {
		if p.left == 0 {
			p.run.closeReaders() // whatever else they have is not wanted
			return nil, nil
		}
		p.left--
	}
	return p.in.next()
}
