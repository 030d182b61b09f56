package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/internal/testenv"
)

// miniPlace is where the mini-DB and the plain table that it is compared with have their data: for those in this process and
// for those that are asked over HTTP, four in all, each in a file or a database of its own.
type miniPlace struct {
	name   string
	server *serverCPU // nil without one
	// store and plain are those in this process.
	store func(ctx context.Context) (adapter.Store, error)
	plain func(ctx context.Context) (plainTable, error)
	// logged is a plain table with a log by hand, beside the store, which is there already.
	logged func(ctx context.Context) (loggedTable, error)
	// base is for the server by hand, daemon are arguments for livetablesd.
	base   childConfig
	daemon []string
	// settle has the databases gather what they want to know of new rows.
	settle func(ctx context.Context) error
	// durability are the statements that tell how a transaction waits for the disk.
	durability []string
	close      func() error
}

// miniSQLite keeps everything in files of a directory.
func miniSQLite(_ context.Context, dir string) (*miniPlace, error) {
	p := &miniPlace{name: "SQLite", base: childConfig{File: filepath.Join(dir, "base.db")},
		store: func(ctx context.Context) (adapter.Store, error) {
			return sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{})
		},
		plain: func(context.Context) (plainTable, error) {
			return openPlainSQLite(filepath.Join(dir, "plain.db"), false)
		},
		logged: func(context.Context) (loggedTable, error) { return openLoggedSQLite(dir, "data.db") },
		settle: func(context.Context) error { return nil },
		close:  func() error { return nil },
	}
	for _, name := range durabilitySQLite {
		p.durability = append(p.durability, "PRAGMA "+name)
	}
	return p, nil
}

// miniPostgres is a server of its own, which unlike those of tests waits for the disk.
func miniPostgres(ctx context.Context, dir string) (_ *miniPlace, err error) {
	server, err := testenv.NewKillable()
	if err != nil {
		return nil, err
	}
	var conn *pgx.Conn
	closeAll := func() error {
		var err error
		if conn != nil {
			err = conn.Close(context.WithoutCancel(ctx))
		}
		return errors.Join(err, server.Close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	if conn, err = pgx.Connect(ctx, server.URL); err != nil {
		return nil, err
	}
	urls := map[string]string{}
	for _, name := range []string{"bench_engine", "bench_plain", "bench_daemon", "bench_base"} {
		if urls[name], err = miniDatabase(ctx, conn, server.URL, name); err != nil {
			return nil, err
		}
	}
	settings, err := storetest.Settings(urls["bench_engine"])
	if err != nil {
		return nil, err
	}
	return &miniPlace{name: "PostgreSQL", server: findServer(ctx, conn), base: childConfig{URL: urls["bench_base"]},
		daemon: []string{"--database-url", urls["bench_daemon"]}, durability: []string{durabilityPostgres}, close: closeAll,
		store: func(ctx context.Context) (adapter.Store, error) {
			return postgres.OpenStore(ctx, postgres.StoreOptions{Settings: settings})
		},
		plain: func(ctx context.Context) (plainTable, error) {
			return openPlainPostgres(ctx, urls["bench_plain"], writers, false)
		},
		logged: func(ctx context.Context) (loggedTable, error) {
			return openLoggedPostgres(ctx, urls["bench_engine"], dir)
		},
		settle: func(ctx context.Context) error {
			for _, url := range urls {
				if err := vacuum(ctx, url); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

// miniDatabase makes a database of a server and answers with its URL.
func miniDatabase(ctx context.Context, conn *pgx.Conn, url, name string) (string, error) {
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("make the database %s: %w", name, err)
	}
	at := strings.LastIndexByte(url, '/') + 1
	_, parameters, _ := strings.Cut(url[at:], "?")
	return url[:at] + name + "?" + parameters, nil
}

func vacuum(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

// durabilityOf asks a transaction that writes to a store how it waits for the disk.
func (p *miniPlace) durabilityOf(ctx context.Context, store adapter.Store) (text string, err error) {
	err = store.Write(ctx, func(tx adapter.Tx) error {
		for _, sql := range p.durability {
			rows, err := tx.Query(ctx, sql)
			if err != nil {
				return err
			}
			for rows.Next() {
				v := rows.AppendJSON(nil, 0)
				if name, found := strings.CutPrefix(sql, "PRAGMA "); found {
					text += " " + name + "=" + strings.Trim(string(v), `"`)
				} else {
					text += " " + strings.Trim(string(v), `"`)
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	return strings.TrimSpace(text), err
}
