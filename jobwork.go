package livetables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// StartImport begins an import that goes on after the call, and after the end of this process where Options.Blobs and
// Options.Readmit are given: a copy of the file is kept until the job ends. The file is the job's own from then on: done is
// called when it is not needed any more, unless an error is returned. spec.Progress is not called. More kept files than
// Limits.JobFiles are a *minidb.LimitError.
func (a *Access) StartImport(ctx context.Context, spec ImportSpec, file ImportFile, done func()) (*Job, error) {
	if err := spec.check(&a.e.limits); err != nil {
		return nil, err
	}
	place, action := spec.Table, rbac.WriteRows
	if place == "" {
		place, action = spec.Base, rbac.AlterTables
	}
	s, err := a.at(ctx, place, action)
	if err != nil {
		return nil, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	job := Job{Workspace: s.Workspace.ID, Kind: "import", Format: spec.Format, Table: spec.Table, Total: size}
	if job.Format == "" {
		job.Format = FormatCSV
	}
	r, err := a.newJob(job)
	if err != nil {
		return nil, err
	}
	if a.e.blobs != nil && a.e.readmit != nil {
		r.plan = a.planOf(spec, size)
		if err := a.e.keepJobFile(ctx, r, file); err != nil {
			a.e.giveUp(r)
			return nil, err
		}
	}
	started, err := a.begin(ctx, r, func(ctx context.Context, r *runningJob) error {
		free := done
		if r.plan != nil { // the upload need not lie there twice
			if kept, close, err := a.e.openJobFile(ctx, r.job.Workspace, r.job.ID); err == nil {
				done()
				file, free = kept, close
			}
		}
		defer func() { free() }()
		return a.runImport(ctx, &importJob{run: r}, spec, file)
	})
	if err != nil && r.plan != nil && !errors.Is(err, adapter.ErrUncertain) {
		a.e.discardJobFiles(ctx, r.job.Workspace, r.job.ID)
	}
	return started, err
}

// runImport does the import of a job, or what is left of it.
func (a *Access) runImport(ctx context.Context, job *importJob, spec ImportSpec, file ImportFile) error {
	r := job.run
	spec.Progress = func(p ImportProgress) {
		r.change(func(j *Job) { j.Storing, j.Rows, j.Stored, j.Bytes = p.Storing, p.Rows, p.Stored, p.Read })
	}
	report, err := a.importing(spec, file, job).run(ctx)
	if report != nil {
		r.change(func(j *Job) { j.Table, j.Stored = report.Table, report.Rows })
	}
	if job.removed {
		r.change(func(j *Job) { j.Table, j.Stored = "", -1 }) // with the table, whatever was stored
	}
	return err
}

// StartExport begins an export of every row of a query that goes on after the call; [Access.JobFile] gives the file. It needs
// what [Access.Export] needs, asked again while it runs. lqp.Problems say at once what is wrong with the query,
// or that there is no such format; an empty one is [FormatCSV]. [ErrTooManyJobs] says that as many jobs as may are running
// for the principal, in the workspace or in all.
func (a *Access) StartExport(ctx context.Context, workspace string, q *lqp.Query, format Format) (*Job, error) {
	if err := a.e.checkExport(format); err != nil {
		return nil, err
	}
	if format == "" {
		format = FormatCSV
	}
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.plan(ctx, q); err != nil { // what is wrong with it is told at once
		return nil, err
	}
	return a.startJob(ctx, Job{Workspace: workspace, Kind: "export", Format: format}, func(ctx context.Context, r *runningJob) error {
		return a.export(ctx, workspace, q, r)
	})
}

func (a *Access) export(ctx context.Context, workspace string, q *lqp.Query, r *runningJob) (err error) {
	rows, err := a.Export(ctx, workspace, q)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	file, err := a.e.jobs.temporary()
	if err != nil {
		return fmt.Errorf("keep export: %w", err)
	}
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, file.Close())
		}
	}()
	job := r.get()
	out := &jobWriter{file: file, job: r, most: a.e.limits.ExportBytes}
	rows.passed = func() { out.rows++ }
	if _, err := WriteRows(out, rows, job.Format); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	out.tell()
	kept = true
	a.e.jobs.keep(job.ID, &jobFile{file: file, owner: r.owner, size: out.bytes, format: job.Format,
		allowed: rows.right.held})
	return nil
}

// jobWriter writes the file of an export and tells how far it is.
type jobWriter struct {
	file        *os.File
	job         *runningJob
	most        int64 // bytes
	rows, bytes int64
}

// Write implements io.Writer.
func (w *jobWriter) Write(b []byte) (int, error) {
	if w.bytes+int64(len(b)) > w.most {
		return 0, &minidb.LimitError{Name: "export_bytes", Max: int(w.most)}
	}
	n, err := w.file.Write(b)
	w.bytes += int64(n)
	w.tell()
	return n, err
}

func (w *jobWriter) tell() {
	w.job.change(func(j *Job) { j.Rows, j.Bytes = w.rows, w.bytes })
}
