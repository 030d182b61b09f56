package lqp

import "time"

// StepKind names a kind of step of a block, in the order in which a block takes them.
type StepKind string

// The steps of a block.
const (
	StepJoin   StepKind = "join"
	StepFilter StepKind = "filter"
	StepGroup  StepKind = "group"
	StepHaving StepKind = "having"
	StepSort   StepKind = "sort"
	StepLimit  StepKind = "limit"
)

// Step is one step of a Run.
type Step struct {
	Query *Query // the block
	Kind  StepKind
	Join  int // which of Query.Joins, for StepJoin
}

// StepTrace counts what a step did. A step that runs several times adds up.
type StepTrace struct {
	Rows int64         // rows that left the step
	Time time.Duration // until they had, that of the steps before it included
}

// traced counts the rows of a step if somebody wants to know.
func (r *runner) traced(it iterator, s Step) iterator {
	if r.opt.Trace == nil {
		return it
	}
	if t := r.opt.Trace(s); t != nil {
		return &tracer{in: it, trace: t}
	}
	return it
}

type tracer struct {
	in    iterator
	trace *StepTrace
}

func (t *tracer) next() ([]Value, error) {
	start := time.Now()
	row, err := t.in.next()
	t.trace.Time += time.Since(start)
	if row != nil {
		t.trace.Rows++
	}
	return row, err
}
