package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// translate turns a driver error into one of the adapter's, by SQLSTATE. op says what was being done to what. The text
// of the result names neither the server nor its words; the driver's error is wrapped for the log ([errors.As]).
func translate(ctx context.Context, op string, err error) error {
	return failure.Translate(ctx, op, err, sentinel)
}

// errChanged says that the server's columns are not those that were discovered.
var errChanged = errors.New("the schema changed")

// sentinel classifies a driver error.
func sentinel(err error) error {
	if errors.Is(err, errNoRole) {
		return adapter.ErrDenied
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return bySQLState(pg.Code)
	}
	if errors.Is(err, errChanged) {
		return adapter.ErrNoTable
	}
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, adapter.ErrOption, adapter.ErrUnsupported, adapter.ErrConstraint} {
		if errors.Is(err, known) {
			return known
		}
	}
	// No answer in the protocol: the network, the TLS handshake or the server itself is to blame.
	if failure.Lost(err) {
		return failure.Temporary(adapter.ErrUnavailable)
	}
	return adapter.ErrUnavailable
}

func bySQLState(code string) error {
	switch code {
	case "42501", "25006": // insufficient privilege, read-only transaction
		return adapter.ErrDenied
	case "57014": // cancelled: by statement_timeout, since the context is alive
		return adapter.ErrTimeout
	case "42P01", "3F000", "42703": // no such table, schema or column: the schema changed under us
		return adapter.ErrNoTable
	case "3D000": // no such database
		return adapter.ErrUnavailable
	case "0A000":
		return adapter.ErrUnsupported
	case "40001", "40P01", "55P03": // serialization (on a standby: a conflict with recovery), deadlock, lock not available
		return adapter.ErrTemporary
	case "57P01", "57P02", "57P03", "53300", "25P03": // shutting down, crashed, starting up, too many connections, idle for too long
		return failure.Temporary(adapter.ErrUnavailable)
	}
	if len(code) != 5 {
		return failure.ErrUnknown
	}
	switch code[:2] {
	case "22":
		return adapter.ErrData
	case "23":
		return adapter.ErrConstraint
	case "28":
		return adapter.ErrAuth
	case "08": // connection
		return failure.Temporary(adapter.ErrUnavailable)
	case "53", "57", "58": // resources, intervention, I/O
		return adapter.ErrUnavailable
	}
	return failure.ErrUnknown
}
