package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"
)

// miniOver compares the daemon, as it is shipped but for its rate limit and with a login's token, with a server by hand: each
// a process of its own, asked over HTTP by the same client. What the server by hand answers has the form and the columns of
// what the daemon does.
type miniOver struct {
	*miniBench
	base   target
	d      *daemonSide
	login  time.Time
	table  string // path of the daemon's
	ids    []string
	cursor string
}

func measureOver(ctx context.Context, m *miniBench, dir string) (err error) {
	if _, err := m.buildDaemon(ctx); err != nil {
		return err
	}
	base, stop, err := m.child(ctx, "base-minidb", m.place.base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	d, err := m.newDaemon(ctx, filepath.Join(dir, "daemon"), m.place.daemon...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	base.name, base.server = "by hand", m.place.server
	o := &miniOver{miniBench: m, base: base, d: d, login: time.Now()}
	for _, measure := range []func(context.Context) error{o.durability, o.importsOfFiles} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	if m.imports {
		return nil
	}
	if err := o.prepare(ctx); err != nil {
		return err
	}
	return errors.Join(o.pages(ctx), o.writes(ctx), o.exports(ctx))
}

// durability tells of the server by hand. The daemon opens its database as measureInside does, and is not asked.
func (m *miniOver) durability(ctx context.Context) error {
	return m.byHand(ctx, "GET", "/durability", func(r io.Reader) error {
		text, err := io.ReadAll(r)
		if err == nil {
			m.report.add(line{What: m.what("how a write waits for the disk"), Base: string(text), Ours: "as in process"})
		}
		return err
	})
}

// byHand asks the server by hand for what takes long.
func (m *miniOver) byHand(ctx context.Context, method, path string, read func(io.Reader) error) error {
	return exchange(ctx, method, "http://"+m.base.address+path, "", "", nil, read)
}

func discard(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// fresh gets a new token when the old one may not last: they live for ten minutes.
func (m *miniOver) fresh(ctx context.Context) error {
	if time.Since(m.login) < 3*time.Minute {
		return nil
	}
	m.login = time.Now()
	return m.d.login(ctx)
}

// compare is that of miniBench with a token that lasts.
func (m *miniOver) compare(ctx context.Context, sides func() []side) ([]series, error) {
	if err := m.fresh(ctx); err != nil {
		return nil, err
	}
	return m.miniBench.compare(ctx, sides()...)
}

// emptyTable makes a table with the indexes, in the place of the one before.
func (m *miniOver) emptyTable(ctx context.Context) error {
	if err := m.fresh(ctx); err != nil {
		return err
	}
	if m.table != "" {
		if err := m.d.call(ctx, "DELETE", m.table, nil, nil); err != nil {
			return err
		}
	}
	var columns []map[string]any
	for _, c := range wideColumns {
		column := map[string]any{"name": c.name, "type": c.spec.Type}
		if c.spec.Options.Scale > 0 {
			column["options"] = map[string]int{"scale": c.spec.Options.Scale}
		}
		columns = append(columns, column)
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := m.d.call(ctx, "POST", "/bases/"+m.d.base+"/tables", map[string]any{"name": "wide", "columns": columns}, &made); err != nil {
		return err
	}
	m.table = "/tables/" + made.ID
	for _, name := range indexedColumns {
		if err := m.d.call(ctx, "POST", m.table+"/indexes", map[string]any{"columns": []string{name}}, nil); err != nil {
			return err
		}
	}
	return nil
}
