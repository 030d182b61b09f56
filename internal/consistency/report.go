package consistency

import (
	"fmt"
	"strings"
	"time"
)

// maxViolations is how many violations are kept with their text.
const maxViolations = 20

// Report is what a campaign did and found.
type Report struct {
	Seed uint64
	Took time.Duration

	Reads, Writes, Conflicts int // of registers; conflicts are writes that met another version than the one they named
	Looks, Appends           int // readings of all lists; appends that are there
	Codes                    map[string]int
	// Violations are the first twenty things that were found wrong, Found is how many there were.
	Violations []string
	Found      int
}

func (r *Report) add(format string, args ...any) {
	if r.Found++; len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %s\nregisters: %d reads, %d writes, %d conflicts; lists: %d readings, %d appends; found %d\n",
		r.Seed, r.Took.Round(time.Millisecond), r.Reads, r.Writes, r.Conflicts, r.Looks, r.Appends, r.Found)
	if len(r.Codes) > 0 {
		fmt.Fprintf(&b, "other answers: %v\n", r.Codes)
	}
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "FOUND %.300s\n", v)
	}
	return b.String()
}
