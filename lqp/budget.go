package lqp

import (
	"context"
	"fmt"
	"strings"
)

// Budget bounds the work of one query: the rows read from its sources and the memory held by its joins, sorts and groups.
// The zero Budget is unlimited. Several Runs may share a Budget when all of them belong to one goroutine, as those do
// that read from each other: rows that a Run reads from another Run of the same Budget were counted there. A Run that is
// over gives back the memory but not the rows.
type Budget struct {
	MaxRows int64 // rows read from all sources together, 0 for no limit
	// MaxBytes is how many bytes of values are held in memory at once, 0 for no limit. A Run with temporary storage
	// ([RunOptions.Spill]) goes on there when its steps hold three quarters of it.
	MaxBytes int64

	rows, bytes int64
}

// The limits that a [BudgetError] may name.
const (
	LimitRows  = "rows"  // of sources: Budget.MaxRows
	LimitBytes = "bytes" // in memory: Budget.MaxBytes
	LimitDisk  = "disk"  // bytes in temporary storage
)

// BudgetError says which limit of a Budget or of temporary storage was reached and by which step of the plan.
type BudgetError struct {
	Limit string // LimitRows, LimitBytes or LimitDisk
	Max   int64
	Step  string // for people: "sort by i.total", "join c", "scan o"
	// Blocked is the clause that no source took, so that the step had to work on rows here, and Reason is why. Both are
	// for people, and empty when every source did all it was asked or when the reader may not know.
	Blocked, Reason string
}

// Error implements error.
func (e *BudgetError) Error() string {
	var b strings.Builder
	unit := map[string]string{LimitRows: "rows from sources", LimitBytes: "bytes in memory", LimitDisk: "bytes of temporary storage"}[e.Limit]
	fmt.Fprintf(&b, "budget exceeded: %s needs more than %d %s", e.Step, e.Max, unit)
	if e.Blocked != "" {
		fmt.Fprintf(&b, "; it is done in memory because no source takes %s", e.Blocked)
		if e.Reason != "" {
			fmt.Fprintf(&b, " (%s)", e.Reason)
		}
	}
	return b.String() + "; " + e.Help()
}

// Help says in a few words what would make the query fit.
func (e *BudgetError) Help() string {
	if e.Blocked != "" {
		return "narrow the filter, or write this clause so that the source can take it"
	}
	if e.Limit == LimitRows {
		return "narrow the filter, or ask for a page"
	}
	return "narrow the filter so that the source can do more of the work"
}

// account is one Run's use of a budget and of temporary storage.
type account struct {
	budget *Budget // nil for no limits
	spill  Spill   // nil for none
	held   int64
	files  map[*heldFile]struct{} // in temporary storage
}

func (a *account) read(step string) error {
	b := a.budget
	if b == nil {
		return nil
	}
	if b.rows++; b.MaxRows > 0 && b.rows > b.MaxRows {
		return &BudgetError{Limit: LimitRows, Max: b.MaxRows, Step: step}
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
		return &BudgetError{Limit: LimitBytes, Max: b.MaxBytes, Step: step}
	}
	return nil
}

func (a *account) release(bytes int64) {
	if a.budget != nil {
		a.held -= bytes
		a.budget.bytes -= bytes
	}
}

// close gives back all that is still held and removes what is in temporary storage.
func (a *account) close() {
	a.release(a.held)
	a.closeFiles()
}

// rowOverhead is the size of a row's slice header.
const rowOverhead = 24

func rowBytes(row []Value) int64 {
	n := int64(rowOverhead)
	for i := range row {
		n += int64(row[i].Size())
	}
	return n
}

// checkEvery is how many rows pass between two looks at the context: cheap enough to forget, often enough to stop soon
// where each row is as much work as [MaxWork] allows.
const checkEvery = 16

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
