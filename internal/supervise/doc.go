// Package supervise stands between the engine and the adapter of an external database, so that one database in trouble
// harms nobody else and is used again as soon as it can be.
//
// A [Guard] belongs to a connection. It lets only so many reads run at once, at the connection and in its workspace
// ([Share]); asks again, after a pause, where that is safe and may help; stops asking a database that keeps failing and
// looks from time to time whether it is back (a circuit breaker); and knows how the connection is doing ([Health]).
// [Guard.Wrap] puts it in front of an adapter.
package supervise
