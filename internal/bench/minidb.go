package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// miniPlace is a database for the mini-DB and the plain table it is compared with.
type miniPlace struct {
	name   string
	server *serverCPU // nil without one
	open   func(ctx context.Context) (adapter.Store, error)
	plain  func(ctx context.Context) (plainTable, error)
	// settle has the database gather what it wants to know of new rows.
	settle func(ctx context.Context) error
}

func (b *bench) miniSQLite(_ context.Context, dir string) (*miniPlace, error) {
	return &miniPlace{name: "SQLite",
		open: func(ctx context.Context) (adapter.Store, error) {
			return sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{})
		},
		plain: func(ctx context.Context) (plainTable, error) {
			return newPlainSQLite(ctx, filepath.Join(dir, "plain.db"))
		},
		settle: func(context.Context) error { return nil },
	}, nil
}

// miniPostgres is a server of its own, which unlike those of tests waits for the disk.
func (b *bench) miniPostgres(ctx context.Context, _ string) (*miniPlace, error) {
	server, err := testenv.NewKillable()
	if err != nil {
		return nil, err
	}
	b.onClose(server.Close)
	conn, err := pgx.Connect(ctx, server.URL)
	if err != nil {
		return nil, err
	}
	b.onClose(func() error { return conn.Close(context.WithoutCancel(ctx)) })
	settings, err := storetest.Settings(server.URL)
	if err != nil {
		return nil, err
	}
	return &miniPlace{name: "PostgreSQL", server: findServer(ctx, conn),
		open: func(ctx context.Context) (adapter.Store, error) {
			return postgres.OpenStore(ctx, postgres.StoreOptions{Settings: settings})
		},
		plain: func(ctx context.Context) (plainTable, error) { return newPlainPostgres(ctx, server.URL) },
		settle: func(ctx context.Context) error {
			_, err := conn.Exec(ctx, "VACUUM ANALYZE")
			return err
		},
	}, nil
}

// measureMiniDB compares the mini-DB with statements by hand over a plain table with the same columns and indexes in the
// same kind of database, in this process: the engine authorises, plans, checks, keeps versions and the log, and shares commits.
func measureMiniDB(place func(b *bench, ctx context.Context, dir string) (*miniPlace, error)) func(ctx context.Context, b *bench) error {
	return func(ctx context.Context, b *bench) error {
		for _, rows := range b.sizes {
			dir, err := os.MkdirTemp(b.dir, "minidb-")
			if err != nil {
				return err
			}
			p, err := place(b, ctx, dir)
			if err != nil {
				return err
			}
			if err := b.measureMini(ctx, p, dir, rows); err != nil {
				return fmt.Errorf("%s with %d rows: %w", p.name, rows, err)
			}
		}
		return nil
	}
}

// miniBench is a table in the mini-DB and the plain one.
type miniBench struct {
	*bench
	w     *world
	t     *minidb.Table
	place *miniPlace
	plain plainTable
	rows  int
	ids   []string // of some rows of the mini-DB
	next  atomic.Int64
}

