package kills

import (
	"fmt"
	"strings"
	"time"
)

// ReadyBound is how soon a daemon that was killed has to be ready again.
const ReadyBound = 5 * time.Second

// maxViolations is how many violations are kept with their text.
const maxViolations = 20

// Report is what a campaign did and found.
type Report struct {
	Seed  uint64
	Store string // where the daemon kept its data
	Took  time.Duration

	Writes       int // that were sent, repeats with the same key not counted
	Rows         int // that acknowledged writes changed
	Acknowledged int
	Repeated     int // whose answer was lost and that were sent again with their key
	Refused      int // that were answered with a refusal and must have had no effect
	Unknown      int // whose answer was lost for good
	UnknownWhole int // of those, how many are there

	Shapings int            // changes of definitions that were sent
	Shapes   map[string]int // of those, by kind and end, how many there were

	DaemonKills int // of the daemon, while it served
	StartKills  int // of the daemon, while it started
	ServerKills int // of the database server
	PowerCuts   int // of the disk under the daemon
	DiskFaults  int // times in which that disk failed
	Ready       time.Duration
	// ReadyMost is the longest time until the daemon was ready again, Ready the sum of all.
	ReadyMost time.Duration
	readies   int

	Looks   int // at everything
	Entries int // of the change log at the last look
	Codes   map[string]int
	// Violations are the first twenty things that were found wrong, Found is how many there were.
	Violations []string
	Found      int
}

func (r *Report) add(format string, args ...any) {
	if r.Found++; len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

func (r *Report) ready(d time.Duration) {
	r.Ready += d
	r.readies++
	r.ReadyMost = max(r.ReadyMost, d)
	if d > ReadyBound {
		r.add("ready again after %s, more than %s", d, ReadyBound)
	}
}

// Line is the report in one line.
func (r *Report) Line() string {
	return fmt.Sprintf("%d writes, %d acknowledged, %d of unknown end; kills: %d of the daemon, %d at its start, %d of the server, %d failures of the power and %d of the disk; ready again after %s at most; found %d",
		r.Writes, r.Acknowledged, r.Unknown, r.DaemonKills, r.StartKills, r.ServerKills, r.PowerCuts, r.DiskFaults, r.ReadyMost.Round(time.Millisecond), r.Found)
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, on %s, %s\n%s\n", r.Seed, r.Store, r.Took.Round(time.Millisecond), r.Line())
	mean := time.Duration(0)
	if r.readies > 0 {
		mean = r.Ready / time.Duration(r.readies)
	}
	fmt.Fprintf(&b, "%d rows in acknowledged writes, %d writes repeated with their key, %d refused, %d of %d of unknown end are there\n", r.Rows, r.Repeated, r.Refused, r.UnknownWhole, r.Unknown)
	fmt.Fprintf(&b, "%d entries in the change log, looked at %d times; ready again after %s on average\n", r.Entries, r.Looks, mean.Round(time.Millisecond))
	fmt.Fprintf(&b, "%d changes of definitions: %v\n", r.Shapings, r.Shapes)
	if len(r.Codes) > 0 {
		fmt.Fprintf(&b, "answers that were no success: %v\n", r.Codes)
	}
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "FOUND %s\n", v)
	}
	return b.String()
}
