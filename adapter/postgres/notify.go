package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// The processes that have a store open tell each other that there is something new by NOTIFY. It is not part of any write
// transaction: commits with a NOTIFY in them wait for each other on the whole server, and what is told is only that a look
// is worth while. A message may be lost with a connection; whoever listens looks now and then all the same.

// channel is the one that the processes of this store listen on. Channels belong to a database.
func (s *Store) channel() string { return s.opt.Schema + "_news" }

// announceSQL tells without waiting for the disk: NOTIFY makes a transaction one that writes.
const announceSQL = "SELECT pg_notify($1, $2) FROM (SELECT set_config('synchronous_commit', 'off', true) OFFSET 0) AS relaxed"

// Announce sends a note of at most a few hundred bytes to all who Listen on this store, in this process and in others.
func (s *Store) Announce(ctx context.Context, note string) error {
	const op = "announce"
	if s.closed.Load() {
		return failure.New(op, adapter.ErrUnavailable, errClosed)
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return translate(ctx, op, err)
	}
	defer conn.Release()
	pg := conn.Conn().PgConn()
	sd, err := statementsOf(pg).prepare(ctx, pg, announceSQL)
	if err == nil {
		_, err = pg.ExecStatement(ctx, sd, [][]byte{[]byte(s.channel()), []byte(note)}, nil, nil).Close()
	}
	return translate(ctx, op, err)
}

// Listen calls heard with every note that is announced on the store, this process's own included, from the moment that it
// has called ready. It has a connection of its own, returns when ctx or that connection ends, and never without an error.
func (s *Store) Listen(ctx context.Context, ready func(), heard func(note string)) error {
	const op = "listen"
	if s.closed.Load() {
		return failure.New(op, adapter.ErrUnavailable, errClosed)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.alive, cancel)() // the store is closed
	cfg := s.pool.Config().ConnConfig.Config
	cfg.RuntimeParams["application_name"] = applicationName + " listener"
	cfg.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { heard(n.Payload) }
	// Nothing runs on the connection that would have to be cancelled at the server: it is simply left.
	cfg.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: pg.Conn()}
	}
	pg, err := pgconn.ConnectConfig(ctx, &cfg)
	if err != nil {
		return translate(ctx, op, err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = pg.Close(end)
	}()
	if err := pg.Exec(ctx, "LISTEN "+quoted(s.channel())).Close(); err != nil {
		return translate(ctx, op, err)
	}
	ready()
	for {
		if err := pg.WaitForNotification(ctx); err != nil {
			return translate(ctx, op, err)
		}
	}
}
