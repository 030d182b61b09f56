package adaptertest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/livetables/livetables/adapter/adaptertest"
)

// recorder is a test that notes its failures instead of failing, so that the suite itself can be tested.
type recorder struct {
	testing.TB // for contexts, directories and clean-up
	name       string
	notes      *notes

	mu     sync.Mutex
	failed bool
}

// notes are shared by a recorder and its sub-tests.
type notes struct {
	mu    sync.Mutex
	lines []string // "Subject/case: message"
}

func newRecorder(t testing.TB) *recorder { return &recorder{TB: t, notes: &notes{}} }

func (r *recorder) note(msg string) {
	r.Fail()
	r.notes.mu.Lock()
	defer r.notes.mu.Unlock()
	r.notes.lines = append(r.notes.lines, r.name+": "+msg)
}

// in lists the failures of sub-tests of that subject.
func (n *notes) in(subject string) (lines []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lines {
		if strings.HasPrefix(l, subject) {
			lines = append(lines, l)
		}
	}
	return lines
}

func (r *recorder) Run(name string, f func(adaptertest.T)) bool {
	sub := &recorder{TB: r.TB, name: strings.TrimPrefix(r.name+"/"+name, "/"), notes: r.notes}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(sub)
	}()
	<-done
	if sub.Failed() {
		r.Fail()
	}
	return !sub.Failed()
}

func (r *recorder) Name() string { return r.name }
func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) FailNow()                       { r.Fail(); runtime.Goexit() }
func (r *recorder) Error(args ...any)              { r.note(fmt.Sprint(args...)) }
func (r *recorder) Errorf(msg string, args ...any) { r.note(fmt.Sprintf(msg, args...)) }
func (r *recorder) Fatal(args ...any)              { r.note(fmt.Sprint(args...)); runtime.Goexit() }
func (r *recorder) Fatalf(msg string, args ...any) {
	r.note(fmt.Sprintf(msg, args...))
	runtime.Goexit()
}
func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Helper()             {}
