package livetables_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// wire leads to a PostgreSQL server and counts what is asked of it: the messages of the protocol's chapter "Message Formats" that
// run a statement (Execute, Query) and those after which the client waits for an answer (Sync, Query).
type wire struct {
	statements, ways atomic.Int64
}

// through is a place reached over the wire.
func (w *wire) through(t *testing.T, p storetest.Place) storetest.Place {
	t.Helper()
	u, err := url.Parse(p.URL)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	target := u.Host
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() {
				_, _ = io.Copy(client, server)
				_ = client.Close()
			}()
			go func() {
				w.hand(server, client)
				_ = server.Close()
			}()
		}
	}()
	u.Host = l.Addr().String()
	return storetest.Place{URL: u.String(), Schema: p.Schema}
}

// hand hands messages on until there are no more.
func (w *wire) hand(to io.Writer, from io.Reader) {
	for first := true; ; first = false {
		head := make([]byte, 5)
		if first { // the start of a session has no type
			head = head[:4]
		}
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		rest := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(from, rest); err != nil {
			return
		}
		if !first {
			switch head[0] {
			case 'E':
				w.statements.Add(1)
			case 'S':
				w.ways.Add(1)
			case 'Q':
				w.statements.Add(1)
				w.ways.Add(1)
			}
		}
		if _, err := to.Write(slices.Concat(head, rest)); err != nil {
			return
		}
	}
}

// TestQuestionsOfARow: a row with its lock takes one way to PostgreSQL, a write none beside those of its transaction.
func TestQuestionsOfARow(t *testing.T) {
	place := storetest.Postgres(t)
	made := newWorldAt(t, place)
	plain := made.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	id := made.insert(made.owner, plain, []string{"a"})[0]
	linked := made.table("L", minidb.ColumnSpec{Name: "To", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: plain.ID}}})
	empty := made.insert(made.owner, linked, []string{""})[0]
	timed := made.table("D", minidb.ColumnSpec{Name: "Day", Type: minidb.DateColumn})
	old := made.insert(made.owner, timed, []string{"2020-01-01"})[0]
	require.NoError(t, made.owner.PutRule(t.Context(), made.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: timed.ID}, Role: rbac.Viewer,
		Read: expr(t, `Day <= TODAY()`)}))

	// An engine that does nothing but what it is asked.
	ctx := t.Context()
	w := &wire{}
	store, err := w.through(t, place).OpenStore(context.WithoutCancel(ctx))
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	keys, err := livetables.LoadKeys(made.dir + "/key")
	require.NoError(t, err)
	e, err := livetables.New(livetables.Options{Store: db, Sealer: keys, Files: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	viewer, editor := e.As(rbac.Principal{ID: "viewer"}), e.As(rbac.Principal{ID: "editor"})

	get := func(table, row string) func() {
		return func() {
			r, err := viewer.Row(ctx, table, row)
			require.NoError(t, err)
			require.NoError(t, r.Close())
		}
	}
	page := func() {
		rows, err := viewer.TableRows(ctx, plain.ID, func(shown *minidb.Table) (*lqp.Query, error) {
			return &lqp.Query{From: lqp.Source{Table: shown.ID}, Page: lqp.Page{Limit: 5}}, nil
		})
		require.Len(t, all(t, rows, err), 1)
	}
	update := func(write func(m func(*minidb.Table) (*lqp.Mutation, error)) error) func() {
		return func() {
			require.NoError(t, write(func(shown *minidb.Table) (*lqp.Mutation, error) {
				return &lqp.Mutation{Op: lqp.Update, Table: shown.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}, Overwrite: true,
					Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue(minidb.NewID("x"))}}}}}, nil
			}))
		}
	}
	count := func(do func()) (statements, ways int64) {
		for range 3 { // plans and statements are made
			do()
		}
		statements, ways = 1<<30, 1<<30
		for range 5 { // what a connection has never run before it prepares, and the end of a transaction is not waited for
			time.Sleep(5 * time.Millisecond)
			s, q := w.statements.Load(), w.ways.Load()
			do()
			statements, ways = min(statements, w.statements.Load()-s), min(ways, w.ways.Load()-q)
		}
		return statements, ways
	}

	// The catalogue's revision with the lock, the role of the workspace, the row.
	statements, ways := count(get(plain.ID, id))
	require.Equal(t, []int64{3, 1}, []int64{statements, ways}, "a row")
	_, err = editor.LockRow(ctx, plain.ID, id, time.Minute)
	require.NoError(t, err)
	statements, ways = count(get(plain.ID, id))
	require.Equal(t, []int64{3, 1}, []int64{statements, ways}, "a row that is locked")
	statements, ways = count(get(linked.ID, empty))
	require.Equal(t, []int64{3, 1}, []int64{statements, ways}, "a row with links")
	// No plan is kept that asks for the time: the revision with the lock comes first.
	statements, ways = count(get(timed.ID, old))
	require.Equal(t, []int64{3, 2}, []int64{statements, ways}, "a row by a rule that asks for the time")
	statements, ways = count(page)
	require.Equal(t, []int64{3, 1}, []int64{statements, ways}, "a page")

	_, applied := count(update(func(plan func(*minidb.Table) (*lqp.Mutation, error)) error {
		m, err := plan(plain)
		require.NoError(t, err)
		_, err = editor.Apply(ctx, made.workspace, m)
		return err
	}))
	_, written := count(update(func(plan func(*minidb.Table) (*lqp.Mutation, error)) error {
		_, _, err := editor.WriteTable(ctx, plain.ID, plan)
		return err
	}))
	require.LessOrEqual(t, written, applied, "a write asks for nothing before its transaction")
}
