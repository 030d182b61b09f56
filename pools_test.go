package livetables_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// TestFederatedQueriesShareAPool runs many joins across connections at once while a workspace may read only once or twice at
// a time: each gets its answer, since none keeps its turn at one source while it waits for one at another.
func TestFederatedQueriesShareAPool(t *testing.T) {
	const patience = 3 * time.Minute // many wait for one turn, perhaps on a busy machine
	for _, limits := range []livetables.Limits{{WorkspaceReads: 1, QueryTime: patience}, {WorkspaceReads: 2, SourceReads: 1, QueryTime: patience}} {
		t.Run(fmt.Sprintf("%d of the workspace", limits.WorkspaceReads), func(t *testing.T) {
			r := rand.New(rand.NewPCG(13, 5))
			w := newWorld(t)
			w.limited(limits)
			tables := copies(t, w, []*plantest.Table{
				plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 300, NoEmpty: true}),
				plantest.NewTable(r, plantest.Spec{Name: "two", Rows: 300, NoEmpty: true}),
			})
			source := func(n int, alias string) lqp.Source {
				tb := tables[n%len(tables)]
				return lqp.Source{Connection: tb.Connection, Table: tb.Schema.Name, Alias: alias}
			}
			var plans []*lqp.Query
			for n, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left, lqp.Right, lqp.Full, lqp.Inner, lqp.Left} {
				q := &lqp.Query{From: source(n, "a"), Select: cols(t, "a=a.id", "b=b.id", "c=c.id"), OrderBy: order(t, "a.n", "a.id", "b.id", "c.id"), Count: lqp.CountExact,
					Joins: []lqp.Join{
						{Kind: kind, Source: source(n+1, "b"), On: expr(t, `a.id = b.id AND a.n <> 3`)},
						{Kind: lqp.Left, Source: source(n+3, "c"), On: expr(t, `b.id = c.id`)},
					}, Page: lqp.Page{Limit: 120}}
				grouped := &lqp.Query{From: source(n, "a"), GroupBy: cols(t, "n=a.n"), OrderBy: order(t, "a.n"), Page: lqp.Page{Limit: 120},
					Joins:      []lqp.Join{{Kind: lqp.Inner, Source: source(n+4, "b"), On: expr(t, `a.ref = b.id`)}},
					Aggregates: []lqp.Aggregate{{Name: "rows", Func: "countall"}}}
				plans = append(plans, q, grouped)
			}
			ask := func(q *lqp.Query) ([]string, error) {
				rows, err := w.viewer.Query(t.Context(), w.workspace, q)
				if err != nil {
					return nil, err
				}
				defer rows.Close()
				var list []string
				for rows.Next() {
					text := ""
					for i := range rows.Columns {
						text += rows.Value(i).String() + "|"
					}
					list = append(list, text)
				}
				return list, rows.Err()
			}
			want := make([][]string, len(plans))
			for i, q := range plans {
				var err error
				want[i], err = ask(q)
				require.NoError(t, err)
				require.NotEmpty(t, want[i])
			}
			var wg sync.WaitGroup
			for n := range 3 * len(plans) {
				wg.Go(func() {
					got, err := ask(plans[n%len(plans)])
					if assert.NoError(t, err) {
						assert.Equal(t, want[n%len(plans)], got)
					}
				})
			}
			wg.Wait()
		})
	}
}

