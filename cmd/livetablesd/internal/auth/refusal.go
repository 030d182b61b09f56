package auth

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The errors of the service. Any other error is a failure of the store, the context or the options.
var (
	// ErrUnauthenticated means that a token is not good, whatever the reason: the wrapped text is for the log.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrCredentials is the one answer to a wrong password, an unknown account and a disabled one.
	ErrCredentials = errors.New("wrong email or password")
	// ErrForbidden means that the caller is known and may not do this.
	ErrForbidden = errors.New("not allowed")
	ErrNotFound  = errors.New("not found")
	// ErrEmailTaken means that another account has the address.
	ErrEmailTaken = errors.New("email address is taken")
	// ErrRegistrationClosed means that accounts are made by instance admins.
	ErrRegistrationClosed = errors.New("registration is closed")
	// ErrSetup means that the instance has no account yet and the setup token was missing or wrong.
	ErrSetup = errors.New("setup token required")
	// ErrToken means that a token from a mail is not good, or not any more.
	ErrToken = errors.New("the token is not valid, was used, or has expired")
	// ErrWrongAddress means that an invite is for another address than the account's.
	ErrWrongAddress = errors.New("the invite is for another email address")
	// ErrUnverified means that nobody has proved yet to read mail at the account's address.
	ErrUnverified = errors.New("the account's email address is not confirmed")
	// ErrRateLimited is what a *RateError is.
	ErrRateLimited = errors.New("too many attempts")
	// ErrBusy means that too many passwords are being checked already, or that too many mails or audit entries wait; trying again
	// a little later helps.
	ErrBusy = errors.New("too many logins in progress")
)

// RateError says that too many attempts were made and when the next one may be.
type RateError struct{ RetryAfter time.Duration }

func (e *RateError) Error() string {
	return fmt.Sprintf("too many attempts, retry after %v", e.RetryAfter)
}

// Is makes errors.Is(err, ErrRateLimited) true.
func (e *RateError) Is(target error) bool { return target == ErrRateLimited }

// FieldError is one thing wrong with one field of an input.
type FieldError struct {
	Field   string // "email", "password", "name", …
	Code    string // "required", "invalid", "too_short", "too_long"
	Message string // for people; never quotes the value
}

// ValidationError lists everything wrong with an input.
type ValidationError struct{ Fields []FieldError }

func (e *ValidationError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Field + ": " + f.Message
	}
	return "invalid input: " + strings.Join(parts, "; ")
}

// problems gathers field errors.
type problems []FieldError

func (p *problems) add(field, code, message string) {
	*p = append(*p, FieldError{field, code, message})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &ValidationError{p}
}
