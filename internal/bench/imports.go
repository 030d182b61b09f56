package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables"
)

// importRows is how many rows are imported at a time: what the target speaks of.
const importRows = 10_000

// once is a side that does one thing in a round, however long it takes: prepare is not counted.
func once(name string, ops int, server *serverCPU, pid func() int, prepare, do func(ctx context.Context) error) side {
	return side{name, func(ctx context.Context, _ time.Duration) (sample, error) {
		if err := prepare(ctx); err != nil {
			return sample{}, err
		}
		cpu := func() time.Duration {
			if pid == nil {
				return ownCPU()
			}
			return processCPU(pid())
		}
		own, source, began := cpu(), server.cpu(), time.Now()
		err := do(ctx)
		return sample{ops: ops, elapsed: time.Since(began), ours: cpu() - own, source: server.since(source)}, err
	}}
}

// measureImport compares the import of a CSV file into a table of the mini-DB, all or nothing, with every cell checked,
// every row in the log and its event on the way, with two programs that do less: a loop of one prepared INSERT in one
// durable transaction of SQLite, cells converted but not checked; and COPY of the same file into PostgreSQL. All tables
// are new and empty and have the same unique index.
func measureImport(ctx context.Context, b *bench) error {
	path, err := b.writeCSV(importRows)
	if err != nil {
		return err
	}
	data, err := b.ordersInPostgres(ctx)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, data.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	w, err := b.newWorld(ctx, "imports")
	if err != nil {
		return err
	}
	b.onClose(w.close)
	bare, err := sqlite3.Open(filepath.Join(b.dir, "bare-import.db"))
	if err != nil {
		return err
	}
	b.onClose(bare.Close)
	if err := bare.Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192"); err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	round, table := 0, ""
	newTable := func(ctx context.Context) error {
		if table != "" {
			if err := w.owner.DeleteTable(ctx, table, 0); err != nil {
				return err
			}
		}
		round++
		t, err := b.miniOrders(ctx, w, fmt.Sprintf("import %d", round), 0)
		if err == nil {
			table = t.ID
		}
		return err
	}
	sides := []side{
		once("prepared loop", importRows, nil, nil, func(context.Context) error { return bare.Exec(bareImportSchema) },
			func(context.Context) error { return bareImport(bare, path) }),
		once("COPY", importRows, data.server, nil, func(ctx context.Context) error {
			_, err := conn.Exec(ctx, "DROP TABLE IF EXISTS imported; CREATE TABLE imported (LIKE orders INCLUDING DEFAULTS, PRIMARY KEY (id))")
			return err
		}, func(ctx context.Context) error { return copyFile(ctx, conn, path) }),
		once("engine", importRows, nil, nil, newTable, func(ctx context.Context) error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = w.owner.Import(ctx, livetables.ImportSpec{Table: table}, f)
			return err
		}),
	}
	if d := b.daemonIfAny(ctx); d != nil {
		sides = append(sides, once("daemon", importRows, nil, func() int { return d.cmd.Process.Pid }, func(context.Context) error { round++; return nil }, func(ctx context.Context) error {
			return d.send(ctx, "POST", fmt.Sprintf("/bases/%s/import?name=import%%20%d", d.base, round), "text/csv", file, nil)
		}))
	}
	s, err := b.compare(ctx, sides...)
	if err != nil {
		return err
	}
	for _, ours := range s[2:] {
		notes := ""
		if ours.name == "daemon" {
			notes = "over HTTP into a new table, types found out first; no unique column"
		}
		b.report.addTime(fmt.Sprintf("CSV import of %d rows, per row, against a prepared loop", importRows), "", s[0], ours, notes)
		b.report.addTime(fmt.Sprintf("CSV import of %d rows, per row, against COPY", importRows), "T6: <= 1.2", s[1], ours, notes)
		b.report.addCPU(fmt.Sprintf("CSV import of %d rows, per row, against a prepared loop", importRows), "", s[0], ours, "")
	}
	return nil
}

const bareImportSchema = `DROP TABLE IF EXISTS imported; CREATE TABLE imported (id INTEGER NOT NULL UNIQUE, number TEXT, customer_id INTEGER, status TEXT,
	currency TEXT, quantity INTEGER, total INTEGER, discount INTEGER, paid INTEGER, placed TEXT, due TEXT, address TEXT, note TEXT)`

// bareImport reads the file with encoding/csv and inserts its rows with one prepared statement in one transaction.
func bareImport(conn *sqlite3.Conn, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return err
	}
	if err := conn.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	stmt, _, err := conn.Prepare("INSERT INTO imported VALUES (?1" + strings.Repeat(", ?", len(orderColumns)-1) + ")")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return conn.Exec("COMMIT")
		}
		if err != nil {
			return err
		}
		for i, cell := range cells {
			if err := bindCell(stmt, i, cell); err != nil {
				return err
			}
		}
		if err := stmt.Exec(); err != nil {
			return err
		}
	}
}

// bindCell converts the cell of a column of orders.
func bindCell(s *sqlite3.Stmt, column int, cell string) error {
	switch orderColumns[column] {
	case "id", "customer_id", "quantity":
		n, err := strconv.ParseInt(cell, 10, 64)
		if err != nil {
			return err
		}
		return s.BindInt64(column+1, n)
	case "total", "discount":
		f, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return err
		}
		return s.BindInt64(column+1, int64(f*10_000+0.5))
	case "paid":
		return s.BindBool(column+1, cell == "true")
	}
	return s.BindText(column+1, cell)
}
