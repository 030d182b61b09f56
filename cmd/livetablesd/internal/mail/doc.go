// Package mail hands messages to whoever delivers them: a mail server (SMTP) or, by default, a directory that the operator
// reads (Outbox).
//
// Nothing here waits, repeats or remembers. Its callers keep a durable queue, and must know from an error whether it is the
// message that is wrong or the server that cannot be reached: the latter is ErrUnavailable.
package mail
