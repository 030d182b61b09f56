package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

// Example is the first start of an instance: its setup token makes the first account, whose session lasts until it logs
// out.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "auth")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	keys, err := livetables.LoadKeys(filepath.Join(dir, "master.key"))
	if err != nil {
		panic(err)
	}
	store, err := sqlite.OpenStore(ctx, filepath.Join(dir, "accounts.db"), sqlite.StoreOptions{})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	service, err := auth.Open(ctx, store, auth.Options{Keys: keys})
	if err != nil {
		panic(err)
	}

	setup, needed, err := service.SetupToken(ctx)
	fmt.Println("setup needed:", needed, err)
	tokens, err := service.Register(ctx, auth.Registration{
		Email: "Ann@Example.com", Password: livetables.NewSecret("correct horse"), SetupToken: livetables.NewSecret(setup),
	}, auth.Client{Address: netip.MustParseAddr("192.0.2.7")})
	if err != nil {
		panic(err)
	}
	who, err := service.Verify(ctx, tokens.Access.Reveal())
	fmt.Println(who.Email, who.Admin, err)
	fmt.Println("in a log:", tokens.Access)

	fmt.Println(service.Logout(ctx, who))
	_, err = service.Verify(ctx, tokens.Access.Reveal())
	fmt.Println(errors.Is(err, auth.ErrUnauthenticated))
	// Output:
	// setup needed: true <nil>
	// ann@example.com true <nil>
	// in a log: [redacted]
	// <nil>
	// true
}
