package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

const (
	// maxJobTries is how often a job is taken up that comes no further: one that ends its process each time must not do so forever.
	maxJobTries = 5
	// jobRetry is the time until a job is looked at again that could not be taken up: its file is out of reach here, say.
	jobRetry = 30 * time.Second
)

// jobPlan is what is kept of an import for the run that goes on with it. It holds no secret.
type jobPlan struct {
	Spec  ImportSpec    `json:"spec"`
	Owner planPrincipal `json:"owner"`
	Size  int64         `json:"size"` // of the file, in bytes
}

// planPrincipal is what is kept of a principal.
type planPrincipal struct {
	ID      string      `json:"id"`
	Scope   *rbac.Scope `json:"scope,omitempty"`
	Proof   string      `json:"proof,omitempty"`
	Request string      `json:"request,omitempty"`
	Address string      `json:"address,omitempty"`
}

func (a *Access) planOf(spec ImportSpec, size int64) *jobPlan {
	return &jobPlan{Spec: spec, Size: size,
		Owner: planPrincipal{ID: a.p.ID, Scope: a.p.Scope, Proof: a.p.Proof, Request: a.p.Request, Address: a.p.Address}}
}

// jobCare takes up jobs whose process has ended. It is used by one goroutine.
type jobCare struct {
	e      *Engine
	leases map[string]*minidb.Lease // of jobs that others seem to do, by id
	rest   map[string]time.Time     // when jobs that could not be taken up are looked at again
	// mine are the jobs that were open when this engine began, on a store that no other process writes to; nil where others do.
	mine map[string]bool
}

// resumeJobs takes up jobs until ctx ends.
func (e *Engine) resumeJobs(ctx context.Context) {
	c := &jobCare{e: e, leases: map[string]*minidb.Lease{}, rest: map[string]time.Time{}}
	for {
		if err := c.look(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "jobs that wait are not taken up yet", "error", err)
		}
		if !sleep(ctx, jobBeat) {
			return
		}
	}
}

// look goes through the jobs that have not ended.
func (c *jobCare) look(ctx context.Context) error {
	open, err := c.e.store.OpenJobs(ctx)
	if err != nil {
		return err
	}
	if !c.e.store.Shared() && c.mine == nil {
		c.mine = map[string]bool{}
		for i := range open {
			c.mine[open[i].ID] = true
		}
	}
	there := make(map[string]bool, len(open))
	for i := range open {
		j := &open[i]
		there[j.ID] = true
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case c.e.jobs.find(j.ID) != nil, time.Now().Before(c.rest[j.ID]):
		case c.mine != nil && !c.mine[j.ID] && !c.e.jobs.left(j.ID): // another engine's of this process
		default:
			c.try(ctx, j)
		}
	}
	for id := range c.leases {
		if !there[id] {
			delete(c.leases, id)
			delete(c.rest, id)
		}
	}
	return nil
}

// try takes a job up when nobody does it any more.
func (c *jobCare) try(ctx context.Context, j *minidb.Job) {
	lease := c.leases[j.ID]
	if lease == nil {
		lease = c.e.store.Lease(minidb.JobLease(j.ID), c.e.instance)
		c.leases[j.ID] = lease
	}
	mine, err := lease.Claim(ctx)
	if err == nil && !mine {
		return
	}
	taken := false
	if err == nil {
		taken, err = c.take(ctx, j)
	}
	if taken { // the run has a lease of its own, with the same owner
		delete(c.leases, j.ID)
		delete(c.rest, j.ID)
		return
	}
	if err != nil && ctx.Err() == nil {
		c.e.log.InfoContext(ctx, "a job cannot be taken up here now", "job", j.ID, "error", err)
	}
	c.rest[j.ID] = time.Now().Add(jobRetry)
	if errors.Is(err, ErrTooManyJobs) {
		c.rest[j.ID] = time.Now().Add(jobBeat)
	}
	c.e.releaseJob(lease)
}

// errOutOfReach says that the file of a job is kept where another process finds it.
var errOutOfReach = errors.New("its file is not within reach of this process")

