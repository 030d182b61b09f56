package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

var (
	_ adapter.Preparer   = (*Store)(nil)
	_ adapter.Follower   = (*prepared)(nil)
	_ adapter.PreparedTx = (*tx)(nil)
)

// prepared is a statement of a store. Connections prepare it at the server by its text, like any other.
type prepared struct {
	s       *Store
	pushed  *lqp.Query
	texts   []lqp.Value // that stand in the holes of pushed
	dialect *dialect    // that the statement was written in
	op      string
	st      sqlgen.Statement
	holes   sqlgen.Holes
	limit   int
	role    string
}

// Prepare implements [adapter.Preparer].
func (s *Store) Prepare(pushed *lqp.Query, holes []lqp.Value) (adapter.Prepared, error) {
	p := &prepared{s: s, pushed: pushed, texts: holes, dialect: s.dialect.Load(), op: "scan " + sourceName(pushed), limit: pushed.Page.Limit}
	var err error
	if p.role, err = s.roleOf(pushed); err != nil {
		return nil, fmt.Errorf("%s: %w", p.op, err)
	}
	if err = p.write(); err != nil {
		return nil, err
	}
	return p, nil
}

// write writes the statement of the query.
func (p *prepared) write() (err error) {
	if p.st, err = sqlgen.Compile(p.dialect, p.pushed); err != nil {
		return fmt.Errorf("%s: compile query: %w: %w", p.op, adapter.ErrUnsupported, err)
	}
	var ok bool
	if p.holes, ok = sqlgen.HolesOf(&p.st, p.texts); !ok {
		return fmt.Errorf("%s: %w", p.op, adapter.ErrUnprepared)
	}
	return nil
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
	return p.scanAfter(ctx, nil, values)
}

// ScanAfter implements [adapter.Follower].
func (p *prepared) ScanAfter(ctx context.Context, first adapter.Prepared, at []lqp.Value, check func(row []lqp.Value) error, values []lqp.Value) (adapter.Rows, error) {
	f, ok := first.(*prepared)
	if !ok || f.s != p.s || f.role != "" || f.dialect != p.s.dialect.Load() {
		return nil, fmt.Errorf("%s: %w", p.op, adapter.ErrUnprepared)
	}
	lead := &leading{st: f.st, check: check}
	lead.st.Args = f.holes.Fill(f.st.Args, at)
	return p.scanAfter(ctx, lead, values)
}

func (p *prepared) scanAfter(ctx context.Context, first *leading, values []lqp.Value) (adapter.Rows, error) {
	if p.s.dialect.Load() != p.dialect {
		return nil, fmt.Errorf("%s: %w", p.op, adapter.ErrUnprepared)
	}
	st := p.st
	st.Args = p.holes.Fill(st.Args, values)
	return p.s.again(ctx, func() (adapter.Rows, error) {
		rows, err := p.s.queryAfter(ctx, first, &st, p.limit, p.role)
		if err != nil {
			return nil, translate(ctx, p.op, err)
		}
		return rows, nil
	})
}

// ScanPrepared implements [adapter.PreparedTx].
func (t *tx) ScanPrepared(ctx context.Context, st adapter.Prepared, values []lqp.Value) (adapter.Rows, error) {
	const op = "scan"
	if err := t.ready(ctx, op); err != nil {
		return nil, err
	}
	p, ok := st.(*prepared)
	if !ok || p.s != t.ses.store || p.s.dialect.Load() != p.dialect {
		return nil, fmt.Errorf("%s: %w", op, adapter.ErrUnprepared)
	}
	return t.scanStatement(ctx, p.op, &p.st, p.holes.Fill(p.st.Args, values), p.role)
}

// Size implements [adapter.Prepared].
func (p *prepared) Size() int { return p.st.Size() }

// again runs a read once more where the connection was found to have ended.
func (s *Store) again(ctx context.Context, read func() (adapter.Rows, error)) (adapter.Rows, error) {
	rows, err := read()
	if err != nil && ctx.Err() == nil && errors.Is(err, adapter.ErrTemporary) && errors.Is(err, adapter.ErrUnavailable) {
		s.pool.Reset() // the others have most likely ended with it, for example because the server was started anew
		return read()
	}
	return rows, err
}
