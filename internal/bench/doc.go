// Bench measures Live Tables against programs written by hand for the same work on the same data, and prints how many
// times as fast, or as costly, it is. "make bench" starts the servers it needs and runs it.
//
// Absolute figures depend on the machine and on what else runs there; the ratio of two figures taken seconds apart on the
// same machine much less so. Every comparison therefore runs its sides in turn, several rounds of each, in changing
// order; a ratio is taken inside each round, and the median of the rounds is what counts. Nothing here passes or fails:
// the targets of docs/performance.md stand beside the figures, and people judge.
//
// The sides that serve HTTP are processes of their own, so that the cost of asking is not counted as cost of answering:
//
//   - base: net/http, pgxpool, the MySQL or MongoDB driver or the bare SQLite driver, rows scanned into structs,
//     encoding/json. It knows its one query, checks nobody's rights and understands no plans.
//   - engine: the library behind a net/http handler, without the daemon: policy, rewrite and planning are on.
//   - daemon: livetablesd as it is built for users, with authentication, validation and access log, its rate limit off.
//
// The mini-DB is compared in two ways, in this process and over HTTP, and its figures are one table (-markdown prints it for docs/performance.md).
package main
