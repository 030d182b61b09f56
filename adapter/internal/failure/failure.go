// Package failure is the form in which adapters hand on what their drivers report: the text says what was being done and
// which of the adapter's errors it is, and neither the server nor its words; the driver's error is wrapped for the log.
package failure

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnknown stands for what no error of package adapter describes.
var ErrUnknown = errors.New("the source failed")

// Failure shows what it is and keeps its cause for logs. [errors.Is] and [errors.As] find both.
type Failure struct {
	op    string
	is    error
	cause error
}

// New makes a failure: op says what was being done to what, is tells callers what happened, cause is the driver's error.
func New(op string, is, cause error) *Failure { return &Failure{op: op, is: is, cause: cause} }

// Translate turns a driver's error into a failure, by what classify makes of it. When ctx has ended, that is what
// happened, whatever the driver says. Without an error it is nil.
func Translate(ctx context.Context, op string, err error, classify func(error) error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return New(op, ended, err)
	}
	return New(op, classify(err), err)
}

// Error implements error without the driver's words.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.op, f.is) }

// Unwrap gives both what it is and the driver's error.
func (f *Failure) Unwrap() []error { return []error{f.is, f.cause} }

// Cause is the driver's error behind err, with the server's own words, or err itself when it is no failure.
func Cause(err error) error {
	if f := (*Failure)(nil); errors.As(err, &f) {
		return f.cause
	}
	return err
}
