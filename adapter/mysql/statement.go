package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// native is a statement in the form that the servers take.
type native struct {
	sql     string
	args    []sqlgen.Arg
	columns []sqlgen.Output
}

// compile writes the statement of a query.
func (d *dialect) compile(q *lqp.Query) (*native, error) {
	st, err := sqlgen.Compile(d, q)
	if err != nil {
		return nil, err
	}
	n := &native{columns: st.Columns}
	n.sql, n.args = expand(st.SQL, st.Args)
	return n, nil
}

// expand puts a question mark in the place of every numbered parameter and arranges the arguments in their order; one
// that stands twice is sent twice. No other byte of the text is a mark: quoting leaves them out of names.
func expand(text string, args []sqlgen.Arg) (string, []sqlgen.Arg) {
	var b strings.Builder
	b.Grow(len(text))
	out := make([]sqlgen.Arg, 0, len(args))
	for {
		at := strings.IndexByte(text, mark)
		if at < 0 {
			b.WriteString(text)
			return b.String(), out
		}
		b.WriteString(text[:at])
		n := 0
		for at++; text[at] != mark; at++ {
			n = n*10 + int(text[at]-'0')
		}
		text = text[at+1:]
		b.WriteByte('?')
		out = append(out, args[n-1])
	}
}

// maxStatements bounds the prepared statements of one connection.
const maxStatements = 64

// statements are the prepared statements of one session.
type statements struct {
	bySQL map[string]driver.Stmt
	order []string // in the order of preparation
}

// prepare finds or makes the prepared statement of a text. The oldest one goes when there are too many.
func (s *statements) prepare(ctx context.Context, c conn, sql string) (driver.Stmt, error) {
	if st, ok := s.bySQL[sql]; ok {
		return st, nil
	}
	if len(s.order) >= maxStatements {
		oldest := s.order[0]
		s.order = append(s.order[:0], s.order[1:]...)
		st := s.bySQL[oldest]
		delete(s.bySQL, oldest)
		if err := st.Close(); err != nil {
			return nil, err
		}
	}
	st, err := c.PrepareContext(ctx, sql)
	if err != nil {
		return nil, err
	}
	if s.bySQL == nil {
		s.bySQL = map[string]driver.Stmt{}
	}
	s.bySQL[sql] = st
	s.order = append(s.order, sql)
	return st, nil
}

// drop forgets a statement that no longer works.
func (s *statements) drop(sql string) {
	st, ok := s.bySQL[sql]
	if !ok {
		return
	}
	_ = st.Close()
	delete(s.bySQL, sql)
	for i, text := range s.order {
		if text == sql {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

// stale reports that a prepared statement is not what it was.
func stale(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && (my.Number == 1615 || my.Number == 1243) // needs to be prepared again, is unknown
}

// query runs a statement up to its first row.
func (a *Adapter) query(ctx context.Context, n *native) (*Rows, error) {
	args, err := bind(n.args)
	if err != nil {
		return nil, err
	}
	r, err := a.attempt(ctx, n, args)
	if errors.Is(err, driver.ErrBadConn) { // nothing was sent: the connection had died while it was parked
		r, err = a.attempt(ctx, n, args)
	}
	return r, err
}

func (a *Adapter) attempt(ctx context.Context, n *native, args []driver.NamedValue) (*Rows, error) {
	s, err := a.pool.get(ctx)
	if err != nil {
		return nil, err
	}
	r := &Rows{adapter: a, session: s, parent: ctx}
	// The driver would break the connection at the end of the context at once; the server must be told first.
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	r.cut = cut
	r.interrupt = &interrupt{a: a, id: s.id, cut: cut}
	if !a.remember(r.interrupt) {
		r.finish(false)
		return nil, adapter.ErrUnavailable
	}
	r.unwatch = context.AfterFunc(ctx, r.interrupt.fire)
	err = r.start(hard, n, args)
	if stale(err) {
		s.stmts.drop(n.sql)
		err = r.start(hard, n, args)
	}
	if err != nil {
		var my *mysql.MySQLError
		r.finish(errors.As(err, &my))
		return nil, err
	}
	return r, nil
}

func (r *Rows) start(ctx context.Context, n *native, args []driver.NamedValue) (err error) {
	defer guard(&err)
	st, err := r.session.stmts.prepare(ctx, r.session.conn, n.sql)
	if err != nil {
		return err
	}
	if st.NumInput() != len(args) {
		return fmt.Errorf("%w: %d parameters instead of %d", failure.ErrUnknown, st.NumInput(), len(args))
	}
	querier, ok := st.(driver.StmtQueryContext)
	if !ok {
		return failure.ErrUnknown
	}
	if r.rows, err = querier.QueryContext(ctx, args); err != nil {
		return err
	}
	if r.columns, err = decoders(n.columns, r.rows, r.adapter.zone); err != nil {
		_ = r.rows.Close()
		return err
	}
	r.cells = make([]driver.Value, len(r.rows.Columns()))
	switch err = r.rows.Next(r.cells); {
	case errors.Is(err, io.EOF):
		r.ended = true
	case err != nil:
		return err
	default:
		r.ahead = true
	}
	return nil
}
