package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/minidb"
)

const (
	// jobBeat is how often the record of a running job is written and its lease claimed.
	jobBeat = minidb.LeaseBeat
	// jobSilence is how long a record is believed that says that its job runs.
	jobSilence = 30 * time.Second
	// cancelTime is how long cancelling a job of this process waits for its turn to write that down.
	cancelTime = time.Second
)

// Why a running job was ended from outside.
var (
	errJobCancelled = errors.New("the job was cancelled")
	errProcessEnds  = errors.New("the process ends")
	errJobElsewhere = errors.New("another run has the job")
)

// runningJob is one run of a job, in this process.
type runningJob struct {
	owner string
	// holder is the name of the run, different from that of every other one: the mini-DB takes steps of the job from it alone.
	holder string
	ctx    context.Context // of the work
	cancel context.CancelCauseFunc
	lease  *minidb.Lease
	plan   *jobPlan // how another run goes on; nil when none does
	over   bool     // the work has ended; guarded by the registry's mutex

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

// record is the job as the mini-DB keeps it.
func (r *runningJob) record() minidb.Job {
	j := r.get()
	doc, _ := json.Marshal(j) // plain fields
	kept := minidb.Job{ID: j.ID, Workspace: j.Workspace, Owner: r.owner, State: string(j.State), Document: doc, Holder: r.holder}
	if r.plan != nil {
		kept.Plan, _ = json.Marshal(r.plan) // plain fields
		kept.FileBytes = r.plan.Size
	}
	return kept
}

// startJob begins a job in a workspace that the principal was let into. run does the work; what it returns is its end.
func (a *Access) startJob(ctx context.Context, job Job, run func(ctx context.Context, r *runningJob) error) (*Job, error) {
	r, err := a.newJob(job)
	if err != nil {
		return nil, err
	}
	return a.begin(ctx, r, run)
}

// newJob takes a place among the running jobs. It is given back by begin when that fails, else by the end of the job.
func (a *Access) newJob(job Job) (*runningJob, error) {
	if a.eyes != nil {
		return nil, fmt.Errorf("nothing goes on with the eyes of others: %w", ErrForbidden)
	}
	job.ID, job.State = minidb.NewID("job"), JobRunning
	job.CreatedAt = a.e.clock().UTC().Truncate(time.Millisecond)
	job.UpdatedAt = job.CreatedAt
	return a.e.newRun(job, a.jobOwner())
}

// newRun takes a place for a run of a job.
func (e *Engine) newRun(job Job, owner string) (*runningJob, error) {
	r := &runningJob{owner: owner, holder: e.instance + "/" + minidb.NewID("run"), job: job, lease: e.store.Lease(minidb.JobLease(job.ID), e.instance)}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	if err := e.jobs.enter(r); err != nil {
		r.cancel(nil)
		return nil, err
	}
	return r, nil
}

// begin records a new job and does it. The lease comes first, so that nobody takes the record for one without a process.
func (a *Access) begin(ctx context.Context, r *runningJob, run func(ctx context.Context, r *runningJob) error) (*Job, error) {
	_, err := r.lease.Claim(ctx)
	if err == nil {
		err = a.e.store.CreateJob(ctx, a.actor(""), r.record(), a.e.limits.JobFiles)
	}
	if err != nil {
		a.e.giveUp(r)
		return nil, err
	}
	job := r.get()
	go a.carry(r, run)
	return &job, nil
}

// giveUp gives the place and the lease of a run back.
func (e *Engine) giveUp(r *runningJob) {
	e.releaseJob(r.lease)
	r.cancel(nil)
	e.jobs.leave(r.job.ID)
}

func (e *Engine) releaseJob(lease *minidb.Lease) {
	ctx, cancel := context.WithTimeout(context.Background(), jobBeat)
	defer cancel()
	if err := lease.Release(ctx); err != nil {
		e.log.DebugContext(ctx, "the lease of a job was not given back", "error", err)
	}
}

// carry does the work of a job to its end.
func (a *Access) carry(r *runningJob, run func(ctx context.Context, r *runningJob) error) {
	defer a.e.giveUp(r)
	end, stopped := make(chan struct{}), make(chan struct{})
	go a.beat(r, end, stopped)
	err := a.guarded(r, run)
	close(end)
	<-stopped
	a.endJob(r, err)
}

// guarded keeps a fault of one job from ending the process.
func (a *Access) guarded(r *runningJob, run func(context.Context, *runningJob) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("job %s: panic: %v", r.job.ID, p)
		}
	}()
	return run(r.ctx, r)
}

