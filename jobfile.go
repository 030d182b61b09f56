package livetables

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// jobFiles is how the names of the temporary files of jobs begin and end: like those of queries, so that what a process leaves
// between making a file and removing its name is cleared with theirs.
const jobFiles = "livetables-spill-job-*.tmp"

// temporary makes a file without a name: it goes with the process.
func (l *jobs) temporary() (*os.File, error) {
	if l.dir != "" { // nothing may have been put there before
		if err := os.MkdirAll(l.dir, 0o700); err != nil {
			return nil, err
		}
	}
	file, err := os.CreateTemp(l.dir, jobFiles) // 0600
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// keepJobFile stores the file of an import so that another process can go on with it. It is durable when that returns.
func (e *Engine) keepJobFile(ctx context.Context, r *runningJob, file ImportFile) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	if err := e.store.JobRoom(ctx, r.job.Workspace, r.plan.Size, e.limits.JobFiles); err != nil {
		return err
	}
	if err := e.blobs.Put(ctx, minidb.JobFileKey(r.job.Workspace, r.job.ID), file, r.plan.Size); err != nil {
		return fmt.Errorf("keep the file: %w", err)
	}
	return nil
}

// openJobFile opens the file that is kept for a job. One that is far away is copied first.
func (e *Engine) openJobFile(ctx context.Context, workspace, job string) (file ImportFile, free func(), err error) {
	body, err := e.blobs.Open(ctx, minidb.JobFileKey(workspace, job), 0, -1)
	if err != nil {
		return nil, nil, fmt.Errorf("open the file of a job: %w", err)
	}
	if file, ok := body.(ImportFile); ok {
		return file, func() { _ = body.Close() }, nil // it was only read
	}
	copied, err := e.jobs.temporary()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("copy the file of a job: %w", err), body.Close())
	}
	if _, err = io.Copy(copied, body); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("copy the file of a job: %w", err), body.Close(), copied.Close())
	}
	_ = body.Close()
	return copied, func() { _ = copied.Close() }, nil // it has no name
}

// reachesJobFile reports whether the file of a job is there for this process.
func (e *Engine) reachesJobFile(ctx context.Context, workspace, job string) (bool, error) {
	body, err := e.blobs.Open(ctx, minidb.JobFileKey(workspace, job), 0, 0)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the file of a job: %w", err)
	}
	return true, body.Close()
}

// discardJobFiles removes what is kept for a job. What fails is swept later.
func (e *Engine) discardJobFiles(ctx context.Context, workspace, job string) {
	if e.blobs == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
	defer cancel()
	if err := e.blobs.Delete(ctx, minidb.JobFileKey(workspace, job), minidb.JobLabelsKey(workspace, job)); err != nil {
		e.log.WarnContext(ctx, "the file of a job is left for a later sweep", "job", job, "error", err)
	}
}

// keptLabel is what a label of a linked row was found to mean, as it is kept for a job.
type keptLabel struct {
	Row   string `json:"r,omitempty"`
	Fault string `json:"f,omitempty"`
}

// keepLabels keeps what the labels in a file were found to mean when it was checked, so that they mean the same to a run that
// goes on later: the rows that were stored meanwhile, of a table that links to itself, or were changed by others have labels too.
func (e *Engine) keepLabels(ctx context.Context, job *Job, cells []importCell) error {
	kept := map[string]map[string]keptLabel{}
	for i := range cells {
		if links := cells[i].links; links != nil {
			found := make(map[string]keptLabel, len(links.found))
			for text, f := range links.found {
				found[text] = keptLabel{f.row, f.fault}
			}
			kept[cells[i].column.ID] = found
		}
	}
	if len(kept) == 0 {
		return nil
	}
	doc, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("keep labels: %w", err)
	}
	key := minidb.JobLabelsKey(job.Workspace, job.ID)
	if err := e.blobs.Delete(ctx, key); err != nil { // of a run that has stored nothing
		return fmt.Errorf("keep labels: %w", err)
	}
	if err := e.blobs.Put(ctx, key, bytes.NewReader(doc), int64(len(doc))); err != nil {
		return fmt.Errorf("keep labels: %w", err)
	}
	return nil
}

// recallLabels reads what keepLabels kept.
func (e *Engine) recallLabels(ctx context.Context, job *Job, cells []importCell) error {
	linked := false
	for i := range cells {
		linked = linked || cells[i].links != nil
	}
	if !linked {
		return nil
	}
	body, err := e.blobs.Open(ctx, minidb.JobLabelsKey(job.Workspace, job.ID), 0, -1)
	if err != nil {
		return fmt.Errorf("recall labels: %w", err)
	}
	kept := map[string]map[string]keptLabel{}
	if err := errors.Join(json.NewDecoder(body).Decode(&kept), body.Close()); err != nil {
		return fmt.Errorf("recall labels: %w", err)
	}
	for i := range cells {
		if cells[i].links == nil {
			continue
		}
		for text, f := range kept[cells[i].column.ID] {
			cells[i].links.found[text] = foundLabel{row: f.Row, fault: f.Fault}
		}
	}
	return nil
}
