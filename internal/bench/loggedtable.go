package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"
)

// loggedTable is a plain table with a log by hand: an entry for every row, which has the bytes that ours has, in a table with the columns
// and the indexes of our log, in the transaction of the rows. Nothing is checked, worked out or hashed: whatever keeps an entry for
// every row costs at least as much.
type loggedTable interface {
	// take keeps in a file what the import of a table has left in the log of the store, and counts the entries.
	take(ctx context.Context, table string) (int, error)
	// empty makes the log anew, without entries.
	empty(ctx context.Context) error
	// load makes the plain table anew from a CSV file and puts the entries into the log.
	load(ctx context.Context, path string) error
	close() error
}

// entriesOf are the entries about the rows of a table.
const entriesOf = "SELECT * FROM lt_change WHERE table_id = '%s' AND resource_type = 'row' ORDER BY position"

// loggedPostgres has its tables in schemas beside those of the store.
type loggedPostgres struct {
	plain *plainPostgres
	from  string // schema of the store
	file  string
}

func openLoggedPostgres(ctx context.Context, url, dir string) (loggedTable, error) {
	plain, err := openPlainPostgres(ctx, url, 1, false)
	if err != nil {
		return nil, err
	}
	p := &loggedPostgres{plain: plain.(*plainPostgres), file: filepath.Join(dir, "entries")}
	err = p.plain.pool.QueryRow(ctx, "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'lt_change'").Scan(&p.from)
	if err != nil {
		p.plain.pool.Close()
		return nil, fmt.Errorf("find the log: %w", err)
	}
	return p, nil
}

// take uses the binary format of COPY, which is what ours is written in.
func (p *loggedPostgres) take(ctx context.Context, table string) (n int, err error) {
	f, err := os.Create(p.file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = p.with(ctx, func(c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "SET search_path = "+p.from); err != nil {
			return err
		}
		tag, err := c.PgConn().CopyTo(ctx, f, "COPY ("+fmt.Sprintf(entriesOf, table)+") TO STDOUT (FORMAT binary)")
		n = int(tag.RowsAffected())
		_, reset := c.Exec(ctx, "SET search_path = plain")
		return errors.Join(err, reset)
	})
	return n, err
}

func (p *loggedPostgres) with(ctx context.Context, f func(c *pgx.Conn) error) error {
	c, err := p.plain.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return f(c.Conn())
}

func (p *loggedPostgres) empty(ctx context.Context) error {
	_, err := p.plain.pool.Exec(ctx, "DROP SCHEMA IF EXISTS plain_log CASCADE; CREATE SCHEMA plain_log; CREATE TABLE plain_log.lt_change (LIKE "+p.from+".lt_change INCLUDING ALL)")
	return err
}

func (p *loggedPostgres) load(ctx context.Context, path string) error {
	rows, err := os.Open(path)
	if err != nil {
		return err
	}
	defer rows.Close()
	entries, err := os.Open(p.file)
	if err != nil {
		return err
	}
	defer entries.Close()
	if err := p.plain.create(ctx); err != nil {
		return err
	}
	return p.with(ctx, func(c *pgx.Conn) error {
		return pgx.BeginFunc(ctx, c, func(pgx.Tx) error {
			if _, err := c.PgConn().CopyFrom(ctx, rows, plainCopy()); err != nil {
				return err
			}
			_, err := c.PgConn().CopyFrom(ctx, entries, "COPY plain_log.lt_change FROM STDIN (FORMAT binary)")
			return err
		})
	})
}

func (p *loggedPostgres) close() error {
	p.plain.pool.Close()
	return os.Remove(p.file)
}

// loggedSQLite has its tables in a file beside that of the store.
type loggedSQLite struct {
	plain    *plainSQLite
	from, to string // files of the store and of the entries
	schema   string
	insert   string
}

func openLoggedSQLite(dir, store string) (loggedTable, error) {
	plain, err := openPlainSQLite(filepath.Join(dir, "logged.db"), false)
	if err != nil {
		return nil, err
	}
	return &loggedSQLite{plain: plain.(*plainSQLite), from: filepath.Join(dir, store), to: filepath.Join(dir, "entries")}, nil
}

