package minidb_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestJobSteps: rows that are a step of a job commit with it and only while the job is the run's; what is refused leaves
// neither rows nor entries.
func TestJobSteps(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	ctx := t.Context()
	tbl := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "N", Type: minidb.IntegerColumn}}})
	job := minidb.Job{ID: minidb.NewID("job"), Workspace: tbl.Workspace, Owner: "me", State: minidb.JobRunning, Document: []byte(`{}`), Holder: "a/1", Plan: []byte(`{"x":1}`), FileBytes: 60}
	var limit *minidb.LimitError
	require.ErrorAs(t, f.DB.CreateJob(ctx, minidb.Actor{}, job, 59), &limit)
	require.Equal(t, "job_file_bytes", limit.Name)
	require.NoError(t, f.DB.CreateJob(ctx, minidb.Actor{}, job, 60))
	require.ErrorAs(t, f.DB.JobRoom(ctx, tbl.Workspace, 1, 60), &limit)

	step := func(holder string, from, to int64) error {
		m := tbl.insert(values{"N": num(from)}, values{"N": num(to)})
		_, err := f.DB.Apply(ctx, minidb.Actor{ID: "me", Step: &minidb.JobStep{Job: job.ID, Holder: holder, From: from, To: to}},
			[]minidb.Write{{Table: tbl.Table, Mutation: m}})
		return err
	}
	there := func(rows int, stored int64) {
		t.Helper()
		require.Len(t, tbl.stored(), rows)
		require.EqualValues(t, rows, f.count(`SELECT count(*) FROM lt_change WHERE action = 'row.insert'`))
		kept, err := f.DB.FindJob(ctx, job.ID)
		require.NoError(t, err)
		require.Equal(t, stored, kept.Stored)
	}
	require.NoError(t, step("a/1", 0, 2))
	there(2, 2)
	require.ErrorIs(t, step("a/1", 0, 2), minidb.ErrJobLost, "the same again")
	require.ErrorIs(t, step("b/1", 2, 4), minidb.ErrJobLost, "another run")
	there(2, 2)

	open, err := f.DB.OpenJobs(ctx)
	require.NoError(t, err)
	require.Len(t, open, 1)
	for i, want := range []bool{true, false} { // of two that want it one gets it
		taken, err := f.DB.TakeJob(ctx, open[0], "b/"+string(rune('1'+i)))
		require.NoError(t, err)
		require.Equal(t, want, taken)
	}
	require.ErrorIs(t, step("a/1", 2, 4), minidb.ErrJobLost, "the job was taken from it")
	held, err := f.DB.UpdateJob(ctx, minidb.Actor{}, job, true)
	require.NoError(t, err)
	require.False(t, held, "nor does it end the job")
	held, err = f.DB.RestJob(ctx, job, true)
	require.NoError(t, err)
	require.False(t, held)
	require.NoError(t, step("b/1", 2, 4))
	there(4, 4)
	kept, err := f.DB.FindJob(ctx, job.ID)
	require.NoError(t, err)
	require.Zero(t, kept.Tries, "it came further")

	asked, err := f.DB.AskJobEnd(ctx, minidb.Actor{}, kept)
	require.NoError(t, err)
	require.True(t, asked)
	require.ErrorIs(t, step("b/1", 4, 6), minidb.ErrJobCancelled)
	there(4, 4)
	job.Holder, job.State = "b/1", "cancelled"
	held, err = f.DB.UpdateJob(ctx, minidb.Actor{}, job, true)
	require.NoError(t, err)
	require.True(t, held)
	kept, err = f.DB.FindJob(ctx, job.ID)
	require.NoError(t, err)
	require.Empty(t, kept.Plan)
	require.Zero(t, kept.FileBytes, "its room is free")
	asked, err = f.DB.AskJobEnd(ctx, minidb.Actor{}, kept)
	require.NoError(t, err)
	require.False(t, asked, "it has ended")
	open, err = f.DB.OpenJobs(ctx)
	require.NoError(t, err)
	require.Empty(t, open)
	require.EqualValues(t, 1, f.count(`SELECT count(*) FROM lt_change WHERE action = 'job.end'`))
	require.EqualValues(t, 1, f.count(`SELECT count(*) FROM lt_change WHERE action = 'job.resume'`))
	require.EqualValues(t, 1, f.count(`SELECT count(*) FROM lt_change WHERE action = 'job.cancel'`))
}

