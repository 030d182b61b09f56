package minidb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/minidb"
)

// inFiles counts the files of the database that contain a text: every file in the directory of an SQLite database, and every
// file of the store's tables and indexes on a PostgreSQL server.
func (f *fixture) inFiles(text string) (n int64) {
	f.Helper()
	if storetest.Driver() == ddl.Postgres {
		conn, err := pgx.Connect(f.ctx, f.place.URL)
		require.NoError(f, err)
		defer conn.Close(f.ctx)
		for _, s := range []string{"SET search_path = " + f.place.Schema, "CHECKPOINT"} {
			_, err := conn.Exec(f.ctx, s)
			require.NoError(f, err, s)
		}
		require.NoError(f, conn.QueryRow(f.ctx, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
			CROSS JOIN LATERAL unnest(ARRAY[c.oid, nullif(reltoastrelid, 0)]) AS t(oid)
			WHERE relkind IN ('r', 'i') AND `+ofStore+` AND t.oid IS NOT NULL
			AND position(convert_to($1, 'UTF8') IN pg_read_binary_file(pg_relation_filepath(t.oid))) > 0`, text).Scan(&n))
		return n
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(f.place.File), "*"))
	require.NoError(f, err)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		if strings.Contains(string(data), text) {
			n++
		}
	}
	return n
}

// TestPurgeLeavesNoByte fills several workspaces in turns, so that their entries share pages, deletes some and looks for
// them in every byte of the store's files.
func TestPurgeLeavesNoByte(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	const workspaces, doomed = 8, 4
	var tables []*table
	name := func(i int) string { return fmt.Sprintf("canary-%d-%d-", seed, i) }
	for i := range workspaces {
		w, err := f.CreateWorkspace(f.ctx, alice, name(i)+"w")
		require.NoError(t, err)
		own := *f
		own.workspace = w
		own.base, err = f.CreateBase(f.ctx, alice, w.ID, minidb.BaseSpec{Name: name(i) + "b"})
		require.NoError(t, err)
		tables = append(tables, own.table(goods))
	}
	for n := range 3000 {
		i := rnd.IntN(workspaces)
		g := tables[i]
		long := strings.Repeat(name(i), rnd.IntN(20))
		switch rnd.IntN(3) {
		case 0:
			g.add(values{"Name": text(name(i) + strconv.Itoa(n)), "Notes": text(long)})
		case 1:
			_, err := f.UpdateBase(f.ctx, alice, g.base.ID, minidb.BasePatch{Description: &long}, 0)
			require.NoError(t, err)
		case 2:
			_, err := f.CreateProject(f.ctx, alice, g.workspace.ID, minidb.ProjectSpec{Name: name(i) + strconv.Itoa(n), Description: long})
			if !errors.Is(err, minidb.ErrLimit) {
				require.NoError(t, err)
			}
		}
	}
	kept := map[int]int{}
	for i := range workspaces {
		kept[i] = len(tables[i].stored())
		require.Positive(t, f.inFiles(name(i)))
	}
	for i := range doomed {
		require.NoError(t, f.DeleteWorkspace(f.ctx, alice, tables[i].workspace.ID, 0))
	}
	left, err := f.Doomed(f.ctx)
	require.NoError(t, err)
	require.True(t, left)
	require.NoError(t, f.Purge(f.ctx, nil))
	for i := range workspaces {
		if i < doomed {
			require.Zero(t, f.inFiles(name(i)))
			require.Equal(t, map[string]int64{"lt_change": 1}, mentions(f, tables[i].workspace.ID))
			continue
		}
		require.Positive(t, f.inFiles(name(i)))
		require.Len(t, tables[i].stored(), kept[i])
	}
	left, err = f.Doomed(f.ctx)
	require.NoError(t, err)
	require.False(t, left)
}

// TestDeletionIsAtOnceAndPurgedLater looks at a workspace that is deleted and not purged: nothing leads to it.
func TestDeletionIsAtOnceAndPurgedLater(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	ids, g := furnish(f, f.workspace, "some-view")
	_, err := f.CreateWorkspace(f.ctx, alice, "Other")
	require.NoError(t, err)
	require.NoError(t, f.DeleteWorkspace(f.ctx, alice, f.workspace.ID, 0))
	_, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	for _, id := range append(ids, f.workspace.ID) {
		_, err := f.WorkspaceOf(f.ctx, id)
		require.ErrorIs(t, err, minidb.ErrNotFound, id)
	}
	_, err = g.try(g.insert(values{"Name": text("late")}), minidb.Guard{})
	require.ErrorIs(t, err, minidb.ErrNotFound)
	entries, err := f.Changes(f.ctx, 0, 0)
	require.NoError(t, err)
	for _, e := range entries {
		require.NotEqual(t, f.workspace.ID, e.Workspace, "a consumer that lags is not told of what is deleted")
	}
	require.ErrorIs(t, f.DeleteWorkspace(f.ctx, alice, f.workspace.ID, 0), minidb.ErrNotFound)
}

// TestPurgeIsResumed ends purges in the middle, at each of several steps, and goes on in another process.
func TestPurgeIsResumed(t *testing.T) {
	place := storetest.New(t)
	ctx := t.Context()
	f := &fixture{TB: t, DB: openAt(t, place, minidb.Options{}), ctx: ctx, place: place}
	w, err := f.CreateWorkspace(ctx, alice, "the canary workspace")
	require.NoError(t, err)
	_, g := furnish(f, w, "a-canary-view")
	for range 5 {
		var rows []values
		for i := range 1000 {
			rows = append(rows, values{"Name": text(fmt.Sprint("canary ", i))})
		}
		g.add(rows...)
	}
	require.NoError(t, f.DeleteWorkspace(ctx, alice, w.ID, 0))

	// The process ends while it removes rows: here by the context of its purge.
	for after := range 3 {
		halted, cancel := context.WithCancel(ctx)
		calls := 0
		again := openAt(t, place, minidb.Options{Clock: nil})
		err = again.Purge(haltAfter(halted, cancel, &calls, after), nil)
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
	}
	// Whoever keeps something elsewhere fails: the workspace counts as not purged, and is told of again.
	asked := 0
	fails := errors.New("not now")
	forget := func(_ context.Context, id string) error {
		require.Equal(t, w.ID, id)
		if asked++; asked == 1 {
			return fails
		}
		return nil
	}
	again := openAt(t, place, minidb.Options{})
	require.ErrorIs(t, again.Purge(ctx, forget), fails)
	left, err := again.Doomed(ctx)
	require.NoError(t, err)
	require.True(t, left)
	require.NoError(t, again.Purge(ctx, forget))
	require.Equal(t, 2, asked)
	require.Zero(t, f.inFiles("canary"))
	require.NoError(t, again.Purge(ctx, forget))
	require.Equal(t, 2, asked, "what is settled is not told of again")
}

// haltAfter ends a context when it was asked about itself some times: between two steps of what uses it.
func haltAfter(ctx context.Context, cancel func(), calls *int, most int) context.Context {
	return &halting{Context: ctx, cancel: cancel, calls: calls, most: most}
}

type halting struct {
	context.Context
	mu     sync.Mutex
	cancel func()
	calls  *int
	most   int
}

func (h *halting) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if *h.calls++; *h.calls > 3*h.most {
		h.cancel()
	}
	return h.Context.Err()
}
