// Package idempotency remembers writes by the keys that clients give them, so that a write that is sent again is not done
// again: across restarts, and across the instances that share a store.
//
// A key is noted as running before its write begins, and with the answer after it. Between the two a process may die. What
// became of the write then nobody knows, and its key is answered with [ErrUnknown] until it expires: it is never done a
// second time behind the client's back.
package idempotency
