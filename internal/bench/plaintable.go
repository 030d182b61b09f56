package main

import (
	"context"
	"strings"
)

// plainTable is the baseline of the mini-DB: a table of the same columns and indexes in the same kind of database, with
// statements by hand. It has versions, but neither checks nor a log.
type plainTable interface {
	// load fills the empty table from a CSV file, by the fastest way that the database has.
	load(ctx context.Context, path string) error
	// page appends the first 100 rows by n, filtered those of a city, after those that follow a row, get a row, each as JSON.
	page(ctx context.Context, buf []byte) ([]byte, error)
	filtered(ctx context.Context, buf []byte, city string) ([]byte, error)
	after(ctx context.Context, buf []byte, n int64, id string) ([]byte, error)
	get(ctx context.Context, buf []byte, id string) ([]byte, error)
	// byCity appends the last 100 rows by city.
	byCity(ctx context.Context, buf []byte) ([]byte, error)
	// update changes the total of a row that has the version; insert adds a row, also at the same time as others. Both are
	// durable when they return.
	update(ctx context.Context, id string, version, total int64) error
	insert(ctx context.Context, n int64) error
	// export encodes all rows, a line each, and counts them.
	export(ctx context.Context) (int, error)
	close() error
}

// plainID is the id of a row of a plain table.
const plainID = "row_%026d"

func wideList() string { return strings.Join(wideNames(), ", ") }

// The statements of pages, for both databases.
var (
	plainPage     = "SELECT " + wideList() + " FROM plain ORDER BY n, id LIMIT 100"
	plainFiltered = "SELECT " + wideList() + " FROM plain WHERE city = $1 ORDER BY id LIMIT 100"
	plainAfter    = "SELECT " + wideList() + " FROM plain WHERE (n, id) > ($1, $2) ORDER BY n, id LIMIT 100"
	plainByCity   = "SELECT " + wideList() + " FROM plain ORDER BY city DESC, id DESC LIMIT 100"
	plainGet      = "SELECT " + wideList() + " FROM plain WHERE id = $1"
	plainExport   = "SELECT " + wideList() + " FROM plain ORDER BY id"
)

// plainIndexes are those that the table in the mini-DB has.
var plainIndexes = []string{"CREATE INDEX plain_n ON plain (n, id)", "CREATE INDEX plain_city ON plain (city, id)", "CREATE INDEX plain_created ON plain (created_at)"}
