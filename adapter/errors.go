package adapter

import "errors"

// The errors an adapter reports, wrapped with the operation and the object. The driver's own text is for the log only:
// wrap it so that errors.Is finds the sentinel, and never show it to a client.
var (
	ErrUnavailable = errors.New("source unavailable")           // no connection could be had
	ErrAuth        = errors.New("source refused credentials")   // wrong user or password, missing right to connect
	ErrDenied      = errors.New("source refused the operation") // the database role lacks a right
	ErrTimeout     = errors.New("statement timed out")
	ErrData        = errors.New("source reported a data error") // overflow, bad cast: the engine runs the query again in memory
	ErrConstraint  = errors.New("constraint violated")          // unique, foreign key, check, not null
	ErrNoTable     = errors.New("no such table at the source")
	ErrOption      = errors.New("connection option not allowed")
	ErrUnsupported = errors.New("not supported by this source")
	// ErrTemporary marks a failure that may be over with the next try: a connection that was refused or broke, a server that
	// is going down, starting or full, a conflict with somebody else's work. It comes together with another of these errors,
	// or alone. An adapter that reports it of a read promises that nothing of the read was delivered; the engine then asks
	// again a few times. Of a write it promises that nothing was written.
	ErrTemporary = errors.New("source is busy with something else")
	// ErrUncertain is the error of a write whose commit was not answered, and of which it could not be learned afterwards
	// whether it was done: it is there as a whole or not at all. It comes without ErrUnavailable and ErrTemporary, which
	// promise that nothing was written: whoever tries again must look first.
	ErrUncertain = errors.New("it is not known whether the write was done")
)
