package faults

import (
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/internal/faultdisk"
)

// maxViolations is how many violations are kept with their text.
const maxViolations = 20

// Report is what a campaign did and found.
type Report struct {
	Seed uint64
	Took time.Duration

	Cuts         int // failures of the power
	Writes       int
	Acknowledged int
	Refused      int // with an error that says nothing was written
	Unknown      int // with an error that says it is not known
	UnknownWhole int // of those, how many are there
	Opened       int // openings of the store that succeeded on a disk that failed
	NotOpened    int // and those that were refused
	Disk         faultdisk.Counts

	// Violations are the first twenty things that were found wrong, Found is how many there were.
	Violations []string
	Found      int
}

func (r *Report) add(format string, args ...any) {
	if r.Found++; len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

// Line is the report in one line.
func (r *Report) Line() string {
	return fmt.Sprintf("%d power failures, %d writes: %d acknowledged, %d refused, %d of unknown end of which %d are there; %d input/output errors, %d times no room; found %d",
		r.Cuts, r.Writes, r.Acknowledged, r.Refused, r.Unknown, r.UnknownWhole, r.Disk.Failed, r.Disk.Full, r.Found)
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %s\n%s\n", r.Seed, r.Took.Round(time.Millisecond), r.Line())
	fmt.Fprintf(&b, "%d syncs; opened on a failing disk %d times, refused to %d times\n", r.Disk.Syncs, r.Opened, r.NotOpened)
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "FOUND %s\n", v)
	}
	return b.String()
}
