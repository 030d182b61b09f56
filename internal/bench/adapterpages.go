package main

import (
	"context"
	"fmt"
	"strings"
)

// measureAdapterPages compares pages of 100 orders from a database that is not PostgreSQL with the same pages read by its driver, scanned into structs and encoded by encoding/json: from a key on, and in the order of an indexed column, for
// which the same index serves both.
func measureAdapterPages(name string, fill func(ctx context.Context, b *bench, orders int) (*adapterData, error)) measurement {
	return measurement{"adapter-" + strings.ToLower(name), func(ctx context.Context, b *bench) error {
		w, err := b.inWorld(ctx)
		if err != nil {
			return err
		}
		data, err := fill(ctx, b, min(b.rows, adapterRows))
		if err != nil {
			return err
		}
		return b.adapterPages(ctx, w, name, data)
	}}
}

func (b *bench) adapterPages(ctx context.Context, w *world, name string, data *adapterData) error {
	data.spec.Name = strings.ToLower(name)
	connection, err := w.owner.CreateConnection(ctx, w.workspace, data.spec)
	if err != nil {
		return err
	}
	base, stopBase, err := b.child(ctx, data.base, data.config)
	if err != nil {
		return err
	}
	engine, stopEngine, err := b.child(ctx, "engine", childConfig{Dir: w.dir, Workspace: w.workspace, Source: connection.ID,
		Key: map[bool]string{true: "_id"}[data.spec.Driver == "mongodb"]})
	if err != nil {
		return err
	}
	base.name, base.server, engine.name, engine.server = "base", data.server, "engine", data.server
	notes := "ours + the server, per page"
	if data.server == nil {
		notes = "ours alone, per page"
	}
	for _, page := range []struct {
		what     string
		requests [][]byte
	}{
		{"by key", keyPageRequests("/key", min(b.rows, adapterRows))},
		{"by an indexed number", pageRequests("/page", "customer_id")},
	} {
		base.requests, engine.requests = page.requests, page.requests
		targets := []target{base, engine}
		if err := sameRows(ctx, targets); err != nil {
			return fmt.Errorf("page %s: %w", page.what, err)
		}
		s, err := b.compare(ctx, sidesOf(targets, 32)...)
		if err != nil {
			return fmt.Errorf("page %s: %w", page.what, err)
		}
		what := fmt.Sprintf("page of 100 from %s %s, 32 clients", name, page.what)
		b.report.addRate(what, "T9: >= 1.0", s[0], s[1], "against the driver with structs and encoding/json")
		b.report.addCPU(what, "", s[0], s[1], notes)
	}
	if err := stopBase(); err != nil {
		return err
	}
	return stopEngine()
}
