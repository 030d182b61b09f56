package lqp

import (
	"errors"
	"fmt"
	"io"
)

// Spill is temporary storage in which a [Run] puts what its memory budget does not hold. The files hold rows: whoever
// implements it keeps them from others and removes them. It is used by one goroutine, as the Budget is.
type Spill interface {
	// Create begins an empty file.
	Create() (SpillFile, error)
}

// SpillFile is written once from its beginning to its end and then read, once or several times. Its own errors are a
// *BudgetError where a limit of the storage is reached, and else wrap [ErrSpill].
type SpillFile interface {
	// Write appends.
	Write(p []byte) (int, error)
	// Reader ends the writing and reads from the beginning. Several readers may read at once. A reader is of no use after
	// Close.
	Reader() (io.Reader, error)
	// Close removes the file. It is safe to call twice and at any time.
	Close() error
}

// ErrSpill says that temporary storage could not be written or read back.
var ErrSpill = errors.New("temporary storage failed")

// spillFailure gives an error of temporary storage the step that was at work.
func spillFailure(err error, step string) error {
	var b *BudgetError
	if errors.As(err, &b) {
		if b.Step == "" {
			c := *b
			c.Step = step
			return &c
		}
		return err
	}
	if !errors.Is(err, ErrSpill) {
		return fmt.Errorf("%s: %w: %w", step, ErrSpill, err)
	}
	return fmt.Errorf("%s: %w", step, err)
}

// share is the memory of one step of a Run.
type share struct {
	account *account
	step    string
	held    int64
	// keep is what is left to others before temporary storage is used, as a part of the budget: 1/keep, 0 for nothing.
	keep int64
}

// take takes memory. full says that the step should now give it back by writing what it holds to temporary storage; that
// never happens below the little that every step may have. Without temporary storage a full budget is an error.
func (s *share) take(bytes int64) (full bool, err error) {
	s.held += bytes
	a := s.account
	if a.spill == nil {
		return false, a.hold(bytes, s.step)
	}
	if a.budget == nil {
		return false, nil
	}
	a.held += bytes
	a.budget.bytes += bytes
	most := a.budget.MaxBytes
	if most <= 0 || s.held <= most/leastShare {
		return false, nil
	}
	most -= most / spillReserve
	if s.keep > 0 {
		most -= most / s.keep
	}
	return a.budget.bytes > most, nil
}

const (
	// leastShare is the part of a budget, one of so many, that every step may have however much others hold.
	leastShare = 32
	// spillReserve is the part of a budget, one of so many, that is kept for the least shares and for buffers.
	spillReserve = 4
)

// exceeded is the error of a step that has taken memory which it can give back by nothing: nil within the budget.
// Whatever the budget, a Run with temporary storage has a little for such things.
func (s *share) exceeded() error {
	b := s.account.budget
	if most := b.MaxBytes; b.bytes > max(most, leastBudget) {
		return &BudgetError{Limit: LimitBytes, Max: most, Step: s.step}
	}
	return nil
}

// leastBudget is the memory in bytes that a Run with temporary storage may always use.
const leastBudget = 1 << 20

func (s *share) release(bytes int64) {
	s.held -= bytes
	s.account.release(bytes)
}

func (s *share) releaseAll() { s.release(s.held) }

// create begins a file that is closed with the Run at the latest.
func (a *account) create(step string) (*heldFile, error) {
	f, err := a.spill.Create()
	if err != nil {
		return nil, spillFailure(err, step)
	}
	h := &heldFile{SpillFile: f, account: a}
	if a.files == nil {
		a.files = map[*heldFile]struct{}{}
	}
	a.files[h] = struct{}{}
	return h, nil
}

type heldFile struct {
	SpillFile
	account *account
}

// Close implements [SpillFile].
func (h *heldFile) Close() error {
	delete(h.account.files, h)
	return h.SpillFile.Close()
}

// closeFiles removes what is left in temporary storage.
func (a *account) closeFiles() {
	for f := range a.files {
		_ = f.Close() // nobody is left who could act on the error; the storage removes its remains
	}
}
