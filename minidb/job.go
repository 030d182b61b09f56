package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
)

// Job is the record of work that goes on after the call that asked for it. What it is and how far it has come is known to
// whoever does it, who keeps it in Document.
type Job struct {
	ID, Workspace, Owner string
	State                string
	Document             json.RawMessage
	CreatedAt, UpdatedAt time.Time // given by the mini-DB

	// Holder is the run that does the job: the name of a process and of what it began. Writes of another one are refused.
	Holder string
	// Plan is what another process needs to go on with the job, known to whoever does it; empty for a job that does not go on.
	// It is in no entry of the log.
	Plan json.RawMessage
	// FileBytes is the size of the file that is kept for that.
	FileBytes int64
	Stored    int64  // rows of the file that are committed, as its steps said
	Table     string // that a step has made, empty for none
	Tries     int    // how often it was taken up since its last step
	Cancelled bool   // somebody asked for its end
}

// keptJobs is how many records of jobs are kept of one owner in one workspace.
const keptJobs = 100

// The states of jobs that have not ended. All others are final.
const (
	JobRunning = "running"
	JobWaiting = "waiting" // for a process that takes it up
)

const jobColumns = `id, workspace, owner, state, document, created_at, updated_at, holder, plan, file_bytes, stored, table_id, tries, cancelled`

func scanJob(r record) Job {
	return Job{ID: r.text(0), Workspace: r.text(1), Owner: r.text(2), State: r.text(3), Document: json.RawMessage(r.text(4)),
		CreatedAt: r.instant(5), UpdatedAt: r.instant(6), Holder: r.text(7), Plan: json.RawMessage(r.text(8)), FileBytes: r.integer(9),
		Stored: r.integer(10), Table: r.text(11), Tries: int(r.integer(12)), Cancelled: r.flag(13)}
}

// CreateJob records a job that begins, and forgets the oldest ones of its owner that have ended when there are many. The log
// gets an entry. ErrNotFound says that there is no such workspace, a *LimitError that the files kept for its jobs would be
// more than most bytes then; 0 is no limit.
func (db *DB) CreateJob(ctx context.Context, actor Actor, j Job, most int64) error {
	return db.write(ctx, "create job", actor, func(u *unit) error {
		if j.FileBytes > 0 && most > 0 {
			if err := u.jobRoom(j.Workspace, j.FileBytes, most); err != nil {
				return err
			}
		}
		n, err := u.exec(`INSERT INTO lt_job (`+jobColumns+`) SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', 0, 0 FROM lt_workspace WHERE id = ?`,
			argText(j.ID), argText(j.Owner), argText(j.State), argText(string(j.Document)), argTime(u.now), argTime(u.now),
			argText(j.Holder), argText(string(j.Plan)), argInt(j.FileBytes), argText(j.Workspace))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("workspace %s: %w", j.Workspace, ErrNotFound)
		}
		u.note(audit.Entry{Workspace: j.Workspace, Action: "job.start", ResourceType: "job", Resource: j.ID, After: j.Document})
		_, err = u.exec(`DELETE FROM lt_job WHERE state NOT IN (?, ?) AND id IN (SELECT id FROM lt_job WHERE workspace = ? AND owner = ? ORDER BY created_at DESC, id DESC LIMIT 1000000 OFFSET ?)`,
			argText(JobRunning), argText(JobWaiting), argText(j.Workspace), argText(j.Owner), argInt(keptJobs))
		return err
	})
}

// jobRoom fails when a workspace has no room for the file of another job.
func (s session) jobRoom(workspace string, size, most int64) error {
	used, _, err := one(s, func(r record) int64 { return r.integer(0) },
		`SELECT CAST(coalesce(sum(file_bytes), 0) AS BIGINT) FROM lt_job WHERE workspace = ?`, argText(workspace))
	if err == nil && used > most-size {
		err = &LimitError{Name: "job_file_bytes", Max: int(most)}
	}
	return err
}

// JobRoom fails with a *LimitError when a workspace has no room for the file of another job. CreateJob asks again.
func (db *DB) JobRoom(ctx context.Context, workspace string, size, most int64) error {
	return db.read(ctx, "room for a job", func(s session) error { return s.jobRoom(workspace, size, most) })
}

// UpdateJob records how far a job is, for its holder: held is false when the record is another one's by now, or gone with its
// workspace. ended says that this is its end, which the log gets an entry of; what was kept for going on is forgotten then.
func (db *DB) UpdateJob(ctx context.Context, actor Actor, j Job, ended bool) (held bool, err error) {
	err = db.write(ctx, "update job", actor, func(u *unit) error {
		n, err := u.exec(`UPDATE lt_job SET state = ?, document = ?, updated_at = ? WHERE id = ? AND workspace = ? AND holder = ?`,
			argText(j.State), argText(string(j.Document)), argTime(u.now), argText(j.ID), argText(j.Workspace), argText(j.Holder))
		if held = n > 0; err != nil || !held || !ended {
			return err
		}
		u.note(audit.Entry{Workspace: j.Workspace, Action: "job.end", ResourceType: "job", Resource: j.ID, After: j.Document})
		if _, err := u.exec(`DELETE FROM lt_lease WHERE name = ?`, argText(JobLease(j.ID))); err != nil {
			return err
		}
		_, err = u.exec(`UPDATE lt_job SET plan = '', file_bytes = 0, holder = '' WHERE id = ?`, argText(j.ID))
		return err
	})
	return held, err
}

// DeleteJob forgets a job.
func (db *DB) DeleteJob(ctx context.Context, actor Actor, j Job) error {
	return db.write(ctx, "delete job", actor, func(u *unit) error {
		n, err := u.exec(`DELETE FROM lt_job WHERE id = ? AND workspace = ?`, argText(j.ID), argText(j.Workspace))
		if err == nil && n > 0 {
			u.note(audit.Entry{Workspace: j.Workspace, Action: "job.delete", ResourceType: "job", Resource: j.ID})
		}
		return err
	})
}

// FindJob reads the record of a job.
func (db *DB) FindJob(ctx context.Context, id string) (j Job, err error) {
	err = db.read(ctx, "read job", func(s session) (err error) {
		var ok bool
		j, ok, err = one(s, scanJob, `SELECT `+jobColumns+` FROM lt_job WHERE id = ?`, argText(id))
		if err == nil && !ok {
			err = fmt.Errorf("job: %w", ErrNotFound)
		}
		return err
	})
	return j, err
}

// Jobs lists the jobs of one owner in a workspace, the latest first.
func (db *DB) Jobs(ctx context.Context, workspace, owner string) (list []Job, err error) {
	err = db.read(ctx, "list jobs", func(s session) (err error) {
		list, err = all(s, scanJob, `SELECT `+jobColumns+` FROM lt_job WHERE workspace = ? AND owner = ? ORDER BY created_at DESC, id DESC`,
			argText(workspace), argText(owner))
		return err
	})
	return list, err
}
