package mysql

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// database is a fresh database of a real server with an adapter to it.
type database struct {
	t        testing.TB
	settings adapter.Settings
	admin    *sql.DB
	*Adapter
	tables map[string]*lqp.Table
}

// onServers runs a test on a fresh database of each server, in which the statements were run before.
func onServers(t *testing.T, statements []string, test func(t *testing.T, d *database)) {
	for i := range servers {
		onServer(t, i, statements, test)
	}
}

func onServer(t *testing.T, i int, statements []string, test func(t *testing.T, d *database)) {
	t.Run(servers[i].name, func(t *testing.T) {
		dsn := servers[i].fresh(t)
		d := &database{t: t, settings: settingsOf(t, dsn), admin: adminOf(t, dsn)}
		d.exec(statements...)
		var err error
		d.Adapter, err = open(d.settings)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		d.discoverAgain()
		test(t, d)
	})
}

func (d *database) mariadb() bool { return d.dialect.Load().facts.mariadb }

func (d *database) exec(statements ...string) {
	d.t.Helper()
	for _, s := range statements {
		_, err := d.admin.ExecContext(d.t.Context(), s)
		require.NoError(d.t, err, s)
	}
}

func (d *database) discoverAgain() {
	d.t.Helper()
	cat, err := d.Tables(d.t.Context())
	require.NoError(d.t, err)
	d.tables = map[string]*lqp.Table{}
	for _, t := range cat.Tables {
		d.tables[t.Name] = t
	}
}

// bind reads a query in JSON, with formulas as text.
func (d *database) bind(text string) *lqp.Query {
	d.t.Helper()
	q, err := lqp.DecodeQuery([]byte(text), lqp.DecodeOptions{Formula: formula.Parse})
	require.NoError(d.t, err, text)
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return d.tables[name], nil }})
	require.NoError(d.t, err, text)
	return bound
}

// sources runs pushed queries, and tables whole.
type sources struct{ *database }

func (s sources) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != nil {
		if src.Alias == "pushed" {
			return s.Scan(ctx, src.Query)
		}
		return nil, lqp.ErrRunNested
	}
	return s.Scan(ctx, wholeTable(src))
}

func (s sources) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

func wholeTable(src *lqp.Source) *lqp.Query {
	q := &lqp.Query{From: *src}
	for _, c := range src.Schema.Columns {
		q.Select = append(q.Select, lqp.Named{Name: c.ID, Expr: lqp.TypedRef(src.Alias, c.ID, c.Type)})
	}
	return q
}

func (d *database) read(rows lqp.RowReader, err error, width int) [][]string {
	d.t.Helper()
	if f := (*failure)(nil); errors.As(err, &f) {
		err = f.cause // the server's own words
	}
	require.NoError(d.t, err)
	defer func() { require.NoError(d.t, rows.Close()) }()
	out := [][]string{}
	for rows.Next() {
		row := make([]string, width)
		for i := range row {
			row[i] = string(rows.Value(i).AppendJSON(nil))
		}
		out = append(out, row)
	}
	require.NoError(d.t, rows.Err())
	return out
}

// reference answers a bound query in memory from whole tables.
func (d *database) reference(q *lqp.Query) [][]string {
	d.t.Helper()
	rows, err := lqp.Run(d.t.Context(), q, sources{d}, lqp.RunOptions{})
	return d.read(rows, err, len(q.Select))
}

// planned answers a bound query as it is split.
func (d *database) planned(q *lqp.Query) ([][]string, adapter.Split) {
	d.t.Helper()
	s := d.Plan(q)
	if s.Pushed == nil {
		return d.reference(q), s
	}
	if s.Residual == nil {
		rows, err := d.Scan(d.t.Context(), s.Pushed)
		if err != nil {
			d.t.Log(d.show(s))
		}
		return d.read(rows, err, len(q.Select)), s
	}
	rows, err := lqp.Run(d.t.Context(), s.Residual, sources{d}, lqp.RunOptions{})
	return d.read(rows, err, len(q.Select)), s
}

// show describes a split for a failing test.
func (d *database) show(s adapter.Split) string {
	if s.Pushed == nil {
		return "nothing pushed"
	}
	text, err := d.Native(s.Pushed)
	if err != nil {
		return err.Error()
	}
	return text
}

// quote writes a text as JSON.
func quote(s string) string { return string(lqp.AppendJSONString(nil, s)) }
