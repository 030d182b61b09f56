package livetables

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// jobs are those that run in this process, and the files of exports that have ended.
type jobs struct {
	dir    string // of the files, and of copies of files that are far away
	limits *Limits

	mu      sync.Mutex
	running map[string]*runningJob
	rested  map[string]bool // jobs that this process has put down, to be taken up again
	files   map[string]*jobFile
	closed  bool
	work    sync.WaitGroup
}

// jobFile is what an export has made. The file has no name: it goes with the process.
type jobFile struct {
	file    *os.File
	owner   string
	size    int64
	format  Format
	allowed func(context.Context) bool
	expire  *time.Timer
}

func (l *jobs) enter(r *runningJob) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	inAll, owner, place := 0, 0, 0
	for _, other := range l.running {
		if other.over {
			continue
		}
		inAll++
		if other.owner == r.owner {
			owner++
		}
		if other.job.Workspace == r.job.Workspace { // never changes
			place++
		}
	}
	if l.closed || inAll >= l.limits.Jobs || owner >= l.limits.OwnerJobs || place >= l.limits.WorkspaceJobs {
		return ErrTooManyJobs
	}
	if l.running == nil {
		l.running = map[string]*runningJob{}
	}
	l.running[r.job.ID] = r
	delete(l.rested, r.job.ID)
	l.work.Add(1)
	return nil
}

// end gives the place of a run back whose end is only to be recorded: whoever sees the end can begin another job.
func (l *jobs) end(r *runningJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.over = true
}

func (l *jobs) leave(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, id)
	l.work.Done()
}

func (l *jobs) find(id string) *runningJob {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running[id]
}

// rest notes that a job of this process was put down.
func (l *jobs) rest(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rested == nil {
		l.rested = map[string]bool{}
	}
	l.rested[id] = true
}

// left reports whether this process has put a job down.
func (l *jobs) left(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rested[id]
}

// close ends all jobs, waits for them and removes their files.
func (l *jobs) close() error {
	l.mu.Lock()
	l.closed = true
	for _, r := range l.running {
		r.cancel(errProcessEnds)
	}
	l.mu.Unlock()
	l.work.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for id, f := range l.files {
		f.expire.Stop()
		errs = append(errs, f.file.Close())
		delete(l.files, id)
	}
	return errors.Join(errs...)
}

// keep holds the file of an export for its owner; of many the one that expires first makes room.
func (l *jobs) keep(id string, f *jobFile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files == nil {
		l.files = map[string]*jobFile{}
	}
	oldest, n := "", 0
	for other, kept := range l.files {
		if kept.owner == f.owner {
			n++
			if oldest == "" || other < oldest { // ids sort by time
				oldest = other
			}
		}
	}
	if n >= l.limits.Exports {
		l.dropFile(oldest)
	}
	f.expire = time.AfterFunc(l.limits.ExportTime, func() { l.drop(id) })
	l.files[id] = f
}

func (l *jobs) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropFile(id)
}

func (l *jobs) dropFile(id string) {
	if f := l.files[id]; f != nil {
		f.expire.Stop()
		_ = f.file.Close() // without a name, and nobody's any more
		delete(l.files, id)
	}
}
