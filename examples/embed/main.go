// Embed opens an engine inside an ordinary Go program: no server, no configuration, one file in a temporary directory. It
// makes a table, writes rows, and asks a question with a formula.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/livetables/livetables"
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

func run(ctx context.Context, dir string, out io.Writer) error {
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
	engine, err := livetables.New(livetables.Options{Store: db})
	if err != nil {
		return err
	}
	defer engine.Close()

	// Who asks decides what is seen: there is no data without a principal.
	ada := engine.As(rbac.Principal{ID: "ada"})
	workspace, err := ada.CreateWorkspace(ctx, "Workshop")
	if err != nil {
		return err
	}
	base, err := ada.CreateBase(ctx, workspace.ID, minidb.BaseSpec{Name: "Stock"})
	if err != nil {
		return err
	}
	parts, err := ada.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Parts", Columns: []minidb.ColumnSpec{
		{Name: "Name", Type: minidb.TextColumn, Required: true},
		{Name: "Price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
		{Name: "Left", Type: minidb.IntegerColumn},
	}})
	if err != nil {
		return err
	}

	change := &lqp.Mutation{Op: lqp.Insert, Table: parts.ID}
	for _, p := range []struct {
		name, price string
		left        int64
	}{{"bolt", "0.20", 900}, {"gear", "14.50", 12}, {"motor", "199.00", 3}, {"spring", "1.75", 0}} {
		price, err := lqp.ParseDecimal(p.price)
		if err != nil {
			return err
		}
		change.Rows = append(change.Rows, lqp.RowChange{Set: []lqp.Assignment{
			{Column: "Name", Value: lqp.TextValue(p.name)},
			{Column: "Price", Value: lqp.NumberValue(price)},
			{Column: "Left", Value: lqp.IntValue(p.left)},
		}})
	}
	if _, err := ada.Apply(ctx, workspace.ID, change); err != nil {
		return err
	}

	filter, err := formula.Parse(`Price * Left > 100 AND Left > 0`)
	if err != nil {
		return err
	}
	worth, err := formula.Parse(`Price * Left`)
	if err != nil {
		return err
	}
	rows, err := ada.Query(ctx, workspace.ID, &lqp.Query{
		From:    lqp.Source{Table: "Parts"},
		Where:   filter,
		Compute: []lqp.Named{{Name: "Worth", Expr: worth}},
		Select:  []lqp.Named{{Expr: lqp.Ref("", "Name")}, {Expr: lqp.Ref("", "Worth")}},
		OrderBy: []lqp.Order{{Expr: lqp.Ref("", "Worth"), Desc: true}},
	})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := fmt.Fprintf(out, "%s: %s\n", rows.Value(0), rows.Value(1)); err != nil {
			return err
		}
	}
	return rows.Err()
}
