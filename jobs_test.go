package livetables_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// slowFile is a file whose reader waits after so many reads until it is let go.
type slowFile struct {
	*strings.Reader
	reads, after int
	reached      chan struct{}
	free         chan struct{}
}

func newSlowFile(text string, after int) *slowFile {
	return &slowFile{Reader: strings.NewReader(text), after: after, reached: make(chan struct{}), free: make(chan struct{})}
}

func (f *slowFile) Read(b []byte) (int, error) {
	if f.reads++; f.reads == f.after {
		close(f.reached)
		<-f.free
	}
	return f.Reader.Read(b[:min(len(b), 4096)])
}

// numbered is a CSV file of so many rows.
func numbered(rows int) string {
	var b strings.Builder
	b.WriteString("Name,N\n")
	for i := range rows {
		fmt.Fprintf(&b, "a name of some length %d,%d\n", i, i)
	}
	return b.String()
}

func (w *world) ended(a *livetables.Access, id string) *livetables.Job {
	w.t.Helper()
	var job *livetables.Job
	require.Eventually(w.t, func() bool {
		var err error
		job, err = a.Job(w.t.Context(), id)
		require.NoError(w.t, err)
		return job.State != livetables.JobRunning
	}, 30*time.Second, 10*time.Millisecond)
	return job
}

func (w *world) rowsAndEntries(table string) (rows, entries int) {
	w.t.Helper()
	r, err := w.owner.Export(w.t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table}})
	rows = len(all(w.t, r, err))
	f := livetables.HistoryFilter{ResourceType: "row", Table: table, Limit: 1000}
	for {
		log, err := w.owner.AuditLog(w.t.Context(), w.workspace, f)
		require.NoError(w.t, err)
		if entries += len(log); len(log) < f.Limit {
			return rows, entries
		}
		f.Cursor, err = w.owner.HistoryCursor(w.t.Context(), f, log[len(log)-1])
		require.NoError(w.t, err)
	}
}

func unneeded() {}

func TestImportAndExportAsJobs(t *testing.T) {
	w := newWorld(t)
	freed := make(chan struct{})
	job, err := w.owner.StartImport(t.Context(), livetables.ImportSpec{Base: w.base, Name: "Jobs"}, strings.NewReader(numbered(2500)), func() { close(freed) })
	require.NoError(t, err)
	assert.Equal(t, livetables.JobRunning, job.State)
	done := w.ended(w.owner, job.ID)
	<-freed
	require.Equal(t, livetables.JobDone, done.State, "%+v", done.Error)
	assert.EqualValues(t, 2500, done.Stored)
	for _, format := range []livetables.Format{livetables.FormatCSV, livetables.FormatNDJSON, livetables.FormatJSON, livetables.FormatXLSX} {
		q := &lqp.Query{From: lqp.Source{Table: done.Table}, Select: cols(t, "Name", "N"), OrderBy: order(t, "N")}
		export, err := w.viewer.StartExport(t.Context(), w.workspace, q, format)
		require.NoError(t, err)
		ended := w.ended(w.viewer, export.ID)
		require.Equal(t, livetables.JobDone, ended.State, "%+v", ended.Error)
		assert.EqualValues(t, 2500, ended.Rows)
		file, as, err := w.viewer.JobFile(t.Context(), export.ID)
		require.NoError(t, err)
		assert.Equal(t, format, as)
		content, err := io.ReadAll(file)
		require.NoError(t, err)
		assert.EqualValues(t, len(content), ended.Bytes)
		report, err := w.owner.Import(t.Context(), livetables.ImportSpec{Base: w.base, Name: "Again " + string(format), Format: format}, bytes.NewReader(content))
		require.NoError(t, err)
		assert.EqualValues(t, 2500, report.Rows)
		_, _, err = w.owner.JobFile(t.Context(), export.ID)
		require.ErrorIs(t, err, livetables.ErrNotFound, "somebody else's")
	}
	list, err := w.viewer.Jobs(t.Context(), w.workspace)
	require.NoError(t, err)
	assert.Len(t, list, 4, "their own")
	require.NoError(t, w.viewer.CancelJob(t.Context(), list[0].ID))
	_, _, err = w.viewer.JobFile(t.Context(), list[0].ID)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = w.owner.Job(t.Context(), list[1].ID)
	require.ErrorIs(t, err, livetables.ErrNotFound)
}

