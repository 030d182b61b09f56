package lqp

import (
	"context"
	"fmt"
)

// Budget bounds the work of one query: the rows read from its sources and the memory held by its joins, sorts and groups.
// The zero Budget is unlimited. Several Runs may share a Budget when all of them belong to one goroutine, as those do
// that read from each other: rows that a Run reads from another Run of the same Budget were counted there. A Run that is
// over gives back the memory but not the rows.
type Budget struct {
	MaxRows  int64 // rows read from all sources together, 0 for no limit
	MaxBytes int64 // bytes of values held in memory at once, 0 for no limit

	rows, bytes int64
}

// BudgetError says which limit of a Budget was reached and by which step of the plan.
type BudgetError struct {
	Limit string // "rows" or "bytes"
	Max   int64
	Step  string // for people: "sort by i.total", "join c", "scan o"
}

// Error implements error.
func (e *BudgetError) Error() string {
	return fmt.Sprintf("budget exceeded: %s needs more than %d %s in memory; narrow the filter so that the source can do more of the work",
		e.Step, e.Max, e.Limit)
}

// Hold takes the memory of a row that is kept outside of a Run, for a step of the plan, until Release.
func (b *Budget) Hold(row []Value, step string) error {
	return (&account{budget: b}).hold(rowBytes(row), step)
}

// Release gives back what Hold took for a row.
func (b *Budget) Release(row []Value) { (&account{budget: b}).release(rowBytes(row)) }

// account is one Run's use of a budget.
type account struct {
	budget *Budget // nil for no limits
	held   int64
}

func (a *account) read(step string) error {
	b := a.budget
	if b == nil {
		return nil
	}
	if b.rows++; b.MaxRows > 0 && b.rows > b.MaxRows {
		return &BudgetError{Limit: "rows", Max: b.MaxRows, Step: step}
	}
	return nil
}

func (a *account) hold(bytes int64, step string) error {
	b := a.budget
	if b == nil {
		return nil
	}
	a.held += bytes
	if b.bytes += bytes; b.MaxBytes > 0 && b.bytes > b.MaxBytes {
		return &BudgetError{Limit: "bytes", Max: b.MaxBytes, Step: step}
	}
	return nil
}

func (a *account) release(bytes int64) {
	if a.budget != nil {
		a.held -= bytes
		a.budget.bytes -= bytes
	}
}

// close gives back all that is still held.
func (a *account) close() { a.release(a.held) }

// rowOverhead is the size of a row's slice header.
const rowOverhead = 24

func rowBytes(row []Value) int64 {
	n := int64(rowOverhead)
	for i := range row {
		n += int64(row[i].Size())
	}
	return n
}

// checkEvery is how many rows pass between two looks at the context: cheap enough to forget, often enough to stop at once.
const checkEvery = 1024

type ticker struct {
	ctx context.Context
	n   int
}

func (t *ticker) tick() error {
	if t.n++; t.n%checkEvery == 0 {
		return t.ctx.Err()
	}
	return nil
}
