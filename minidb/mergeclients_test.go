package minidb_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// attempt is an edit that a client sent and what became of it.
type attempt struct {
	row      string
	base     int64
	set      map[string]lqp.Value
	version  int64 // of the row after it, 0 for a conflict
	conflict int64 // the version that it conflicted with
}

// TestMergingClients lets clients edit rows at once, each from a version that it may have read long ago, and holds what came
// of it against a model: the versions of a row one after the other, each the one before with the accepted edit merged into
// it by field. Every accepted edit is there once, so none is lost; every conflict had a reason.
func TestMergingClients(t *testing.T) {
	seed := testseed.Of(t)
	g := newFixture(t, minidb.Options{}).table(goods)
	ids := g.add(values{"Name": text("n0"), "Stock": num(0), "Notes": text("t0")}, values{"Name": text("n0"), "Stock": num(0), "Notes": text("t0")})
	const clients, edits = 6, 40
	done := make([][]attempt, clients)
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(n)))
			seen := map[string]int64{ids[0]: 1, ids[1]: 1}
			for range edits {
				a := attempt{row: ids[r.IntN(2)], set: map[string]lqp.Value{}}
				a.base = seen[a.row]
				for len(a.set) == 0 {
					if r.IntN(2) == 0 {
						a.set["Name"] = text("n" + string(rune('0'+r.IntN(3))))
					}
					if r.IntN(2) == 0 {
						a.set["Stock"] = num(r.Int64N(4))
					}
					if r.IntN(3) == 0 {
						a.set["Notes"] = text("t" + string(rune('0'+r.IntN(9))))
					}
				}
				m := g.merging(a.row, a.base, a.set)
				m.Partial = r.IntN(2) == 0
				got, err := g.as(minidb.Actor{ID: "usr_" + string(rune('a'+n))}, m, minidb.Guard{})
				if got.Err != nil {
					err = got.Err
				}
				var c *minidb.ConflictError
				switch {
				case errors.As(err, &c):
					a.conflict = c.Current
					seen[a.row] = c.Current // read it anew
				case err != nil:
					t.Errorf("client %d: %v", n, err)
					return
				default:
					a.version = got.Version
					if r.IntN(3) > 0 { // else it goes on from what it has
						seen[a.row] = got.Version
					}
				}
				done[n] = append(done[n], a)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	accepted, merged, refused := 0, 0, 0
	for _, id := range ids {
		versions := g.versionsOf(id)
		writers := make([]int, len(versions))
		for _, list := range done {
			for _, a := range list {
				if a.row != id {
					continue
				}
				if a.conflict != 0 {
					refused++
					_, clash := mergeModel(versions[a.base], versions[a.conflict], a.set)
					require.True(t, clash, "a conflict without a reason: %+v, seed %d", a, seed)
					continue
				}
				accepted++
				// An edit that changes nothing makes no version: it saw the row as it is in the version that it was told.
				same, clash := mergeModel(versions[a.base], versions[a.version], a.set)
				if !clash && equalFields(same, versions[a.version]) && (a.version == 1 || !makes(versions, a)) {
					continue
				}
				require.True(t, makes(versions, a), "%+v is not what version %d came of, seed %d", a, a.version, seed)
				writers[a.version]++
				if a.base < a.version-1 {
					merged++
				}
			}
		}
		for v := 2; v < len(versions); v++ {
			require.GreaterOrEqual(t, writers[v], 1, "nobody wrote version %d, seed %d", v, seed)
		}
		require.True(t, equalFields(versions[len(versions)-1], g.stored()[id]), "the row is its last version")
	}
	t.Logf("%d edits accepted, %d of them merged, %d conflicts", accepted, merged, refused)
	require.Positive(t, merged)
	require.Positive(t, refused)
}

var edited = []string{"Name", "Stock", "Notes"}

// mergeModel is the three-way merge as the documents have it.
func mergeModel(base, now map[string]lqp.Value, set map[string]lqp.Value) (after map[string]lqp.Value, conflict bool) {
	after = map[string]lqp.Value{}
	for _, c := range edited {
		after[c] = now[c]
		mine, ok := set[c]
		if !ok || lqp.Equal(mine, base[c]) || lqp.Equal(mine, now[c]) {
			continue
		}
		if !lqp.Equal(base[c], now[c]) {
			conflict = true
		}
		after[c] = mine
	}
	return after, conflict
}

// makes reports whether an edit made its version of the one before.
func makes(versions []map[string]lqp.Value, a attempt) bool {
	after, clash := mergeModel(versions[a.base], versions[a.version-1], a.set)
	if a.base == a.version { // it changed nothing
		return false
	}
	return !clash && equalFields(after, versions[a.version]) && !equalFields(after, versions[a.version-1])
}

func equalFields(a, b map[string]lqp.Value) bool {
	for _, c := range edited {
		if !lqp.Equal(a[c], b[c]) {
			return false
		}
	}
	return true
}

// versionsOf are the rows that the log has of a row, by version.
func (t *table) versionsOf(id string) []map[string]lqp.Value {
	t.Helper()
	entries, err := t.History(t.ctx, minidb.HistoryQuery{Workspace: t.workspace.ID, Resource: id, Limit: 10_000})
	require.NoError(t, err)
	list := make([]map[string]lqp.Value, len(entries)+1)
	for _, e := range entries {
		row, err := t.Row(e.After)
		require.NoError(t, err)
		require.Nil(t, list[e.Version], "one entry for each version")
		list[e.Version] = map[string]lqp.Value{}
		for i, c := range t.Schema().Columns {
			list[e.Version][c.Name] = row[i]
		}
	}
	return list
}
