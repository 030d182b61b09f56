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
	dir string // of the files

	mu      sync.Mutex
	running map[string]*runningJob
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
	owner, place := 0, 0
	for _, other := range l.running {
		if other.owner == r.owner {
			owner++
		}
		if other.job.Workspace == r.job.Workspace { // never changes
			place++
		}
	}
	if l.closed || len(l.running) >= jobsInAll || owner >= jobsOfOwner || place >= jobsOfPlace {
		return ErrTooManyJobs
	}
	if l.running == nil {
		l.running = map[string]*runningJob{}
	}
	l.running[r.job.ID] = r
	l.work.Add(1)
	return nil
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

// close ends all jobs, waits for them and removes their files.
func (l *jobs) close() error {
	l.mu.Lock()
	l.closed = true
	for _, r := range l.running {
		r.cancel(errors.New("the process ends"))
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
	if n >= filesOfOwner {
		l.dropFile(oldest)
	}
	f.expire = time.AfterFunc(jobFileLife, func() { l.drop(id) })
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
