package lqp_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/spill"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// counted counts the files in temporary storage.
type counted struct {
	lqp.Spill
	made, open, most int
	fail             error // of every write, when set
}

func (c *counted) Create() (lqp.SpillFile, error) {
	f, err := c.Spill.Create()
	if err != nil {
		return nil, err
	}
	c.made++
	c.open++
	c.most = max(c.most, c.open)
	return &countedFile{SpillFile: f, c: c}, nil
}

type countedFile struct {
	lqp.SpillFile
	c      *counted
	closed bool
}

func (f *countedFile) Write(p []byte) (int, error) {
	if f.c.fail != nil {
		return 0, f.c.fail
	}
	return f.SpillFile.Write(p)
}

func (f *countedFile) Close() error {
	if !f.closed {
		f.closed = true
		f.c.open--
	}
	return f.SpillFile.Close()
}

// Run answers random queries like the naive oracle when memory holds next to nothing: same rows, same order.
func TestSpillingAgreesWithTheOracle(t *testing.T) {
	seed := testseed.Of(t)
	place := spill.New(spill.Options{Dir: t.TempDir()})
	spilled := 0
	for n := range 400 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := randomTables(r)
		g := &plantest.Generator{R: r, Tables: tables, Nested: 2}
		written, _ := g.Query()
		q := bindTables(t, tables, written)
		want := plantest.Texts(plantest.Answer(q, plantest.Rows(tables)))
		if len(q.OrderBy) > 0 && r.IntN(3) == 0 {
			q, want = continued(q, tables)
		}
		for _, v := range []struct {
			name    string
			lookups bool
			opt     lqp.RunOptions
			bytes   int64
		}{
			{"nothing in memory", false, lqp.RunOptions{}, 1},
			{"little in memory", false, lqp.RunOptions{}, 1 + r.Int64N(20_000)},
			{"look-ups of 2", true, lqp.RunOptions{LookupBatch: 2}, 1 + r.Int64N(5000)},
			{"look-ups", true, lqp.RunOptions{}, 1},
		} {
			c := &counted{Spill: place.Scratch(0)}
			v.opt.Spill, v.opt.Budget = c, &lqp.Budget{MaxBytes: v.bytes}
			src := &plantest.Sources{Tables: tables, Lookups: v.lookups}
			got, err := answer(q, src, v.opt)
			where := fmt.Sprintf("%s, %d bytes: seed %d, query %d\n%s", v.name, v.bytes, seed, n, lqp.Format(q))
			require.NoError(t, err, where)
			require.Equal(t, want, plantest.Texts(got), where)
			require.Equal(t, src.Opened, src.Closed, "readers are left open: %s", where)
			require.Zero(t, c.open, "files are left: %s", where)
			spilled += min(c.made, 1)
		}
	}
	require.Zero(t, place.Used())
	require.Greater(t, spilled, 500)
}

// Joins, sorts and groups of more rows than memory holds answer as without a budget.
func TestSpillingLargeRuns(t *testing.T) {
	tables := large(2500)
	byN := call("and", call("eq", ref("a", "id"), ref("b", "ref")), call("ne", ref("a", "n"), ref("b", "n")))
	one := func() *lqp.Builder { return lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}) }
	grouped := func(fn string) *lqp.Builder {
		return one().GroupBy("n").Aggregate("x", fn, ref("a", "d")).Aggregate("all", "countall", nil)
	}
	for name, b := range map[string]*lqp.Builder{
		"inner join":           joined(lqp.Inner, byN),
		"left join":            joined(lqp.Left, byN),
		"right join":           joined(lqp.Right, byN).Column("b", ref("b", "id")),
		"full join":            joined(lqp.Full, byN).Column("b", ref("b", "id")),
		"one key in most rows": joined(lqp.Full, call("and", call("eq", ref("a", "b"), ref("b", "b")), call("eq", ref("a", "id"), ref("b", "id")))).Column("b", ref("b", "id")),
		"sort":                 one().Sort("t").Columns("id"),
		"sort with a page":     one().Sort("-t", "n").Columns("id").Limit(3000),
		"many groups":          one().GroupBy("ref", "t").Aggregate("s", "sum", ref("a", "d")).Aggregate("m", "max", ref("a", "t")).Aggregate("v", "var", ref("a", "d")),
		"sorted groups":        one().GroupBy("id").Aggregate("s", "sum", ref("a", "d")).Sort("s", "-id"),
		"distinct values":      grouped("count_unique"),
		"median":               grouped("median"),
		"collected":            grouped("array_agg"),
		"collected once":       grouped("array_unique"),
		"joined texts":         grouped("join"),
		"first":                one().GroupBy("ref").Aggregate("x", "first", ref("a", "t")),
		"all of them": one().GroupBy("ref").Aggregate("u", "count_unique", ref("a", "t")).Aggregate("m", "median", ref("a", "id")).
			Aggregate("l", "array_agg", ref("a", "t")).Aggregate("f", "last", ref("a", "at")).Aggregate("a", "average", ref("a", "d")).Aggregate("p", "percent_empty", ref("a", "t")),
		"without keys": one().Aggregate("u", "count_unique", ref("a", "id")).Aggregate("m", "median", ref("a", "id")).Aggregate("s", "stdev", ref("a", "d")),
	} {
		t.Run(name, func(t *testing.T) {
			q := bindTables(t, tables, b.Query())
			want, err := answer(q, &plantest.Sources{Tables: tables}, lqp.RunOptions{})
			require.NoError(t, err)
			require.NotEmpty(t, want)
			for _, bytes := range []int64{20_000, 200_000} {
				c := &counted{Spill: spill.New(spill.Options{Dir: t.TempDir()}).Scratch(0)}
				got, err := answer(q, &plantest.Sources{Tables: tables}, lqp.RunOptions{Spill: c, Budget: &lqp.Budget{MaxBytes: bytes}})
				require.NoError(t, err)
				requireSame(t, plantest.Texts(want), plantest.Texts(got))
				assert.Zero(t, c.open)
				if bytes == 20_000 {
					assert.Positive(t, c.made)
				}
			}
		})
	}
}

