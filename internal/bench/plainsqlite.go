package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// plainSQLite is a plain table in a file of its own, as durable as the store: WAL, synchronous=FULL. One connection writes,
// sixteen read as the store's do, by prepared statements below database/sql.
type plainSQLite struct {
	mu     sync.Mutex // of the writer
	writer *preparing
	idle   chan *preparing
	all    []*preparing
	whole  bool
	next   int64
}

// plainReaders is how many connections read.
const plainReaders = 16

// preparing is a connection with the statements that were asked of it so far.
type preparing struct {
	conn  *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

func openPlainSQLite(file string, whole bool) (_ plainTable, err error) {
	p := &plainSQLite{idle: make(chan *preparing, plainReaders), whole: whole}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	for range 1 + plainReaders {
		conn, err := sqlite3.Open(file)
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, &preparing{conn: conn, stmts: map[string]*sqlite3.Stmt{}})
		if err := conn.Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192"); err != nil {
			return nil, err
		}
	}
	p.writer = p.all[0]
	for _, c := range p.all[1:] {
		p.idle <- c
	}
	return p, p.create()
}

func (p *plainSQLite) create() error {
	for _, c := range p.all {
		if err := c.forget(); err != nil {
			return err
		}
	}
	sql := `DROP TABLE IF EXISTS plain; CREATE TABLE plain (id TEXT NOT NULL PRIMARY KEY, `
	for _, c := range wideColumns {
		sql += c.name + " " + c.sqlite + ", "
	}
	return p.writer.conn.Exec(sql + `version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL DEFAULT '2024-01-01T00:00:00.000Z',
		updated_at TEXT NOT NULL DEFAULT '2024-01-01T00:00:00.000Z', created_by TEXT DEFAULT 'owner', updated_by TEXT DEFAULT 'owner');` + strings.Join(plainIndexes, ";"))
}

