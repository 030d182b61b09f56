package postgres_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
)

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
