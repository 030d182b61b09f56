package sqlite

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

var (
	_ adapter.Preparer   = (*Store)(nil)
	_ adapter.PreparedTx = (*tx)(nil)
)

// prepared is a statement of a store with what reading its rows takes.
type prepared struct {
	a       *Adapter
	pushed  *lqp.Query
	texts   []lqp.Value // that stand in the holes of pushed
	op      string
	st      sqlgen.Statement
	holes   sqlgen.Holes
	columns []storage
}

// Prepare implements [adapter.Preparer]. A file of others is another matter: what its columns hold is found out for every read.
func (s *Store) Prepare(pushed *lqp.Query, holes []lqp.Value) (adapter.Prepared, error) {
	p := &prepared{a: s.Adapter, pushed: pushed, texts: holes, op: "scan " + sourceName(pushed)}
	if err := p.write(); err != nil {
		return nil, err
	}
	return p, nil
}

// write writes the statement of the query.
func (p *prepared) write() error {
	st, err := p.a.statements(p.pushed, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", p.op, err)
	}
	if p.st = st[0]; len(st) == 1 {
		var ok bool
		if p.holes, ok = sqlgen.HolesOf(&p.st, p.texts); ok {
			p.columns = storagesOf(&p.st)
			return nil
		}
	}
	return fmt.Errorf("%s: %w", p.op, adapter.ErrUnprepared)
}

// Behind implements [adapter.Prepared].
func (p *prepared) Behind(after []lqp.Value, offset int) (adapter.Prepared, error) {
	b, q := *p, *p.pushed
	q.Page.After, q.Page.Offset = after, offset
	if b.pushed = &q; b.write() != nil {
		return nil, fmt.Errorf("%s behind a row: %w", p.op, adapter.ErrUnprepared)
	}
	return &b, nil
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

// ScanPrepared implements [adapter.PreparedTx].
func (t *tx) ScanPrepared(ctx context.Context, st adapter.Prepared, values []lqp.Value) (adapter.Rows, error) {
	const op = "scan"
	if err := t.ready(ctx, op); err != nil {
		return nil, err
	}
	p, ok := st.(*prepared)
	if !ok || p.a != t.a {
		return nil, fmt.Errorf("%s: %w", op, adapter.ErrUnprepared)
	}
	return t.read(ctx, p.pushed, func() (*rows, error) {
		return t.c.scanWith(ctx, p.op, p.st.SQL, p.holes.Fill(p.st.Args, values), p.columns)
	})
}

// Size implements [adapter.Prepared].
func (p *prepared) Size() int { return p.st.Size() + 16*len(p.columns) }
