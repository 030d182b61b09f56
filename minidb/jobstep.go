package minidb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Why a step of a job is refused, with all that was to be written with it.
var (
	// ErrJobLost: the job is another run's by now, has ended, or is not where the step begins.
	ErrJobLost = errors.New("the job is done elsewhere")
	// ErrJobCancelled: somebody asked for the end of the job.
	ErrJobCancelled = errors.New("the job was cancelled")
)

const prefixJob = "job"

// jobLabels is the end of the key of what a job remembers beside its file.
const jobLabels = "_labels"

// JobFileKey is the key of the file that is kept for a job; JobLabelsKey that of what it remembers of it.
func JobFileKey(workspace, job string) string { return workspace + "/" + job }

// JobLabelsKey is the key of what is remembered beside the file of JobFileKey.
func JobLabelsKey(workspace, job string) string { return JobFileKey(workspace, job) + jobLabels }

// JobLease is the name of the lease of a job: whoever has it does the job.
func JobLease(job string) string { return "job:" + job }

// JobStep is how far a job has come with a write. It commits with the write or not at all, and only while the job is the
// holder's and nobody has cancelled it: of two runs of one job no more than one writes, whatever they believe.
type JobStep struct {
	Job, Holder string
	// From is how many rows of the file were stored before the write, To how many are after it.
	From, To int64
	// Table is the table that the job has made, empty for none. CreateTable sets it.
	Table string
}

// keepStep records the step that the write is, if it is one.
func (u *unit) keepStep() error {
	step := u.actor.Step
	if step == nil {
		return nil
	}
	n, err := u.exec(`UPDATE lt_job SET stored = ?, table_id = ?, tries = 0, updated_at = ? WHERE id = ? AND holder = ? AND stored = ? AND cancelled = 0`,
		argInt(step.To), argText(step.Table), argTime(u.now), argText(step.Job), argText(step.Holder), argInt(step.From))
	if err != nil || n == 1 {
		return err
	}
	cancelled, err := u.taken(`SELECT 1 FROM lt_job WHERE id = ? AND holder = ? AND cancelled <> 0`, argText(step.Job), argText(step.Holder))
	switch {
	case err != nil:
		return err
	case cancelled:
		return fmt.Errorf("job %s: %w", step.Job, ErrJobCancelled)
	}
	return fmt.Errorf("job %s: %w", step.Job, ErrJobLost)
}

// maxOpenJobs is how many jobs that have not ended OpenJobs lists.
const maxOpenJobs = 1_000

// OpenJobs lists jobs of all workspaces that have not ended, the oldest first, at most 1,000.
func (db *DB) OpenJobs(ctx context.Context) (list []Job, err error) {
	err = db.read(ctx, "list open jobs", func(s session) (err error) {
		list, err = all(s, scanJob, `SELECT `+jobColumns+` FROM lt_job WHERE state IN (?, ?) ORDER BY created_at, id LIMIT ?`,
			argText(JobRunning), argText(JobWaiting), argInt(maxOpenJobs))
		return err
	})
	return list, err
}

// TakeJob makes a run the holder of a job that has not ended, in the place of the one that was read; taken is false when
// another one was faster. The log gets an entry.
func (db *DB) TakeJob(ctx context.Context, was Job, holder string) (taken bool, err error) {
	err = db.write(ctx, "take job", Actor{}, func(u *unit) error {
		n, err := u.exec(`UPDATE lt_job SET holder = ?, state = ?, tries = tries + 1, updated_at = ? WHERE id = ? AND holder = ? AND state IN (?, ?)`,
			argText(holder), argText(JobRunning), argTime(u.now), argText(was.ID), argText(was.Holder), argText(JobRunning), argText(JobWaiting))
		if taken = n == 1; err == nil && taken {
			u.note(audit.Entry{Workspace: was.Workspace, Action: "job.resume", ResourceType: "job", Resource: was.ID})
		}
		return err
	})
	return taken, err
}

// RestJob puts a job down for another run to take up. fresh says that nothing went wrong: it counts as never tried then. held is
// as in UpdateJob.
func (db *DB) RestJob(ctx context.Context, j Job, fresh bool) (held bool, err error) {
	err = db.write(ctx, "rest job", Actor{}, func(u *unit) error {
		n, err := u.exec(`UPDATE lt_job SET state = ?, document = ?, updated_at = ?, tries = CASE WHEN ? <> 0 THEN 0 ELSE tries END WHERE id = ? AND holder = ?`,
			argText(JobWaiting), argText(string(j.Document)), argTime(u.now), argFlag(fresh), argText(j.ID), argText(j.Holder))
		held = n == 1
		return err
	})
	return held, err
}

// AskJobEnd says that a job which has not ended is to end: none of its steps commits from then on, and whoever does the job
// or takes it up cleans up after it. asked is false when it has ended. The log gets an entry.
func (db *DB) AskJobEnd(ctx context.Context, actor Actor, j Job) (asked bool, err error) {
	err = db.write(ctx, "cancel job", actor, func(u *unit) error {
		n, err := u.exec(`UPDATE lt_job SET cancelled = 1 WHERE id = ? AND workspace = ? AND state IN (?, ?)`,
			argText(j.ID), argText(j.Workspace), argText(JobRunning), argText(JobWaiting))
		if asked = n == 1; err == nil && asked {
			u.note(audit.Entry{Workspace: j.Workspace, Action: "job.cancel", ResourceType: "job", Resource: j.ID})
		}
		return err
	})
	return asked, err
}

// strayJobs are those of some keys of JobFileKey and JobLabelsKey whose job has ended or is gone.
func (db *DB) strayJobs(ctx context.Context, keys []string) (stray []string, err error) {
	jobOf := func(key string) string {
		_, id, _ := strings.Cut(key, "/")
		return strings.TrimSuffix(id, jobLabels)
	}
	err = db.read(ctx, "look for files of ended jobs", func(s session) error {
		for chunk := range slices.Chunk(keys, inChunk-2) {
			args := []lqp.Value{argText(JobRunning), argText(JobWaiting)}
			for _, key := range chunk {
				args = append(args, argText(jobOf(key)))
			}
			open, err := all(s, func(r record) string { return JobFileKey(r.text(0), r.text(1)) },
				`SELECT workspace, id FROM lt_job WHERE state IN (?, ?) AND id IN (`+inMarks(len(chunk))+`)`, args...)
			if err != nil {
				return err
			}
			for _, key := range chunk {
				if !slices.Contains(open, strings.TrimSuffix(key, jobLabels)) {
					stray = append(stray, key)
				}
			}
		}
		return nil
	})
	return stray, err
}
