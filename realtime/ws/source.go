package ws

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/livetables/livetables/realtime"
)

// Subject is who a connection belongs to, as Options.Authenticate found it.
type Subject struct {
	User      string
	Workspace string
	Session   string // what Options.Recheck may need to know besides the user
	ExpiresAt time.Time
}

// Source has the rooms. Its methods may be called from many goroutines.
type Source interface {
	// Subscribe opens a room for a subject, who is authorised by it. since is the client's last position, nil when it has
	// none. The errors the client is told of are those of this package, wrapped or not; all others are "internal". A room
	// that the subject may not know of is ErrNotFound. ctx is for the call, not for the stream.
	Subscribe(ctx context.Context, subject Subject, room string, since *realtime.Position) (Stream, error)
}

// Stream is the frames of one room for one subject. It is used by one goroutine.
type Stream interface {
	// Start says how the stream begins, "replay" or "snapshot", and after which position.
	Start() (mode string, at realtime.Position)
	// Next waits for the next frame until ctx ends. An error ends the room: ErrRevoked when the subject may no longer see
	// it, which the stream must find out by itself before it hands out a frame.
	Next(ctx context.Context) (Frame, error)
	// Close releases the stream. It is called once, after the last Next.
	Close()
}

// Revocable is implemented by streams that can tell cheaply, from any goroutine, that the subject lost access to what Next
// handed out before: frames that still wait to be sent then are not. It must stay callable after Close.
type Revocable interface{ Revoked() bool }

// Frame is what a room's subscribers are told of one step.
type Frame struct {
	Event string // "data:update", …
	realtime.Position
	At   time.Time
	Data json.RawMessage // one valid JSON value, {"ops":[…]} for data:update, already cut to what the subject may see
	More bool            // the step goes on in the next frame
}

// The errors of a Source, a Stream, Options.Authenticate and Options.Recheck that have a meaning to the client.
var (
	ErrUnauthorized  = errors.New("unauthorized")          // token or session is not good
	ErrForbidden     = errors.New("forbidden")             // known and not allowed
	ErrNotFound      = errors.New("no such room")          // or none that the subject may know of
	ErrUnrecoverable = errors.New("position is gone")      // subscribe again without since
	ErrRevoked       = errors.New("access was revoked")    // of a room, while it was open
	ErrSchemaChanged = errors.New("schema changed")        // read the table anew and subscribe again
	ErrUnavailable   = errors.New("source is unavailable") // the database behind the room does not answer
	ErrOverloaded    = errors.New("too much work at hand") // try again a little later
	errTooLarge      = errors.New("frame is too large")    // a stream's frame beyond Limits.FrameOut
)

// The error codes of replies and error frames.
const (
	codeBadRequest    = "bad_request"
	codeUnauthorized  = "unauthorized"
	codeForbidden     = "forbidden"
	codeNotFound      = "not_found"
	codeUnrecoverable = "unrecoverable_position"
	codeRateLimited   = "rate_limited"
	codeTooLarge      = "too_large"
	codeSchemaChanged = "schema_changed"
	codeUnavailable   = "source_unavailable"
	codeOverloaded    = "overloaded"
	codeInternal      = "internal"
)

var codes = []struct {
	err  error
	code string
}{
	{ErrUnauthorized, codeUnauthorized}, {ErrForbidden, codeForbidden}, {ErrRevoked, codeForbidden},
	{ErrNotFound, codeNotFound}, {ErrUnrecoverable, codeUnrecoverable}, {ErrSchemaChanged, codeSchemaChanged},
	{ErrUnavailable, codeUnavailable}, {ErrOverloaded, codeOverloaded}, {errTooLarge, codeTooLarge},
}

// explain turns an error into what the client is told. The texts of errors stay in the log; the messages are those of the
// sentinels. ok is false for an error that has no meaning to the client.
func explain(err error) (code, message string, ok bool) {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code, c.err.Error(), true
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return codeUnavailable, ErrUnavailable.Error(), true
	}
	return codeInternal, "internal error", false
}
