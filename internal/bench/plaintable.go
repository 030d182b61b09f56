package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// plainTable is the baseline of the mini-DB: a table of the same columns and indexes in the same kind of database, with
// statements by hand. It has versions, but neither checks nor a log. All methods but load and close may be called at the
// same time.
type plainTable interface {
	// load makes the table anew from a CSV file, by the fastest way that the database has.
	load(ctx context.Context, path string) error
	// read appends the rows of one of the statements below as a JSON array. Arguments are texts and integers (int64).
	read(ctx context.Context, buf []byte, tail string, args ...any) ([]byte, error)
	// update changes the total, in hundredths, of a row that has the version; insert adds a row. Both are durable when they
	// return. The row as it is then is appended to the buffer as JSON, unless that is nil. The error is errVersion where
	// there is no such row of that version.
	update(ctx context.Context, id string, version, total int64, row *[]byte) error
	insert(ctx context.Context, cells *wideRow[string], row *[]byte) error
	// export writes all rows, a line of JSON each, and counts them.
	export(ctx context.Context, w io.Writer) (int, error)
	// durability tells by which settings a write waits for the disk.
	durability(ctx context.Context) (string, error)
	close() error
}

var errVersion = errors.New("no such row of that version")

// plainID is the id of a row of a plain table.
const plainID = "row_%026d"

// What follows SELECT … FROM plain, for both databases.
const (
	plainFirst  = " ORDER BY n, id LIMIT 100"
	plainOfCity = " WHERE city = $1 ORDER BY id LIMIT 100"
	plainAfter  = " WHERE (n, id) > ($1, $2) ORDER BY n, id LIMIT 100"
	plainByCity = " ORDER BY city DESC, id DESC LIMIT 100"
	plainGet    = " WHERE id = $1"
	plainAll    = " ORDER BY id"
)

// plainIndexes are those that the table in the mini-DB has.
var plainIndexes = []string{"CREATE INDEX plain_n ON plain (n, id)", "CREATE INDEX plain_city ON plain (city, id)", "CREATE INDEX plain_created ON plain (created_at)"}

// wholeRow is a row with all that the mini-DB answers over HTTP, in the same form.
type wholeRow[T any] struct {
	ID        string     `json:"id"`
	Version   int64      `json:"version"`
	Fields    wideRow[T] `json:"fields"`
	CreatedAt T          `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	UpdatedAt T          `json:"updated_at"`
	UpdatedBy string     `json:"updated_by"`
}

// plainColumns are those of a SELECT: whole rows, or their cells alone.
func plainColumns(whole bool) string {
	list := strings.Join(wideNames(), ", ")
	if whole {
		list += ", id, version, created_at, created_by, updated_at, updated_by"
	}
	return list
}

// plainSelect is a SELECT without its tail.
func plainSelect(whole bool) string { return "SELECT " + plainColumns(whole) + " FROM plain" }

// plainInsert is the INSERT of cells; more are further columns, rest what comes after the parameters.
func plainInsert(parameters int, more, rest string) string {
	sql := "INSERT INTO plain (" + plainColumns(false) + more + ") VALUES ($1"
	for n := 2; n <= parameters; n++ {
		sql += ", $" + strconv.Itoa(n)
	}
	return sql + ")" + rest
}

// appendJSON appends a document as encoding/json writes it.
func appendJSON(buf []byte, v any) ([]byte, error) {
	out := bytes.NewBuffer(buf)
	err := json.NewEncoder(out).Encode(v)
	return out.Bytes(), err
}

// lines encodes rows, each on a line of its own.
type lines struct {
	n   int
	out io.Writer
	buf bytes.Buffer
	enc *json.Encoder
}

func newLines(w io.Writer) *lines {
	l := &lines{out: w}
	l.enc = json.NewEncoder(&l.buf)
	return l
}

func (l *lines) add(v any) error {
	l.n++
	if err := l.enc.Encode(v); err != nil {
		return err
	}
	if l.buf.Len() < 32<<10 {
		return nil
	}
	return l.flush()
}

func (l *lines) flush() error {
	_, err := l.buf.WriteTo(l.out)
	return err
}
