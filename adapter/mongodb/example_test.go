package mongodb_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mongodb"
)

// A connection is described field by field; a URI, in which options could hide, is none of the fields.
func ExampleOpen() {
	ctx := context.Background()
	_, err := mongodb.Open(ctx, adapter.Settings{Host: "mongodb://db.example.com/?tlsInsecure=true", Database: "shop"})
	fmt.Println(errors.Is(err, adapter.ErrOption))

	a, err := mongodb.Open(ctx, adapter.Settings{Host: "db.example.com", Database: "shop", User: "reader", Password: "…"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close() // nothing was connected yet
	fmt.Println(a.Capabilities().Driver)
	// Output:
	// true
	// mongodb
}
