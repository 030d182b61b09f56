package livetables_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

// Joins of tables that are larger than chunks and look-ups, with duplicate and NULL keys, in every direction between the
// mini-DB, a SQLite file and PostgreSQL: in one go and page by page.
func TestLargeJoinsAcrossSources(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	w := newWorld(t)
	tables := copies(t, w, []*plantest.Table{plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 400, NoEmpty: true})})
	for _, from := range tables {
		for _, to := range tables {
			if from == to {
				continue
			}
			for _, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left} {
				q := &lqp.Query{
					From: lqp.Source{Connection: from.Connection, Table: from.Schema.Name, Alias: "a"},
					Joins: []lqp.Join{{Kind: kind, Source: lqp.Source{Connection: to.Connection, Table: to.Schema.Name, Alias: "b"},
						On: expr(t, `a.ref = b.ref AND b.n <> 2`)}},
					Where:   expr(t, `a.d > 0 AND REPT(a.t, 2) <> "bb"`),
					Select:  cols(t, "a=a.id", "b=b.id", "n=a.n"),
					OrderBy: order(t, "-a.n", "a.t", "a.id", "-b.id"),
				}
				bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
				require.NoError(t, err)
				want := oracleTexts(plantest.Answer(bound, plantest.Rows(tables)))
				require.Greater(t, len(want), 100)
				rows, err := w.viewer.Export(t.Context(), w.workspace, q)
				where := fmt.Sprintf("%s join from %q to %q", kind, from.Connection, to.Connection)
				require.Equal(t, want, all(t, rows, err), where)
				require.Equal(t, want, walk(t, w.viewer, w.workspace, *q, 130), where)
			}
		}
	}
}

// More queries at once than a source has connections, each of which reads two tables of it: none holds a connection while
// it waits for another one.
func TestQueriesDoNotWaitForEachOther(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	w := newWorld(t)
	tables := copies(t, w, []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 300, NoEmpty: true}),
		plantest.NewTable(r, plantest.Spec{Name: "two", Rows: 300, NoEmpty: true}),
	})
	one, two := tables[0], tables[3] // of PostgreSQL
	require.Equal(t, one.Connection, two.Connection)
	var wg sync.WaitGroup
	for n := range 24 {
		q := &lqp.Query{
			From: lqp.Source{Connection: one.Connection, Table: one.Schema.Name, Alias: "a"},
			Joins: []lqp.Join{
				{Kind: lqp.Left, Source: lqp.Source{Connection: two.Connection, Table: two.Schema.Name, Alias: "b"}, On: expr(t, `a.id = b.id`)},
				{Kind: lqp.Left, Source: lqp.Source{Table: tables[2].Schema.Name, Alias: "c"}, On: expr(t, `a.id = c.id`)},
			},
			Select: cols(t, "a.id"), OrderBy: order(t, []string{"a.id", "b.n", "-c.t"}[n%3]), Page: lqp.Page{Limit: 150},
		}
		wg.Go(func() {
			rows, err := w.viewer.Query(t.Context(), w.workspace, q)
			if !assert.NoError(t, err) {
				return
			}
			defer rows.Close()
			count := 0
			for rows.Next() {
				count++
			}
			assert.NoError(t, rows.Err())
			assert.Equal(t, 150, count)
		})
	}
	wg.Wait()
}

// A table without a key is paged by offset. PostgreSQL orders rows that tie otherwise for every limit: nothing may be
// missing or come twice nevertheless.
func TestPagesWithoutAKey(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	w := newWorld(t)
	tables := copies(t, w, []*plantest.Table{plantest.NewTable(r, plantest.Spec{Name: "same", Rows: 150, NoEmpty: true, Keyless: true})})
	for _, tb := range tables {
		for _, by := range []string{"n", "-t", "b"} {
			q := lqp.Query{From: lqp.Source{Connection: tb.Connection, Table: "same"}, Select: cols(t, "id", "n", "t"), OrderBy: order(t, by)}
			rows, err := w.viewer.Export(t.Context(), w.workspace, &q)
			want := all(t, rows, err)
			require.Len(t, want, 150)
			assert.ElementsMatch(t, want, walk(t, w.viewer, w.workspace, q, 13), "by %s", by)
		}
	}
}
