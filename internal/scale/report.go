package scale

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Report is what a run measured.
type Report struct {
	Store string // where the daemon kept its data
	Rows  int    // that were imported
	Steps []Step
}

// Step is one thing that was done, once or several times.
type Step struct {
	Name   string
	Times  int           // how often it was done
	Median time.Duration // of one time
	Most   time.Duration // of the slowest
	Note   string        // what else there is to say
	// Memory and Peak are what the daemon had in memory at the end of the step and at most until then, in bytes; 0 where the
	// machine does not tell.
	Memory, Peak int64
}

func stepOf(name string, took []time.Duration, note string) Step {
	slices.Sort(took)
	return Step{Name: name, Times: len(took), Median: took[len(took)/2], Most: took[len(took)-1], Note: note}
}

// String is the report as a table.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows of %d columns on %s\n", r.Rows, len(columns()), r.Store)
	for _, s := range r.Steps {
		b.WriteString(s.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// String is the step as one line.
func (s Step) String() string {
	took := short(s.Median)
	if s.Times > 1 {
		took = fmt.Sprintf("%s (slowest of %d: %s)", took, s.Times, short(s.Most))
	}
	return fmt.Sprintf("  %-44s %-34s %-36s memory %d MiB, at most %d", s.Name, took, s.Note, s.Memory>>20, s.Peak>>20)
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
