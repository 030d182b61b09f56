package livetables

import (
	"context"

	"github.com/livetables/livetables/minidb"
)

// importJob is the part of an import that makes it one run of a job: how far earlier runs came, and the steps that are recorded
// with the rows. All methods take a nil importJob for an import that is no job's.
type importJob struct {
	run     *runningJob
	rows    int64  // of the file that earlier runs have stored
	table   string // that a run has made for the file, empty for none
	removed bool   // and removed again
}

// stored is how many rows of the file earlier runs have stored.
func (j *importJob) stored() int64 {
	if j == nil {
		return 0
	}
	return j.rows
}

// made is the table that an earlier run has made.
func (j *importJob) made() string {
	if j == nil {
		return ""
	}
	return j.table
}

func (j *importJob) make(table string) {
	if j != nil {
		j.table = table
	}
}

func (j *importJob) unmade() {
	if j != nil {
		j.removed = true
	}
}

// goesOn reports whether an error ends this run only: what the import has made stays then.
func (j *importJob) goesOn(err error) bool {
	return j != nil && (j.run.rests(err) || j.run.elsewhere(err))
}

// step is the step of the job from so many stored rows to so many, to be committed with the rows in between.
func (j *importJob) step(from, to int64) *minidb.JobStep {
	if j == nil {
		return nil
	}
	return &minidb.JobStep{Job: j.run.job.ID, Holder: j.run.holder, From: from, To: to, Table: j.table}
}

// remember keeps what was found out when the file was checked.
func (j *importJob) remember(ctx context.Context, e *Engine, cells []importCell) error {
	if j == nil || j.run.plan == nil {
		return nil
	}
	return e.keepLabels(ctx, &j.run.job, cells)
}

// recall gets it back.
func (j *importJob) recall(ctx context.Context, e *Engine, cells []importCell) error {
	return e.recallLabels(ctx, &j.run.job, cells)
}
