package adapter

import (
	"context"

	"github.com/livetables/livetables/lqp"
)

// Adapter gives access to one database. Its methods may be called from many goroutines at once.
type Adapter interface {
	// Tables discovers the tables, views and collections with their columns and keys. The result is fresh, not cached.
	Tables(ctx context.Context) (lqp.Catalog, error)
	// Capabilities reports facts that no expression can reveal.
	Capabilities() Capabilities
	// Plan says which part of a bound query, all of whose sources belong to this adapter, the source answers exactly.
	// It is pure and fast; it neither blocks nor fails: whatever cannot be taken stays residual. The caller owes a query
	// that lqp.Bind accepted.
	Plan(q *lqp.Query) Split
	// Scan runs a query that a Plan of this adapter answered as Split.Pushed, possibly with another Page (limit, offset
	// and After may be set where Split.Page is true, a Limit and After also where Split.Sorted is true) and with sort keys
	// added to Select, to continue after them. The rows' columns are pushed.Select in order. The caller must close the rows; cancelling ctx ends the statement at the
	// source.
	Scan(ctx context.Context, pushed *lqp.Query) (Rows, error)
	// Ping proves that the source answers and the credentials are accepted.
	Ping(ctx context.Context) error
	// Close releases every connection. Closing twice is harmless.
	Close() error
}

// Capabilities are facts about a source.
type Capabilities struct {
	Driver     string // "postgres", "sqlite", …
	Version    string // as the server reports it, for people
	Writes     bool   // the adapter implements Writer or Store and the connection allows writing
	Transactor bool   // writes of several rows can be made all-or-nothing
	Readers    int    // of a Store: how many reads may be open at the same time, which others wait for; 0 is no bound
}

// Split is an adapter's answer to Plan: Pushed runs at the source, Residual on its rows.
//
// The residual query's From is a nested query, namely Pushed, under the alias "pushed"; running Residual with lqp.Run is
// by construction the same as running the planned query. A nil Residual means that Pushed alone is the answer. A nil
// Pushed means that the source cannot take this combination of sources: the caller plans each of them on its own, which
// an adapter always takes, as a scan at least.
type Split struct {
	Pushed   *lqp.Query
	Residual *lqp.Query
	// Sorted reports that the rows of Pushed come in the order the planned query asks for, so that the residual need not
	// sort again and may stop early; Pushed then accepts After and Limit.
	Sorted bool
	// Page reports that Pushed honours the planned query's whole Page.
	Page bool
	// Notes say for every clause where it went and why, in the order of evaluation, for Explain.
	Notes []Note
}

// Placement says who answers a clause.
type Placement string

// The placements.
const (
	PushedExact    Placement = "pushed"
	PushedSuperset Placement = "superset" // pushed weaker than asked and checked again by the engine
	InMemory       Placement = "memory"
)

// Note explains the placement of one clause.
type Note struct {
	Clause    string    `json:"clause"` // "filter", "sort", "group", "aggregate", "join", "column", "limit", "having"
	Text      string    `json:"text"`   // the clause as lqp prints it
	Placement Placement `json:"placement"`
	Reason    string    `json:"reason,omitempty"` // why not pushed; empty for exact
}

// Rows is an iterator over the result of a Scan. It is used by one goroutine.
type Rows interface {
	// Next moves to the next row, false at the end or on an error.
	Next() bool
	// Value decodes column i of the current row to its canonical value. It owns its memory.
	Value(i int) lqp.Value
	// AppendJSON appends column i of the current row to dst as canonical JSON, without decoding where the adapter can.
	// It equals Value(i).AppendJSON(dst).
	AppendJSON(dst []byte, i int) []byte
	// Err is the error that ended the iteration, nil after a complete one.
	Err() error
	// Close ends the statement and releases its connection. It is safe to call twice and at any time.
	Close() error
}

// Explainer is implemented by adapters that can show the native text of a pushed query.
type Explainer interface {
	// Native is the statement that Scan would send, with placeholders in the place of values.
	Native(pushed *lqp.Query) (string, error)
}

// Estimator is implemented by adapters that can guess how many rows a pushed query yields without running it.
type Estimator interface {
	Estimate(ctx context.Context, pushed *lqp.Query) (rows int64, err error)
}

// Writer writes single rows. Values are given by column id and converted to the column's storage by the adapter.
type Writer interface {
	// Insert adds rows; each of rows has a value for every one of columns, in order.
	Insert(ctx context.Context, t *lqp.Table, columns []string, rows [][]lqp.Value) error
	// Update sets columns of the row with that key, provided that every column of expect still has its expected value
	// (NULL equals NULL). It reports how many rows it changed: 0 when the row is missing or no longer as expected.
	Update(ctx context.Context, t *lqp.Table, key []lqp.Value, expect, set []lqp.Assignment) (int64, error)
	// Delete removes the row with that key under the same proviso.
	Delete(ctx context.Context, t *lqp.Table, key []lqp.Value, expect []lqp.Assignment) (int64, error)
}

// Tx is a transaction of a [Store]. It is valid until the function it was given to returns and used by one goroutine. After
// an error of a statement, ErrData of a reading one too, the function must return an error: some databases do nothing more
// in a transaction in which a statement has failed, and the store then fails the function even if it returns nil.
type Tx interface {
	Writer
	// Exec runs one statement in the store's own SQL; placeholders are ?. It reports the affected rows.
	Exec(ctx context.Context, sql string, args ...lqp.Value) (int64, error)
	// Query runs one statement and delivers its rows as the database types them.
	Query(ctx context.Context, sql string, args ...lqp.Value) (Rows, error)
	// Scan is Adapter.Scan inside the transaction.
	Scan(ctx context.Context, pushed *lqp.Query) (Rows, error)
}

// Deferrer is implemented by transactions of databases that are far away: statements whose results nobody waits for need no
// way to the database and back each.
type Deferrer interface {
	// Defer runs fn, in which Exec, Insert, Update and Delete of the transaction may only note the statement. What was noted is
	// carried out in order, before whatever the transaction does next and before its function counts as done. Exec answers 0
	// in fn. Update and Delete answer 1 and promise it: a statement that turns out to have changed another number of rows, like
	// one that fails, fails the transaction. Defer answers the error of fn.
	Defer(fn func() error) error
}

// Deferred runs fn, which writes by tx, with [Deferrer] where tx has it and otherwise as it is.
func Deferred(tx Tx, fn func() error) error {
	if d, ok := tx.(Deferrer); ok {
		return d.Defer(fn)
	}
	return fn()
}

// Store is an adapter to a transactional SQL database that Live Tables owns: the mini-DB keeps its catalogue, its user
// tables and its change log in one.
type Store interface {
	Adapter
	// DeclareType is the column type for CREATE TABLE that keeps every canonical value of t and that discovery and Scan
	// read back as t.
	DeclareType(t lqp.Type) string
	// Write runs fn in a write transaction and returns once it is durable. Concurrent calls may share one commit; fn must
	// therefore not wait for another Write. When fn fails, nothing of it remains and its error is returned as it is. Other
	// errors say that nothing was written, but for ErrUncertain, of which a store that is far away may not be spared.
	Write(ctx context.Context, fn func(Tx) error) error
	// Read runs fn on one consistent snapshot, taken with fn's first statement at the latest.
	Read(ctx context.Context, fn func(Tx) error) error
}