// TestAttack75CancelledImports cancels imports half-way: of one in batches whole batches stay, of one in a piece nothing, and
// the audit log has an entry for each row that is there.
func TestAttack75CancelledImports(t *testing.T) {
	for _, batch := range []int{100, 0} {
		t.Run(fmt.Sprint("batch ", batch), func(t *testing.T) {
			w := newWorld(t)
			tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
			text := numbered(5000)
			pass := len(text)/4096 + 2
			file := newSlowFile(text, pass+pass/2) // checked, and half stored
			job, err := w.editor.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID, Batch: batch, Encoding: "utf-8"}, file, unneeded)
			require.NoError(t, err)
			select {
			case <-file.reached:
			case <-time.After(10 * time.Second):
				file = nil
			}
			if file == nil {
				t.Fatalf("the file was read too seldom: %+v", w.ended(w.editor, job.ID))
			}
			require.NoError(t, w.editor.CancelJob(t.Context(), job.ID))
			close(file.free)
			ended := w.ended(w.editor, job.ID)
			assert.Equal(t, livetables.JobCancelled, ended.State)
			rows, entries := w.rowsAndEntries(tbl.ID)
			assert.Equal(t, rows, entries, "audit equals rows")
			assert.EqualValues(t, rows, ended.Stored)
			assert.Less(t, rows, 5000)
			if batch == 0 {
				assert.Zero(t, rows)
			} else {
				assert.Zero(t, rows%batch)
				assert.Positive(t, rows)
			}
		})
	}
}

func TestJobsEndWithTheRight(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	text := numbered(3000)
	pass := len(text)/4096 + 2
	file := newSlowFile(text, pass+pass/2)
	job, err := w.editor.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID, Batch: 10, Encoding: "utf-8"}, file, unneeded)
	require.NoError(t, err)
	<-file.reached
	require.NoError(t, w.owner.RemoveMember(t.Context(), w.workspace, w.editor.Principal().ID))
	_, err = w.editor.Job(t.Context(), job.ID)
	require.ErrorIs(t, err, livetables.ErrNotFound, "nor may they look at it")
	begin := time.Now()
	close(file.free)
	require.Eventually(t, func() bool {
		log, err := w.owner.AuditLog(t.Context(), w.workspace, livetables.HistoryFilter{ResourceType: "job"})
		require.NoError(t, err)
		return len(log) == 2 && strings.Contains(string(log[0].After), `"failed"`)
	}, 5*time.Second, 10*time.Millisecond)
	assert.Less(t, time.Since(begin), 5*time.Second)
	rows, entries := w.rowsAndEntries(tbl.ID)
	assert.Equal(t, rows, entries)
	assert.Less(t, rows, 3000)
}

// TestJobsEndWithTheirSession: who began a job and counts no more, though still a member, ends it (R22).
func TestJobsEndWithTheirSession(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	var over atomic.Bool
	p := w.editor.Principal()
	p.Valid = func(context.Context) error {
		if over.Load() {
			return errors.New("the session has ended")
		}
		return nil
	}
	text := numbered(3000)
	pass := len(text)/4096 + 2
	file := newSlowFile(text, pass+pass/2)
	job, err := w.engine.As(p).StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID, Batch: 10, Encoding: "utf-8"}, file, unneeded)
	require.NoError(t, err)
	<-file.reached
	over.Store(true)
	time.Sleep(4 * time.Second) // longer than between two looks
	close(file.free)
	ended := w.ended(w.editor, job.ID)
	assert.Equal(t, livetables.JobFailed, ended.State)
	rows, entries := w.rowsAndEntries(tbl.ID)
	assert.Equal(t, rows, entries)
	assert.Less(t, rows, 3000)
}

func TestJobsAreBoundedAndInterrupted(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	var files []*slowFile
	var id string
	for range 2 {
		f := newSlowFile(numbered(10), 1)
		files = append(files, f)
		job, err := w.editor.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, f, unneeded)
		require.NoError(t, err)
		id = job.ID
	}
	_, err := w.editor.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, strings.NewReader(numbered(1)), unneeded)
	require.ErrorIs(t, err, livetables.ErrTooManyJobs)
	assert.Equal(t, livetables.CodeTooManyJobs, livetables.Code(err))
	later, err := livetables.New(livetables.Options{Store: w.db, Clock: func() time.Time { return time.Now().Add(time.Minute) }})
	require.NoError(t, err)
	other := later.As(w.editor.Principal())
	job, err := other.Job(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, livetables.JobInterrupted, job.State, "no process tells of it any more")
	require.NoError(t, later.Close())
	for _, f := range files {
		close(f.free)
	}
	assert.Equal(t, livetables.JobDone, w.ended(w.editor, id).State)
}

func TestJobsTellWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	job, err := w.editor.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, strings.NewReader("N\n1\nx\n"), unneeded)
	require.NoError(t, err)
	ended := w.ended(w.editor, job.ID)
	assert.Equal(t, livetables.JobFailed, ended.State)
	assert.Equal(t, livetables.CodeInvalid, ended.Error.Code)
	assert.Equal(t, 3, ended.Error.Faults[0].Line)
	_, err = w.viewer.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, strings.NewReader("N\n1\n"), unneeded)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.stranger.StartExport(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}}, "")
	require.ErrorIs(t, err, livetables.ErrNotFound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.editor.StartImport(ctx, livetables.ImportSpec{Table: tbl.ID}, strings.NewReader("N\n1\n"), unneeded)
	require.Error(t, err)
	require.NotErrorIs(t, err, livetables.ErrTooManyJobs)
}
