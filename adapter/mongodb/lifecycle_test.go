package mongodb

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/goleak"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// wide fills a collection with more than one reply brings.
func wide(d *database) {
	var docs []any
	for i := range 5000 {
		docs = append(docs, doc("_id", int32(i), "s", strings.Repeat("x", 200)))
	}
	d.insert("wide", docs...)
	d.Discover()
}

func TestManyReplies(t *testing.T) {
	d := newDatabase(t)
	wide(d)
	for _, q := range []string{`{"source":{"table":"wide"}}`, `{"source":{"table":"wide"},"sorts":["s","_id"]}`} {
		rows, err := d.Scan(t.Context(), d.Plan(d.Bind(q)).Pushed)
		require.NoError(t, failure.Cause(err))
		n := 0
		for rows.Next() {
			n++
		}
		require.NoError(t, failure.Cause(rows.Err()))
		require.NoError(t, rows.Close())
		require.Equal(t, 5000, n)
	}
}

func TestCancelWhileReading(t *testing.T) {
	d := newDatabase(t)
	wide(d)
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := d.Scan(ctx, d.Plan(d.Bind(`{"source":{"table":"wide"}}`)).Pushed)
	require.NoError(t, failure.Cause(err))
	require.True(t, rows.Next())
	cancel()
	for rows.Next() {
	}
	require.ErrorIs(t, rows.Err(), context.Canceled)
	require.NoError(t, rows.Close())
	require.NoError(t, d.Ping(t.Context()))
}

// TestNothingIsLeftBehind closes an adapter with an open result and looks for goroutines.
func TestNothingIsLeftBehind(t *testing.T) {
	d := newDatabase(t)
	wide(d)
	before := goleak.IgnoreCurrent()
	a, err := open(d.settings)
	require.NoError(t, err)
	q := d.Plan(d.Bind(`{"source":{"table":"wide"}}`)).Pushed
	rows, err := a.Scan(t.Context(), q)
	require.NoError(t, failure.Cause(err))
	require.True(t, rows.Next())
	begun := time.Now()
	require.NoError(t, rows.Close())
	require.Less(t, time.Since(begun), time.Second, "Close does not wait for the server")
	require.NoError(t, rows.Close())
	require.False(t, rows.Next())
	require.NoError(t, a.Close())
	require.NoError(t, a.Close(), "twice")
	_, err = a.Scan(t.Context(), q)
	require.ErrorIs(t, err, adapter.ErrUnavailable)
	require.ErrorIs(t, a.Ping(t.Context()), adapter.ErrUnavailable)
	goleak.VerifyNone(t, before)
}

// silent is a server that answers no find.
func silent(t *testing.T) (*scripted, chan struct{}) {
	release := make(chan struct{})
	asked := make(chan struct{}, 10)
	srv := newScripted(t, nil, func(name string, _ bson.Raw) any {
		if name == "find" {
			asked <- struct{}{}
			<-release
		}
		return nil
	})
	t.Cleanup(func() { close(release) })
	return srv, asked
}

func TestCancelWhileWaiting(t *testing.T) {
	srv, asked := silent(t)
	a, err := open(srv.settings())
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := a.Scan(ctx, orders())
		failed <- err
	}()
	<-asked
	cancel()
	select {
	case err := <-failed:
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, "scan orders: context canceled", err.Error())
	case <-time.After(10 * time.Second):
		t.Fatal("the cancellation did not end the wait")
	}
}

func TestStatementTimeout(t *testing.T) {
	srv, _ := silent(t)
	s := srv.settings()
	s.Timeout = 300 * time.Millisecond
	a, err := open(s)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	_, err = a.Scan(t.Context(), orders())
	require.ErrorIs(t, err, adapter.ErrTimeout)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = a.Scan(ctx, orders())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestRowsKeepTheContract(t *testing.T) {
	d := hostile(t, 7)
	q := databasetest.WholeTable(&d.Bind(`{"source":{"table":"h"}}`).From)
	rows, err := d.Scan(t.Context(), q)
	require.NoError(t, failure.Cause(err))
	var buf []byte
	n := 0
	for rows.Next() {
		n++
		for i := range q.Select {
			v := rows.Value(i)
			buf = rows.AppendJSON(append(buf[:0], 'x'), i)
			require.Equal(t, "x"+string(v.AppendJSON(nil)), string(buf), q.Select[i].Name)
		}
	}
	require.NoError(t, errors.Join(rows.Err(), rows.Close()))
	require.Equal(t, 900, n)
}
