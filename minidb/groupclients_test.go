package minidb_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestClientsThatGiveUp lets many clients insert rows at once, some of whom give up at any moment. Whoever was told of success
// has its row, whoever was told that the call was taken back has none, and the log has each row once, without a gap.
func TestClientsThatGiveUp(t *testing.T) {
	seed := testseed.Of(t)
	g := newFixture(t, minidb.Options{}).table(goods).reload()
	const clients, rows = 16, 25
	type outcome struct {
		id  string
		err error
	}
	told := make([][]outcome, clients)
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(n)))
			for range rows {
				m := g.insert(values{"Name": text("n"), "Code": text(minidb.NewID("row"))})
				id := minidb.NewID("row")
				m.Rows[0].ID = []lqp.Value{text(id)}
				ctx, cancel := context.WithCancel(g.ctx)
				if r.IntN(2) == 0 {
					time.AfterFunc(time.Duration(r.IntN(3000))*time.Microsecond, cancel)
				}
				_, err := g.Apply(ctx, minidb.Actor{ID: "usr_a"}, []minidb.Write{{Table: g.Table, Mutation: m}})
				cancel()
				told[n] = append(told[n], outcome{id, err})
			}
		})
	}
	wg.Wait()
	there := map[string]bool{}
	entries, err := g.TableChanges(g.ctx, g.ID, 0, 0)
	require.NoError(t, err)
	for i := range entries {
		require.EqualValues(t, i+1, entries[i].Offset)
		if entries[i].Action == "row.insert" {
			require.False(t, there[entries[i].Resource])
			there[entries[i].Resource] = true
		}
	}
	done, back := 0, 0
	for _, list := range told {
		for _, o := range list {
			if o.err != nil {
				require.ErrorIs(t, o.err, context.Canceled)
				back++
			} else {
				done++
			}
			require.Equal(t, o.err == nil, there[o.id], "row %s: %v", o.id, o.err)
		}
	}
	require.Len(t, there, done)
	require.EqualValues(t, chained(g.fixture), g.count("SELECT count(*) FROM lt_change"))
	t.Logf("%d rows, %d calls taken back", done, back)
	require.Positive(t, done)
}

// TestRaceForOneValue lets many clients insert the same unique value and change the same version of a row at once: one of each
// wins, the others are told why not, and what they insert besides is there.
func TestRaceForOneValue(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods).reload()
	row := g.add(values{"Name": text("n"), "Stock": num(0)})[0]
	const clients, rounds = 12, 8
	for round := range rounds {
		var wg sync.WaitGroup
		errs := make([][3]error, clients)
		for n := range clients {
			wg.Go(func() {
				for k, m := range []*lqp.Mutation{
					g.insert(values{"Name": text("n"), "Code": num2code(round)}),
					g.update(row, int64(round+1), values{"Stock": num(int64(100*round + n + 1))}),
					g.insert(values{"Name": text("free")}),
				} {
					_, errs[n][k] = g.Apply(g.ctx, minidb.Actor{ID: "usr_a"}, []minidb.Write{{Table: g.Table, Mutation: m}})
				}
			})
		}
		wg.Wait()
		var inserted, updated int
		for _, e := range errs {
			var taken *minidb.ValidationError
			var conflict *minidb.ConflictError
			switch {
			case e[0] == nil:
				inserted++
			case !errors.As(e[0], &taken) || taken.Fields[0].Code != minidb.CodeUnique:
				t.Fatalf("insert of a value that is taken: %v", e[0])
			}
			switch {
			case e[1] == nil:
				updated++
			case !errors.As(e[1], &conflict):
				t.Fatalf("update of an earlier version: %v", e[1])
			default:
				require.EqualValues(t, round+2, conflict.Current)
			}
			require.NoError(t, e[2])
		}
		require.Equal(t, [2]int{1, 1}, [2]int{inserted, updated})
	}
	require.EqualValues(t, chained(g.fixture), g.count("SELECT count(*) FROM lt_change"))
}

func num2code(n int) lqp.Value { return text("c" + string(rune('0'+n))) }