// beat writes the record of a running job now and then, so that others see how far it is and that it goes on. It ends the job
// when who began it counts no more, and when the record is another run's.
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
			a.beatOnce(ctx, r)
			cancel()
		}
	}
}

func (a *Access) beatOnce(ctx context.Context, r *runningJob) {
	if a.p.Valid != nil {
		if err := a.p.Valid(ctx); err != nil { // what cannot be told is a no
			r.cancel(errors.Join(ErrRevoked, err))
			return
		}
	}
	_, err := r.lease.Claim(ctx)
	held := true
	if err == nil {
		held, err = a.e.store.UpdateJob(ctx, a.actor(""), r.record(), false)
	}
	if err == nil && held {
		var kept minidb.Job
		if kept, err = a.e.store.FindJob(ctx, r.job.ID); err == nil && kept.Cancelled {
			r.cancel(errJobCancelled)
		}
	}
	switch {
	case err != nil:
		a.e.log.DebugContext(ctx, "progress of a job not recorded", "job", r.job.ID, "error", err)
	case !held:
		r.cancel(errJobElsewhere)
	}
}

// elsewhere reports whether a run has ended because the job is not its own any more, or gone with its workspace.
func (r *runningJob) elsewhere(err error) bool {
	return errors.Is(context.Cause(r.ctx), errJobElsewhere) || errors.Is(err, minidb.ErrJobLost)
}

// rests reports whether another run can go on where this one has ended: with its process, or because the store was not there.
func (r *runningJob) rests(err error) bool {
	if r.plan == nil || err == nil || errors.Is(err, minidb.ErrJobCancelled) {
		return false
	}
	if cause := context.Cause(r.ctx); cause != nil {
		return errors.Is(cause, errProcessEnds)
	}
	return errors.Is(err, adapter.ErrUnavailable) || errors.Is(err, adapter.ErrUncertain) || errors.Is(err, adapter.ErrTemporary)
}

func (a *Access) endJob(r *runningJob, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), jobSilence)
	defer cancel()
	a.e.jobs.end(r)
	id, cause := r.job.ID, context.Cause(r.ctx)
	if r.elsewhere(err) {
		a.e.log.InfoContext(ctx, "a job is done elsewhere, or gone", "job", id)
		return
	}
	if r.rests(err) {
		r.change(func(j *Job) { j.State = JobWaiting })
		a.e.jobs.rest(id)
		a.e.log.InfoContext(ctx, "a job waits to be taken up again", "job", id, "error", err)
		if _, err := a.e.store.RestJob(ctx, r.record(), cause != nil); err != nil {
			a.e.log.WarnContext(ctx, "it is not recorded that a job waits; it is seen by its silence", "job", id, "error", err)
		}
		return
	}
	if kept, err := a.e.store.FindJob(ctx, id); err == nil && r.get().Kind == "import" {
		r.change(func(j *Job) {
			if j.Stored >= 0 {
				j.Stored = kept.Stored // as it was committed, whatever the run has heard of it
			}
		})
	}
	r.change(func(j *Job) {
		j.Stored = max(j.Stored, 0)
		switch {
		case err == nil:
			j.State = JobDone
		case errors.Is(cause, errJobCancelled), errors.Is(err, minidb.ErrJobCancelled):
			j.State = JobCancelled
		case errors.Is(cause, ErrRevoked):
			j.State, j.Error = JobFailed, jobError(ErrRevoked)
		case cause != nil:
			j.State = JobInterrupted
		default:
			j.State, j.Error = JobFailed, jobError(err)
		}
	})
	if err != nil && (r.get().State == JobFailed && Code(err) == CodeInternal) {
		a.e.log.ErrorContext(ctx, "job failed", "job", id, "error", err)
	}
	a.e.settleJob(ctx, a.actor(""), r)
}

// settleJob records the end of a job and removes what was kept for going on.
func (e *Engine) settleJob(ctx context.Context, actor minidb.Actor, r *runningJob) {
	if _, err := e.store.UpdateJob(ctx, actor, r.record(), true); err != nil {
		e.log.ErrorContext(ctx, "end of a job not recorded", "job", r.job.ID, "error", err)
		return // its files are needed by whoever takes it up
	}
	if r.plan != nil {
		e.discardJobFiles(ctx, r.job.Workspace, r.job.ID)
	}
}
