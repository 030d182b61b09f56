package sqlite

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Preparer = (*Store)(nil)

// prepared is a statement of a store with what reading its rows takes.
type prepared struct {
	a       *Adapter
	pushed  *lqp.Query
	op      string
	st      sqlgen.Statement
	holes   sqlgen.Holes
	columns []storage
}

// Prepare implements [adapter.Preparer]. A file of others is another matter: what its columns hold is found out for every read.
func (s *Store) Prepare(pushed *lqp.Query, holes []lqp.Value) (adapter.Prepared, error) {
	p := &prepared{a: s.Adapter, pushed: pushed, op: "scan " + sourceName(pushed)}
	st, err := s.statements(pushed, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.op, err)
	}
	if p.st = st[0]; len(st) == 1 {
		if found, ok := sqlgen.HolesOf(&p.st, holes); ok {
			p.holes, p.columns = found, storagesOf(&p.st)
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", p.op, adapter.ErrUnprepared)
}

// Scan implements [adapter.Prepared].
func (p *prepared) Scan(ctx context.Context, values []lqp.Value) (adapter.Rows, error) {
	ctx, cancel := p.a.bounded(ctx)
	c, err := p.a.acquire(ctx, p.op)
	if err != nil {
		cancel()
		return nil, err
	}
	finish := p.a.returning(c, cancel)
	r, err := c.scanWith(ctx, p.op, p.st.SQL, p.holes.Fill(p.st.Args, values), p.columns)
	if err == nil {
		err = r.start()
	}
	if err != nil {
		err = explainFailure(c, p.pushed, err)
		finish()
		return nil, err
	}
	return r.ending(finish), nil
}

// Size implements [adapter.Prepared].
func (p *prepared) Size() int { return p.st.Size() + 16*len(p.columns) }
