package canary

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Finding is one thing that should not have been.
type Finding struct {
	// What says where it was: in a body, a header, a frame, the log, a file, or what else is wrong.
	What string
	// Request is the request that led to it, with who sent it; empty for the log and for files.
	Request string
	// Canary is the text that was found and Planted what it was planted as; empty where something else is wrong.
	Canary, Planted string
	// Excerpt is what stood around it.
	Excerpt string
}

// String is the finding in one line.
func (f Finding) String() string {
	s := f.What
	if f.Canary != "" {
		s += fmt.Sprintf(": %s (%s)", f.Canary, f.Planted)
	}
	if f.Request != "" {
		s += ": " + f.Request
	}
	return s + ": " + f.Excerpt
}

const excerptBytes = 120 // on each side

// excerpt is what stands around a text, in whatever case it is.
func excerpt(data []byte, text string) string {
	i := bytes.Index(bytes.ToLower(data), []byte(text))
	if i < 0 {
		i = 0
	}
	return strings.ToValidUTF8(string(data[max(0, i-excerptBytes):min(len(data), i+len(text)+excerptBytes)]), "\uFFFD")
}

// Report is what a campaign did and found.
type Report struct {
	Seed     uint64
	Requests int // that were answered
	Took     time.Duration
	Canaries int
	Frames   int64 // of sockets
	LogLines int64
	Files    int // of the data directory that were looked through for secrets, with those bytes
	Bytes    int64
	// Statuses counts the answers by status, Routes by route.
	Statuses map[int]int
	Routes   map[string]Asked
	// Findings are the first hundred; Found counts all.
	Findings []Finding
	Found    int
}

// Asked counts the requests of one route, and those of them that succeeded.
type Asked struct{ Requests, Succeeded int }

const maxFindings = 100

func (r *Report) add(f Finding) {
	if r.Found++; len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
	}
}

// merge adds what a worker counted.
func (r *Report) merge(o *Report) {
	r.Requests += o.Requests
	for status, n := range o.Statuses {
		r.Statuses[status] += n
	}
	for route, n := range o.Routes {
		sum := r.Routes[route]
		r.Routes[route] = Asked{sum.Requests + n.Requests, sum.Succeeded + n.Succeeded}
	}
}

// Line is the state of a campaign in one line.
func (r *Report) Line() string {
	return fmt.Sprintf("%9d requests, %6.0f a second, %d frames, %d log lines, %d findings", r.Requests, float64(r.Requests)/max(r.Took.Seconds(), 1e-3), r.Frames, r.LogLines, r.Found)
}

// String is the summary for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d requests to %d routes in %s, %.0f a second; %d canaries, %d frames, %d log lines, %d files with %d bytes\n", r.Seed, r.Requests, len(r.Routes),
		r.Took.Round(time.Millisecond), float64(r.Requests)/max(r.Took.Seconds(), 1e-3), r.Canaries, r.Frames, r.LogLines, r.Files, r.Bytes)
	for _, status := range slices.Sorted(maps.Keys(r.Statuses)) {
		fmt.Fprintf(&b, "  %d: %d\n", status, r.Statuses[status])
	}
	var never []string
	for route, n := range r.Routes {
		if n.Succeeded == 0 {
			never = append(never, route)
		}
	}
	slices.Sort(never)
	fmt.Fprintf(&b, "routes that nobody had success with: %s\n", strings.Join(never, ", "))
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "FOUND %s\n", f)
	}
	fmt.Fprintf(&b, "%d findings\n", r.Found)
	return b.String()
}
