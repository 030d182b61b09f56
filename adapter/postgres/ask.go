package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Asker = (*Store)(nil)

// WriteAsking implements [adapter.Asker]. The questions go out with BEGIN and the lock and are asked behind it. Until they are
// answered the function has not begun, and its caller may take it back: they only read.
func (s *Store) WriteAsking(ctx context.Context, ask func() []adapter.Question, fn func(tx adapter.Tx, answers []adapter.Rows) error) error {
	j := &job{ctx: ctx, ask: ask, done: make(chan struct{})}
	j.fn = func(tx adapter.Tx) error { return fn(tx, j.answers) }
	return s.writer.add(j)
}

// asking is a question that is ready to be sent.
type asking struct {
	role    string
	sd      *pgconn.StatementDescription
	p       params
	columns []column
	rows    [][][]byte
}

// prepareAsking makes the questions of a function ready; none when one of them cannot be sent like that: the function then asks
// by itself and finds out why.
func (w *writer) prepareAsking(ctx context.Context, j *job) []asking {
	if j.ask == nil || statementsOf(w.c.pg).stale {
		return nil
	}
	questions := ask(j)
	if len(questions) == 0 {
		return nil
	}
	list := make([]asking, len(questions))
	for i := range questions {
		if err := w.prepareQuestion(ctx, &questions[i], &list[i]); err != nil {
			return nil
		}
	}
	return list
}

// ask is called once. A mistake in it is met again by the function, whose own it is.
func ask(j *job) (questions []adapter.Question) {
	defer func() {
		if recover() != nil {
			questions = nil
		}
	}()
	f := j.ask
	j.ask = nil
	return f()
}

func (w *writer) prepareQuestion(ctx context.Context, q *adapter.Question, to *asking) error {
	known, a := statementsOf(w.c.pg), w.s.Adapter
	if q.Prepared != nil {
		p, ok := q.Prepared.(*prepared)
		if !ok || p.s != w.s || p.dialect != a.dialect.Load() {
			return adapter.ErrUnprepared
		}
		to.role = p.role
		return w.prepareRead(ctx, &p.st, p.holes.Fill(p.st.Args, q.Args), to)
	}
	if q.Pushed == nil {
		st, err := translation(q.SQL)
		if err != nil {
			return err
		}
		if to.sd, err = known.prepare(ctx, w.c.pg, st.sql); err != nil {
			return err
		}
		to.columns = typed(to.sd.Fields, a)
		return to.p.bind(to.sd.ParamOIDs, q.Args)
	}
	st, err := sqlgen.Compile(a.dialect.Load(), q.Pushed)
	if err != nil {
		return err
	}
	if to.role, err = w.s.roleOf(q.Pushed); err != nil {
		return err
	}
	return w.prepareRead(ctx, &st, st.Args, to)
}

// prepareRead makes a compiled statement ready.
func (w *writer) prepareRead(ctx context.Context, st *sqlgen.Statement, args []sqlgen.Arg, to *asking) (err error) {
	if to.sd, err = statementsOf(w.c.pg).prepare(ctx, w.c.pg, st.SQL); err != nil {
		return err
	}
	if to.columns, err = decoders(st.Columns, to.sd.Fields, w.s.zone); err != nil {
		return err
	}
	return to.p.args(args)
}

// askedError is a failure of a question, after the transaction has begun.
type askedError struct{ err error }

// Error implements error.
func (e *askedError) Error() string { return e.err.Error() }

// Unwrap gives the failure.
func (e *askedError) Unwrap() error { return e.err }

// sendAsking puts questions into a pipeline. It answers with the role that is in force behind them.
func sendAsking(pipe *pgconn.Pipeline, list []asking) (role string) {
	for i := range list {
		q := &list[i]
		if q.role != role {
			role = q.role
			pipe.SendQueryParams(roleSQL(role), nil, nil, nil, nil)
		}
		pipe.SendQueryStatement(q.sd, q.p.values, q.p.formats, resultFormats(q.sd.Fields))
	}
	return role
}

// readAsking reads the answers to questions.
func readAsking(pipe *pgconn.Pipeline, list []asking) error {
	role, held := "", 0
	for i := range list {
		q := &list[i]
		if q.role != role {
			role = q.role
			if _, err := skip(pipe, make([]waiting, 1)); err != nil {
				return &askedError{err}
			}
		}
		r, err := resultOf(pipe)
		if err != nil {
			return &askedError{err}
		}
		for r.NextRow() {
			row := clone(r.Values())
			if held += size(row); held <= maxHeld {
				q.rows = append(q.rows, row)
			}
		}
		if _, err = r.Close(); err != nil {
			return &askedError{err}
		}
	}
	if held > maxHeld {
		return &askedError{errHeld}
	}
	return nil
}

var errHeld = errors.New("the answers are too large to be kept")

// answers are the rows that were read.
func answers(list []asking) []adapter.Rows {
	if list == nil {
		return nil
	}
	out := make([]adapter.Rows, len(list))
	for i := range list {
		out[i] = &answer{columns: list[i].columns, rows: list[i].rows}
	}
	return out
}

// answer is a result in memory.
type answer struct {
	columns []column
	rows    [][][]byte // that follow
	row     [][]byte
}

var _ adapter.Rows = (*answer)(nil)

// Next implements [adapter.Rows].
func (a *answer) Next() bool {
	if len(a.rows) == 0 {
		a.row = nil
		return false
	}
	a.row, a.rows = a.rows[0], a.rows[1:]
	return true
}

// Value implements [adapter.Rows].
func (a *answer) Value(i int) lqp.Value {
	if i >= len(a.row) {
		return lqp.NullValue
	}
	return a.columns[i].value(a.row[i])
}

// AppendJSON implements [adapter.Rows].
func (a *answer) AppendJSON(dst []byte, i int) []byte {
	if i >= len(a.row) {
		return append(dst, "null"...)
	}
	return a.columns[i].appendJSON(dst, a.row[i])
}

// Err implements [adapter.Rows].
func (a *answer) Err() error { return nil }

// Close implements [adapter.Rows].
func (a *answer) Close() error {
	a.row, a.rows = nil, nil
	return nil
}
