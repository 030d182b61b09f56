package seal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// KeyManager wraps data keys under master keys that it does not hand out: a key file, or an external key management
// service. One of its keys is the present one, under which it wraps; it unwraps with older ones too for as long as it has
// them.
//
// Implementations are safe for concurrent use and authenticate aad: Unwrap with another aad than Wrap had must fail with
// ErrOpen, with a key that they do not have with ErrUnknownKey. Every other error, such as that of a service that cannot be
// reached, is taken as ErrUnavailable; an *UnavailableError may say when to try again. Callers never fall back to clear
// text. The arguments are the caller's: they are neither kept nor changed.
type KeyManager interface {
	// KeyID names the present key, in 1 to 255 bytes that reveal nothing of it.
	KeyID(ctx context.Context) (string, error)
	// Wrap encrypts a data key of 32 bytes under the present key, whose id it returns. The result has at most 65,535 bytes.
	Wrap(ctx context.Context, dataKey, aad []byte) (wrapped []byte, keyID string, err error)
	// Unwrap is the inverse of Wrap, with the id that it returned. The result is the caller's, who overwrites it.
	Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error)
}

// Rewrapper is implemented by key managers that can bring a wrapped data key to the present key without showing it. Those
// that do not are asked to unwrap and to wrap.
type Rewrapper interface {
	Rewrap(ctx context.Context, keyID string, wrapped, aad []byte) (again []byte, newID string, err error)
}

// ErrUnavailable means that the key manager cannot be asked just now. What needs it fails until it can.
var ErrUnavailable = errors.New("key manager is unavailable")

// UnavailableError is an ErrUnavailable that knows when to try again.
type UnavailableError struct {
	RetryAfter time.Duration // 0 when that is unknown
	Err        error         // for the log, not for clients; never nil
}

// Error implements error.
func (e *UnavailableError) Error() string { return fmt.Sprintf("%v: %v", ErrUnavailable, e.Err) }

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Is makes it an ErrUnavailable.
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// managerError gives every error of a key manager one of the kinds that callers know. A caller who went away gets told so,
// one whose time ran out waited for a key manager that is too slow.
func managerError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrOpen), errors.Is(err, ErrUnknownKey), errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	}
	return &UnavailableError{Err: err}
}

// chain is a key manager that also unwraps what others have wrapped.
type chain struct {
	KeyManager
	older []KeyManager
}

// Chain wraps with present and unwraps with whichever of present and older has the key: what is needed while secrets move
// from one key manager to another.
func Chain(present KeyManager, older ...KeyManager) KeyManager {
	if len(older) == 0 {
		return present
	}
	return &chain{present, older}
}

// Unwrap implements [KeyManager].
func (c *chain) Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	key, err := c.KeyManager.Unwrap(ctx, keyID, wrapped, aad)
	for _, m := range c.older {
		if !errors.Is(err, ErrUnknownKey) {
			break
		}
		key, err = m.Unwrap(ctx, keyID, wrapped, aad)
	}
	return key, err
}

// Rewrap implements [Rewrapper]: the present key manager does it by itself where it can.
func (c *chain) Rewrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, string, error) {
	if m, ok := c.KeyManager.(Rewrapper); ok {
		again, id, err := m.Rewrap(ctx, keyID, wrapped, aad)
		if !errors.Is(err, ErrUnknownKey) {
			return again, id, err
		}
	}
	key, err := c.Unwrap(ctx, keyID, wrapped, aad)
	if err != nil {
		return nil, "", err
	}
	defer clear(key)
	return c.Wrap(ctx, key, aad)
}
