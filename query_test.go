package livetables_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// shop fills a mini-DB table of customers and a PostgreSQL table of their invoices, and answers with the connection.
func shop(t *testing.T, w *world) (customers *minidb.Table, pg *livetables.Connection, joined []string) {
	ctx := t.Context()
	dsn := testenv.Postgres(t)
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, `CREATE TABLE invoice (id int PRIMARY KEY, customer_id int NOT NULL, total numeric(10,2), at date NOT NULL)`)
	require.NoError(t, err)

	customers = w.table("Customers",
		minidb.ColumnSpec{Name: "Number", Type: minidb.IntegerColumn, Unique: true},
		minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "Country", Type: minidb.TextColumn})
	rnd := rand.New(rand.NewPCG(1, 2))
	countries := []string{"Norway", "Brazil", "Czechia"}
	country := map[int]string{}
	var rows [][]string
	for i := 1; i <= 40; i++ {
		country[i] = countries[rnd.IntN(3)]
		rows = append(rows, []string{sprint("%d", i), sprint("Customer %d", i), country[i]})
	}
	w.insert(w.owner, customers, rows...)

	type invoice struct {
		id, customer, cents int
		null                bool
	}
	var invoices []invoice
	for id := 1; id <= 300; id++ {
		// Few different totals make ties; customers above 40 do not exist; some totals are NULL.
		in := invoice{id, 1 + rnd.IntN(45), 100 * rnd.IntN(5), rnd.IntN(10) == 0}
		invoices = append(invoices, in)
		var total any
		if !in.null {
			total = sprint("%d.%02d", in.cents/100, in.cents%100)
		}
		_, err := conn.Exec(ctx, `INSERT INTO invoice VALUES ($1, $2, $3::text::numeric, '2024-01-01'::date + $1::int)`, in.id, in.customer, total)
		require.NoError(t, err)
	}
	// What the join of Norway's and Brazil's customers with their invoices must be, by total descending, then invoice.
	slices.SortFunc(invoices, func(a, b invoice) int {
		switch {
		case a.null != b.null && a.null:
			return 1
		case a.null != b.null:
			return -1
		case !a.null && a.cents != b.cents:
			return b.cents - a.cents
		}
		return a.id - b.id
	})
	for _, in := range invoices {
		if c := country[in.customer]; c == "Norway" || c == "Brazil" {
			total := "NULL"
			if !in.null {
				total = sprint("%d", in.cents/100)
			}
			joined = append(joined, sprint("Customer %d|%s|%d|%s", in.customer, c, in.id, total))
		}
	}
	return customers, w.connectPostgres(dsn), joined
}

func TestJoinAcrossSourcesIsWalkedWhole(t *testing.T) {
	w := newWorld(t)
	customers, pg, want := shop(t, w)
	q := lqp.Query{
		From:    lqp.Source{Table: customers.ID, Alias: "c"},
		Joins:   []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Connection: pg.ID, Table: "invoice", Alias: "i"}, On: expr(t, `i.customer_id = c.Number`)}},
		Where:   expr(t, `c.Country IN ("Norway", "Brazil")`),
		Select:  cols(t, "c.Name", "c.Country", "i.id", "i.total"),
		OrderBy: order(t, "-i.total", "i.id"),
	}
	for _, size := range []int{1, 7, 100, 1000} {
		assert.Equal(t, want, walk(t, w.viewer, w.workspace, q, size), "pages of %d", size)
	}

	// The other way round: the external table drives, its order streams.
	q.From, q.Joins[0].Source = q.Joins[0].Source, q.From
	assert.Equal(t, want, walk(t, w.viewer, w.workspace, q, 7))

	x, err := w.viewer.Explain(t.Context(), w.workspace, &q)
	require.NoError(t, err)
	text := x.String()
	for _, part := range []string{"invoice", "mini-DB", "postgres", "pushed", "join"} {
		assert.Contains(t, text, part)
	}
}

func TestQueryIsPushedToItsSource(t *testing.T) {
	w := newWorld(t)
	_, pg, _ := shop(t, w)
	q := &lqp.Query{
		From:       lqp.Source{Connection: pg.ID, Table: "invoice", Alias: "i"},
		Where:      expr(t, `i.at >= "2024-02-01" AND i.total > 1`),
		GroupBy:    cols(t, "customer=i.customer_id"),
		Aggregates: []lqp.Aggregate{{Name: "sum", Func: "sum", Arg: expr(t, "i.total")}, {Name: "n", Func: "countall"}},
		OrderBy:    order(t, "-sum", "customer"),
		Page:       lqp.Page{Limit: 5},
	}
	x, err := w.viewer.Explain(t.Context(), w.workspace, q)
	require.NoError(t, err)
	require.Len(t, x.Parts, 1)
	for _, n := range x.Parts[0].Notes {
		assert.Equal(t, "pushed", string(n.Placement), "%s %s: %s", n.Clause, n.Text, n.Reason)
	}
	assert.Contains(t, x.String(), "from "+pg.Name+":invoice i\n", "people know connections by name")
	assert.Contains(t, x.String(), "on "+pg.Name+" (postgres)")
	rows, err := w.viewer.Query(t.Context(), w.workspace, q)
	require.Len(t, all(t, rows, err), 5)
	assert.True(t, rows.More())
}

