package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// JobState is how far a job is.
type JobState string

// The states of jobs. All but the first are final.
const (
	JobRunning     JobState = "running"
	JobDone        JobState = "done"
	JobFailed      JobState = "failed"      // its Error says why
	JobCancelled   JobState = "cancelled"   // by its owner
	JobInterrupted JobState = "interrupted" // the process that ran it has ended
)

// ErrTooManyJobs says that as many jobs as may are running for this principal, in this workspace or in all.
var ErrTooManyJobs = errors.New("too many jobs are running")

// Job is an import or export that goes on after the call. Its owner alone can see it, while they may enter its workspace.
type Job struct {
	ID        string    `json:"id"`
	Workspace string    `json:"workspace_id"`
	Kind      string    `json:"kind"` // "import" or "export"
	State     JobState  `json:"state"`
	Format    Format    `json:"format"`
	Table     string    `json:"table_id,omitempty"` // of an import; of one that makes a table once it is done
	Storing   bool      `json:"storing,omitempty"`  // the file has been checked
	Rows      int64     `json:"rows"`               // checked, read to be stored, or written
	Stored    int64     `json:"stored_rows"`        // committed, of imports
	Bytes     int64     `json:"bytes"`              // read of the file in this pass, or written
	Total     int64     `json:"total_bytes,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Error     *JobError `json:"error,omitempty"`
}

// JobError is why a job failed.
type JobError struct {
	Code   string        `json:"code"`
	Detail string        `json:"detail,omitempty"`
	Faults []ImportFault `json:"faults,omitempty"`
	More   bool          `json:"more,omitempty"`
}

const (
	jobBeat      = 3 * time.Second // how often the record of a running job is written
	jobSilence   = 30 * time.Second
	jobFileLife  = time.Hour
	jobsInAll    = 8
	jobsOfOwner  = 2
	jobsOfPlace  = 4
	filesOfOwner = 5       // files of exports that are kept
	maxJobFile   = 1 << 30 // bytes of one such file
)

type runningJob struct {
	owner  string
	cancel context.CancelCauseFunc

	mu  sync.Mutex
	job Job
}

func (r *runningJob) get() Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.job
}

func (r *runningJob) change(f func(*Job)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.job)
}

var errJobCancelled = errors.New("the job was cancelled")

// owner is whom a job belongs to: a token with a scope sees the jobs of its own scope, no others of its account.
func (a *Access) jobOwner() string {
	who := a.who()
	if a.p.Scope != nil {
		scope, _ := json.Marshal(a.p.Scope) // plain fields
		who += "/" + string(scope)
	}
	return who
}

// startJob begins a job in a workspace that the principal was let into. run does the work; what it returns is its end.
func (a *Access) startJob(ctx context.Context, job Job, run func(ctx context.Context, r *runningJob) error) (*Job, error) {
	if a.eyes != nil {
		return nil, fmt.Errorf("nothing goes on with the eyes of others: %w", ErrForbidden)
	}
	job.ID, job.State = minidb.NewID("job"), JobRunning
	job.CreatedAt = a.e.clock().UTC().Truncate(time.Millisecond)
	job.UpdatedAt = job.CreatedAt
	work, cancel := context.WithCancelCause(context.Background())
	r := &runningJob{owner: a.jobOwner(), cancel: cancel, job: job}
	if err := a.e.jobs.enter(r); err != nil {
		cancel(nil)
		return nil, err
	}
	if err := a.e.store.CreateJob(ctx, a.actor(""), r.record()); err != nil {
		a.e.jobs.leave(job.ID)
		cancel(nil)
		return nil, err
	}
	go func() {
		defer a.e.jobs.leave(job.ID)
		defer cancel(nil)
		beat := make(chan struct{})
		stopped := make(chan struct{})
		go a.beat(r, beat, stopped)
		err := a.guarded(work, r, run)
		close(beat)
		<-stopped
		a.endJob(work, r, err)
	}()
	return &job, nil
}

// guarded keeps a fault of one job from ending the process.
func (a *Access) guarded(ctx context.Context, r *runningJob, run func(context.Context, *runningJob) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("job %s: panic: %v", r.job.ID, p)
		}
	}()
	return run(ctx, r)
}

// beat writes the record of a running job now and then, so that others see how far it is and that it goes on. It ends the job
// when who began it counts no more.
func (a *Access) beat(r *runningJob, end <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	tick := time.NewTicker(jobBeat)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(context.Background(), jobBeat)
			if a.p.Valid != nil {
				if err := a.p.Valid(ctx); err != nil { // what cannot be told is a no
					r.cancel(errors.Join(ErrRevoked, err))
				}
			}
			if err := a.e.store.UpdateJob(ctx, a.actor(""), r.record(), false); err != nil {
				a.e.log.DebugContext(ctx, "progress of a job not recorded", "job", r.job.ID, "error", err)
			}
			cancel()
		}
	}
}

func (a *Access) endJob(work context.Context, r *runningJob, err error) {
	cause := context.Cause(work)
	r.change(func(j *Job) {
		switch {
		case err == nil:
			j.State = JobDone
		case errors.Is(cause, errJobCancelled):
			j.State = JobCancelled
		case errors.Is(cause, ErrRevoked):
			j.State, j.Error = JobFailed, jobError(ErrRevoked)
		case cause != nil:
			j.State = JobInterrupted
		default:
			j.State, j.Error = JobFailed, jobError(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), jobSilence)
	defer cancel()
	if err != nil && (r.get().State == JobFailed && Code(err) == CodeInternal) {
		a.e.log.ErrorContext(ctx, "job failed", "job", r.job.ID, "error", err)
	}
	if err := a.e.store.UpdateJob(ctx, a.actor(""), r.record(), true); err != nil {
		a.e.log.ErrorContext(ctx, "end of a job not recorded", "job", r.job.ID, "error", err)
	}
}

// jobError is what the owner is told. Texts of databases and drivers stay in the log.
func jobError(err error) *JobError {
	out := &JobError{Code: Code(err)}
	var file *ImportError
	switch {
	case errors.As(err, &file):
		out.Faults, out.More = file.Faults, file.More
	case out.Code == CodeInvalid || out.Code == CodeForbidden || out.Code == CodeNotFound || out.Code == CodeExists || out.Code == CodeArchived:
		out.Detail = err.Error()
	}
	return out
}

func (r *runningJob) record() minidb.Job {
	j := r.get()
	doc, _ := json.Marshal(j) // plain fields
	return minidb.Job{ID: j.ID, Workspace: j.Workspace, Owner: r.owner, State: string(j.State), Document: doc}
}

// job finds a job of the principal. What is not theirs, or in a workspace that they may not enter, is not there.
func (a *Access) job(ctx context.Context, id string) (minidb.Job, *Job, error) {
	missing := fmt.Errorf("job %s: %w", id, ErrNotFound)
	if a.p.ID == "" {
		return minidb.Job{}, nil, ErrNoPrincipal
	}
	kept, err := a.e.store.FindJob(ctx, id)
	if err != nil {
		return kept, nil, err
	}
	if kept.Owner != a.jobOwner() {
		return kept, nil, missing
	}
	if _, err := a.enter(ctx, kept.Workspace, rbac.ReadData); errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) {
		return kept, nil, missing
	} else if err != nil {
		return kept, nil, err
	}
	j, err := a.jobOf(kept)
	return kept, j, err
}

// jobOf is a job as it is now.
func (a *Access) jobOf(kept minidb.Job) (*Job, error) {
	j := &Job{}
	if err := json.Unmarshal(kept.Document, j); err != nil {
		return nil, fmt.Errorf("job %s: %w", kept.ID, err)
	}
	j.CreatedAt, j.UpdatedAt = kept.CreatedAt, kept.UpdatedAt
	if r := a.e.jobs.find(kept.ID); r != nil {
		now := r.get()
		now.CreatedAt, now.UpdatedAt = kept.CreatedAt, a.e.clock().UTC().Truncate(time.Millisecond)
		return &now, nil
	}
	if j.State == JobRunning && a.e.clock().Sub(kept.UpdatedAt) > jobSilence { // no process writes it any more
		j.State = JobInterrupted
	}
	return j, nil
}

// Job tells how far a job is.
func (a *Access) Job(ctx context.Context, id string) (*Job, error) {
	_, j, err := a.job(ctx, id)
	return j, err
}

// Jobs lists the principal's jobs in a workspace, the latest first. The records of the latest hundred are kept.
func (a *Access) Jobs(ctx context.Context, workspace string) ([]Job, error) {
	if _, err := a.enter(ctx, workspace, rbac.ReadData); err != nil {
		return nil, err
	}
	kept, err := a.e.store.Jobs(ctx, workspace, a.jobOwner())
	if err != nil {
		return nil, err
	}
	list := make([]Job, 0, len(kept))
	for _, k := range kept {
		j, err := a.jobOf(k)
		if err != nil {
			return nil, err
		}
		list = append(list, *j)
	}
	return list, nil
}

// CancelJob ends a running job: of an import the batches that are stored stay, and nothing of the one under way. A job that
// has ended is forgotten with its file. It does not wait.
func (a *Access) CancelJob(ctx context.Context, id string) error {
	kept, j, err := a.job(ctx, id)
	if err != nil {
		return err
	}
	if r := a.e.jobs.find(id); r != nil {
		r.cancel(errJobCancelled)
		return nil
	}
	if j.State == JobRunning { // in another process, or in one that ended just now
		return fmt.Errorf("job %s: %w", id, minidb.ErrInUse)
	}
	a.e.jobs.drop(id)
	return a.e.store.DeleteJob(ctx, a.actor(""), kept)
}

// JobFile is what an export has made, an hour long and while the principal may still see what is in it. size is in bytes.
func (a *Access) JobFile(ctx context.Context, id string) (file io.ReadSeeker, format Format, err error) {
	if _, _, err := a.job(ctx, id); err != nil {
		return nil, "", err
	}
	a.e.jobs.mu.Lock()
	f := a.e.jobs.files[id]
	a.e.jobs.mu.Unlock()
	if f == nil || !f.allowed(ctx) {
		return nil, "", fmt.Errorf("file of job %s: %w", id, ErrNotFound)
	}
	return io.NewSectionReader(f.file, 0, f.size), f.format, nil
}
