package minidb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// readLog reads the whole log in small pages and checks that positions and offsets are dense.
func readLog(t testing.TB, db *minidb.DB) (list []audit.Entry) {
	t.Helper()
	offsets := make(map[string]int64)
	for {
		var after int64
		if len(list) > 0 {
			after = list[len(list)-1].Position
		}
		page, err := db.Changes(context.Background(), after, 97)
		require.NoError(t, err)
		if len(page) == 0 {
			return list
		}
		for _, e := range page {
			after++
			require.Equal(t, after, e.Position)
			if e.Table != "" {
				offsets[e.Table]++
				require.Equal(t, offsets[e.Table], e.Offset)
			} else {
				require.Zero(t, e.Offset)
			}
			require.True(t, minidb.ValidID(e.ID, "chg"))
		}
		list = append(list, page...)
	}
}

func TestLogIsDenseUnderConcurrentWriters(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	tables := []*table{f.table(goods), f.table(minidb.TableSpec{Name: "Two", Columns: goods.Columns})}
	shared := tables[0].add(values{"Name": text("shared"), "Stock": num(0)})[0]
	const writers, rounds = 16, 12
	var wg sync.WaitGroup
	errs := make(chan error, writers*rounds)
	for w := range writers {
		wg.Go(func() {
			g := tables[w%2]
			for i := range rounds {
				r, err := g.try(g.insert(values{"Name": text("x"), "Code": text(fmt.Sprintf("%d-%d", w, i))}), minidb.Guard{})
				if err != nil {
					errs <- err
					return
				}
				// Every third write fails and must leave no hole.
				if i%3 == 0 {
					if _, err := g.try(g.insert(values{"Code": text("no name")}), minidb.Guard{}); err == nil {
						errs <- fmt.Errorf("an invalid row was written")
					}
				}
				if _, err := g.try(g.update(r.Rows[0].ID, 1, values{"Stock": num(int64(i))}), minidb.Guard{}); err != nil {
					errs <- err
				}
				if _, err := tables[0].try(tables[0].update(shared, 0, values{"Stock": num(int64(w*rounds + i + 1))}), minidb.Guard{}); err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}

	versions := make(map[string]int64)
	rows := make(map[string]json.RawMessage)
	for _, e := range readLog(t, f.DB) {
		if e.ResourceType != "row" {
			continue
		}
		versions[e.Resource]++
		require.Equal(t, versions[e.Resource], e.Version, "one entry for each version of a row, in order")
		require.Equal(t, string(rows[e.Resource]), string(e.Before), "each change starts where the one before ended")
		rows[e.Resource] = e.After
	}
	require.Len(t, rows, writers*rounds+1)
	require.Equal(t, int64(writers*rounds+1), versions[shared])
	for _, g := range tables {
		for id, row := range g.stored() {
			v, _ := row["_version"].Decimal().Int64()
			require.Equal(t, versions[id], v)
			image, err := g.Row(rows[id])
			require.NoError(t, err)
			for i, c := range g.Schema().Columns {
				require.True(t, lqp.Equal(row[c.Name], image[i]), "the last image is the row")
			}
		}
		offset, err := f.TableOffset(f.ctx, g.ID)
		require.NoError(t, err)
		last, err := f.TableChanges(f.ctx, g.ID, offset-1, 5)
		require.NoError(t, err)
		require.Len(t, last, 1)
	}
}

func TestHistory(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := newFixture(t, minidb.Options{Clock: func() time.Time { now = now.Add(time.Second); return now }})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A")}, values{"Name": text("B")})
	bob := minidb.Actor{ID: "usr_bob", Reason: strings.Repeat("é", 600)}
	middle := now
	_, err := g.Apply(f.ctx, bob, []minidb.Write{{Table: g.Table, Mutation: g.update(ids[0], 0, values{"Stock": num(1)})}})
	require.NoError(t, err)
	m := g.update(ids[0], 0, values{"Stock": num(2)})
	m.Reason = "stocktaking"
	g.do(m)

	query := func(q minidb.HistoryQuery) (actions []string) {
		q.Workspace = f.workspace.ID
		list, err := f.History(f.ctx, q)
		require.NoError(t, err)
		for _, e := range list {
			actions = append(actions, e.Action+" "+e.Reason)
		}
		return actions
	}
	require.Equal(t, []string{"row.update stocktaking", "row.update " + strings.Repeat("é", 500), "row.insert "}, query(minidb.HistoryQuery{Resource: ids[0]}))
	require.Len(t, query(minidb.HistoryQuery{Actor: "usr_bob"}), 1)
	require.Len(t, query(minidb.HistoryQuery{Table: g.ID, ResourceType: "row"}), 4)
	require.Len(t, query(minidb.HistoryQuery{Table: g.ID, From: middle.Add(time.Millisecond)}), 2)
	require.Len(t, query(minidb.HistoryQuery{Table: g.ID, To: middle}), 1)
	all := query(minidb.HistoryQuery{})
	require.Equal(t, "workspace.create ", all[len(all)-1])
	page, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, Limit: 2})
	require.NoError(t, err)
	next, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, Before: page[1].Position, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, page[1].Position-1, next[0].Position)
	require.Empty(t, query(minidb.HistoryQuery{Action: "x' OR 1=1 --"}))

	// The rows of one request share a batch, a single change has none.
	changes, err := f.TableChanges(f.ctx, g.ID, 1, 0)
	require.NoError(t, err)
	require.NotEmpty(t, changes[0].Batch)
	require.Equal(t, changes[0].Batch, changes[1].Batch)
	require.Empty(t, changes[2].Batch)
}

