package differential

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// liar is an engine whose answers are changed: it pushes everything and then gets something wrong.
type liar struct {
	memoryBackend
	change func(q *lqp.Query) *lqp.Query
}

func (l liar) load(ctx context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error) {
	a, found, err := l.memoryBackend.load(ctx, w)
	return lying{a, l.change}, found, err
}

type lying struct {
	adapter.Adapter
	change func(q *lqp.Query) *lqp.Query
}

func (l lying) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	return l.Adapter.Scan(ctx, l.change(q))
}

// rewritten changes every call of a function.
func rewritten(fn string, to func(c *lqp.Call) lqp.Expr) func(q *lqp.Query) *lqp.Query {
	return func(q *lqp.Query) *lqp.Query {
		return q.MapExprs(func(e lqp.Expr) lqp.Expr {
			return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
				if c, ok := e.(*lqp.Call); ok && c.Func == fn {
					return to(c)
				}
				return e
			})
		})
	}
}

// Engines that lie are caught, their case is made small, and the seed of it tells the lie from the truth.
func TestLiarsAreCaught(t *testing.T) {
	for name, change := range map[string]func(q *lqp.Query) *lqp.Query{
		"nulls the other way": func(q *lqp.Query) *lqp.Query {
			c := q.Clone()
			for i := range c.OrderBy {
				c.OrderBy[i].Nulls = lqp.NullsFirst
			}
			return c
		},
		"contains regardless of case": rewritten("contains", func(c *lqp.Call) lqp.Expr { return lqp.NewCall("icontains", c.Args...) }),
		"not of NULL is NULL": rewritten("not", func(c *lqp.Call) lqp.Expr {
			return lqp.NewCall("and", lqp.NewCall("not", c.Args...), lqp.NewCall("not", lqp.NewCall("is_null", lqp.Columns(c)[0])))
		}),
		"less or equal": rewritten("lt", func(c *lqp.Call) lqp.Expr { return lqp.NewCall("le", c.Args...) }),
		"an offset too far": func(q *lqp.Query) *lqp.Query {
			c := q.Clone()
			if c.Page.Offset > 0 {
				c.Page.Offset++
			}
			return c
		},
		"no zone": func(q *lqp.Query) *lqp.Query {
			return q.MapExprs(func(e lqp.Expr) lqp.Expr { return lqp.InZone(e, nil) })
		},
		"left is inner": func(q *lqp.Query) *lqp.Query { return joinedAs(q, lqp.Left, lqp.Inner) },
		"inner is left": func(q *lqp.Query) *lqp.Query { return joinedAs(q, lqp.Inner, lqp.Left) },
	} {
		t.Run(name, func(t *testing.T) {
			backends["liar"] = func(context.Context) (backend, error) { return liar{change: change}, nil }
			defer delete(backends, "liar")
			var found *Failure
			_, err := Run(t.Context(), Options{Seed: testseed.Of(t), Plans: 20_000, Engines: []string{"liar"}, Workers: 1, Shrink: 5 * time.Second,
				Found: func(f *Failure) { found = f }})
			require.NoError(t, err)
			require.NotNil(t, found, "the lie is not found")
			assert.Positive(t, found.Steps)
			file := filepath.Join(t.TempDir(), "seed.json")
			require.NoError(t, found.Case.Write(file))
			c, err := ReadCase(file)
			require.NoError(t, err)
			rows := 0
			for _, tb := range c.World.Tables {
				rows += len(tb.Rows)
			}
			assert.LessOrEqual(t, rows, 12, "the case is not small\n%s", found)
			for engine, bad := range map[string]bool{"liar": true, Memory: false} {
				r, err := NewReplayer(t.Context(), []string{engine})
				require.NoError(t, err)
				c.Engines = []string{engine}
				got, err := r.Replay(t.Context(), c)
				require.NoError(t, err)
				assert.Equal(t, bad, len(got) > 0, "%s answers %s", engine, strings.Join(got, "\n"))
			}
		})
	}
}

func joinedAs(q *lqp.Query, from, to lqp.JoinKind) *lqp.Query {
	c := q.Clone()
	for i := range c.Joins {
		if c.Joins[i].Kind == from {
			c.Joins[i].Kind = to
		}
	}
	return c
}

// Sources that push everything are compared with those that push by coin: a coin alone must change nothing.
func TestCoinChangesNothing(t *testing.T) {
	s := testseed.Of(t)
	w := NewWorld(rand.New(rand.NewPCG(s, 3)))
	a, found, err := memoryBackend{}.load(t.Context(), w)
	require.NoError(t, err)
	for i := range uint64(200) {
		q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: "t0"}}, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return found[name], nil }})
		require.NoError(t, err)
		split := toss(watch(a), s+i).Plan(q)
		require.NotNil(t, split.Pushed)
		require.Equal(t, memory.New(nil, memory.Options{Prover: memory.Coin(s + i)}).Plan(q).Pushed, split.Pushed)
	}
}