// TestSourceBusy: who waits too long for a turn is told so, with the connection's name; other workspaces do not notice.
func TestSourceBusy(t *testing.T) {
	f := newFrail(t, servers[0], livetables.Limits{WorkspaceReads: 1, QueryTime: 3 * time.Second})
	ctx := t.Context()
	open, err := f.viewer.Export(ctx, f.workspace, &lqp.Query{From: lqp.Source{Connection: "shop", Table: "big"}, Select: cols(t, "id", "s")})
	require.NoError(t, err)
	require.True(t, open.Next())
	require.Equal(t, 1, f.health().Reading)

	_, err = f.first(1)
	require.Equal(t, livetables.CodeSourceBusy, livetables.Code(err), err)
	var source *livetables.SourceError
	require.ErrorAs(t, err, &source)
	require.Equal(t, "shop", source.Name)
	require.Positive(t, source.RetryAfter)
	require.Equal(t, livetables.StateClosed, f.health().State, "nobody's fault")

	other, err := f.owner.CreateWorkspace(ctx, "Other")
	require.NoError(t, err)
	c, err := f.owner.CreateConnection(ctx, other.ID, f.spec)
	require.NoError(t, err)
	rows, err := f.owner.Query(ctx, other.ID, &lqp.Query{From: lqp.Source{Connection: c.ID, Table: "big"}, Select: cols(t, "id"), OrderBy: order(t, "id"), Page: lqp.Page{Limit: 1}})
	require.Equal(t, []string{"1"}, all(t, rows, err))

	require.NoError(t, open.Close())
	_, err = f.first(1)
	require.NoError(t, err)
	require.Zero(t, f.health().Reading)
}

// TestChangedWhileRead: reads that have begun end as they began, on the pool of the settings of then; the deletion of a
// connection ends them.
func TestChangedWhileRead(t *testing.T) {
	f := newFrail(t, servers[0], livetables.Limits{})
	ctx := t.Context()
	begin := func() *livetables.Rows {
		rows, err := f.viewer.Export(ctx, f.workspace, &lqp.Query{From: lqp.Source{Connection: f.shop.ID, Table: "big"}, Select: cols(t, "id", "s"), OrderBy: order(t, "id")})
		require.NoError(t, err)
		require.True(t, rows.Next())
		return rows
	}
	rows := begin()
	f.spec.Name = "renamed"
	f.spec.Schemas = []string{"public"}
	_, err := f.owner.UpdateConnection(ctx, f.shop.ID, 0, f.spec)
	require.NoError(t, err)
	second, err := f.viewer.Query(ctx, f.workspace, &lqp.Query{From: lqp.Source{Connection: "renamed", Table: "big"}, Select: cols(t, "id"), OrderBy: order(t, "id"), Page: lqp.Page{Limit: 1}})
	require.Equal(t, []string{"1"}, all(t, second, err))
	n := 1
	for rows.Next() {
		n++
	}
	require.NoError(t, rows.Err())
	require.Equal(t, bigRows, n)
	require.NoError(t, rows.Close())

	rows, err = f.viewer.Export(ctx, f.workspace, &lqp.Query{From: lqp.Source{Connection: f.shop.ID, Table: "big", Alias: "a"}, Select: cols(t, "a.s"),
		Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Connection: f.shop.ID, Table: "big", Alias: "b"}, On: expr(t, "a.id < b.id")}}})
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.NoError(t, f.owner.DeleteConnection(ctx, f.shop.ID, 0))
	for rows.Next() {
	}
	require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(rows.Err()), rows.Err())
	require.NoError(t, rows.Close())
}

// TestIdleConnections are pinged, then closed, and opened again when somebody comes.
func TestIdleConnections(t *testing.T) {
	f := newFrail(t, servers[0], livetables.Limits{SourceIdle: 4 * time.Second, SourcePing: time.Second})
	conn, err := pgx.Connect(t.Context(), testenv.Postgres(t)) // another database of the same server
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	sessions := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = $1`, f.spec.Database).Scan(&n))
		return n
	}
	_, err = f.first(1)
	require.NoError(t, err)
	first := f.health().PingAt
	require.NotNil(t, first)
	seen, err := f.viewer.ConnectionHealth(t.Context(), f.shop.ID)
	require.NoError(t, err)
	require.Equal(t, &livetables.ConnectionHealth{State: livetables.StateClosed}, seen, "when others read is their affair")
	require.Positive(t, sessions())
	require.Eventually(t, func() bool { return f.health().PingAt.After(*first) }, 4*time.Second, 50*time.Millisecond)
	require.Eventually(t, func() bool { return sessions() == 0 }, 10*time.Second, 200*time.Millisecond)
	got, err := f.first(2)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, got)
	_, err = f.engine.As(rbac.Principal{ID: "stranger"}).ConnectionHealth(t.Context(), f.shop.ID)
	require.ErrorIs(t, err, livetables.ErrNotFound)
}
