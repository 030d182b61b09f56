package livetables_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// A row for a page about it: its cells, and who keeps others from changing it.
func ExampleAccess_Row() {
	if err := showRow(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Name: "lamp"
	// ann has locked it
}

func showRow(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{})
	if err != nil {
		return err
	}
	defer store.Close()
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer db.Close()
	engine, err := livetables.New(livetables.Options{Store: db})
	if err != nil {
		return err
	}
	defer engine.Close()
	ann := engine.As(rbac.Principal{ID: "ann"})
	w, err := ann.CreateWorkspace(ctx, "Shop")
	if err != nil {
		return err
	}
	base, err := ann.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "Goods"})
	if err != nil {
		return err
	}
	goods, err := ann.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Goods", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}})
	if err != nil {
		return err
	}
	_, made, err := ann.WriteTable(ctx, goods.ID, func(t *minidb.Table) (*lqp.Mutation, error) {
		name := lqp.Assignment{Column: t.Columns[0].Name, Value: lqp.TextValue("lamp")}
		return &lqp.Mutation{Op: lqp.Insert, Table: t.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{name}}}}, nil
	})
	if err != nil {
		return err
	}
	if _, err := ann.LockRow(ctx, goods.ID, made.Rows[0].ID, time.Minute); err != nil {
		return err
	}
	row, err := ann.Row(ctx, goods.ID, made.Rows[0].ID)
	if err != nil {
		return err
	}
	defer row.Close()
	for i, c := range row.Columns {
		if c.Name == "Name" {
			fmt.Printf("%s: %s\n", c.Name, row.AppendJSON(nil, i))
		}
	}
	if row.Lock != nil {
		fmt.Println(row.Lock.Holder, "has locked it")
	}
	return nil
}
