package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// translate turns a driver error into one of the adapter's, by code. op says what was being done to what. The text of the
// result names neither the server nor its words; the driver's error is wrapped for the log ([errors.As]).
func translate(ctx context.Context, op string, err error) error {
	if f := (*failure.Failure)(nil); errors.As(err, &f) {
		return err
	}
	return failure.Translate(ctx, op, err, sentinel)
}

// errClosed is the cause of every failure after Close.
var errClosed = errors.New("the adapter is closed")

// sentinel classifies a driver error. The caller's context is alive.
func sentinel(err error) error {
	for _, known := range []error{adapter.ErrOption, adapter.ErrUnsupported, adapter.ErrData, adapter.ErrAuth} {
		if errors.Is(err, known) {
			return known
		}
	}
	var server mongo.ServerError
	if errors.As(err, &server) {
		if code := codeOf(err); code != 0 {
			return byCode(code)
		}
		if server.HasErrorLabel("NetworkError") {
			if mongo.IsTimeout(err) {
				return adapter.ErrTimeout
			}
			return failure.Temporary(adapter.ErrUnavailable)
		}
		return failure.ErrUnknown
	}
	if unselected := (topology.ServerSelectionError{}); errors.As(err, &unselected) {
		return adapter.ErrUnavailable // the driver has waited for the server in vain, whatever deadline that met
	}
	// The deadline was ours: the statement's.
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errSelection) {
		return adapter.ErrTimeout
	}
	// No answer in the protocol: the network, the TLS handshake or the server itself is to blame.
	if failure.Lost(err) {
		return failure.Temporary(adapter.ErrUnavailable)
	}
	return adapter.ErrUnavailable
}

// errSelection marks the failure to reach a server at all, whose cause may be a deadline too.
var errSelection = errors.New("no connection")

// refused reports that the server did not accept the user, or could not prove to know the password itself.
func refused(err error) bool {
	var login interface { // the driver's own type is in a package without promises
		Inner() error
		Message() string
	}
	if code := codeOf(err); code != 0 {
		return errors.Is(byCode(code), adapter.ErrAuth)
	}
	return errors.As(err, &login) && !mongo.IsNetworkError(err) && !mongo.IsTimeout(err)
}

// codeOf is the server's error code, 0 when there is none.
func codeOf(err error) int32 {
	var command mongo.CommandError
	if errors.As(err, &command) {
		return command.Code
	}
	return 0
}

func byCode(code int32) error {
	switch code {
	case 13, 31, 33, 8000: // unauthorized, role, privilege; Atlas' own
		return adapter.ErrDenied
	case 11, 18, 334: // unknown user, authentication failed, mechanism unavailable
		return adapter.ErrAuth
	case 50, 262, 290: // max time expired, in three stages
		return adapter.ErrTimeout
	case 26, 73: // no such collection, a name that is none
		return adapter.ErrNoTable
	case 59, 115, 224, 303, 323: // command not found or not supported
		return adapter.ErrUnsupported
	case 11000:
		return adapter.ErrConstraint
	}
	if transient(code) {
		return failure.Temporary(adapter.ErrUnavailable)
	}
	return failure.ErrUnknown
}

// transient are the codes with which a server says that it is going away or not what it was.
func transient(code int32) bool {
	switch code {
	case 6, 7, 24, 43, 63, 89, 91, 112, 133, 134, 150, 189, 202, 234, 237, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436:
		return true
	}
	return false
}

// retryable reports that a read may be tried again on another connection.
func retryable(err error) bool {
	if code := codeOf(err); code != 0 {
		return transient(code)
	}
	return mongo.IsNetworkError(err) && !mongo.IsTimeout(err)
}

// evaluation turns an error of the server that has no other meaning into a data error: the server could not compute an
// expression that we pushed, which the engine can.
func evaluation(err error) error {
	if codeOf(err) != 0 && errors.Is(sentinel(err), failure.ErrUnknown) {
		return fmt.Errorf("%w: %w", adapter.ErrData, err)
	}
	return err
}
