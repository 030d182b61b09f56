package livetables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// StartImport begins an import that goes on after the call. The file is its own from then on: done is called when it is not
// needed any more, unless an error is returned. spec.Progress is not called.
func (a *Access) StartImport(ctx context.Context, spec ImportSpec, file ImportFile, done func()) (*Job, error) {
	if err := spec.check(a.e.limits.BatchRows); err != nil {
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
	return a.startJob(ctx, job, func(ctx context.Context, r *runningJob) error {
		defer done()
		spec.Progress = func(p ImportProgress) {
			r.change(func(j *Job) { j.Storing, j.Rows, j.Stored, j.Bytes = p.Storing, p.Rows, p.Stored, p.Read })
		}
		report, err := a.Import(ctx, spec, file)
		if report != nil {
			r.change(func(j *Job) { j.Table, j.Stored = report.Table, report.Rows })
		}
		if err != nil && report == nil {
			r.change(func(j *Job) { j.Stored = 0 }) // the table that was made is gone again, or nothing was stored
		}
		return err
	})
}

// StartExport begins an export of every row of a query that goes on after the call; JobFile gives the file.
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
	if a.e.jobs.dir != "" { // nothing may have been put there before
		if err := os.MkdirAll(a.e.jobs.dir, 0o700); err != nil {
			return fmt.Errorf("keep export: %w", err)
		}
	}
	file, err := os.CreateTemp(a.e.jobs.dir, "export-*")
	if err != nil {
		return fmt.Errorf("keep export: %w", err)
	}
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("keep export: %w", err)
	}
	job := r.get()
	out := &jobWriter{file: file, job: r}
	rows.passed = func() { out.rows++ }
	if _, err := WriteRows(out, rows, job.Format); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	out.tell()
	from, plan := rows.from, rows.plan
	kept = true
	a.e.jobs.keep(job.ID, &jobFile{file: file, owner: r.owner, size: out.bytes, format: job.Format,
		allowed: func(ctx context.Context) bool { return from.stillMay(ctx, plan) }})
	return nil
}

// jobWriter writes the file of an export and tells how far it is.
type jobWriter struct {
	file        *os.File
	job         *runningJob
	rows, bytes int64
}

// Write implements io.Writer.
func (w *jobWriter) Write(b []byte) (int, error) {
	if w.bytes+int64(len(b)) > maxJobFile {
		return 0, &minidb.LimitError{Name: "export_bytes", Max: maxJobFile}
	}
	n, err := w.file.Write(b)
	w.bytes += int64(n)
	w.tell()
	return n, err
}

func (w *jobWriter) tell() {
	w.job.change(func(j *Job) { j.Rows, j.Bytes = w.rows, w.bytes })
}
