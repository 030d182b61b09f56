package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// JobState is how far a job is.
type JobState string

// The states of jobs. The first two are not final.
const (
	JobRunning     JobState = minidb.JobRunning
	JobWaiting     JobState = minidb.JobWaiting // the process that ran it has ended; it goes on as soon as one takes it up
	JobDone        JobState = "done"
	JobFailed      JobState = "failed"      // its Error says why
	JobCancelled   JobState = "cancelled"   // by its owner
	JobInterrupted JobState = "interrupted" // the process that ran it has ended, and it does not go on
)

// Ended reports whether a job in that state stays in it.
func (s JobState) Ended() bool { return s != JobRunning && s != JobWaiting }

// ErrTooManyJobs says that as many jobs as may are running for this principal, in this workspace or in all.
var ErrTooManyJobs = errors.New("too many jobs are running")

// Job is an import or export that goes on after the call. Its owner alone can see it, while they may enter its workspace.
//
// An import goes on after the end of its process too, killed or not, where Options.Blobs and Options.Readmit are given: the
// next engine on the store takes it up behind the last rows that were committed, if its owner still may. An export does not.
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
	Resumed   int       `json:"resumed,omitempty"` // how often another run took it up
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

// owner is whom a job belongs to: a token with a scope sees the jobs of its own scope, no others of its account.
func (a *Access) jobOwner() string {
	who := a.who()
	if a.p.Scope != nil {
		scope, _ := json.Marshal(a.p.Scope) // plain fields
		who += "/" + string(scope)
	}
	return who
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
	j.State, j.CreatedAt, j.UpdatedAt = JobState(kept.State), kept.CreatedAt, kept.UpdatedAt
	if r := a.e.jobs.find(kept.ID); r != nil {
		now := r.get()
		now.CreatedAt, now.UpdatedAt = kept.CreatedAt, a.e.clock().UTC().Truncate(time.Millisecond)
		return &now, nil
	}
	if j.State.Ended() {
		return j, nil
	}
	if j.Stored = kept.Stored; kept.Table != "" {
		j.Table = kept.Table
	}
	abandoned := j.State == JobWaiting || a.e.clock().Sub(kept.UpdatedAt) > jobSilence // no process writes it any more
	switch {
	case !abandoned:
	case kept.Cancelled:
		j.State = JobCancelled
	case len(kept.Plan) > 0:
		j.State = JobWaiting
	default:
		j.State = JobInterrupted
	}
	return j, nil
}

// Job tells how far a job is. It is for the principal that started it, with the same scope if it had one, while it may read in the
// workspace (rbac.ReadData); for everybody else, owners too, there is no such job: [ErrNotFound].
func (a *Access) Job(ctx context.Context, id string) (*Job, error) {
	_, j, err := a.job(ctx, id)
	return j, err
}

// Jobs lists the jobs that the principal has started in a workspace, the latest first, while it may read there (rbac.ReadData).
// The records of the latest hundred are kept. A token with a scope sees those that it has started itself.
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

// CancelJob ends a job that has not ended: of an import the batches that are stored stay, and nothing of the one under way. A
// job that has ended is forgotten with its file. It does not wait for the end, which comes within a second in this process
// and within a few in another one; no further batch is stored once it has returned.
func (a *Access) CancelJob(ctx context.Context, id string) error {
	kept, j, err := a.job(ctx, id)
	if err != nil {
		return err
	}
	if r := a.e.jobs.find(id); r != nil && !j.State.Ended() { // one that has ended is still there while it gives back its lease
		r.cancel(errJobCancelled)
		// Also noted, in case this process ends before the job does. An import in one transaction may be holding up all writers
		// until it has noticed.
		noted, end := context.WithTimeout(ctx, cancelTime)
		defer end()
		if _, err := a.e.store.AskJobEnd(noted, a.actor(""), kept); err != nil {
			a.e.log.DebugContext(ctx, "the end of a job is not noted yet", "job", id, "error", err)
		}
		return nil
	}
	if !j.State.Ended() {
		asked, err := a.e.store.AskJobEnd(ctx, a.actor(""), kept)
		if err != nil || asked {
			return err
		}
	}
	a.e.jobs.drop(id)
	if err := a.e.store.DeleteJob(ctx, a.actor(""), kept); err != nil {
		return err
	}
	if len(kept.Plan) > 0 {
		a.e.discardJobFiles(ctx, kept.Workspace, kept.ID)
	}
	return nil
}

// JobFile is what an export has made, for Limits.ExportTime and while the principal may still see what is in it. It is in the
// process that made it. [ErrNotFound] is for a job of somebody else, as [Access.Job] says, and for one that is not done, was
// no export, or whose file is gone. The reader may be used until the file's time is over, and need not be closed.
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
