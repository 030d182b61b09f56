package minidb_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func partial(m *lqp.Mutation) *lqp.Mutation {
	m.Partial = true
	return m
}

func TestPartial(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(minidb.TableSpec{Name: "Orders", Columns: append([]minidb.ColumnSpec{
		{Name: "No", Type: minidb.AutonumberColumn}}, goods.Columns...)})
	ids := g.add(values{"Name": text("A"), "Code": text("a")}, values{"Name": text("B"), "Code": text("b")},
		values{"Name": text("C"), "Code": text("c")}, values{"Name": text("D"), "Code": text("d")}, values{"Name": text("E"), "Code": text("e")})
	_, err := g.LockRow(g.ctx, bob, g.Table, ids[2], minidb.Guard{}, time.Minute)
	require.NoError(t, err)
	m := partial(&lqp.Mutation{Op: lqp.Update})
	add := func(id string, version int64, v values) {
		m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{text(id)}, Version: version, Set: g.set(v)})
	}
	add(ids[0], 0, values{"Stock": num(1)})        // 0: fine
	add(ids[1], 7, values{"Stock": num(1)})        // 1: another version
	add(ids[2], 0, values{"Stock": num(1)})        // 2: locked
	add(ids[3], 0, values{"Code": text("a")})      // 3: taken by a row that keeps it
	add(ids[4], 0, values{"Name": lqp.NullValue})  // 4: required
	add(ids[0], 0, values{"Stock": num(2)})        // 5: twice
	add(minidb.NewID("row"), 0, values{})          // 6: no such row
	add("nonsense", 0, values{"Stock": num(2)})    // 7: no id
	add(ids[4], 0, values{"Stock": text("three")}) // 8: twice and no number
	before := g.stored()
	r, err := g.try(m, minidb.Guard{})
	require.NoError(t, err)
	require.Len(t, r.Rows, len(m.Rows))
	require.Equal(t, 1, r.Affected)
	require.NoError(t, r.Rows[0].Err)
	require.Equal(t, int64(2), r.Rows[0].Version)
	var c *minidb.ConflictError
	require.ErrorAs(t, r.Rows[1].Err, &c)
	var locked *minidb.LockedError
	require.ErrorAs(t, r.Rows[2].Err, &locked)
	require.Equal(t, bob.ID, locked.Holder)
	for i, code := range map[int]string{3: minidb.CodeUnique, 4: minidb.CodeRequired, 5: minidb.CodeDuplicateRow, 8: minidb.CodeType} {
		f := faultsOf(t, r.Rows[i].Err)
		require.Contains(t, []string{f[0].Code, f[len(f)-1].Code}, code)
		require.Equal(t, i, f[0].Row)
	}
	require.ErrorIs(t, r.Rows[6].Err, minidb.ErrNotFound)
	require.ErrorIs(t, r.Rows[7].Err, minidb.ErrNotFound)
	after := g.stored()
	require.Equal(t, num(1), after[ids[0]]["Stock"])
	for _, id := range ids[1:] {
		require.Equal(t, before[id], after[id])
	}

	// Refused new rows take no numbers, and the whole is refused where the whole is concerned.
	news := partial(g.insert(values{"Name": text("x")}, values{}, values{"Name": text("y"), "Code": text("a")}, values{"Name": text("z")}))
	r, err = g.try(news, minidb.Guard{})
	require.NoError(t, err)
	stored := g.stored()
	require.Equal(t, []lqp.Value{num(6), num(7)}, []lqp.Value{stored[r.Rows[0].ID]["No"], stored[r.Rows[3].ID]["No"]})
	news.MaxAffected = 1
	var limit *minidb.LimitError
	_, err = g.try(news, minidb.Guard{})
	require.ErrorAs(t, err, &limit)
	require.Len(t, g.stored(), 7)
	news.MaxAffected = 0
	r, err = g.try(dry(news), minidb.Guard{})
	require.NoError(t, err)
	require.Error(t, r.Rows[1].Err)
	require.Len(t, g.stored(), 7)
	_, err = g.try(partial(&lqp.Mutation{Op: lqp.Delete, AllRows: true}), minidb.Guard{})
	require.Error(t, err)
}

// TestPartialIsOneByOne holds partial writes against the same changes sent one after the other.
func TestPartialIsOneByOne(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 1))
	f := newFixture(t, minidb.Options{})
	one := f.table(goods)
	spec := goods
	spec.Name = "Same"
	all := f.table(spec)
	tables := []*table{one, all}
	var ids [2][]string
	for k, g := range tables {
		for i := range 8 {
			ids[k] = append(ids[k], g.add(values{"Name": text("n"), "Code": text(strconv.Itoa(i)), "Stock": num(int64(i))})...)
		}
	}
	for round := range 60 {
		perm := r.Perm(8)[:1+r.IntN(8)]
		ms := [2]*lqp.Mutation{{Op: lqp.Update}, {Op: lqp.Update, Partial: true}}
		for _, i := range perm {
			v := values{"Stock": num(r.Int64N(20))}
			if r.IntN(2) == 0 {
				v["Code"] = text(strconv.Itoa(r.IntN(12)))
			}
			if r.IntN(6) == 0 {
				v["Name"] = lqp.NullValue
			}
			for k, g := range tables {
				ms[k].Rows = append(ms[k].Rows, lqp.RowChange{ID: []lqp.Value{text(ids[k][i])}, Set: g.set(v)})
			}
		}
		guard := func(g *table) minidb.Guard { return minidb.Guard{Update: g.where("lt", "Stock", num(17))} }
		got, err := all.try(ms[1], guard(all))
		require.NoError(t, err)
		for i, change := range ms[0].Rows {
			_, err := one.try(&lqp.Mutation{Op: lqp.Update, Rows: []lqp.RowChange{change}}, guard(one))
			// A batch may let two rows swap values, which one by one cannot; all else is alike.
			if (err == nil) != (got.Rows[i].Err == nil) {
				require.NoError(t, got.Rows[i].Err, "round %d, row %d, seed %d: alone it is %v", round, i, seed, err)
				require.Equal(t, minidb.CodeUnique, faultsOf(t, err)[0].Code, "seed %d", seed)
				t.Logf("round %d: values changed hands", round)
				return // the tables differ from here on
			}
		}
	}
}

// TestPartialIsNotSquare: a thousand refusals cost about what a thousand rows do, not a thousand times that.
func TestPartialIsNotSquare(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	m := partial(&lqp.Mutation{Op: lqp.Insert})
	for i := range 1000 {
		m.Rows = append(m.Rows, lqp.RowChange{Set: g.set(values{"Name": text("n"), "Stock": num(int64(i))})})
	}
	start := time.Now()
	r, err := g.try(m, minidb.Guard{Create: lqp.NewCall("eq", g.col("Stock"), lqp.Literal(num(500)))})
	require.NoError(t, err)
	require.Equal(t, 1, r.Affected)
	refused := 0
	for _, row := range r.Rows {
		if errors.Is(row.Err, minidb.ErrForbidden) {
			refused++
		}
	}
	require.Equal(t, 999, refused)
	require.Less(t, time.Since(start), 20*time.Second)
}