// requireSame compares long answers and shows the first row that differs.
func requireSame(t *testing.T, want, got []string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i], got[i], "row %d", i)
	}
	require.Len(t, got, len(want))
}

// However a Run ends, nothing of it is left in temporary storage.
func TestSpilledFilesAreRemoved(t *testing.T) {
	tables := large(3000)
	on := call("eq", ref("a", "id"), ref("b", "ref"))
	full := errors.New("no space left")
	for name, b := range map[string]*lqp.Builder{
		"join":  joined(lqp.Full, on),
		"sort":  lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Sort("t").Columns("id"),
		"group": lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).GroupBy("id").Aggregate("u", "count_unique", ref("a", "t")),
		"all":   joined(lqp.Inner, on).Sort("-id"),
	} {
		for _, end := range []string{"closed", "cancelled while reading", "cancelled after a row", "disk full", "write failure", "limit of the storage", "source fails"} {
			t.Run(name+", "+end, func(t *testing.T) {
				dir := t.TempDir()
				most := int64(0)
				if end == "limit of the storage" {
					most = 20_000
				}
				c := &counted{Spill: spill.New(spill.Options{Dir: dir}).Scratch(most)}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				src := &plantest.Sources{Tables: tables}
				rows := 0
				src.Row = func() {
					if rows++; rows == 1500 {
						switch end {
						case "cancelled while reading":
							cancel()
						case "disk full":
							c.fail = &lqp.BudgetError{Limit: lqp.LimitDisk, Max: 5}
						case "write failure":
							c.fail = full
						}
					}
				}
				if end == "source fails" {
					src.FailRow, src.FailAfter = "one", 2000
				}
				res, err := lqp.Run(ctx, bindTables(t, tables, b.Query()), src, lqp.RunOptions{Spill: c, Budget: &lqp.Budget{MaxBytes: 30_000}})
				require.NoError(t, err)
				more := res.Next()
				switch end {
				case "closed":
					require.True(t, more)
					require.Positive(t, c.made)
				case "cancelled after a row":
					cancel()
					for res.Next() {
					}
				case "cancelled while reading":
					require.ErrorIs(t, res.Err(), context.Canceled)
				case "disk full", "limit of the storage":
					var budget *lqp.BudgetError
					require.ErrorAs(t, res.Err(), &budget)
					assert.Equal(t, lqp.LimitDisk, budget.Limit)
					assert.NotEmpty(t, budget.Step)
				case "write failure":
					require.ErrorIs(t, res.Err(), lqp.ErrSpill)
					require.ErrorIs(t, res.Err(), full)
				case "source fails":
					require.ErrorIs(t, res.Err(), plantest.ErrSource)
				}
				require.NoError(t, res.Close())
				assert.Zero(t, c.open, "files are left")
				assert.Equal(t, src.Opened, src.Closed)
				left, err := os.ReadDir(dir)
				require.NoError(t, err)
				assert.Empty(t, left)
			})
		}
	}
}

// A queue gives back what it took in, within its budget.
func TestRowQueue(t *testing.T) {
	for _, n := range []int{0, 1, 5, 3000} {
		for _, bytes := range []int64{0, 1, 10_000} {
			c := &counted{Spill: spill.New(spill.Options{Dir: t.TempDir()}).Scratch(0)}
			q := lqp.NewRowQueue(&lqp.Budget{MaxBytes: bytes}, c, "wait", 2)
			for i := range n {
				require.NoError(t, q.Add([]lqp.Value{lqp.IntValue(int64(i)), lqp.TextValue(strconv.Itoa(i))}))
			}
			for i := range n {
				row, err := q.Next()
				require.NoError(t, err)
				require.Equal(t, fmt.Sprintf("%d %d", i, i), row[0].String()+" "+row[1].String())
			}
			row, err := q.Next()
			require.NoError(t, err)
			require.Nil(t, row)
			q.Close()
			q.Close()
			assert.Zero(t, c.open)
		}
	}
	q := lqp.NewRowQueue(&lqp.Budget{MaxBytes: 200}, nil, "wait", 1)
	defer q.Close()
	var err error
	for range 10 {
		err = errors.Join(err, q.Add([]lqp.Value{lqp.NullValue}))
	}
	var b *lqp.BudgetError
	require.ErrorAs(t, err, &b)
	assert.Equal(t, "wait", b.Step)
}