// prepare is a statement, made once, with its parameters.
func (c *preparing) prepare(sql string, args ...any) (*sqlite3.Stmt, error) {
	s := c.stmts[sql]
	if s == nil {
		var err error
		if s, _, err = c.conn.Prepare(sql); err != nil {
			return nil, err
		}
		c.stmts[sql] = s
	}
	for i, arg := range args {
		var err error
		switch v := arg.(type) {
		case string:
			err = s.BindText(i+1, v)
		case int64:
			err = s.BindInt64(i+1, v)
		case bool:
			err = s.BindBool(i+1, v)
		default:
			err = fmt.Errorf("parameter %d is a %T", i+1, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (c *preparing) forget() (err error) {
	for sql, s := range c.stmts {
		err = errors.Join(err, s.Close())
		delete(c.stmts, sql)
	}
	return err
}

var (
	plainInsertSQLite       = plainInsert(len(wideColumns)+1, ", id", "")
	plainInsertSQLiteAnswer = plainInsert(len(wideColumns)+1, ", id", " RETURNING "+plainColumns(true))
)

func (p *plainSQLite) load(_ context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := p.create(); err != nil {
		return err
	}
	if err := p.writer.conn.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := p.insertAll(f); err != nil {
		return errors.Join(err, p.writer.conn.Exec("ROLLBACK"))
	}
	return p.writer.conn.Exec("COMMIT")
}

// insertAll inserts the rows of a CSV file by one prepared statement.
func (p *plainSQLite) insertAll(f io.Reader) error {
	r := csv.NewReader(f)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return err
	}
	s, err := p.writer.prepare(plainInsertSQLite)
	if err != nil {
		return err
	}
	for p.next = 1; ; p.next++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = bindWide(s, cells)
		}
		if err == nil {
			err = s.BindText(len(cells)+1, fmt.Sprintf(plainID, p.next))
		}
		if err == nil {
			err = s.Exec()
		}
		if err != nil {
			return err
		}
	}
}

// bindWide gives a statement a row of texts, converted but not checked.
func bindWide(s *sqlite3.Stmt, cells []string) (err error) {
	for i, cell := range cells {
		switch c := &wideColumns[i]; {
		case c.postgres == "boolean":
			err = s.BindBool(i+1, cell == "true")
		case c.postgres == "numeric(18,2)":
			var f float64
			if f, err = strconv.ParseFloat(cell, 64); err == nil {
				err = s.BindInt64(i+1, hundredths(f))
			}
		case c.sqlite == "INTEGER":
			var n int64
			if n, err = strconv.ParseInt(cell, 10, 64); err == nil {
				err = s.BindInt64(i+1, n)
			}
		default:
			err = s.BindText(i+1, cell)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func hundredths(f float64) int64 { return int64(f*100 + 0.5) }

func cellsAt(s *sqlite3.Stmt) wideRow[string] {
	return wideRow[string]{N: s.ColumnInt64(0), City: s.ColumnText(1), Name: s.ColumnText(2), Street: s.ColumnText(3), Email: s.ColumnText(4),
		Phone: s.ColumnText(5), Note: s.ColumnText(6), Quantity: s.ColumnInt64(7), Stock: s.ColumnInt64(8), Points: s.ColumnInt64(9), Year: s.ColumnInt64(10),
		Price: float64(s.ColumnInt64(11)) / 100, Total: float64(s.ColumnInt64(12)) / 100, Discount: float64(s.ColumnInt64(13)) / 100,
		Paid: s.ColumnBool(14), Active: s.ColumnBool(15), Due: s.ColumnText(16), Born: s.ColumnText(17), Placed: s.ColumnText(18), Seen: s.ColumnText(19)}
}

func wholeAt(s *sqlite3.Stmt) wholeRow[string] {
	n := len(wideColumns)
	return wholeRow[string]{Fields: cellsAt(s), ID: s.ColumnText(n), Version: s.ColumnInt64(n + 1), CreatedAt: s.ColumnText(n + 2), CreatedBy: s.ColumnText(n + 3),
		UpdatedAt: s.ColumnText(n + 4), UpdatedBy: s.ColumnText(n + 5)}
}

// stepped collects the rows of a statement.
func stepped[T any](s *sqlite3.Stmt, at func(*sqlite3.Stmt) T) ([]T, error) {
	list := make([]T, 0, 100)
	for s.Step() {
		list = append(list, at(s))
	}
	return list, errors.Join(s.Err(), s.Reset())
}

func (p *plainSQLite) read(_ context.Context, buf []byte, tail string, args ...any) ([]byte, error) {
	c := <-p.idle
	defer func() { p.idle <- c }()
	s, err := c.prepare(plainSelect(p.whole)+tail, args...)
	if err != nil {
		return nil, err
	}
	if p.whole {
		list, err := stepped(s, wholeAt)
		if err != nil {
			return nil, err
		}
		return appendJSON(buf, list)
	}
	list, err := stepped(s, cellsAt)
	if err != nil {
		return nil, err
	}
	return appendJSON(buf, list)
}

// write runs a statement and commits, alone; one that returns the whole row when row is not nil.
func (p *plainSQLite) write(row *[]byte, sql string, args ...any) error {
	s, err := p.writer.prepare(sql, args...)
	if err != nil {
		return err
	}
	if row == nil {
		if err := s.Exec(); err != nil {
			return err
		}
		if p.writer.conn.Changes() != 1 {
			return errVersion
		}
		return nil
	}
	list, err := stepped(s, wholeAt)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return errVersion
	}
	*row, err = appendJSON(*row, &list[0])
	return err
}

const plainUpdateSQLite = "UPDATE plain SET total = ?1, version = version + 1, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ'), updated_by = 'owner' WHERE id = ?2 AND version = ?3"

func (p *plainSQLite) update(_ context.Context, id string, version, total int64, row *[]byte) error {
	sql := plainUpdateSQLite
	if row != nil {
		sql += " RETURNING " + plainColumns(true)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(row, sql, total, id, version)
}

func (p *plainSQLite) insert(_ context.Context, r *wideRow[string], row *[]byte) error {
	sql := plainInsertSQLite
	if row != nil {
		sql = plainInsertSQLiteAnswer
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	return p.write(row, sql, r.N, r.City, r.Name, r.Street, r.Email, r.Phone, r.Note, r.Quantity, r.Stock, r.Points, r.Year,
		hundredths(r.Price), hundredths(r.Total), hundredths(r.Discount), r.Paid, r.Active, r.Due, r.Born, r.Placed, r.Seen, fmt.Sprintf(plainID, p.next))
}

func (p *plainSQLite) export(_ context.Context, w io.Writer) (int, error) {
	c := <-p.idle
	defer func() { p.idle <- c }()
	s, err := c.prepare(plainSelect(p.whole) + plainAll)
	if err != nil {
		return 0, err
	}
	out := newLines(w)
	for s.Step() {
		if p.whole {
			r := wholeAt(s)
			err = out.add(&r)
		} else {
			r := cellsAt(s)
			err = out.add(&r)
		}
		if err != nil {
			return out.n, errors.Join(err, s.Reset())
		}
	}
	return out.n, errors.Join(s.Err(), s.Reset(), out.flush())
}

func (p *plainSQLite) durability(context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := ""
	for _, name := range durabilitySQLite {
		s, err := p.writer.prepare("PRAGMA " + name)
		if err != nil {
			return "", err
		}
		for s.Step() {
			text += " " + name + "=" + s.ColumnText(0)
		}
		if err := errors.Join(s.Err(), s.Reset()); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(text), nil
}

// durabilitySQLite are the settings by which a connection to a file waits for the disk; synchronous is 2 for FULL.
var durabilitySQLite = []string{"journal_mode", "synchronous"}

func (p *plainSQLite) close() (err error) {
	for _, c := range p.all {
		err = errors.Join(err, c.forget(), c.conn.Close())
	}
	return err
}
