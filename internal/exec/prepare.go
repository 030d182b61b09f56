package exec

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Prepared is a plan that is one statement of one source. It is immutable and may be run by many goroutines at once.
type Prepared struct {
	statement adapter.Prepared
	name      string
}

// Prepare makes the statement of a tree that leaves nothing to the engine, nil when there is more to the tree or its source
// prepares nothing. holes are constants of the plan that stand for others, see [adapter.Preparer].
func (t *Tree) Prepare(holes []lqp.Value) *Prepared {
	p := t.whole
	if p == nil || t.watched != nil || p.split.Residual != nil || p.inChunks() {
		return nil
	}
	source, ok := p.adapter.(adapter.Preparer)
	if !ok {
		return nil
	}
	st, err := source.Prepare(p.split.Pushed, holes)
	if err != nil {
		return nil // the tree runs without
	}
	return &Prepared{statement: st, name: sourceName(p.split.Pushed, p.connection)}
}

// Run starts the statement with values in the place of the holes, as [Tree.Run] would. The rows must be closed.
func (p *Prepared) Run(ctx context.Context, values []lqp.Value) (adapter.Rows, error) {
	return p.RunBy(func(st adapter.Prepared) (adapter.Rows, error) { return st.Scan(ctx, values) })
}

// RunBy is Run with the statement handed to a function that runs it.
func (p *Prepared) RunBy(run func(adapter.Prepared) (adapter.Rows, error)) (adapter.Rows, error) {
	rows, err := run(p.statement)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.name, err)
	}
	return namedRows{rows, p.name}, nil
}

// Behind is the statement of the page that goes on after the row with these sort keys and as many rows more as offset says. It answers
// nil when that page is more than a statement: the position is all that it has more, and either its source takes it or does not.
func (p *Prepared) Behind(after []lqp.Value, offset int) *Prepared {
	st, err := p.statement.Behind(after, offset)
	if err != nil {
		return nil
	}
	return &Prepared{statement: st, name: p.name}
}

// Size is about how many bytes of memory it takes.
func (p *Prepared) Size() int { return p.statement.Size() }
