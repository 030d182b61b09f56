package livetables_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
	"github.com/livetables/livetables/rbac"
)

// jobWorld is a world with an engine that can be stopped and started again, and keeps the files of jobs.
type jobWorld struct {
	*world
	files   string // directory of the blobs
	limits  livetables.Limits
	readmit func(context.Context, rbac.Principal) (rbac.Principal, error)
	engine  *livetables.Engine
	halt    func()
}

func newJobWorld(t *testing.T) *jobWorld {
	w := &jobWorld{world: newWorld(t), files: t.TempDir()}
	w.readmit = func(_ context.Context, was rbac.Principal) (rbac.Principal, error) { return was, nil }
	w.start()
	t.Cleanup(func() { w.halt() })
	return w
}

// start starts an engine of the same name as the one before.
func (w *jobWorld) start() {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	blobs, err := blob.OpenDir(w.files)
	require.NoError(w.t, err)
	e, err := livetables.New(livetables.Options{Store: w.db, Blobs: blobs, Readmit: w.readmit, Instance: "ins_test", Limits: w.limits, SpillDir: filepath.Join(w.dir, "spill"), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	run, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- e.Run(run) }()
	w.engine, w.halt = e, func() {
		stop()
		require.NoError(w.t, <-ended)
		require.NoError(w.t, e.Close())
		w.halt = func() {}
	}
}

func (w *jobWorld) as(user string) *livetables.Access { return w.engine.As(rbac.Principal{ID: user}) }

// begin begins an import as the editor.
func (w *jobWorld) begin(spec livetables.ImportSpec, file string) string {
	w.t.Helper()
	job, err := w.as("owner").StartImport(w.t.Context(), spec, strings.NewReader(file), unneeded)
	require.NoError(w.t, err)
	return job.ID
}

// stoppedAt waits until a job has stored so many rows and stops the engine. It answers nil when the job was faster: on a busy
// machine whoever waits for it may sleep longer than it takes.
func (w *jobWorld) stoppedAt(id string, rows int64) *livetables.Job {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Microsecond) {
		job, err := w.as("owner").Job(w.t.Context(), id)
		require.NoError(w.t, err)
		if job.State.Ended() {
			require.Equal(w.t, livetables.JobDone, job.State, "%+v", job.Error)
			return nil
		}
		if job.Stored >= rows {
			break
		}
		require.True(w.t, time.Now().Before(deadline), "it comes no further: %+v", job)
	}
	w.halt()
	job, err := w.as("owner").Job(w.t.Context(), id)
	require.NoError(w.t, err)
	if job.State.Ended() {
		require.Equal(w.t, livetables.JobDone, job.State, "%+v", job.Error)
		return nil
	}
	return job
}

// notTooFast does what stops jobs with more and more rows, until the jobs take long enough to be stopped.
func notTooFast(t *testing.T, rows int, stops func(rows int) bool) {
	t.Helper()
	for range 5 {
		if stops(rows) {
			return
		}
		rows *= 4
	}
	t.Fatalf("jobs of %d rows were over before they could be stopped", rows/4)
}

// settled waits for the end of a job.
func (w *jobWorld) settled(id string) *livetables.Job {
	w.t.Helper()
	var job *livetables.Job
	require.Eventually(w.t, func() bool {
		var err error
		job, err = w.as("owner").Job(w.t.Context(), id)
		require.NoError(w.t, err)
		return job.State.Ended()
	}, 30*time.Second, 5*time.Millisecond)
	require.Eventually(w.t, func() bool { return len(w.kept()) == 0 }, 5*time.Second, 5*time.Millisecond, "nothing of an ended job is kept")
	return job
}

// kept are the files in the blob store.
func (w *jobWorld) kept() (names []string) {
	err := filepath.WalkDir(w.files, func(path string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return err
	})
	require.NoError(w.t, err)
	return names
}

// column are the sorted values of a column.
func (w *jobWorld) column(table, name string) []string {
	w.t.Helper()
	rows, err := w.owner.Export(w.t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table}, Select: cols(w.t, name)})
	list := all(w.t, rows, err)
	slices.Sort(list)
	return list
}

