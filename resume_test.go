package livetables_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

var arithmetic = regexp.MustCompile(` [-+*/&%] |\b(LEN|UPPER|LOWER|TRIM|DAY|HOUR|MONTH|COALESCE|IF)\(|aggregate`)

// overflowing is a source that meets a data error after a few rows of whatever it was given to compute.
type overflowing struct {
	adapter.Adapter
	after, late *atomic.Int64 // rows before the error; errors that came after a row
}

func (o overflowing) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	rows, err := o.Adapter.Scan(ctx, q)
	if err != nil || !arithmetic.MatchString(lqp.Format(q)) {
		return rows, err
	}
	return &overflow{Rows: rows, left: o.after.Load(), late: o.late}, nil
}

type overflow struct {
	adapter.Rows
	left  int64
	begun bool
	err   error
	late  *atomic.Int64
}

func (r *overflow) Next() bool {
	if !r.Rows.Next() {
		return false
	}
	if r.left--; r.left < 0 {
		if r.err = fmt.Errorf("overflow: %w", adapter.ErrData); r.begun {
			r.late.Add(1)
		}
		return false
	}
	r.begun = true
	return true
}

func (r *overflow) Err() error { return errors.Join(r.err, r.Rows.Err()) }

// A data error in the middle of an answer is no end of it: the rest is computed in memory, no row missing and none twice.
func TestAnswersGoOnAfterADataError(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 25}),
		plantest.NewTable(r, plantest.Spec{Name: "two", Rows: 12}),
	}
	intoSQLite(t, filepath.Join(w.dir, "shop.db"), tables)
	source := overflowing{after: &atomic.Int64{}, late: &atomic.Int64{}}
	e, err := livetables.New(livetables.Options{Store: w.db, Files: w.dir, Logger: slog.New(slog.DiscardHandler),
		Openers: map[string]adapter.Opener{"shop": func(ctx context.Context, s adapter.Settings) (a adapter.Adapter, err error) {
			source := source
			source.Adapter, err = sqlite.Open(ctx, s)
			return source, err
		}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	owner := e.As(rbac.Principal{ID: "owner"})
	c, err := owner.CreateConnection(t.Context(), w.workspace, livetables.ConnectionSpec{Name: "shop", Driver: "shop", File: "shop.db"})
	require.NoError(t, err)
	for _, tb := range tables {
		tb.Connection = c.ID
	}
	resumed := 0
	for n := range 1500 {
		r := rand.New(rand.NewPCG(seed, uint64(n)+1))
		g := &plantest.Generator{R: r, Tables: tables, Nested: r.IntN(2), Unordered: true}
		q, ordered := g.Query()
		if !ordered || q.Page.Offset > 0 && q.Page.Limit == 0 {
			continue
		}
		bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
		require.NoError(t, err)
		want := []string{}
		for _, row := range plantest.Answer(bound, plantest.Rows(tables)) {
			want = append(want, cells(row))
		}
		read := owner.Export
		if q.Page.Limit > 0 {
			read = owner.Query
		}
		source.after.Store(int64(1 + r.IntN(6)))
		before := source.late.Load()
		rows, err := read(t.Context(), w.workspace, q)
		require.NoError(t, err, lqp.Format(q))
		got := []string{}
		for rows.Next() {
			row := make([]lqp.Value, len(rows.Columns))
			for i := range row {
				row[i] = rows.Value(i)
			}
			got = append(got, cells(row))
		}
		err = errors.Join(rows.Err(), rows.Close())
		if _, total := lqp.OrderKey(bound); !total && errors.Is(err, adapter.ErrData) {
			continue // nothing says how far the answer had come
		}
		require.NoError(t, err, lqp.Format(q))
		require.Equal(t, want, got, "seed %d, query %d\n%s", seed, n, lqp.Format(q))
		if source.late.Load() > before {
			resumed++
		}
	}
	require.Greater(t, resumed, 20, "hardly an answer was interrupted")
}

func cells(row []lqp.Value) string {
	text := ""
	for _, v := range row {
		text += v.String() + "|"
	}
	return text
}
