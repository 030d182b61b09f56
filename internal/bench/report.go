package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// line is one figure of the report. Ratio is zero for figures that are no comparison.
type line struct {
	What   string `json:"what"`
	Ratio  spread `json:"ratio"`
	Target string `json:"target,omitempty"`
	Base   string `json:"base,omitempty"`
	Ours   string `json:"ours,omitempty"`
	Notes  string `json:"notes,omitempty"`
}

type report struct {
	conditions string
	lines      []line
	figures    figures // of the mini-DB, which are in lines too
}

func (r *report) add(l line) { r.lines = append(r.lines, l) }

// print writes the lines from one on as a table.
func (r *report) print(w io.Writer, from int, markdown bool) {
	table := [][]string{{"what", "measured (quartiles)", "target", "baseline", "ours", "notes"}}
	for _, l := range r.lines[from:] {
		ratio := "-"
		if l.Ratio != (spread{}) {
			ratio = fmt.Sprintf("%s (%s to %s)", short(l.Ratio.Median), short(l.Ratio.Low), short(l.Ratio.High))
		}
		table = append(table, []string{l.What, ratio, dash(l.Target), dash(l.Base), dash(l.Ours), l.Notes})
	}
	printTable(w, table, markdown)
}

// printAll writes everything: the lines, and the figures of the mini-DB as one table. As Markdown those stand for their lines.
func (r *report) printAll(w io.Writer, markdown bool) {
	fmt.Fprintf(w, "%s\n\n", r.conditions) //nolint:errcheck // terminal output
	if !markdown || len(r.figures.lines) == 0 {
		r.print(w, 0, markdown)
	}
	if len(r.figures.lines) > 0 {
		fmt.Fprintln(w) //nolint:errcheck // terminal output
		printTable(w, r.figures.table(), markdown)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func short(f float64) string { return fmt.Sprintf("%.3g", f) }

// save writes the figures as JSON.
func (r *report) save(file string) error {
	text, err := json.MarshalIndent(struct {
		Conditions string `json:"conditions"`
		Lines      []line `json:"lines"`
	}{r.conditions, r.lines}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func perSecond(s series) string { return fmt.Sprintf("%.0f/s", s.of(sample.rate).Median) }

func micros(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case seconds == 0:
		return "unknown"
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.0f us", seconds*1e6)
	default:
		return fmt.Sprintf("%.0f ms", seconds*1e3)
	}
}

func perOp(s series) string { return micros(s.of(sample.perOp).Median) }

// cpuOf tells the CPU time of an operation, ours and the database's.
func cpuOf(s series) string {
	own := micros(s.of(sample.ourCPU).Median)
	source := s.of(func(s sample) float64 { return s.source.Seconds() / float64(max(s.ops, 1)) }).Median
	switch {
	case source < 0:
		return own + " + unknown"
	case source == 0:
		return own
	}
	return own + " + " + micros(source)
}

// addRate reports requests per second: more is better.
func (r *report) addRate(what, target string, base, ours series, notes string) {
	r.add(line{What: what + ", requests/s, " + ours.name, Ratio: ours.against(base, sample.rate), Target: target,
		Base: perSecond(base), Ours: perSecond(ours), Notes: notes})
}

// addCPU reports CPU time: less is better.
func (r *report) addCPU(what, target string, base, ours series, notes string) {
	r.add(line{What: what + ", CPU, " + ours.name, Ratio: ours.against(base, sample.cpu), Target: target,
		Base: cpuOf(base), Ours: cpuOf(ours), Notes: notes})
}

// addTime reports the time of one operation: less is better.
func (r *report) addTime(what, target string, base, ours series, notes string) {
	r.add(line{What: what + ", " + ours.name, Ratio: ours.against(base, sample.perOp), Target: target,
		Base: perOp(base), Ours: perOp(ours), Notes: notes})
}
