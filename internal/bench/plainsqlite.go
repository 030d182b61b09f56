package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
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
// another one reads, by prepared statements below database/sql.
type plainSQLite struct {
	mu             sync.Mutex // of the writer
	writer, reader *sqlite3.Conn
	stmts          map[string]*sqlite3.Stmt
	next           int64
}

func newPlainSQLite(_ context.Context, file string) (_ plainTable, err error) {
	p := &plainSQLite{stmts: map[string]*sqlite3.Stmt{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	for _, c := range []**sqlite3.Conn{&p.writer, &p.reader} {
		if *c, err = sqlite3.Open(file); err != nil {
			return nil, err
		}
		if err := (*c).Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192"); err != nil {
			return nil, err
		}
	}
	return p, p.create()
}

func (p *plainSQLite) create() error {
	if err := p.forget(); err != nil {
		return err
	}
	sql := `DROP TABLE IF EXISTS plain; CREATE TABLE plain (id TEXT NOT NULL PRIMARY KEY, `
	for _, c := range wideColumns {
		sql += c.name + " " + c.sqlite + ", "
	}
	return p.writer.Exec(sql + `version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL DEFAULT '2024-01-01T00:00:00.000Z',
		updated_at TEXT NOT NULL DEFAULT '2024-01-01T00:00:00.000Z', created_by TEXT DEFAULT 'owner', updated_by TEXT DEFAULT 'owner');` + strings.Join(plainIndexes, ";"))
}

// prepared is a statement of a connection, made once.
func (p *plainSQLite) prepared(c *sqlite3.Conn, sql string) (*sqlite3.Stmt, error) {
	if s := p.stmts[sql]; s != nil {
		return s, nil
	}
	s, _, err := c.Prepare(sql)
	if err == nil {
		p.stmts[sql] = s
	}
	return s, err
}

func (p *plainSQLite) forget() (err error) {
	for sql, s := range p.stmts {
		err = errors.Join(err, s.Close())
		delete(p.stmts, sql)
	}
	return err
}

var plainInsertSQLite = "INSERT INTO plain (" + wideList() + ", id) VALUES (?1" + strings.Repeat(", ?", len(wideColumns)) + ")"

func (p *plainSQLite) load(_ context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := p.create(); err != nil {
		return err
	}
	r := csv.NewReader(f)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return err
	}
	if err := p.writer.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for p.next = 1; ; p.next++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return p.writer.Exec("COMMIT")
		}
		if err == nil {
			err = p.put(cells)
		}
		if err != nil {
			return errors.Join(err, p.writer.Exec("ROLLBACK"))
		}
	}
}

// put inserts a row of cells, converted but not checked.
func (p *plainSQLite) put(cells []string) error {
	s, err := p.prepared(p.writer, plainInsertSQLite)
	if err != nil {
		return err
	}
	for i, cell := range cells {
		switch c := &wideColumns[i]; {
		case c.postgres == "boolean":
			err = s.BindBool(i+1, cell == "true")
		case c.postgres == "numeric(18,2)":
			var f float64
			if f, err = strconv.ParseFloat(cell, 64); err == nil {
				err = s.BindInt64(i+1, int64(f*100+0.5))
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
	if err := s.BindText(len(cells)+1, fmt.Sprintf(plainID, p.next)); err != nil {
		return err
	}
	return s.Exec()
}

func columnsOf(s *sqlite3.Stmt) wideRow[string] {
	return wideRow[string]{N: s.ColumnInt64(0), City: s.ColumnText(1), Name: s.ColumnText(2), Street: s.ColumnText(3), Email: s.ColumnText(4),
		Phone: s.ColumnText(5), Note: s.ColumnText(6), Quantity: s.ColumnInt64(7), Stock: s.ColumnInt64(8), Points: s.ColumnInt64(9), Year: s.ColumnInt64(10),
		Price: float64(s.ColumnInt64(11)) / 100, Total: float64(s.ColumnInt64(12)) / 100, Discount: float64(s.ColumnInt64(13)) / 100,
		Paid: s.ColumnBool(14), Active: s.ColumnBool(15), Due: s.ColumnText(16), Born: s.ColumnText(17), Placed: s.ColumnText(18), Seen: s.ColumnText(19)}
}

// list appends the rows of a statement, whose parameters bind gives.
func (p *plainSQLite) list(buf []byte, sql string, bind func(*sqlite3.Stmt) error) ([]byte, error) {
	s, err := p.prepared(p.reader, sql)
	if err != nil {
		return nil, err
	}
	if bind != nil {
		if err := bind(s); err != nil {
			return nil, err
		}
	}
	list := make([]wideRow[string], 0, 100)
	for s.Step() {
		list = append(list, columnsOf(s))
	}
	if err := errors.Join(s.Err(), s.Reset()); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(buf)
	err = json.NewEncoder(out).Encode(list)
	return out.Bytes(), err
}

func (p *plainSQLite) page(_ context.Context, buf []byte) ([]byte, error) {
	return p.list(buf, plainPage, nil)
}

func (p *plainSQLite) filtered(_ context.Context, buf []byte, city string) ([]byte, error) {
	return p.list(buf, plainFiltered, func(s *sqlite3.Stmt) error { return s.BindText(1, city) })
}

func (p *plainSQLite) after(_ context.Context, buf []byte, n int64, id string) ([]byte, error) {
	return p.list(buf, plainAfter, func(s *sqlite3.Stmt) error { return errors.Join(s.BindInt64(1, n), s.BindText(2, id)) })
}

func (p *plainSQLite) get(_ context.Context, buf []byte, id string) ([]byte, error) {
	return p.list(buf, plainGet, func(s *sqlite3.Stmt) error { return s.BindText(1, id) })
}

func (p *plainSQLite) byCity(_ context.Context, buf []byte) ([]byte, error) {
	return p.list(buf, plainByCity, nil)
}

const plainUpdateSQLite = "UPDATE plain SET total = ?1, version = version + 1, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ'), updated_by = 'owner' WHERE id = ?2 AND version = ?3"

func (p *plainSQLite) update(_ context.Context, id string, version, total int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.prepared(p.writer, plainUpdateSQLite)
	if err != nil {
		return err
	}
	if err := errors.Join(s.BindInt64(1, total), s.BindText(2, id), s.BindInt64(3, version), s.Exec()); err != nil {
		return err
	}
	if p.writer.Changes() != 1 {
		return fmt.Errorf("row %s has another version than %d", id, version)
	}
	return nil
}

func (p *plainSQLite) insert(_ context.Context, n int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	return p.put([]string{strconv.FormatInt(n, 10), cityOf(int(n)), "New customer", "street", "mail", "phone", "note", "1", "2", "3", "4", "5.5",
		strconv.FormatInt(n, 10), "0.5", "true", "false", "2024-01-01", "2024-01-01", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z"})
}

func (p *plainSQLite) export(context.Context) (n int, err error) {
	s, err := p.prepared(p.reader, plainExport)
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for ; s.Step(); n++ {
		r := columnsOf(s)
		out.Reset()
		if err := enc.Encode(&r); err != nil {
			return n, err
		}
	}
	return n, errors.Join(s.Err(), s.Reset())
}

func (p *plainSQLite) close() error {
	err := p.forget()
	for _, c := range []*sqlite3.Conn{p.writer, p.reader} {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}