// take begins a run of a job whose lease is held, or ends the job.
func (c *jobCare) take(ctx context.Context, j *minidb.Job) (taken bool, err error) {
	e := c.e
	job, plan := Job{}, (*jobPlan)(nil)
	if err := json.Unmarshal(j.Document, &job); err != nil {
		return false, fmt.Errorf("read job: %w", err)
	}
	job.State, job.Resumed = JobRunning, job.Resumed+1
	job.Stored = j.Stored
	if j.Table != "" {
		job.Table = j.Table
	}
	end := func(state JobState, why error) (bool, error) { return true, c.finish(ctx, j, job, state, why) }
	if len(j.Plan) == 0 {
		if j.Cancelled {
			return end(JobCancelled, nil)
		}
		return end(JobInterrupted, nil)
	}
	if err := json.Unmarshal(j.Plan, &plan); err != nil {
		return false, fmt.Errorf("read plan of job: %w", err)
	}
	if e.blobs == nil || e.readmit == nil {
		return false, errOutOfReach
	}
	if j.Tries >= maxJobTries {
		return end(JobFailed, fmt.Errorf("taken up %d times in vain", j.Tries))
	}
	if there, err := e.reachesJobFile(ctx, j.Workspace, j.ID); err != nil {
		return false, err
	} else if !there && !j.Cancelled {
		if ours, _, _ := strings.Cut(j.Holder, "/"); ours != e.instance && e.store.Shared() {
			return false, errOutOfReach
		}
		return end(JobInterrupted, nil)
	}
	a, err := e.readmitted(ctx, &plan.Owner, j.Owner)
	switch {
	case errors.Is(err, ErrRevoked):
		return end(JobFailed, ErrRevoked)
	case err != nil:
		return false, err
	}
	return c.run(ctx, a, j, job, plan)
}

// readmitted is the owner of a job as whom it goes on.
func (e *Engine) readmitted(ctx context.Context, was *planPrincipal, owner string) (*Access, error) {
	p, err := e.readmit(ctx, rbac.Principal{ID: was.ID, Scope: was.Scope, Proof: was.Proof, Request: was.Request, Address: was.Address})
	if err != nil {
		return nil, fmt.Errorf("readmit the owner of the job: %w", err)
	}
	a := e.As(p)
	if p.ID != was.ID || p.View != "" || a.jobOwner() != owner {
		return nil, fmt.Errorf("the owner of the job is somebody else by now: %w", ErrRevoked)
	}
	return a, nil
}

// run goes on with an import.
func (c *jobCare) run(ctx context.Context, a *Access, j *minidb.Job, job Job, plan *jobPlan) (taken bool, err error) {
	r, err := c.e.newRun(job, j.Owner)
	if err != nil {
		return false, err
	}
	r.plan = plan
	began := false
	defer func() {
		if !began {
			c.e.giveUp(r)
		}
	}()
	if _, err := r.lease.Claim(ctx); err != nil {
		return false, err
	}
	if taken, err = c.e.store.TakeJob(ctx, *j, r.holder); err != nil || !taken {
		return taken, err
	}
	began = true
	c.e.log.InfoContext(ctx, "a job goes on", "job", j.ID, "stored", j.Stored)
	if j.Cancelled {
		r.cancel(errJobCancelled)
	}
	go a.carry(r, func(ctx context.Context, r *runningJob) error {
		done := &importJob{run: r, rows: j.Stored, table: j.Table}
		if j.Cancelled {
			return a.dropImport(ctx, done, plan.Spec)
		}
		file, free, err := c.e.openJobFile(ctx, j.Workspace, j.ID)
		if err != nil {
			return errors.Join(adapter.ErrUnavailable, err) // it was there just now
		}
		defer free()
		return a.runImport(ctx, done, plan.Spec, file)
	})
	return true, nil
}

// dropImport cleans up after an import that was cancelled while no process did it.
func (a *Access) dropImport(ctx context.Context, job *importJob, spec ImportSpec) error {
	if spec.Table == "" && job.table != "" {
		if err := a.deleteTableForever(context.WithoutCancel(ctx), job.table); err != nil {
			return errors.Join(errJobCancelled, err)
		}
		job.run.change(func(j *Job) { j.Table, j.Stored = "", -1 })
	}
	return errJobCancelled
}

// finish ends a job that nobody does and that does not go on.
func (c *jobCare) finish(ctx context.Context, j *minidb.Job, job Job, state JobState, why error) error {
	r := &runningJob{owner: j.Owner, holder: c.e.instance + "/" + minidb.NewID("run"), job: job}
	taken, err := c.e.store.TakeJob(ctx, *j, r.holder)
	if err != nil || !taken {
		return err
	}
	r.job.State, r.job.Resumed = state, job.Resumed-1
	if why != nil {
		r.job.Error = jobError(why)
	}
	c.e.log.InfoContext(ctx, "a job does not go on", "job", j.ID, "state", state, "why", why)
	if len(j.Plan) > 0 {
		r.plan = &jobPlan{}
	}
	c.e.settleJob(ctx, minidb.Actor{}, r)
	return nil
}
