package livetables_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// TestJobLimits: what bounds jobs is an option.
func TestJobLimits(t *testing.T) {
	w := newJobWorld(t)
	w.halt()
	require.Eventually(t, func() bool { // the world's own engine has all that it starts
		stacks := make([]byte, 1<<20)
		return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*Engine).resumeJobs(")
	}, 10*time.Second, time.Millisecond)
	before := goleak.IgnoreCurrent()
	w.limits = livetables.Limits{OwnerJobs: 1, JobFiles: 1000, ExportBytes: 100, ExportTime: time.Millisecond}
	w.start()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	owner := w.as("owner")
	var limit *minidb.LimitError
	_, err := owner.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, strings.NewReader(numbered(100)), unneeded)
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "job_file_bytes", limit.Name)
	require.Empty(t, w.kept())
	id := w.begin(livetables.ImportSpec{Table: tbl.ID}, numbered(20))
	for _, name := range w.kept() {
		info, err := os.Stat(name)
		if os.IsNotExist(err) { // it is done already
			continue
		}
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	}
	require.Equal(t, livetables.JobDone, w.settled(id).State)
	q := func(rows int) *lqp.Query {
		return &lqp.Query{From: lqp.Source{Table: tbl.ID}, Page: lqp.Page{Limit: rows}}
	}
	big, err := owner.StartExport(t.Context(), w.workspace, q(20), livetables.FormatJSON)
	require.NoError(t, err)
	job := w.settled(big.ID)
	require.Equal(t, livetables.JobFailed, job.State)
	require.Contains(t, job.Error.Detail, "export_bytes")
	small, err := owner.StartExport(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, "N"), Where: expr(t, `{N} < 3`)}, livetables.FormatCSV)
	require.NoError(t, err)
	require.Equal(t, livetables.JobDone, w.settled(small.ID).State)
	require.Eventually(t, func() bool { _, _, err := owner.JobFile(t.Context(), small.ID); return err != nil }, 10*time.Second, time.Millisecond)

	slow := newSlowFile(numbered(5), 1) // the copy of the file waits, and holds the only place
	started := make(chan error)
	go func() {
		_, err := owner.StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, slow, unneeded)
		started <- err
	}()
	<-slow.reached
	_, err = owner.StartExport(t.Context(), w.workspace, q(1), "")
	require.ErrorIs(t, err, livetables.ErrTooManyJobs)
	close(slow.free)
	require.NoError(t, <-started)
	w.halt()
	goleak.VerifyNone(t, before)
}

// fullStore is a blob store on a disk without room.
type fullStore struct{ blob.Store }

// Put implements blob.Store.
func (fullStore) Put(context.Context, string, io.Reader, int64) error {
	return fmt.Errorf("put blob: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
}

// TestJobOnAFullDisk: an import whose file cannot be kept is refused, and takes no place.
func TestJobOnAFullDisk(t *testing.T) {
	w := newJobWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	blobs, err := blob.OpenDir(w.files)
	require.NoError(t, err)
	e, err := livetables.New(livetables.Options{Store: w.db, Blobs: fullStore{blobs}, Readmit: w.readmit, Limits: livetables.Limits{OwnerJobs: 1}})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	for range 3 {
		_, err = e.As(w.owner.Principal()).StartImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, strings.NewReader(numbered(10)), unneeded)
		require.Equal(t, livetables.CodeStorageFull, livetables.Code(err), "%v", err)
	}
	list, err := e.As(w.owner.Principal()).Jobs(t.Context(), w.workspace)
	require.NoError(t, err)
	require.Empty(t, list)
	require.Empty(t, w.kept())
}

// TestExportsAreInterrupted: an export does not go on, and says so when the next process begins.
func TestExportsAreInterrupted(t *testing.T) {
	w := newJobWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	job, err := w.as("owner").StartExport(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}}, "")
	require.NoError(t, err)
	w.settled(job.ID)
	// A process that was killed leaves a record that says the job runs.
	left := minidb.Job{ID: minidb.NewID("job"), Workspace: w.workspace, Owner: "owner/", State: minidb.JobRunning, Holder: "ins_gone/run_x",
		Document: []byte(`{"kind":"export","state":"running","workspace_id":"` + w.workspace + `"}`)}
	left.Document = []byte(strings.Replace(string(left.Document), `{`, `{"id":"`+left.ID+`",`, 1))
	require.NoError(t, w.db.CreateJob(t.Context(), minidb.Actor{ID: "owner"}, left, 0))
	w.halt()
	w.start()
	ended := w.settled(left.ID)
	require.Equal(t, livetables.JobInterrupted, ended.State)
	require.Eventually(t, func() bool {
		kept, err := w.db.FindJob(t.Context(), left.ID)
		require.NoError(t, err)
		return kept.State == string(livetables.JobInterrupted) && kept.Holder == ""
	}, 5*time.Second, 5*time.Millisecond, "it is not only shown so")
}
