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
}

// keptJobs is how many records of jobs are kept of one owner in one workspace.
const keptJobs = 100

const jobColumns = `id, workspace, owner, state, document, created_at, updated_at`

func scanJob(r record) Job {
	return Job{ID: r.text(0), Workspace: r.text(1), Owner: r.text(2), State: r.text(3), Document: json.RawMessage(r.text(4)),
		CreatedAt: r.instant(5), UpdatedAt: r.instant(6)}
}

// CreateJob records a job that begins, and forgets the oldest ones of its owner when there are many. The log gets an entry.
// ErrNotFound says that there is no such workspace.
func (db *DB) CreateJob(ctx context.Context, actor Actor, j Job) error {
	return db.write(ctx, "create job", actor, func(u *unit) error {
		n, err := u.exec(`INSERT INTO lt_job (`+jobColumns+`) SELECT ?, id, ?, ?, ?, ?, ? FROM lt_workspace WHERE id = ?`,
			argText(j.ID), argText(j.Owner), argText(j.State), argText(string(j.Document)), argTime(u.now), argTime(u.now), argText(j.Workspace))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("workspace %s: %w", j.Workspace, ErrNotFound)
		}
		u.note(audit.Entry{Workspace: j.Workspace, Action: "job.start", ResourceType: "job", Resource: j.ID, After: j.Document})
		_, err = u.exec(`DELETE FROM lt_job WHERE id IN (SELECT id FROM lt_job WHERE workspace = ? AND owner = ? ORDER BY created_at DESC, id DESC LIMIT 1000000 OFFSET ?)`,
			argText(j.Workspace), argText(j.Owner), argInt(keptJobs))
		return err
	})
}

// UpdateJob records how far a job is. One whose record is gone, with its workspace, stays so. ended says that this is its end,
// which the log gets an entry of.
func (db *DB) UpdateJob(ctx context.Context, actor Actor, j Job, ended bool) error {
	return db.write(ctx, "update job", actor, func(u *unit) error {
		n, err := u.exec(`UPDATE lt_job SET state = ?, document = ?, updated_at = ? WHERE id = ? AND workspace = ?`,
			argText(j.State), argText(string(j.Document)), argTime(u.now), argText(j.ID), argText(j.Workspace))
		if err != nil {
			return err
		}
		if n > 0 && ended {
			u.note(audit.Entry{Workspace: j.Workspace, Action: "job.end", ResourceType: "job", Resource: j.ID, After: j.Document})
		}
		return nil
	})
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