func TestRecordAndCursors(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	require.Error(t, f.Record(f.ctx, alice, audit.Entry{}))
	require.NoError(t, f.Record(f.ctx, alice, audit.Entry{Action: "auth.login", ResourceType: "user", Resource: alice.ID}))
	require.ErrorIs(t, f.Record(f.ctx, alice, audit.Entry{Action: "connection.fail", Workspace: "wsp_none"}), minidb.ErrNotFound)
	list, err := f.History(f.ctx, minidb.HistoryQuery{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, alice.Address, list[0].Address)
	last, err := f.LastPosition(f.ctx)
	require.NoError(t, err)
	require.Equal(t, list[0].Position, last)

	at, err := f.Cursor(f.ctx, "sink")
	require.NoError(t, err)
	require.Zero(t, at)
	require.NoError(t, f.SetCursor(f.ctx, "sink", 5))
	require.NoError(t, f.SetCursor(f.ctx, "sink", 3))
	at, err = f.Cursor(f.ctx, "sink")
	require.NoError(t, err)
	require.Equal(t, int64(5), at, "a cursor never goes back")
}

func TestCommitsWake(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	woken, stop := f.Committed()
	slow, stopSlow := f.Committed()
	defer stopSlow()
	read, err := f.LastPosition(f.ctx)
	require.NoError(t, err)
	done := make(chan int)
	go func() {
		n := 0
		for range woken {
			page, err := f.Changes(f.ctx, read, 0)
			if err != nil {
				t.Error(err)
			}
			n += len(page)
			if len(page) > 0 {
				read = page[len(page)-1].Position
			}
			if n == 50 {
				break
			}
		}
		done <- n
	}()
	for range 50 {
		g.add(values{"Name": text("x")})
	}
	require.Equal(t, 50, <-done)
	require.Len(t, slow, 1, "signals nobody takes are one signal")
	stop()
	stop()
	for range woken { // ends because stop has closed it
	}
	_, err = g.try(g.insert(values{}), minidb.Guard{})
	require.Error(t, err)
	require.NoError(t, f.Close())
	<-slow
	_, open := <-slow
	require.False(t, open)
}
