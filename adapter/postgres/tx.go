package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/behind"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

var errTxDone = errors.New("transaction has ended")

// tx is a transaction for one goroutine. PostgreSQL does nothing more in a transaction after a statement has failed: from
// then on every statement answers with that failure.
type tx struct {
	ses    *session
	write  bool
	done   bool
	later  bool // see Defer
	failed error
	open   map[*txRows]struct{}
	behind behind.Queue
}

func (t *tx) ready(ctx context.Context, op string) error {
	if t.done {
		return fmt.Errorf("%s: %w", op, errTxDone)
	}
	if failed := t.catchUp(); failed != nil {
		return fmt.Errorf("%s: an earlier statement of the transaction failed: %w", op, failed)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// fail translates a failure of a statement. The transaction remembers it when the server does.
func (t *tx) fail(ctx context.Context, op string, err error) error {
	local, later := (*localError)(nil), (*laterError)(nil)
	if errors.As(err, &later) {
		op = later.op
	}
	switch {
	case errors.As(err, &local):
		err = fmt.Errorf("%s: %w", op, local.err)
	case stale(err): // a table is not what it was when the statement was prepared
		statementsOf(t.ses.pg).stale = true
		err = failure.New(op, adapter.ErrTemporary, err)
	default:
		err = translate(ctx, op, err)
	}
	if t.failed == nil && t.ses.began && (later != nil || !t.ses.alive()) {
		t.failed = err
	}
	return err
}

// localError is a failure that is ours: the server has not seen the statement, or does not know of it.
type localError struct{ err error }

// Error implements error.
func (e *localError) Error() string { return e.err.Error() }

// Unwrap gives the failure.
func (e *localError) Unwrap() error { return e.err }

// note keeps what the writer must know of a statement that has ended.
func (t *tx) note(tag pgconn.CommandTag) {
	if !t.ses.dirty && wrote(tag) {
		t.ses.dirty = true
	}
}

// end closes what the function left open; nothing of the transaction can be used afterwards.
func (t *tx) end() {
	for r := range t.open {
		_ = r.Close()
	}
	t.done = true
}

// writing is ready for a statement that writes.
func (t *tx) writing(ctx context.Context, op string) error {
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	if !t.write {
		return fmt.Errorf("%s: %w: the transaction only reads", op, adapter.ErrDenied)
	}
	return nil
}

// Exec runs one statement of the store's own SQL.
func (t *tx) Exec(ctx context.Context, sql string, args ...lqp.Value) (int64, error) {
	const op = "execute statement"
	if err := t.writing(ctx, op); err != nil {
		return 0, err
	}
	t.as("")
	return t.exec(ctx, op, sql, args)
}

func (t *tx) exec(ctx context.Context, op, sql string, args []lqp.Value) (int64, error) {
	st, err := translation(sql)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	encode := func(p *params, types []uint32) error { return p.bind(types, args) }
	if t.later {
		return 0, t.put(ctx, op, st.sql, false, encode)
	}
	s, err := t.ses.send(ctx, st.sql, encode)
	if err != nil {
		return 0, t.fail(ctx, op, err)
	}
	tag, err := s.finish()
	if err != nil {
		return 0, t.fail(ctx, op, err)
	}
	t.note(tag)
	t.ses.dirty = t.ses.dirty || tag.Select() && !st.reads // CREATE TABLE AS says no more than SELECT
	if !tag.Insert() && !tag.Update() && !tag.Delete() {
		return 0, nil
	}
	return tag.RowsAffected(), nil
}

// Query runs one statement of the store's own SQL and delivers its rows.
func (t *tx) Query(ctx context.Context, sql string, args ...lqp.Value) (adapter.Rows, error) {
	const op = "query"
	if err := t.ready(ctx, op); err != nil {
		return nil, err
	}
	st, err := translation(sql)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	t.as("")
	s, err := t.ses.send(ctx, st.sql, func(p *params, types []uint32) error { return p.bind(types, args) })
	if err != nil {
		return nil, t.fail(ctx, op, err)
	}
	t.ses.dirty = t.ses.dirty || !st.reads
	return asRows(t.rows(ctx, op, s, typed(s.fields, t.ses.store.Adapter)))
}

// asRows keeps a nil of our type from becoming an interface that is not nil.
func asRows(r *txRows, err error) (adapter.Rows, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Scan runs a pushed query inside the transaction.
func (t *tx) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	op := "scan " + sourceName(pushed)
	if err := t.ready(ctx, op); err != nil {
		return nil, err
	}
	a := t.ses.store.Adapter
	st, err := sqlgen.Compile(a.dialect.Load(), pushed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", op, adapter.ErrUnsupported, err)
	}
	role, err := t.ses.store.roleOf(pushed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return t.scanStatement(ctx, op, &st, st.Args, role)
}

// scanStatement runs a compiled statement as a role.
func (t *tx) scanStatement(ctx context.Context, op string, st *sqlgen.Statement, args []sqlgen.Arg, role string) (adapter.Rows, error) {
	t.as(role)
	s, err := t.ses.send(ctx, st.SQL, func(p *params, _ []uint32) error { return p.args(args) })
	if err != nil {
		return nil, t.fail(ctx, op, err)
	}
	columns, err := decoders(st.Columns, s.fields, t.ses.store.zone)
	if err != nil {
		_, _ = s.finish()
		return nil, t.fail(ctx, op, err)
	}
	return asRows(t.rows(ctx, op, s, columns))
}

// panicError reports a panic of a function given to Write or Read.
type panicError struct {
	value any
	stack []byte
}

// Error implements error.
func (e *panicError) Error() string {
	return fmt.Sprintf("panic in transaction: %v\n%s", e.value, e.stack)
}

// call turns a panic of the function into its error, so that one caller's mistake does not end the writer that all
// share. A function that goes on after a failed statement as if nothing had happened has failed, too.
func call(fn func(adapter.Tx) error, t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
		if err != nil { // what has not begun need not be done
			_ = t.behind.Abandon()
		} else {
			err = t.catchUp()
		}
	}()
	return fn(t)
}
