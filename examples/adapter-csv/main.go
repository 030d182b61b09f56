// Adapter-csv teaches the engine a source of its own: a folder of CSV files, by the adapter in adapter.go. It joins a file
// of visits with a table of guests in the mini-DB and prints what each guest spent. docs/adapters.md walks through it.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func main() {
	dir, err := os.MkdirTemp("", "livetables")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

const visits = `id:number!,guest:number,day:date,spent:number
1,10,2024-02-28,12.50
2,11,2024-02-29,7.25
3,10,2024-02-29,0.75
4,12,2024-02-29,\N
5,10,2024-03-01,3
`

func run(ctx context.Context, dir string, out io.Writer) error {
	if err := os.MkdirAll(filepath.Join(dir, "files", "hotel"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "files", "hotel", "visits.csv"), []byte(visits), 0o600); err != nil {
		return err
	}
	store, err := sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{})
	if err != nil {
		return err
	}
	defer store.Close()
	db, err := minidb.Open(ctx, store, minidb.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	engine, err := livetables.New(livetables.Options{
		Store:   db,
		Openers: map[string]adapter.Opener{"csv": Open},
		Files:   filepath.Join(dir, "files"), // connections name folders inside this one
	})
	if err != nil {
		return err
	}
	defer engine.Close()

	ada := engine.As(rbac.Principal{ID: "ada"})
	workspace, err := ada.CreateWorkspace(ctx, "Hotel")
	if err != nil {
		return err
	}
	files, err := ada.CreateConnection(ctx, workspace.ID, livetables.ConnectionSpec{Name: "files", Driver: "csv", File: "hotel"})
	if err != nil {
		return err
	}
	guests, err := guestTable(ctx, ada, workspace.ID)
	if err != nil {
		return err
	}

	same, err := formula.Parse(`v.guest = g.Number`)
	if err != nil {
		return err
	}
	rows, err := ada.Query(ctx, workspace.ID, &lqp.Query{
		From:       lqp.Source{Connection: files.ID, Table: "visits", Alias: "v"},
		Joins:      []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Table: guests, Alias: "g"}, On: same}},
		GroupBy:    []lqp.Named{{Name: "name", Expr: lqp.Ref("g", "Name")}},
		Aggregates: []lqp.Aggregate{{Name: "visits", Func: "countall"}, {Name: "spent", Func: "sum", Arg: lqp.Ref("v", "spent")}},
		OrderBy:    []lqp.Order{{Expr: lqp.Ref("", "spent"), Desc: true}},
	})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := fmt.Fprintf(out, "%s: %s visits, %s\n", rows.Value(0), rows.Value(1), rows.Value(2)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// guestTable makes a table of guests in the mini-DB and answers with its id.
func guestTable(ctx context.Context, ada *livetables.Access, workspace string) (string, error) {
	base, err := ada.CreateBase(ctx, workspace, minidb.BaseSpec{Name: "Desk"})
	if err != nil {
		return "", err
	}
	guests, err := ada.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Guests", Columns: []minidb.ColumnSpec{
		{Name: "Number", Type: minidb.IntegerColumn, Required: true},
		{Name: "Name", Type: minidb.TextColumn},
	}})
	if err != nil {
		return "", err
	}
	change := &lqp.Mutation{Op: lqp.Insert, Table: guests.ID}
	for number, name := range map[int64]string{10: "Noor", 11: "Tadeo", 12: "Ilse", 13: "Bram"} {
		change.Rows = append(change.Rows, lqp.RowChange{Set: []lqp.Assignment{
			{Column: "Number", Value: lqp.IntValue(number)}, {Column: "Name", Value: lqp.TextValue(name)},
		}})
	}
	_, err = ada.Apply(ctx, workspace, change)
	return guests.ID, err
}