func (b *bench) measureMini(ctx context.Context, p *miniPlace, dir string, rows int) (err error) {
	began := time.Now()
	plain, err := p.plain(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	w, err := openWorldOn(ctx, dir, p.open)
	if err != nil {
		return err
	}
	if err := w.furnish(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	m := &miniBench{bench: b, w: w, place: p, plain: plain, rows: rows}
	m.next.Store(int64(rows))
	for _, measure := range []func(context.Context) error{m.imports, m.pages, m.keyset, m.writes, m.exports} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "minidb on %s with %d rows took %s\n", p.name, rows, time.Since(began).Round(time.Second))
	return nil
}

// what names a figure.
func (m *miniBench) what(text string) string {
	return fmt.Sprintf("%s, %d rows: %s", m.place.name, m.rows, text)
}

// length is that of a round: there are many figures.
func (m *miniBench) length() time.Duration {
	return time.Duration(min(m.seconds, 0.4) * float64(time.Second))
}

// compare is bench.compare with shorter rounds.
func (m *miniBench) compare(ctx context.Context, sides ...side) ([]series, error) {
	for _, s := range sides {
		if _, err := s.run(ctx, m.length()/2); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return compareCold(ctx, m.rounds, m.length(), sides...)
}

// emptyTable makes a table with the indexes.
func (m *miniBench) emptyTable(ctx context.Context) error {
	if m.t != nil {
		if err := m.w.owner.DeleteTable(ctx, m.t.ID, 0); err != nil {
			return err
		}
	}
	t, err := m.w.owner.CreateTable(ctx, m.w.base, wideTable("wide"))
	if err != nil {
		return err
	}
	for _, name := range []string{"n", "city"} {
		if _, err := m.w.owner.CreateIndex(ctx, t.ID, []minidb.IndexColumn{{Column: name}}, 0); err != nil {
			return err
		}
	}
	m.t = t
	return nil
}

// imports compares the import of a CSV file with COPY, or with one prepared INSERT in one transaction of SQLite.
func (m *miniBench) imports(ctx context.Context) error {
	path, err := m.wideCSV(m.rows)
	if err != nil {
		return err
	}
	var peaks [2]int
	load := func(context.Context) (err error) {
		peaks[0], err = peakMiB(func() error { return m.plain.load(ctx, path) })
		return err
	}
	import1 := func(context.Context) (err error) {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		peaks[1], err = peakMiB(func() error {
			_, err := m.w.owner.Import(ctx, livetables.ImportSpec{Table: m.t.ID}, f)
			return err
		})
		return err
	}
	s, err := compareCold(ctx, max(1, min(m.rounds, 50_000/m.rows)), 0,
		once("by hand", m.rows, m.place.server, nil, func(context.Context) error { return nil }, load),
		once("engine", m.rows, m.place.server, nil, m.emptyTable, import1))
	if err != nil {
		return err
	}
	m.report.addTime(m.what("import of a CSV file, per row"), "T6: <= 1.2", s[0], s[1], "COPY, or one prepared INSERT in a transaction")
	m.report.addCPU(m.what("import of a CSV file, per row"), "", s[0], s[1], "")
	m.memory("import", peaks)
	if m.t, err = m.w.owner.Table(ctx, m.t.ID); err != nil {
		return err
	}
	return m.place.settle(ctx)
}

func (m *miniBench) memory(what string, peaks [2]int) {
	m.report.add(line{What: m.what(what + ", peak of the process's memory"), Base: fmt.Sprintf("%d MiB", peaks[0]), Ours: fmt.Sprintf("%d MiB", peaks[1])})
}

// query is a query of all columns.
func (m *miniBench) query() *lqp.Builder {
	return lqp.FromSource(lqp.Source{Table: m.t.ID}).Columns(wideNames()...)
}

// reading is a side that reads rows, as many as it must find.
func (m *miniBench) reading(want int, query func() *lqp.Query) side {
	return repeat("engine", m.place.server, func(ctx context.Context) error {
		rows, err := m.w.owner.Query(ctx, m.w.workspace, query())
		if err != nil {
			return err
		}
		held := buffers.Get().(*[]byte)
		defer buffers.Put(held)
		var n int
		*held, n, err = countRows((*held)[:0], rows)
		if err == nil && n != want {
			err = fmt.Errorf("%d rows in the place of %d", n, want)
		}
		return err
	})
}

// byHand is the side of the plain table.
func (m *miniBench) byHand(read func(ctx context.Context, buf []byte) ([]byte, error)) side {
	return repeat("by hand", m.place.server, func(ctx context.Context) (err error) {
		held := buffers.Get().(*[]byte)
		defer buffers.Put(held)
		*held, err = read(ctx, (*held)[:0])
		return err
	})
}

// exports compares the export as NDJSON with a scan that encodes structs.
func (m *miniBench) exports(ctx context.Context) error {
	var peaks [2]int
	raw := func(context.Context) (err error) {
		peaks[0], err = peakMiB(func() error { _, err := m.plain.export(ctx); return err })
		return err
	}
	ours := func(context.Context) (err error) {
		peaks[1], err = peakMiB(func() error {
			rows, err := m.w.owner.Export(ctx, m.w.workspace, m.query().Query())
			if err != nil {
				return err
			}
			_, err = livetables.WriteRows(io.Discard, rows, livetables.FormatNDJSON)
			return errors.Join(err, rows.Close())
		})
		return err
	}
	nothing := func(context.Context) error { return nil }
	s, err := compareCold(ctx, max(1, min(m.rounds, 200_000/m.rows)), 0, once("by hand", m.rows, m.place.server, nil, nothing, raw),
		once("engine", m.rows, m.place.server, nil, nothing, ours))
	if err != nil {
		return err
	}
	m.report.addTime(m.what("export as NDJSON, per row"), "", s[0], s[1], "scan into structs and encoding/json")
	m.report.addCPU(m.what("export as NDJSON, per row"), "", s[0], s[1], "")
	m.memory("export", peaks)
	return nil
}