// TestJobStepOfAStream: an import in one transaction is one step, known at its end, and a table is made by one.
func TestJobStepOfAStream(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	ctx := context.Background()
	base := f.table(minidb.TableSpec{Name: "First", Columns: []minidb.ColumnSpec{{Name: "N", Type: minidb.IntegerColumn}}})
	job := minidb.Job{ID: minidb.NewID("job"), Workspace: base.Workspace, Owner: "me", State: minidb.JobRunning, Document: []byte(`{}`), Holder: "a/1"}
	require.NoError(t, f.DB.CreateJob(ctx, minidb.Actor{}, job, 0))
	made := &minidb.JobStep{Job: job.ID, Holder: "a/1"}
	table, err := f.DB.CreateTable(ctx, minidb.Actor{ID: "me", Step: made}, base.Base, minidb.TableSpec{Name: "Made", Columns: []minidb.ColumnSpec{{Name: "N", Type: minidb.IntegerColumn}}})
	require.NoError(t, err)
	require.Equal(t, table.ID, made.Table)
	kept, err := f.DB.FindJob(ctx, job.ID)
	require.NoError(t, err)
	require.Equal(t, table.ID, kept.Table)
	lost := &minidb.JobStep{Job: job.ID, Holder: "b/1"}
	_, err = f.DB.CreateTable(ctx, minidb.Actor{ID: "me", Step: lost}, base.Base, minidb.TableSpec{Name: "Lost"})
	require.ErrorIs(t, err, minidb.ErrJobLost)

	stream := &minidb.JobStep{Job: job.ID, Holder: "a/1", Table: table.ID}
	n := int64(0)
	next := func() ([]lqp.Value, error) {
		if n == 1000 {
			stream.To = n
			return nil, io.EOF
		}
		n++
		return []lqp.Value{num(n)}, nil
	}
	snap, err := f.DB.Snapshot(ctx, base.Workspace)
	require.NoError(t, err)
	t2, ok := snap.Table(table.ID)
	require.True(t, ok)
	_, err = f.DB.ImportRows(ctx, minidb.Actor{ID: "me", Step: stream}, minidb.Import{Table: t2, Columns: []string{t2.Columns[0].ID}, Next: next})
	require.NoError(t, err)
	kept, err = f.DB.FindJob(ctx, job.ID)
	require.NoError(t, err)
	require.EqualValues(t, 1000, kept.Stored)
	require.Equal(t, table.ID, kept.Table)
}

// TestFilesOfJobsAreSwept: of the files of jobs those are left alone whose job has not ended.
func TestFilesOfJobsAreSwept(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	ctx := t.Context()
	tbl := f.table(minidb.TableSpec{Name: "T"})
	n := 0
	old := func() string { n++; return fmt.Sprintf("job_%026d", n) } // made in 1970
	open := minidb.Job{ID: old(), Workspace: tbl.Workspace, Owner: "me", State: minidb.JobWaiting, Document: []byte(`{}`)}
	ended := minidb.Job{ID: old(), Workspace: tbl.Workspace, Owner: "me", State: "done", Document: []byte(`{}`)}
	require.NoError(t, f.DB.CreateJob(ctx, minidb.Actor{}, open, 0))
	require.NoError(t, f.DB.CreateJob(ctx, minidb.Actor{}, ended, 0))
	gone, fresh := minidb.JobFileKey(tbl.Workspace, old()), minidb.JobFileKey(tbl.Workspace, minidb.NewID("job"))
	stray, err := f.DB.StrayBlobs(ctx, []string{minidb.JobFileKey(tbl.Workspace, open.ID), minidb.JobLabelsKey(tbl.Workspace, open.ID),
		minidb.JobFileKey(tbl.Workspace, ended.ID), minidb.JobLabelsKey(tbl.Workspace, ended.ID), gone, fresh, "something/else"})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{minidb.JobFileKey(tbl.Workspace, ended.ID), minidb.JobLabelsKey(tbl.Workspace, ended.ID), gone}, stray)
}