func (p *loggedSQLite) take(_ context.Context, table string) (n int, err error) {
	conn, err := sqlite3.Open(p.from)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	c := &preparing{conn: conn, stmts: map[string]*sqlite3.Stmt{}}
	defer func() { err = errors.Join(err, c.forget()) }()
	s, err := c.prepare("SELECT sql || ';' FROM sqlite_schema WHERE tbl_name = 'lt_change' AND sql IS NOT NULL ORDER BY rowid")
	if err != nil {
		return 0, err
	}
	for s.Step() {
		p.schema += s.ColumnText(0)
	}
	if err := errors.Join(s.Err(), s.Reset()); err != nil {
		return 0, err
	}
	f, err := os.Create(p.to)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if s, err = c.prepare(fmt.Sprintf(entriesOf, table)); err != nil {
		return 0, err
	}
	p.insert = "INSERT INTO lt_change VALUES (?"
	for range s.ColumnCount() - 1 {
		p.insert += ", ?"
	}
	p.insert += ")"
	w := bufio.NewWriter(f)
	for ; s.Step(); n++ {
		if err := writeCells(w, s); err != nil {
			return n, err
		}
	}
	return n, errors.Join(s.Err(), s.Reset(), w.Flush())
}

// writeCells keeps a row: of every cell its type, its length and its bytes, of integers the number in the place of the length.
func writeCells(w *bufio.Writer, s *sqlite3.Stmt) error {
	var head []byte
	for i := range s.ColumnCount() {
		kind := s.ColumnType(i)
		var body []byte
		switch head = append(head[:0], byte(kind)); kind {
		case sqlite3.NULL:
		case sqlite3.INTEGER:
			head = binary.AppendVarint(head, s.ColumnInt64(i))
		default:
			body = s.ColumnRawBlob(i)
			head = binary.AppendVarint(head, int64(len(body)))
		}
		if _, err := w.Write(head); err != nil {
			return err
		}
		if _, err := w.Write(body); err != nil {
			return err
		}
	}
	return nil
}

func (p *loggedSQLite) empty(context.Context) error {
	if err := p.plain.writer.forget(); err != nil {
		return err
	}
	return p.plain.writer.conn.Exec("DROP TABLE IF EXISTS lt_change; " + p.schema)
}

func (p *loggedSQLite) load(_ context.Context, path string) error {
	rows, err := os.Open(path)
	if err != nil {
		return err
	}
	defer rows.Close()
	entries, err := os.Open(p.to)
	if err != nil {
		return err
	}
	defer entries.Close()
	if err := p.plain.create(); err != nil {
		return err
	}
	conn := p.plain.writer.conn
	if err := conn.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err = p.plain.insertAll(rows); err == nil {
		err = p.insertEntries(bufio.NewReaderSize(entries, 64<<10))
	}
	if err != nil {
		return errors.Join(err, conn.Exec("ROLLBACK"))
	}
	return conn.Exec("COMMIT")
}

func (p *loggedSQLite) insertEntries(r *bufio.Reader) error {
	s, err := p.plain.writer.prepare(p.insert)
	if err != nil {
		return err
	}
	width := s.BindCount()
	var buf []byte
	for {
		for i := 1; i <= width; i++ {
			if buf, err = bindCell(s, i, r, buf); err != nil {
				if i == 1 && errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
		}
		if err := s.Exec(); err != nil {
			return err
		}
	}
}

// bindCell reads a cell of writeCells into a parameter.
func bindCell(s *sqlite3.Stmt, i int, r *bufio.Reader, buf []byte) ([]byte, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return buf, err
	}
	if sqlite3.Datatype(kind) == sqlite3.NULL {
		return buf, s.BindNull(i)
	}
	n, err := binary.ReadVarint(r)
	if err != nil {
		return buf, err
	}
	if sqlite3.Datatype(kind) == sqlite3.INTEGER {
		return buf, s.BindInt64(i, n)
	}
	if int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		return buf, err
	}
	if sqlite3.Datatype(kind) == sqlite3.TEXT {
		return buf, s.BindRawText(i, buf)
	}
	return buf, s.BindBlob(i, buf)
}

func (p *loggedSQLite) close() error { return errors.Join(p.plain.close(), os.Remove(p.to)) }
