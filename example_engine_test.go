package livetables_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// inEngine runs an example with an engine on files of its own, which are removed after it, and prints what goes wrong. examples/embed is a
// program that opens one.
func inEngine(opt livetables.Options, example func(ctx context.Context, engine *livetables.Engine) error) {
	if err := withEngine(context.Background(), opt, example); err != nil {
		fmt.Println(err)
	}
}

func withEngine(ctx context.Context, opt livetables.Options, example func(ctx context.Context, engine *livetables.Engine) error) (err error) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
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
	if opt.Blobs, err = blob.OpenDir(filepath.Join(dir, "files")); err != nil {
		return err
	}
	opt.Store = db
	engine, err := livetables.New(opt)
	if err != nil {
		return err
	}
	defer engine.Close()
	return example(ctx, engine)
}
