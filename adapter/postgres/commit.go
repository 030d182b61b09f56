package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

var (
	errLost     = errors.New("the transaction was lost with its connection")
	errRolled   = errors.New("the server rolled the transaction back")
	errNotDone  = errors.New("the commit was not answered and not done")
	errUnsettle = errors.New("the commit was not answered, and the server did not tell afterwards")
)

// writerConn is a connection that writes.
type writerConn struct {
	pg      *pgconn.PgConn
	started string // when its process at the server began, which names the process together with its id
}

// dialWriter connects for writing.
func (s *Store) dialWriter(ctx context.Context) (*writerConn, error) {
	cfg := s.pool.Config().ConnConfig.Config
	settings := cfg.RuntimeParams
	settings["application_name"] = applicationName + " writer"
	settings["statement_timeout"] = "0"
	settings["lock_timeout"] = strconv.FormatInt(max(s.opt.LockWait.Milliseconds(), 1), 10)
	settings["idle_in_transaction_session_timeout"] = strconv.FormatInt(max(s.opt.Idle.Milliseconds(), 1), 10)
	settings["default_transaction_isolation"] = "read committed"
	// A statement that was planned while its table was empty would read the whole of it long after it has grown, until the
	// server next gathers statistics. What the writer asks has an index as a rule; where it has none this changes nothing.
	settings["enable_seqscan"] = "off"
	settings["synchronous_commit"] = "on"
	if s.opt.Relaxed {
		settings["synchronous_commit"] = "off"
	}
	cfg.BuildContextWatcherHandler = writerWatcher
	pg, err := pgconn.ConnectConfig(ctx, &cfg)
	if err != nil {
		return nil, translate(ctx, "connect for writing", err)
	}
	c := &writerConn{pg: pg}
	res := pg.ExecParams(ctx, "SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()", nil, nil, nil, nil).Read()
	if res.Err != nil || len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		c.close()
		return nil, translate(ctx, "connect for writing", errors.Join(errProtocol, res.Err))
	}
	c.started = string(res.Rows[0][0])
	return c, nil
}

// do runs statements without parameters and without results, several of them separated by semicolons.
func (c *writerConn) do(ctx context.Context, sql string) error {
	return c.pg.Exec(ctx, sql).Close()
}

// has reports whether a query has a row.
func (c *writerConn) has(ctx context.Context, sql string) (bool, error) {
	res := c.pg.ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	return len(res.Rows) > 0, res.Err
}

// close ends the connection. The server ends its transaction when there is one.
func (c *writerConn) close() {
	ctx, cancel := context.WithTimeout(context.Background(), endWait)
	defer cancel()
	_ = c.pg.Close(ctx)
}

// leave takes the writer out of lt_commit.
func (c *writerConn) leave(instance string) {
	if c.pg.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), endWait)
	defer cancel()
	_ = c.do(ctx, "DELETE FROM lt_commit WHERE instance = '"+instance+"'") // what stays goes with the next opening
}

// beginWrite begins a transaction and waits for the store's lock. The two numbers of the lock say that it is Live Tables's
// and which schema it is of; the server keeps the locks of databases apart. A schema whose number is that of another one
// waits for it in vain, and that is all.
func beginWrite(schema string) string {
	return "BEGIN; SELECT pg_advisory_xact_lock(" + strconv.Itoa(lockClass) + ", hashtext('" + schema + "'))"
}

const lockClass = 0x4c54 // "LT"

// begin is beginWrite with prepared statements, for the connection on which it is done again and again, and with questions that are
// asked behind the lock. It answers with the role that is in force then.
func (c *writerConn) begin(ctx context.Context, schema string, questions []asking) (role string, err error) {
	begin, lock, _ := strings.Cut(beginWrite(schema), "; ")
	sd, err := statementsOf(c.pg).prepare(ctx, c.pg, lock)
	if err != nil {
		return "", err
	}
	pipe := c.pg.StartPipeline(ctx)
	pipe.SendQueryParams(begin, nil, nil, nil, nil)
	pipe.SendQueryStatement(sd, nil, nil, nil)
	role = sendAsking(pipe, questions)
	if err = pipe.Sync(); err == nil {
		_, err = skip(pipe, make([]waiting, 2))
	}
	if err == nil {
		err = readAsking(pipe, questions)
	}
	if err = errors.Join(err, pipe.Close()); stale(err) {
		statementsOf(c.pg).reset()
	}
	return role, err
}

const markSQL = `INSERT INTO lt_commit (instance, batch, at) VALUES ($1, $2, now())
 ON CONFLICT (instance) DO UPDATE SET batch = excluded.batch, at = excluded.at`

