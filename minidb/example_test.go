package minidb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "minidb")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.OpenStore(ctx, filepath.Join(dir, "mini.db"), sqlite.StoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ada := minidb.Actor{ID: "usr_ada"}
	workspace, err := db.CreateWorkspace(ctx, ada, "Workshop")
	if err != nil {
		log.Fatal(err)
	}
	base, err := db.CreateBase(ctx, ada, workspace.ID, minidb.BaseSpec{Name: "Stores"})
	if err != nil {
		log.Fatal(err)
	}
	parts, err := db.CreateTable(ctx, ada, base.ID, minidb.TableSpec{Name: "Parts", Columns: []minidb.ColumnSpec{
		{Name: "Name", Type: minidb.TextColumn, Required: true},
		{Name: "Price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	insert := func(price string) error {
		d, err := lqp.ParseDecimal(price)
		if err != nil {
			return err
		}
		results, err := db.Apply(ctx, ada, []minidb.Write{{Table: parts, Mutation: &lqp.Mutation{Op: lqp.Insert, Rows: []lqp.RowChange{{
			Set: []lqp.Assignment{
				{Column: parts.Columns[0].ID, Value: lqp.TextValue("Bolt")},
				{Column: parts.Columns[1].ID, Value: lqp.NumberValue(d)},
			}}}}}})
		if err == nil {
			fmt.Println("inserted", results[0].Affected, "row, version", results[0].Rows[0].Version)
		}
		return err
	}
	if err := insert("0.25"); err != nil {
		log.Fatal(err)
	}
	var invalid *minidb.ValidationError
	if err := insert("0.255"); errors.As(err, &invalid) {
		fmt.Println(invalid.Fields[0].Message)
	}
	entries, err := db.Changes(ctx, 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		fmt.Println(e.Position, e.Action)
	}
	// Output:
	// inserted 1 row, version 1
	// "Price" keeps 2 decimals; 0.255 has more
	// 1 workspace.create
	// 2 member.add
	// 3 base.create
	// 4 table.create
	// 5 row.insert
}
