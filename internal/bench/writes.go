package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// bareWriter is a connection of the bare driver to a file of its own, as durable as the store: WAL, synchronous=FULL.
type bareWriter struct {
	mu   sync.Mutex
	conn *sqlite3.Conn
}

func (b *bench) bareWriter(name string) (*bareWriter, error) {
	conn, err := sqlite3.Open(filepath.Join(b.dir, name))
	if err != nil {
		return nil, err
	}
	b.onClose(conn.Close)
	return &bareWriter{conn: conn}, conn.Exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192;
		CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, quantity INTEGER, total INTEGER, version INTEGER NOT NULL DEFAULT 1)`)
}

func (b *bench) prepared(w *bareWriter, sql string) (*sqlite3.Stmt, error) {
	stmt, _, err := w.conn.Prepare(sql)
	if err == nil {
		b.onClose(stmt.Close)
	}
	return stmt, err
}

var itemsTable = minidb.TableSpec{Name: "items", Columns: []minidb.ColumnSpec{
	{Name: "name", Type: minidb.TextColumn}, {Name: "quantity", Type: minidb.IntegerColumn},
	{Name: "total", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}}}}

// miniItems makes a table of the mini-DB for single-row writes in a world of its own.
func (b *bench) miniItems(ctx context.Context, dir string) (*world, *minidb.Table, error) {
	w, err := b.newWorld(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	b.onClose(w.close)
	t, err := w.owner.CreateTable(ctx, w.base, itemsTable)
	return w, t, err
}

func item(t *minidb.Table, n int64) []lqp.Assignment {
	return []lqp.Assignment{{Column: t.Columns[0].ID, Value: lqp.TextValue(fmt.Sprintf("Item %d", n))},
		{Column: t.Columns[1].ID, Value: lqp.IntValue(n % 100)}, {Column: t.Columns[2].ID, Value: lqp.NumberValue(lqp.DecimalFromScaled(n, 2))}}
}

// together is a side in which a number of clients do single writes at the same time, each waiting for its own to be
// durable.
func together(name string, clients int, op func(ctx context.Context, client int, n int64) error) side {
	var count atomic.Int64
	return side{name, func(ctx context.Context, d time.Duration) (sample, error) {
		errs := make(chan error, clients)
		first, own, began := count.Load(), ownCPU(), time.Now()
		for i := range clients {
			go func() {
				var err error
				for err == nil && time.Since(began) < d && ctx.Err() == nil {
					err = op(ctx, i, count.Add(1))
				}
				errs <- err
			}()
		}
		var err error
		for range clients {
			if e := <-errs; err == nil {
				err = e
			}
		}
		return sample{ops: int(count.Load() - first), elapsed: time.Since(began), ours: ownCPU() - own}, err
	}}
}

const insertItem = `INSERT INTO items (name, quantity, total) VALUES (?1, ?2, ?3)`

// measureSQLiteWrites compares durable inserts of single rows: by the bare driver on one connection, a commit for each,
// which is what SQLite gives a program that waits for its writes; and through the engine, whose writes are checked and
// recorded in the log and come back with the row, and whose commits are shared. Both wait for the disk.
func measureSQLiteWrites(ctx context.Context, b *bench) error {
	bare, err := b.bareWriter("bare-inserts.db")
	if err != nil {
		return err
	}
	stmt, err := b.prepared(bare, insertItem)
	if err != nil {
		return err
	}
	w, t, err := b.miniItems(ctx, "inserts")
	if err != nil {
		return err
	}
	for _, clients := range []int{1, 32} {
		s, err := b.compare(ctx,
			together("one by one", clients, func(_ context.Context, _ int, n int64) error {
				name := fmt.Sprintf("Item %d", n)
				bare.mu.Lock()
				defer bare.mu.Unlock()
				if err := bindItem(stmt, name, n); err != nil {
					return err
				}
				return stmt.Exec()
			}),
			together("engine", clients, func(ctx context.Context, _ int, n int64) error {
				_, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: t.ID, Rows: []lqp.RowChange{{Set: item(t, n)}}})
				return err
			}))
		if err != nil {
			return err
		}
		target := ""
		if clients == 32 {
			target = "T12: >= 5"
		}
		b.report.addRate(fmt.Sprintf("durable single inserts, %d clients", clients), target, s[0], s[1], "against the bare driver, a commit each")
		b.report.addCPU(fmt.Sprintf("durable single inserts, %d clients", clients), "", s[0], s[1], "with the clients' own, per row")
	}
	return nil
}

func bindItem(s *sqlite3.Stmt, name string, n int64) error {
	if err := s.BindText(1, name); err != nil {
		return err
	}
	if err := s.BindInt64(2, n%100); err != nil {
		return err
	}
	return s.BindInt64(3, n)
}

// measureSQLiteUpdate compares an update that demands a version and changes one value: by one UPDATE of the bare driver,
// and through the engine, which also keeps the old value and the new one, writes the log and tells subscribers.
func measureSQLiteUpdate(ctx context.Context, b *bench) error {
	const rows = 1000
	bare, err := b.bareWriter("bare-updates.db")
	if err != nil {
		return err
	}
	insert, err := b.prepared(bare, insertItem)
	if err != nil {
		return err
	}
	update, err := b.prepared(bare, `UPDATE items SET total = ?1, version = version + 1 WHERE id = ?2 AND version = ?3`)
	if err != nil {
		return err
	}
	w, t, err := b.miniItems(ctx, "updates")
	if err != nil {
		return err
	}
	m := &lqp.Mutation{Op: lqp.Insert, Table: t.ID}
	if err := bare.conn.Exec("BEGIN"); err != nil {
		return err
	}
	for n := int64(1); n <= rows; n++ {
		m.Rows = append(m.Rows, lqp.RowChange{Set: item(t, n)})
		if err := bindItem(insert, fmt.Sprintf("Item %d", n), n); err != nil {
			return err
		}
		if err := insert.Exec(); err != nil {
			return err
		}
	}
	if err := bare.conn.Exec("COMMIT"); err != nil {
		return err
	}
	result, err := w.owner.Apply(ctx, w.workspace, m)
	if err != nil {
		return err
	}
	ids := make([]string, rows)
	bareVersions, versions := make([]int64, rows), make([]int64, rows)
	for i := range ids {
		ids[i], versions[i], bareVersions[i] = result[0].Rows[i].ID, result[0].Rows[i].Version, 1
	}
	for _, clients := range []int{1, 32} {
		// Every client has rows of its own, so that nobody is in anybody's way.
		row := func(client int, n int64) int { return int(n)%(rows/clients)*clients + client }
		s, err := b.compare(ctx,
			together("one UPDATE", clients, func(_ context.Context, client int, n int64) error {
				i := row(client, n)
				bare.mu.Lock()
				defer bare.mu.Unlock()
				for p, v := range []int64{n, int64(i + 1), bareVersions[i]} {
					if err := update.BindInt64(p+1, v); err != nil {
						return err
					}
				}
				if err := update.Exec(); err != nil {
					return err
				}
				if bare.conn.Changes() != 1 {
					return fmt.Errorf("row %d has another version than %d", i, bareVersions[i])
				}
				bareVersions[i]++
				return nil
			}),
			together("engine", clients, func(ctx context.Context, client int, n int64) error {
				i := row(client, n)
				res, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: t.ID, Rows: []lqp.RowChange{
					{ID: []lqp.Value{lqp.TextValue(ids[i])}, Version: versions[i], Set: []lqp.Assignment{{Column: t.Columns[2].ID, Value: lqp.NumberValue(lqp.DecimalFromScaled(n+1_000_000, 2))}}}}})
				if err != nil {
					return err
				}
				versions[i] = res[0].Rows[0].Version
				return nil
			}))
		if err != nil {
			return err
		}
		what := fmt.Sprintf("versioned update with old value, log and event, %d clients", clients)
		b.report.addCPU(what, "T5 (of PostgreSQL): <= 1.25", s[0], s[1], "against one durable UPDATE of SQLite, per row")
		b.report.addRate(what, "", s[0], s[1], "")
	}
	return nil
}