// commit makes the batch durable. What its only function has deferred goes out with it: a statement that fails keeps the
// server from committing, and its failure is that of the function. The number of the batch is written in the same transaction: a commit whose answer is
// lost was done exactly when the number is there. The server's own word for it, pg_xact_status, would not do: after a crash
// the number of a transaction of which nothing had reached the disk is given to another one.
func (w *writer) commit(first *job) error {
	const op = "commit"
	w.commits.Add(1)
	ctx := context.Background()
	open := w.open
	w.open = nil
	if !w.ses.dirty && !w.ses.deferred() { // there is nothing to lose
		w.rollback()
		return nil
	}
	w.batches++
	w.ses.take("") // the number is written by the store itself
	mark, err := w.ses.describe(ctx, markSQL)
	if err != nil {
		return w.undone(ctx, first, open, err)
	}
	pipe := w.c.pg.StartPipeline(ctx)
	sent := w.ses.queueBefore(pipe)
	pipe.SendQueryStatement(mark, [][]byte{[]byte(w.instance), []byte(strconv.FormatInt(w.batches, 10))}, []int16{textFormat, textFormat}, nil)
	pipe.SendQueryParams("COMMIT", nil, nil, nil, nil)
	err = pipe.Sync()
	if err == nil {
		err = w.ses.skip(pipe, append(sent, waiting{})) // and the number
	}
	var tag pgconn.CommandTag
	if err == nil {
		var r *pgconn.ResultReader
		if r, err = resultOf(pipe); err == nil {
			tag, err = r.Close()
		}
	}
	closing := pipe.Close()
	switch {
	case err == nil && tag.String() == "COMMIT":
		if closing != nil {
			w.abandon()
		}
		return nil
	case err == nil: // the server says ROLLBACK of a transaction that had failed
		w.rollback()
		return failure.New(op, adapter.ErrUnavailable, errRolled)
	case refused(err):
		return w.undone(ctx, first, open, err)
	}
	return w.settle(err)
}

// undone ends a batch of which the server has done nothing because of err, and answers with what became of it. open is the
// transaction of its only function when that had deferred statements.
func (w *writer) undone(ctx context.Context, first *job, open *tx, err error) error {
	const op = "commit"
	later := (*laterError)(nil)
	if open != nil && errors.As(err, &later) {
		err = open.fail(first.ctx, op, err)
		w.rollback()
		return err
	}
	w.rollback()
	if !refused(err) {
		return translate(ctx, op, err)
	}
	return failure.New(op, adapter.ErrUnavailable, err)
}

// refused reports that the server answered with an error after which it goes on: the transaction is rolled back. A server
// that is ending says so, too, perhaps after it has committed.
func refused(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	severity := pg.SeverityUnlocalized
	if severity == "" {
		severity = pg.Severity
	}
	return severity == "ERROR"
}

// settle finds out what became of a commit that was not answered. The lock says when the lost transaction has ended: it
// holds it to its end. Its process is told to end if it is still there, waiting for a client that is gone.
func (w *writer) settle(cause error) error {
	const op = "commit"
	pid, started := w.c.pg.PID(), w.c.started
	w.abandon()
	w.s.opt.Logger.Warn("a commit was not answered; asking what became of it", "error", cause)
	ctx, cancel := context.WithTimeout(w.s.alive, w.s.opt.Settle)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		committed, err := w.ask(ctx, pid, started)
		switch {
		case err == nil && committed:
			return nil
		case err == nil:
			return failure.New(op, failure.Temporary(adapter.ErrUnavailable), errors.Join(errNotDone, cause))
		}
		select {
		case <-ctx.Done():
			w.s.opt.Logger.Error("it is not known whether a commit was done", "error", err)
			// The cause is for logs: it must not be taken for the promise that nothing was written.
			return failure.New(op, adapter.ErrUncertain, fmt.Errorf("%w: %s; %s", errUnsettle, cause.Error(), err.Error()))
		case <-time.After(wait):
		}
	}
}

// ask looks for the number of the last batch on a new connection, which it keeps for the next batch.
func (w *writer) ask(ctx context.Context, pid uint32, started string) (committed bool, err error) {
	c, err := w.s.dialWriter(ctx)
	if err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	id := strconv.FormatUint(uint64(pid), 10)
	end := c.pg.ExecParams(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::int AND backend_start = $2::timestamptz",
		[][]byte{[]byte(id), []byte(started)}, nil, nil, nil).Read()
	if end.Err != nil {
		return false, end.Err
	}
	if err := c.do(ctx, beginWrite(w.s.opt.Schema)); err != nil {
		return false, err
	}
	committed, err = c.has(ctx, "SELECT 1 FROM lt_commit WHERE instance = '"+w.instance+"' AND batch = "+strconv.FormatInt(w.batches, 10))
	if err == nil {
		err = c.do(ctx, "ROLLBACK")
	}
	if err == nil {
		w.c = c
	}
	return committed, err
}

// writerWatcher ends a statement whose context has ended. It gives short statements, which most are, the time to end by
// themselves: a cancellation stops the connection, and all who wait for it, for a tenth of a second.
func writerWatcher(pg *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, CancelRequestDelay: 250 * time.Millisecond, DeadlineDelay: 5 * time.Second}
}
