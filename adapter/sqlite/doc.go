// Package sqlite is the adapter to SQLite database files: read access to files that others own ([Open]) and the
// transactional store in which Live Tables keeps its own data ([OpenStore]).
//
// A store's tables hold canonical values in columns declared by [Store.DeclareType], so that comparisons, order and keys
// are native SQL over native indexes. Files of others are loosely typed: any column may hold a value of any storage
// class. There every expression that native SQL could answer differently is guarded, computed by the functions that
// every connection registers (lt_…, which run the same Go code as lqp.Eval), or left to the engine.
// Where the file itself says, inside the statement's read transaction, that a column in an index holds nothing but what
// it declares, pages and joins use the bare column and its index (docs/decisions/0018).
package sqlite
