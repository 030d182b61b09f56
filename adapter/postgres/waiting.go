package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
)

// maxWaiting bounds the bytes of parameters that wait for the next statement.
const maxWaiting = 256 << 10

// waiting is a statement that goes out with the next one.
type waiting struct {
	sql  string                       // of one without parameters
	sd   *pgconn.StatementDescription // of one that was deferred, else nil
	p    params
	op   string // of one that was deferred, for errors
	only bool   // the server refuses it unless it changes as many rows as it should
}

// wait lets a statement without parameters and of which nobody wants to know anything wait.
func (s *session) wait(sql string) { s.before = append(s.before, waiting{sql: sql}) }

// queueBefore puts what waits into a pipeline. The answer is to be given to skip.
func (s *session) queueBefore(p *pgconn.Pipeline) []waiting {
	sent := s.before
	for i := range sent {
		if w := &sent[i]; w.sd != nil {
			p.SendQueryStatement(w.sd, w.p.values, w.p.formats, nil)
		} else {
			p.SendQueryParams(w.sql, nil, nil, nil, nil)
		}
	}
	s.before, s.weight = nil, 0
	return sent
}

// skip reads the answers to statements that waited.
func (s *session) skip(p *pgconn.Pipeline, sent []waiting) error {
	changed, err := skip(p, sent)
	s.dirty = s.dirty || changed
	return err
}

// skip reads the answers to statements. changed says that a deferred one may have written something.
func skip(p *pgconn.Pipeline, sent []waiting) (changed bool, err error) {
	for i := range sent {
		var tag pgconn.CommandTag
		r, err := resultOf(p)
		if err == nil {
			tag, err = r.Close()
		}
		w := &sent[i]
		switch {
		case err != nil && w.sd != nil:
			if w.only && otherCount(err) {
				err = fmt.Errorf("%w: another number of rows than there should be: %w", adapter.ErrConstraint, err)
			}
			return changed, &laterError{w.op, err}
		case noRole(err):
			return changed, fmt.Errorf("%w: %w", errNoRole, err)
		case err != nil:
			return changed, err
		case w.sd == nil:
			continue
		}
		changed = changed || wrote(tag) || tag.Select()
	}
	return changed, nil
}

// otherCount reports that a statement made exact has changed another number of rows: it then divides by zero.
func otherCount(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "22012"
}

// sendBefore sends what waits by itself and reads the answers.
func (s *session) sendBefore(ctx context.Context) error {
	pipe := s.pg.StartPipeline(ctx)
	sent := s.queueBefore(pipe)
	return errors.Join(pipe.Sync(), s.skip(pipe, sent), pipe.Close())
}

// deferred reports that statements wait whose results somebody relies on.
func (s *session) deferred() bool { return s.weight > 0 }

// laterError is what became of a deferred statement, found while another one was sent.
type laterError struct {
	op  string
	err error
}

// Error implements error.
func (e *laterError) Error() string { return e.err.Error() }

// Unwrap gives the failure.
func (e *laterError) Unwrap() error { return e.err }

// Defer implements [adapter.Deferrer].
func (t *tx) Defer(fn func() error) error {
	was := t.later
	t.later = true
	defer func() { t.later = was }()
	return fn()
}

// put lets a statement with parameters wait.
func (t *tx) put(ctx context.Context, op, sql string, only bool, encode func(*params, []uint32) error) error {
	if err := t.ses.free(); err != nil {
		return t.fail(ctx, op, err)
	}
	sd, err := t.ses.describe(ctx, sql)
	if err != nil {
		return t.fail(ctx, op, err)
	}
	w := waiting{sd: sd, op: op, only: only}
	if err := encode(&w.p, sd.ParamOIDs); err != nil {
		return t.fail(ctx, op, &localError{err})
	}
	t.ses.before = append(t.ses.before, w)
	if t.ses.weight += 1 + len(w.p.buf); t.ses.weight < maxWaiting {
		return nil
	}
	if err := t.ses.flush(ctx); err != nil {
		return t.fail(ctx, op, err)
	}
	return nil
}

// settle carries out what the function has deferred. It is done before the function's success is believed.
func (t *tx) settle(ctx context.Context) error {
	if !t.ses.deferred() {
		return nil
	}
	if err := t.ses.flush(ctx); err != nil {
		return t.fail(ctx, "write", err)
	}
	return nil
}
