package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
)

func ExampleOpenStore() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store, err := sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	price := store.DeclareType(lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2})
	err = store.Write(ctx, func(tx adapter.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE TABLE item (name TEXT PRIMARY KEY, price "+price+")"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO item VALUES (?, 1250), (?, 399)", lqp.TextValue("book"), lqp.TextValue("pen"))
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	err = store.Read(ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(ctx, "SELECT name, price FROM item ORDER BY name")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			fmt.Println(rows.Value(0).Text(), rows.Value(1))
		}
		return rows.Err()
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// book 12.5
	// pen 3.99
}