// TestAttack75JobsGoOn stops the process of imports half-way, again and again: they go on by themselves, with no row twice and
// none missing, and end as if nothing had been.
func TestAttack75JobsGoOn(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spec  livetables.ImportSpec
		check func(w *jobWorld, table string, rows int)
	}{
		{"rows", livetables.ImportSpec{Batch: 8}, func(w *jobWorld, table string, rows int) {
			assert.Equal(t, numbersTo(0, rows), w.column(table, "N"))
			assert.Len(t, slices.Compact(w.column(table, "Number")), rows, "each row its number")
			assert.Len(t, slices.Compact(w.column(table, "Friend")), 3, "labels mean the same to each run")
		}},
		{"by key", livetables.ImportSpec{Batch: 8, Key: []string{"Code"}}, func(w *jobWorld, table string, rows int) {
			assert.Len(t, slices.Compact(w.column(table, "Code")), rows/2)
			assert.Equal(t, numbersTo(rows/2, rows), w.column(table, "N"), "the last row of a key counts")
		}},
		{"a new table", livetables.ImportSpec{Batch: 5, Name: "Made"}, func(w *jobWorld, table string, rows int) {
			assert.Equal(t, numbersTo(0, rows), w.column(table, "N"))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			notTooFast(t, 1200, func(rows int) bool {
				w := newJobWorld(t)
				spec := tc.spec
				if spec.Base = w.base; spec.Name == "" {
					friends := w.table("Friends", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
					w.insert(w.owner, friends, []string{"friend 0"}, []string{"friend 1"}, []string{"friend 2"})
					spec.Table = w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Code", Type: minidb.TextColumn},
						minidb.ColumnSpec{Name: "Number", Type: minidb.AutonumberColumn},
						minidb.ColumnSpec{Name: "Friend", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: friends.ID}}}).ID
				}
				id := w.begin(spec, codedRows(rows))
				require.NotEmpty(t, w.kept())
				before := int64(0)
				for stop := range 3 {
					job := w.stoppedAt(id, before+int64(40*stop)+1)
					if job == nil {
						return false
					}
					require.Equal(t, livetables.JobWaiting, job.State)
					require.Equal(t, stop, job.Resumed)
					require.Positive(t, job.Stored)
					before = job.Stored
					w.start()
				}
				job := w.settled(id)
				require.Equal(t, livetables.JobDone, job.State, "%+v", job.Error)
				require.EqualValues(t, rows, job.Stored)
				require.Equal(t, 3, job.Resumed)
				tc.check(w, job.Table, rows)
				stored, entries := w.rowsAndEntries(job.Table)
				if len(spec.Key) == 0 {
					require.Equal(t, rows, stored)
				}
				require.Equal(t, rows, entries, "one for each row of the file")
				require.Nil(t, w.verify(w.workspace, livetables.VerifyOptions{}).Fault)
				return true
			})
		})
	}
}

// numbersTo are the numbers from one up to but without another, as sorted texts.
func numbersTo(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, strconv.Itoa(i))
	}
	slices.Sort(list)
	return list
}

// codedRows is a file of so many rows, of which two at a time have the same code.
func codedRows(rows int) string {
	var file strings.Builder
	file.WriteString("N,Code,Friend\n")
	for i := range rows {
		fmt.Fprintf(&file, "%d,c%d,friend %d\n", i, i%(rows/2), i%3)
	}
	return file.String()
}

// TestAttack75WholeImportsGoOn: an import in one transaction that is stopped has stored nothing, and is done again.
func TestAttack75WholeImportsGoOn(t *testing.T) {
	w := newJobWorld(t)
	table := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}).ID
	id := w.begin(livetables.ImportSpec{Table: table}, numbered(4000))
	require.Eventually(t, func() bool {
		job, err := w.as("owner").Job(t.Context(), id)
		require.NoError(t, err)
		return job.Rows > 0 || job.State.Ended()
	}, 10*time.Second, 100*time.Microsecond)
	w.halt()
	rows, entries := w.rowsAndEntries(table)
	require.Equal(t, rows, entries)
	require.Contains(t, []int{0, 4000}, rows)
	w.start()
	job := w.settled(id)
	require.Equal(t, livetables.JobDone, job.State, "%+v", job.Error)
	rows, entries = w.rowsAndEntries(table)
	require.Equal(t, []int{4000, 4000}, []int{rows, entries})
}

