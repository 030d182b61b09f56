package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/behind"
	"github.com/livetables/livetables/lqp"
)

var errTxDone = errors.New("transaction has ended")

// tx is a transaction on one connection, for one goroutine.
type tx struct {
	a      *Adapter
	c      *conn
	write  bool
	done   bool
	open   map[*rows]struct{}
	later  bool  // see Defer
	failed error // of a statement in Defer, or behind
	behind behind.Queue
}

// Defer implements [adapter.Deferrer]: the statements of fn are carried out at once, but one that fails ends the transaction, so
// that nothing must be kept for undoing it alone.
func (t *tx) Defer(fn func() error) error {
	was := t.later
	t.later = true
	defer func() { t.later = was }()
	err := fn()
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}

// Exec runs one statement of the store's own SQL.
func (t *tx) Exec(ctx context.Context, sql string, args ...lqp.Value) (n int64, err error) {
	const op = "execute statement"
	if err := t.ready(ctx, op); err != nil {
		return 0, err
	}
	if !t.write {
		return 0, fmt.Errorf("%s: %w: the transaction only reads", op, adapter.ErrDenied)
	}
	defer t.c.guard(&err)
	s, err := t.c.prepare(sql)
	if err != nil {
		return 0, translate(ctx, op, err)
	}
	defer s.release()
	if err := bindAll(s, args); err != nil {
		return 0, translate(ctx, op, err)
	}
	return t.run(ctx, op, s)
}

// run steps a prepared and bound statement to its end and counts the rows it changed.
func (t *tx) run(ctx context.Context, op string, s *statement) (int64, error) {
	done := t.interruptible(ctx, s)
	defer done()
	before := t.c.db.TotalChanges()
	if err := s.Exec(); err != nil {
		return 0, translate(ctx, op, stepError(err))
	}
	// Changes keeps the count of the last statement that changed rows; a definition changes none.
	if t.c.db.TotalChanges() == before {
		return 0, nil
	}
	return t.c.db.Changes(), nil
}

// interruptible lets ctx end the statement, if it only reads: SQLite answers the interruption of a writing statement
// by rolling back the whole transaction, which other callers' work shares.
func (t *tx) interruptible(ctx context.Context, s *statement) (done func()) {
	if t.write && !s.ReadOnly() {
		t.c.db.SetInterrupt(context.Background())
		return func() {}
	}
	ctx, cancel := t.a.bounded(ctx)
	t.c.db.SetInterrupt(ctx)
	return func() {
		t.c.db.SetInterrupt(context.Background())
		cancel()
	}
}

// Query runs one statement of the store's own SQL and delivers its rows.
func (t *tx) Query(ctx context.Context, sql string, args ...lqp.Value) (_ adapter.Rows, err error) {
	const op = "query"
	if err := t.ready(ctx, op); err != nil {
		return nil, err
	}
	defer t.c.guard(&err)
	s, err := t.c.prepare(sql)
	if err != nil {
		return nil, translate(ctx, op, err)
	}
	if !t.write && !s.ReadOnly() {
		s.release()
		return nil, fmt.Errorf("%s: %w: the transaction only reads", op, adapter.ErrDenied)
	}
	if err := bindAll(s, args); err != nil {
		s.release()
		return nil, translate(ctx, op, err)
	}
	columns := make([]storage, s.ColumnCount())
	for i := range columns {
		columns[i] = resultStorage(s.ColumnDeclType(i))
	}
	return t.rows(ctx, op, s, columns), nil
}

// resultStorage reads a result column that is a column of a table as its declared type where only that tells the
// meaning, and by storage class otherwise.
func resultStorage(decl string) storage {
	if decl == "" {
		return storage{form: formAny}
	}
	s, _ := parseDeclared(decl)
	switch s.form {
	case formInt, formFloat, formText, formBytes, formNumeric:
		if s.scale == 0 {
			return storage{form: formAny}
		}
	}
	s.loose = true
	return s
}

func (t *tx) rows(ctx context.Context, op string, s *statement, columns []storage) *rows {
	r := &rows{c: t.c, stmt: s, columns: columns, op: op}
	return t.adopt(ctx, r)
}

// adopt makes the rows part of the transaction: they end with it.
func (t *tx) adopt(ctx context.Context, r *rows) *rows {
	cancel := context.CancelFunc(func() {})
	if t.write && !r.stmt.ReadOnly() {
		ctx = context.WithoutCancel(ctx) // see interruptible
	} else {
		ctx, cancel = t.a.bounded(ctx)
	}
	r.ctx = ctx
	r.finish = func() {
		t.c.db.SetInterrupt(context.Background())
		cancel()
		delete(t.open, r)
	}
	if t.open == nil {
		t.open = make(map[*rows]struct{})
	}
	t.open[r] = struct{}{}
	return r
}

func (t *tx) ready(ctx context.Context, op string) error {
	if t.done {
		return fmt.Errorf("%s: %w", op, errTxDone)
	}
	failed := t.catchUp()
	if t.c.broken {
		return fmt.Errorf("%s: %w: connection failed", op, adapter.ErrUnavailable)
	}
	if failed != nil {
		return fmt.Errorf("%s: an earlier statement of the transaction failed: %w", op, failed)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// end closes what the function left open; nothing of the transaction can be used afterwards.
func (t *tx) end() {
	t.done = true
	for r := range t.open {
		_ = r.Close()
	}
}

func bindAll(s *statement, args []lqp.Value) error {
	if want := s.BindCount(); want != len(args) {
		return fmt.Errorf("statement has %d parameters, %d values given", want, len(args))
	}
	for i, v := range args {
		if err := bind(s, i+1, storage{form: formAny}, v); err != nil {
			return err
		}
	}
	return nil
}

// stepError marks the errors that a running statement reports without a code of their own, such as integer overflow, as
// data errors: a text that compiled is not at fault.
func stepError(err error) error {
	var code sqlite3.ErrorCode
	if errors.As(err, &code) && code == sqlite3.ERROR {
		return fmt.Errorf("%w: %w", adapter.ErrData, err)
	}
	return err
}
