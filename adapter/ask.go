package adapter

import (
	"context"

	"github.com/livetables/livetables/lqp"
)

// Question is a statement that reads: SQL of the store's own with its arguments, as of [Tx.Query], a pushed query, as of
// [Tx.Scan], or a statement that the store has prepared, with Args in its holes, as of [PreparedTx].
type Question struct {
	SQL      string
	Args     []lqp.Value
	Pushed   *lqp.Query // in the place of SQL, nil for none
	Prepared Prepared   // in the place of both, nil for none
}

// Asker is implemented by stores that are far away: what a function asks first can go there together with the beginning of its
// transaction.
type Asker interface {
	// WriteAsking is Store.Write for a function that begins with questions. ask tells them when a transaction is about to begin;
	// it is called at most once, on any goroutine, and must not use the store. fn is given the answers in the order of the questions,
	// as they are in its transaction. They are in memory and need not be closed. They are nil when the questions were not sent, or
	// when one of them failed, so that fn has to ask by itself.
	WriteAsking(ctx context.Context, ask func() []Question, fn func(tx Tx, answers []Rows) error) error
}

// WriteAsking is Write of a store with [Asker] where it has it.
func WriteAsking(ctx context.Context, s Store, ask func() []Question, fn func(tx Tx, answers []Rows) error) error {
	if a, ok := s.(Asker); ok {
		return a.WriteAsking(ctx, ask, fn)
	}
	return s.Write(ctx, func(tx Tx) error { return fn(tx, nil) })
}