// TestAttack75OwnersOfJobsThatGoOn: a job does not go on for whom the right was taken from meanwhile, or whose session has ended;
// one whose owner asks for its end while nobody does it goes on no further.
func TestAttack75OwnersOfJobsThatGoOn(t *testing.T) {
	waiting := func(t *testing.T) (w *jobWorld, table string, job *livetables.Job) {
		notTooFast(t, 1500, func(rows int) bool {
			w = newJobWorld(t)
			table = w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}).ID
			_, err := w.owner.SetMember(t.Context(), w.workspace, "second", rbac.Owner)
			require.NoError(t, err)
			job = w.stoppedAt(w.begin(livetables.ImportSpec{Table: table, Batch: 10}, numbered(rows)), 20)
			return job != nil
		})
		return w, table, job
	}
	unchanged := func(w *jobWorld, table string, job *livetables.Job) {
		rows, entries := w.rowsAndEntries(table)
		require.Equal(w.t, rows, entries)
		require.EqualValues(w.t, job.Stored, rows, "nothing came after it was stopped")
	}
	t.Run("the session has ended", func(t *testing.T) {
		w, table, job := waiting(t)
		w.readmit = func(context.Context, rbac.Principal) (rbac.Principal, error) {
			return rbac.Principal{}, fmt.Errorf("gone: %w", livetables.ErrRevoked)
		}
		w.start()
		ended := w.settled(job.ID)
		require.Equal(t, livetables.JobFailed, ended.State)
		require.Equal(t, livetables.CodeForbidden, ended.Error.Code)
		require.EqualValues(t, job.Stored, ended.Stored)
		unchanged(w, table, job)
	})
	t.Run("somebody else", func(t *testing.T) {
		w, table, job := waiting(t)
		w.readmit = func(_ context.Context, was rbac.Principal) (rbac.Principal, error) {
			was.Scope = &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}}
			return was, nil
		}
		w.start()
		require.Equal(t, livetables.JobFailed, w.settled(job.ID).State)
		unchanged(w, table, job)
	})
	t.Run("it cannot be told for now", func(t *testing.T) {
		w, table, job := waiting(t)
		asked := make(chan struct{}, 100)
		w.readmit = func(context.Context, rbac.Principal) (rbac.Principal, error) {
			asked <- struct{}{}
			return rbac.Principal{}, errors.New("the accounts are away")
		}
		w.start()
		<-asked
		w.halt()
		require.NotEmpty(t, w.kept())
		unchanged(w, table, job)
		w.readmit = func(_ context.Context, was rbac.Principal) (rbac.Principal, error) { return was, nil }
		w.start()
		require.Equal(t, livetables.JobDone, w.settled(job.ID).State)
	})
	t.Run("the right to write", func(t *testing.T) {
		w, table, job := waiting(t)
		_, err := w.engine.As(rbac.Principal{ID: "second"}).SetMember(t.Context(), w.workspace, "owner", rbac.Viewer)
		require.NoError(t, err)
		w.start()
		ended := w.settled(job.ID)
		require.Equal(t, livetables.JobFailed, ended.State)
		require.Equal(t, livetables.CodeForbidden, ended.Error.Code)
		_, err = w.engine.As(rbac.Principal{ID: "second"}).SetMember(t.Context(), w.workspace, "owner", rbac.Owner)
		require.NoError(t, err)
		unchanged(w, table, job)
	})
	t.Run("cancelled while nobody does it", func(t *testing.T) {
		w, table, job := waiting(t)
		require.NoError(t, w.as("owner").CancelJob(t.Context(), job.ID))
		shown, err := w.as("owner").Job(t.Context(), job.ID)
		require.NoError(t, err)
		require.Equal(t, livetables.JobCancelled, shown.State)
		w.start()
		w.settled(job.ID)
		unchanged(w, table, job)
	})
	t.Run("it comes no further", func(t *testing.T) {
		w, table, job := waiting(t)
		for range 5 { // runs that end their process each time
			kept, err := w.db.FindJob(t.Context(), job.ID)
			require.NoError(t, err)
			taken, err := w.db.TakeJob(t.Context(), kept, minidb.NewID("run"))
			require.NoError(t, err)
			require.True(t, taken)
		}
		w.start()
		ended := w.settled(job.ID)
		require.Equal(t, livetables.JobFailed, ended.State)
		require.EqualValues(t, job.Stored, ended.Stored)
		unchanged(w, table, job)
	})
	t.Run("the workspace is gone", func(t *testing.T) {
		w, _, _ := waiting(t)
		ws, _, err := w.as("owner").Workspace(t.Context(), w.workspace)
		require.NoError(t, err)
		require.NoError(t, w.as("owner").DeleteWorkspace(t.Context(), w.workspace, ws.Version))
		require.NoError(t, w.engine.Purge(t.Context()))
		require.Empty(t, w.kept(), "with its files")
		w.start()
	})
}
