package postgres

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// maxStatements bounds the prepared statements of one connection.
const maxStatements = 256

// statements are the prepared statements of one connection. They are used by whoever holds the connection.
type statements struct {
	bySQL map[string]*pgconn.StatementDescription
	order []string // SQL in the order of preparation
	next  int
	stale bool // one of them was not what it is at the server; the next transaction prepares all anew
}

const statementsKey = "livetables.statements"

func statementsOf(pg *pgconn.PgConn) *statements {
	data := pg.CustomData()
	if s, ok := data[statementsKey].(*statements); ok {
		return s
	}
	s := &statements{bySQL: map[string]*pgconn.StatementDescription{}}
	data[statementsKey] = s
	return s
}

// prepare finds or makes the prepared statement of a text. The oldest one goes when there are too many.
func (s *statements) prepare(ctx context.Context, pg *pgconn.PgConn, sql string) (*pgconn.StatementDescription, error) {
	if sd, ok := s.bySQL[sql]; ok {
		return sd, nil
	}
	if len(s.order) >= maxStatements {
		oldest := s.order[0]
		s.order = append(s.order[:0], s.order[1:]...)
		sd := s.bySQL[oldest]
		delete(s.bySQL, oldest)
		if err := pg.Deallocate(ctx, sd.Name); err != nil {
			return nil, err
		}
	}
	s.next++
	sd, err := pg.Prepare(ctx, "lt"+strconv.Itoa(s.next), sql, nil)
	if err != nil {
		return nil, err
	}
	s.bySQL[sql] = sd
	s.order = append(s.order, sql)
	return sd, nil
}

// forget drops all statements, after the schema or the connection behind a pooler changed under them.
func (s *statements) forget(ctx context.Context, pg *pgconn.PgConn) error {
	s.reset()
	res := pg.ExecParams(ctx, "DEALLOCATE ALL", nil, nil, nil, nil).Read()
	return res.Err
}

func (s *statements) reset() {
	s.bySQL, s.order, s.stale = map[string]*pgconn.StatementDescription{}, nil, false
}

// stale reports that a prepared statement is not what it was: its result type changed, or it is gone.
func stale(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errChanged) || errors.As(err, &pg) && (pg.Code == "0A000" || pg.Code == "26000")
}

// binaryResult asks for all columns in binary.
var binaryResult = []int16{1}

// query runs a statement up to its first row. limit is the statement's own, 0 for none; role is the database role that it
// runs as, empty for that of the connection.
func (a *Adapter) query(ctx context.Context, st *sqlgen.Statement, limit int, role string) (*Rows, error) {
	return a.queryAfter(ctx, nil, st, limit, role)
}

// leading is a statement of the store's own that goes out before another one. What check says of its first row, nil for none,
// decides whether that one is looked at.
type leading struct {
	st    sqlgen.Statement
	check func(row []lqp.Value) error
}

// queryAfter is query with another statement before it, or nil.
func (a *Adapter) queryAfter(ctx context.Context, first *leading, st *sqlgen.Statement, limit int, role string) (*Rows, error) {
	conn, err := a.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	r := &Rows{adapter: a, conn: conn, parent: ctx}
	// The statement ends with the caller's context, except while Close waits for it: callers cancel theirs after closing.
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.leave = context.AfterFunc(ctx, r.cancel)
	r.detach = context.AfterFunc(a.alive, r.cancel)
	err = r.start(first, st, limit, role)
	if stale(err) { // once more with a statement that is prepared afresh
		pg := conn.Conn().PgConn()
		if err = statementsOf(pg).forget(r.ctx, pg); err == nil {
			err = r.start(first, st, limit, role)
		}
	}
	if err != nil {
		r.end()
		conn.Release()
		return nil, err
	}
	return r, nil
}

func (r *Rows) start(first *leading, st *sqlgen.Statement, limit int, role string) error {
	var b binder
	if err := b.bind(st.Args); err != nil {
		return err
	}
	pg := r.conn.Conn().PgConn()
	sd, err := statementsOf(pg).prepare(r.ctx, pg, st.SQL)
	if err != nil {
		return err
	}
	if r.columns, err = decoders(st.Columns, sd.Fields, r.adapter.zone); err != nil {
		return err
	}
	if r.left = limit; limit <= 0 {
		r.left = -1
	}
	if role == "" && first == nil {
		r.result = pg.ExecStatement(r.ctx, sd, b.values, b.formats, binaryResult)
	} else if err := r.startBehind(pg, first, role, sd, &b); err != nil {
		return err
	}
	if r.read() {
		r.ahead = true
		return nil
	}
	r.done = true
	return r.finish()
}

// startBehind runs the statement behind another one and as a role. All are one transaction, at whose end the role of the connection
// is what it was, and which has a new state of the database for each statement.
func (r *Rows) startBehind(pg *pgconn.PgConn, first *leading, role string, sd *pgconn.StatementDescription, b *binder) error {
	var lead binder
	var leadColumns []column
	var leadSD, set *pgconn.StatementDescription
	var err error
	if first != nil {
		if err = lead.bind(first.st.Args); err != nil {
			return err
		}
		if leadSD, err = statementsOf(pg).prepare(r.ctx, pg, first.st.SQL); err != nil {
			return err
		}
		if leadColumns, err = decoders(first.st.Columns, leadSD.Fields, r.adapter.zone); err != nil {
			return err
		}
	}
	if role != "" {
		if set, err = statementsOf(pg).prepare(r.ctx, pg, "SELECT set_config('role', $1, true)"); err != nil {
			return err
		}
	}
	r.pipe = pg.StartPipeline(r.ctx)
	if first != nil {
		r.pipe.SendQueryStatement(leadSD, lead.values, lead.formats, binaryResult)
	}
	if role != "" {
		r.pipe.SendQueryStatement(set, [][]byte{[]byte(role)}, nil, nil)
	}
	r.pipe.SendQueryStatement(sd, b.values, b.formats, binaryResult)
	if err = r.pipe.Sync(); err == nil && first != nil {
		err = first.read(r.pipe, leadColumns)
	}
	if err == nil && role != "" {
		_, err = skip(r.pipe, make([]waiting, 1))
	}
	if err == nil {
		r.result, err = resultOf(r.pipe)
	}
	if err != nil {
		err = errors.Join(err, r.pipe.Close())
		r.pipe = nil
	}
	return err
}

// read reads the leading statement's result.
func (l *leading) read(p *pgconn.Pipeline, columns []column) error {
	result, err := resultOf(p)
	if err != nil {
		return err
	}
	var row []lqp.Value
	if result.NextRow() {
		row = make([]lqp.Value, len(columns))
		for i, cell := range result.Values() {
			row[i] = columns[i].value(cell)
		}
	}
	if _, err := result.Close(); err != nil {
		return err
	}
	return l.check(row)
}
