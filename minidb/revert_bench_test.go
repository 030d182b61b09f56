package minidb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func noGuard(*minidb.Table) (minidb.Guard, error) { return minidb.Guard{}, nil }

// fill makes n rows by imports and then rounds of changes of all of them by an actor.
func (t *table) fill(n, rounds int, by minidb.Actor) (ids []string) {
	t.Helper()
	for at := 0; at < n; at += 5_000 {
		m := t.insert()
		for i := at; i < min(at+5_000, n); i++ {
			m.Rows = append(m.Rows, lqp.RowChange{Set: t.set(values{"Name": text(fmt.Sprintf("row %07d", i)), "Stock": num(int64(i % 1_000)), "Price": dec("12.50"),
				"Notes": text("some words about this one")})})
		}
		for _, r := range t.do(m).Rows {
			ids = append(ids, r.ID)
		}
	}
	for round := range rounds {
		for at := 0; at < n; at += 5_000 {
			m := &lqp.Mutation{Op: lqp.Update, Table: t.ID}
			for _, id := range ids[at:min(at+5_000, n)] {
				m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{text(id)}, Set: t.set(values{"Stock": num(int64(2_000 + round))})})
			}
			_, err := t.Apply(t.ctx, by, []minidb.Write{{Table: t.Table, Mutation: m}})
			require.NoError(t, err)
		}
	}
	return ids
}

// BenchmarkRevert takes back 10,000 changes of one person among as many of others.
func BenchmarkRevert(b *testing.B) {
	f := newFixture(b, minidb.Options{})
	g := f.table(goods)
	began := time.Now().Add(-time.Hour)
	bob := minidb.Actor{ID: "usr_bob"}
	g.fill(10_000, 1, bob)
	for b.Loop() {
		plan, err := f.PlanRevert(f.ctx, minidb.Selection{Workspace: f.workspace.ID, Since: true, Actor: bob.ID, From: began}, "", []*minidb.Table{g.Table}, false)
		require.NoError(b, err)
		require.Len(b, plan.Tables[0].Rows, 10_000)
		_, results, err := f.ApplyRevert(f.ctx, alice, plan, minidb.Revert{Guard: noGuard, DryRun: true})
		require.NoError(b, err)
		require.Equal(b, 10_000, results[0].Affected)
	}
}

// BenchmarkAsOf reads a page of 100 rows of a table with 100,000 rows and 300,000 entries: as it was before the last 200,000 of
// them, and before the last one.
func BenchmarkAsOf(b *testing.B) {
	f := newFixture(b, minidb.Options{})
	g := f.table(goods)
	ids := g.fill(100_000, 0, alice)
	old, err := f.TableOffset(f.ctx, g.ID)
	require.NoError(b, err)
	for range 2 {
		for at := 0; at < len(ids); at += 5_000 {
			m := &lqp.Mutation{Op: lqp.Update, Table: g.ID}
			for i, id := range ids[at : at+5_000] {
				m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{text(id)}, Set: g.set(values{"Stock": num(int64(i + at%7_919))})})
			}
			g.do(m)
		}
	}
	newest, err := f.TableOffset(f.ctx, g.ID)
	require.NoError(b, err)
	for name, offset := range map[string]int64{"200000 entries ago": old, "1 entry ago": newest - 1} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				a := f.AsOf(minidb.Moment{Table: g.Table, Offset: offset})
				q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: g.ID}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", g.id("Name"))}}, Page: lqp.Page{Limit: 100}},
					lqp.Env{Table: func(string, string) (*lqp.Table, error) { return g.Schema(), nil }, MaxLimit: 1_000})
				require.NoError(b, err)
				rows, err := a.Scan(f.ctx, a.Plan(q).Pushed)
				require.NoError(b, err)
				n := 0
				for rows.Next() {
					n++
				}
				require.NoError(b, rows.Err())
				require.NoError(b, rows.Close())
				require.Equal(b, 100, n)
			}
		})
	}
}
