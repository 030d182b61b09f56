package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
)

// session runs the statements of one transaction on its connection. Statements that answer nothing of interest (BEGIN,
// SAVEPOINT, SET ROLE, and what was deferred) wait in before and go out with the next one, so that they cost no way to the
// server and back.
type session struct {
	pg     *pgconn.PgConn
	store  *Store
	before []waiting
	weight int                                           // bytes of the parameters of what waits
	began  bool                                          // something was sent
	open   *txRows                                       // the result that the connection is busy with
	held   int                                           // bytes of rows that were taken off the connection and not read yet
	dirty  bool                                          // a statement has changed something
	renew  func(context.Context) (*pgconn.PgConn, error) // another connection for one that was lost before anything was asked
	role   string                                        // in force after what is in before, empty for the store's own
}

func newSession(pg *pgconn.PgConn, s *Store) *session {
	ses := &session{pg: pg, store: s}
	if known := statementsOf(pg); known.stale {
		known.reset()
		ses.wait("DEALLOCATE ALL")
	}
	return ses
}

// sent is a statement on its way.
type sent struct {
	result *pgconn.ResultReader
	pipe   *pgconn.Pipeline // nil when the statement went alone
	fields []pgconn.FieldDescription
}

// finish reads the result to its end.
func (s *sent) finish() (pgconn.CommandTag, error) {
	var tag pgconn.CommandTag
	var err error
	if s.result != nil {
		tag, err = s.result.Close()
	}
	if s.pipe != nil {
		err = errors.Join(err, s.pipe.Close())
	}
	return tag, err
}

// send runs a statement with the parameters that encode makes once the types of the statement's parameters are known. The
// first statement of a transaction that reads may find that its connection, which was idle, has ended: then it goes over
// another one.
func (s *session) send(ctx context.Context, sql string, encode func(*params, []uint32) error) (*sent, error) {
	first, before := !s.began, s.before
	out, err := s.trySend(ctx, sql, encode)
	if err == nil || !first || s.renew == nil || ctx.Err() != nil || !s.pg.IsClosed() {
		return out, err
	}
	pg, lost := s.renew(ctx)
	if lost != nil {
		return nil, errors.Join(lost, err)
	}
	s.pg, s.before = pg, before
	return s.trySend(ctx, sql, encode)
}

func (s *session) trySend(ctx context.Context, sql string, encode func(*params, []uint32) error) (*sent, error) {
	if err := s.free(); err != nil {
		return nil, err
	}
	sd, err := s.describe(ctx, sql)
	if err != nil {
		return nil, err
	}
	var p params
	if err := encode(&p, sd.ParamOIDs); err != nil {
		return nil, &localError{err}
	}
	out := &sent{fields: sd.Fields}
	formats := resultFormats(sd.Fields)
	s.began = true
	if len(s.before) == 0 {
		out.result = s.pg.ExecStatement(ctx, sd, p.values, p.formats, formats)
		return out, nil
	}
	out.pipe = s.pg.StartPipeline(ctx)
	sent := s.queueBefore(out.pipe)
	out.pipe.SendQueryStatement(sd, p.values, p.formats, formats)
	if err = out.pipe.Sync(); err == nil {
		err = s.skip(out.pipe, sent)
	}
	if err == nil {
		out.result, err = resultOf(out.pipe)
	}
	if err != nil {
		return nil, errors.Join(err, out.pipe.Close())
	}
	return out, nil
}

var errNoRole = errors.New("there is no such role")

// noRole reports that a role cannot be taken on: PostgreSQL says that the parameter has an invalid value.
func noRole(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "22023"
}

var errProtocol = errors.New("unexpected answer of the server")

func resultOf(p *pgconn.Pipeline) (*pgconn.ResultReader, error) {
	got, err := p.GetResults()
	if err != nil {
		return nil, err
	}
	r, ok := got.(*pgconn.ResultReader)
	if !ok {
		return nil, fmt.Errorf("%w: %T", errProtocol, got)
	}
	return r, nil
}

// describe finds or prepares a statement. What waits goes out with the preparation.
func (s *session) describe(ctx context.Context, sql string) (*pgconn.StatementDescription, error) {
	known := statementsOf(s.pg)
	if sd, ok := known.bySQL[sql]; ok {
		return sd, nil
	}
	s.began = true
	if len(s.before) == 0 {
		return known.prepare(ctx, s.pg, sql)
	}
	if err := s.sendBefore(ctx); err != nil {
		return nil, err
	}
	return known.prepare(ctx, s.pg, sql)
}

// flush sends what waits by itself.
func (s *session) flush(ctx context.Context) error {
	if err := s.free(); err != nil {
		return err
	}
	if len(s.before) == 0 {
		return nil
	}
	s.began = true
	return s.sendBefore(ctx)
}

// free takes the rest of an open result off the connection, which the next statement needs.
func (s *session) free() error {
	if s.open == nil {
		return nil
	}
	return s.open.detach()
}

// maxHeld bounds the bytes of rows that a transaction keeps in memory because their reader has sent another statement
// before reading them.
const maxHeld = 64 << 20

func (s *session) hold(n int) error {
	if s.held += n; s.held > maxHeld {
		return &localError{fmt.Errorf("%w: results of more than %d MiB are open", adapter.ErrUnsupported, maxHeld>>20)}
	}
	return nil
}

// alive reports that the connection is in a transaction that can go on.
func (s *session) alive() bool { return !s.pg.IsClosed() && s.pg.TxStatus() == 'T' }

// resultFormats asks for binary where cells of the type are decoded from it, and for text else.
func resultFormats(fields []pgconn.FieldDescription) []int16 {
	formats := make([]int16, len(fields))
	for i := range fields {
		if oid := fields[i].DataTypeOID; codecs[oid] != noCodec || arrays[oid] != noCodec {
			formats[i] = binaryFormat
		}
	}
	return formats
}
