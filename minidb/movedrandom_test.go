package minidb_test

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// TestRandomHistoriesMove changes a table at random, moves its workspace in between, goes on there, and moves it once more. Every
// archive of the same state is the same, and the chain of the log holds across all moves.
func TestRandomHistoriesMove(t *testing.T) {
	for _, seed := range []uint64{1, testseed.Of(t)} {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Logf("seed %d", seed)
			w := &schemaWalk{fixture: newFixture(t, minidb.Options{}), r: rand.New(rand.NewPCG(seed, 7)), cells: map[string]map[string]lqp.Value{},
				trashed: map[string]bool{}}
			w.g = w.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "a", Type: minidb.TextColumn},
				{Name: "b", Type: minidb.TextColumn}, {Name: "c", Type: minidb.TextColumn}}})
			for range 6 {
				w.insert()
			}
			blobs, err := blob.OpenDir(t.TempDir())
			require.NoError(t, err)
			at := &mover{TB: t, DB: w.DB, ctx: w.ctx, blobs: blobs}
			for _, to := range elsewhere(t) {
				for range 20 {
					w.step()
				}
				w.compare("before the move")
				archive := at.archive(w.workspace.ID)
				_, err := to.take(archive)
				require.NoError(t, err)
				require.True(t, bytes.Equal(archive, to.archive(w.workspace.ID)))
				at, w.DB = to, to.DB
				moved := *w.fixture
				moved.DB = to.DB
				w.fixture, w.g.fixture = &moved, &moved
				w.g.reload()
				w.compare("after the move")
				verifyChain(t, to.DB, w.workspace.ID)
			}
			for range 20 {
				w.step()
			}
			w.compare("at the end")
			verifyChain(t, at.DB, w.workspace.ID)
		})
	}
}
