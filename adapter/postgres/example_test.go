package postgres_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/lqp"
)

// OpenStore makes the schema, and everything in it is Live Tables's.
func ExampleOpenStore() {
	ctx := context.Background()
	store, err := postgres.OpenStore(ctx, postgres.StoreOptions{
		Settings: adapter.Settings{Host: "db.example.com", Database: "live", User: "livetables", Password: "secret"},
	})
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
		_, err := tx.Exec(ctx, "INSERT INTO item VALUES (?, 12.50)", lqp.TextValue("book"))
		return err
	})
	switch {
	case errors.Is(err, adapter.ErrUncertain):
		fmt.Println("look before writing again:", err)
	case err != nil:
		fmt.Println("nothing was written:", err)
	}
}

// Open validates everything and connects at the first use.
func ExampleOpen() {
	a, err := postgres.Open(context.Background(), adapter.Settings{
		Host: "db.example.com", Database: "shop", User: "reader", Password: "secret", ReadOnly: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	fmt.Println(a.Capabilities().Driver)

	_, err = postgres.Open(context.Background(), adapter.Settings{Host: "/var/run/postgresql", Database: "shop", User: "reader"})
	fmt.Println(errors.Is(err, adapter.ErrOption), err)
	// Output:
	// postgres
	// true connection option not allowed: host must be one host name or IP address
}
