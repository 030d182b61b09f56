// Package adaptertest checks that an adapter does what adapter.Adapter promises. Anybody can run it on an adapter of
// their own:
//
//	func TestConformance(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Harness{Open: open, Load: load})
//	}
//
// Open gives the suite an adapter on an empty database, Load creates the suite's tables there and fills them; from there on
// the suite speaks to the adapter alone. The smallest harness has these two functions. What a source does not have, the
// other fields of [Harness] say: types that it cannot hold, foreign keys, comments.
//
// The oracle is lqp.Run over the same rows: whatever the adapter's Plan splits, the answer of Pushed and Residual together
// must be the oracle's, cell by cell as canonical JSON, and row by row where the query orders them. An adapter that only
// scans passes, as does one that takes everything, if what it takes is exact.
//
// The suite is divided into subjects, sub-tests of this name, which Harness.Only chooses from:
//
//	Lifecycle     opening, contexts that have ended, closing twice
//	Discovery     kinds, types with their facets, keys, references, comments, defaults, views, estimates
//	Rows          every value of every type comes back, by Value and by AppendJSON, and stays what it was
//	Operators     every comparison of every type with every edge value, arithmetic, logic
//	Contexts      conditions where TRUE matters, where FALSE does and as values, with every combination of NULLs
//	Membership    in and between
//	Texts         searching, with patterns that mean something elsewhere
//	Functions     every function over columns of every type that it takes, compared with the oracle
//	Cases         calls whose answers are written down in testdata/cases.jsonl
//	Sorting       every type, both directions, every place for NULLs
//	Keyset        pages by position, over NULLs, ties and long texts
//	Paging        limits and offsets, filters left over
//	Promises      Split.Sorted is taken at its word, as the engine does
//	Joins         every kind, NULLs among the keys
//	Groups        grouping by every type, every aggregate of every type, having
//	Nested        queries over queries
//	Cancellation  rows left early, contexts that end between rows and inside a slow statement, many readers
//	Random        random queries; the seed is printed and can be given again
//	Metamorphic   relations between the adapter's own answers, which need no oracle
//	Leaks         goroutines and connections that stay
//	Writes        inserts, updates and deletes by an adapter that writes
//
// A failure shows the query, what the plan took of it and why not the rest, the native statement if the adapter is an
// adapter.Explainer, and the first row that differs. It is repeated by go test -run with the sub-test's name; for random
// queries the environment variable LIVETABLES_TEST_SEED has to be set as printed.
//
// [RunStore] checks what an adapter.Store promises beyond that: transactions, shared commits, two processes on one database.
//
// The package needs nothing but the standard library and this module.
package adaptertest
