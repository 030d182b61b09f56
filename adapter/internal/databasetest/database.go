// Package databasetest holds what the tests of the adapters to servers share: a database whose queries are answered both
// as they are planned and in memory, plans kept in golden files, and the tables of the suite of all adapters. It knows no
// driver.
package databasetest

import (
	"context"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// Source is an adapter that can show its statements.
type Source interface {
	adapter.Adapter
	adapter.Explainer
}

// Database asks Source for the test T, which fails on every error. Found are the tables by name that [Bind] knows: nil
// until Discover, and tests may put others there. It is used by one goroutine.
type Database struct {
	T      testing.TB
	Found  map[string]*lqp.Table
	Source Source
}

// New makes a database of an open source, which the end of the test closes.
func New(t testing.TB, source Source) *Database {
	t.Cleanup(func() { noError(t, source.Close()) })
	return &Database{T: t, Source: source}
}

// Discover looks for the tables again.
func (d *Database) Discover() {
	d.T.Helper()
	cat, err := d.Source.Tables(d.T.Context())
	noError(d.T, failure.Cause(err))
	d.Found = map[string]*lqp.Table{}
	for _, t := range cat.Tables {
		d.Found[t.Name] = t
	}
}

// Bind reads a query over the tables found, see [Bind].
func (d *Database) Bind(text string) *lqp.Query {
	d.T.Helper()
	return Bind(d.T, d.Found, text)
}

// Bind reads a query over tables, by name, in JSON with formulas as text.
func Bind(t testing.TB, tables map[string]*lqp.Table, text string) *lqp.Query {
	t.Helper()
	q, err := lqp.DecodeQuery([]byte(text), lqp.DecodeOptions{Formula: formula.Parse})
	noError(t, err, text)
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) {
		if found := tables[name]; found != nil {
			return found, nil
		}
		return nil, lqp.ErrUnknownTable
	}})
	noError(t, err, text)
	return bound
}

// sources runs pushed queries, and tables whole.
type sources struct{ Source }

func (s sources) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != nil {
		if src.Alias == "pushed" {
			return s.Scan(ctx, src.Query)
		}
		return nil, lqp.ErrRunNested
	}
	return s.Scan(ctx, WholeTable(src))
}

func (s sources) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

// WholeTable is the query for every column of a bound source that is a table.
func WholeTable(src *lqp.Source) *lqp.Query {
	q := &lqp.Query{From: *src}
	for _, c := range src.Schema.Columns {
		q.Select = append(q.Select, lqp.Named{Name: c.ID, Expr: lqp.TypedRef(src.Alias, c.ID, c.Type)})
	}
	return q
}

// Read collects the first width columns of rows as JSON and closes them. An error, of them or err, fails the test with the
// server's own words.
func (d *Database) Read(rows lqp.RowReader, err error, width int) [][]string {
	d.T.Helper()
	noError(d.T, failure.Cause(err))
	defer func() { noError(d.T, rows.Close()) }()
	out := [][]string{}
	for rows.Next() {
		row := make([]string, width)
		for i := range row {
			row[i] = string(rows.Value(i).AppendJSON(nil))
		}
		out = append(out, row)
	}
	noError(d.T, failure.Cause(rows.Err()))
	return out
}

// Reference answers a bound query in memory from whole tables.
func (d *Database) Reference(q *lqp.Query) [][]string {
	d.T.Helper()
	rows, err := lqp.Run(d.T.Context(), q, sources{d.Source}, lqp.RunOptions{})
	return d.Read(rows, err, len(q.Select))
}

// Planned answers a bound query as it is split.
func (d *Database) Planned(q *lqp.Query) ([][]string, adapter.Split) {
	d.T.Helper()
	s := d.Source.Plan(q)
	if s.Pushed == nil {
		return d.Reference(q), s
	}
	if s.Residual == nil {
		rows, err := d.Source.Scan(d.T.Context(), s.Pushed)
		if err != nil {
			d.T.Log(d.Show(s))
		}
		return d.Read(rows, err, len(q.Select)), s
	}
	rows, err := lqp.Run(d.T.Context(), s.Residual, sources{d.Source}, lqp.RunOptions{})
	return d.Read(rows, err, len(q.Select)), s
}

// Show describes a split for a failing test.
func (d *Database) Show(s adapter.Split) string {
	if s.Pushed == nil {
		return "nothing pushed"
	}
	text, err := d.Source.Native(s.Pushed)
	if err != nil {
		return err.Error()
	}
	return text
}

// Quote writes a text as JSON.
func Quote(s string) string { return string(lqp.AppendJSONString(nil, s)) }

// noError ends the test when there is an error; about says what it is an error of.
func noError(t testing.TB, err error, about ...string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(about, " "), err)
	}
}
