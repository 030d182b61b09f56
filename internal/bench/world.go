package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mongodb"
	"github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// world is an engine with a durable mini-DB in a directory, as an embedder would make it.
type world struct {
	dir       string
	store     adapter.Store
	db        *minidb.DB
	engine    *livetables.Engine
	owner     *livetables.Access
	workspace string
	base      string
	pg        string // connection to the PostgreSQL data, once it was asked for
	close     func() error
}

const ownerID = "owner"

// openWorld opens the engine in a directory that exists, with its mini-DB in a file there.
func openWorld(ctx context.Context, dir string) (w *world, err error) {
	return openWorldOn(ctx, dir, func(ctx context.Context) (adapter.Store, error) {
		return sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{})
	})
}

// openWorldOn opens the engine with its mini-DB in a store, which it closes.
func openWorldOn(ctx context.Context, dir string, open func(context.Context) (adapter.Store, error)) (w *world, err error) {
	w = &world{dir: dir}
	var closers []func() error
	w.close = func() error {
		var errs []error
		for i := len(closers) - 1; i >= 0; i-- {
			errs = append(errs, closers[i]())
		}
		closers = nil
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	quiet := slog.New(slog.DiscardHandler)
	if w.store, err = open(ctx); err != nil {
		return nil, err
	}
	closers = append(closers, w.store.Close)
	if w.db, err = minidb.Open(ctx, w.store, minidb.Options{Logger: quiet}); err != nil {
		return nil, err
	}
	closers = append(closers, w.db.Close)
	keys, err := livetables.LoadKeys(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	w.engine, err = livetables.New(livetables.Options{
		Store: w.db, Sealer: keys, Logger: quiet, Files: dir,
		Openers: map[string]adapter.Opener{"postgres": postgres.Open, "mysql": mysql.Open, "mongodb": mongodb.Open, "sqlite": sqlite.Open},
		Dial:    new(net.Dialer).DialContext, // the servers of a benchmark are on this machine
		Plain:   func(string, int) bool { return true },
	})
	if err != nil {
		return nil, err
	}
	closers = append(closers, w.engine.Close)
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- w.engine.Run(run) }()
	closers = append(closers, func() error { stop(); return <-ended })
	w.owner = w.engine.As(rbac.Principal{ID: ownerID})
	return w, nil
}

// inWorld is the engine of this process, with a workspace and a base, made once in a run.
func (b *bench) inWorld(ctx context.Context) (*world, error) {
	if b.world != nil {
		return b.world, nil
	}
	w, err := b.newWorld(ctx, "engine")
	if err != nil {
		return nil, err
	}
	b.onClose(w.close)
	b.world = w
	return w, nil
}

// newWorld makes an engine in a new directory. The caller closes it.
func (b *bench) newWorld(ctx context.Context, name string) (*world, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	w, err := openWorld(ctx, dir)
	if err != nil {
		return nil, err
	}
	return w, w.furnish(ctx)
}

// furnish makes a workspace and a base. The world is closed when it fails.
func (w *world) furnish(ctx context.Context) error {
	ws, err := w.owner.CreateWorkspace(ctx, "Bench")
	if err != nil {
		return errors.Join(err, w.close())
	}
	base, err := w.owner.CreateBase(ctx, ws.ID, minidb.BaseSpec{Name: "Shop"})
	if err != nil {
		return errors.Join(err, w.close())
	}
	w.workspace, w.base = ws.ID, base.ID
	return nil
}

// connect makes the connection to the PostgreSQL data, once.
func (w *world) connect(ctx context.Context, p *postgresData) (string, error) {
	if w.pg != "" {
		return w.pg, nil
	}
	spec, err := p.connection()
	if err != nil {
		return "", err
	}
	c, err := w.owner.CreateConnection(ctx, w.workspace, spec)
	if err != nil {
		return "", err
	}
	w.pg = c.ID
	return w.pg, nil
}
