package failure

import (
	"errors"
	"io"
	"net"

	"github.com/livetables/livetables/adapter"
)

// Temporary is an error that is what is is and an [adapter.ErrTemporary] too. Its text is that of is.
func Temporary(is error) error { return temporary{is} }

type temporary struct{ is error }

// Error implements error.
func (t temporary) Error() string { return t.is.Error() }

// Unwrap gives what it is, and that it may be over with the next try.
func (t temporary) Unwrap() []error { return []error{t.is, adapter.ErrTemporary} }

// Lost reports that a connection could not be made or broke, and that another one may be had at once. Time that ran out is
// no such thing, since trying again takes that time again; neither is a name that does not resolve, a certificate that is
// not trusted, nor an address that our own dialer refuses.
func Lost(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	var (
		name *net.DNSError
		op   *net.OpError
	)
	if errors.As(err, &name) || !errors.As(err, &op) || op.Timeout() {
		return false
	}
	switch op.Op {
	case "dial", "read", "write": // not "remote error", which is an alert of TLS
		return true
	}
	return false
}