func TestQueryProblems(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	for _, tc := range []struct{ name, filter, want string }{
		{"unknown column", `Nane = "x"`, "Name"},
		{"type mismatch", `N > "many"`, "number"},
		{"no predicate", `N + 1`, "condition"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := w.viewer.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Where: expr(t, tc.filter)})
			var p lqp.Problems
			require.ErrorAs(t, err, &p)
			assert.Equal(t, livetables.CodeInvalid, livetables.Code(err))
			assert.Contains(t, err.Error(), tc.want)
			assert.Contains(t, p[0].Path, "$.filters")
		})
	}
}

func TestCursorBelongsToItsQueryAndReader(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	for i := range 5 {
		w.insert(w.owner, tbl, []string{sprint("%d", i)})
	}
	q := lqp.Query{From: lqp.Source{Table: tbl.ID}, OrderBy: order(t, "N"), Page: lqp.Page{Limit: 2}}
	rows, err := w.viewer.Query(t.Context(), w.workspace, &q)
	all(t, rows, err)
	cursor := rows.NextCursor()
	require.NotEmpty(t, cursor)

	use := func(a *livetables.Access, q lqp.Query, cursor string) error {
		q.Page.Cursor = cursor
		rows, err := a.Query(t.Context(), w.workspace, &q)
		if err == nil {
			rows.Close()
		}
		return err
	}
	require.NoError(t, use(w.viewer, q, cursor))
	other := q
	other.OrderBy = order(t, "-N")
	assert.ErrorIs(t, use(w.viewer, other, cursor), livetables.ErrCursor)
	assert.ErrorIs(t, use(w.editor, q, cursor), livetables.ErrCursor)
	assert.ErrorIs(t, use(w.viewer, q, "x"+cursor), livetables.ErrCursor)
	assert.ErrorIs(t, use(w.viewer, q, cursor[:len(cursor)-2]), livetables.ErrCursor)
	require.NoError(t, w.owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, "N > 1")}))
	assert.ErrorIs(t, use(w.viewer, q, cursor), livetables.ErrCursor, "the rules have changed")
}

func TestForeignWorkspaceLooksMissing(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	ctx := t.Context()
	_, err := w.stranger.Table(ctx, tbl.ID)
	_, missing := w.stranger.Table(ctx, minidb.NewID("tbl"))
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	assert.ErrorIs(t, missing, livetables.ErrNotFound)
	_, err = w.stranger.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = w.engine.As(rbac.Principal{}).Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.ErrorIs(t, err, livetables.ErrNoPrincipal)

	other, err := w.stranger.CreateWorkspace(ctx, "Other")
	require.NoError(t, err)
	_, err = w.stranger.Query(ctx, other.ID, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.Contains(t, err.Error(), "unknown_table", "another workspace's table is no table here")
}

func TestBudgetNamesItsStep(t *testing.T) {
	w := newWorld(t)
	engine, err := livetables.New(livetables.Options{Store: w.db, Limits: livetables.Limits{ScanRows: 10}})
	require.NoError(t, err)
	defer engine.Close()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	for i := range 30 {
		w.insert(w.owner, tbl, []string{sprint("%d", i)})
	}
	// A self-join on an inequality with right rows kept is the engine's own work.
	q := &lqp.Query{From: lqp.Source{Table: tbl.ID, Alias: "a"}, Select: cols(t, "a.N"),
		Joins: []lqp.Join{{Kind: lqp.Full, Source: lqp.Source{Table: tbl.ID, Alias: "b"}, On: expr(t, "a.N < b.N")}}}
	_, err = engine.As(rbac.Principal{ID: "owner"}).Query(t.Context(), w.workspace, q)
	assert.Equal(t, livetables.CodeBudget, livetables.Code(err))
	assert.True(t, strings.Contains(err.Error(), "10 rows"), err)
}

// An aggregate that only the order of a nested block names makes one row of it nevertheless.
func TestOneRowOfANestedAggregate(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	for range 2 { // without rows and with two
		rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{Select: cols(t, "a.x"), From: lqp.Source{Alias: "a", Query: &lqp.Query{
			From: lqp.Source{Table: tbl.ID}, Aggregates: []lqp.Aggregate{{Name: "m", Func: "max", Arg: lqp.Ref("", "N")}}, OrderBy: order(t, "m"),
			Select: []lqp.Named{{Name: "x", Expr: lqp.Literal(lqp.IntValue(7))}}}}})
		require.Equal(t, []string{"7"}, all(t, rows, err))
		w.insert(w.owner, tbl, []string{"1"}, []string{"2"})
	}
}
