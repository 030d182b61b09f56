package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testenv"
)

// postgresData is a database with orders and customers on a test server.
type postgresData struct {
	url    string
	server *serverCPU
	orders int
}

const postgresSchema = `
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, country text NOT NULL, email text NOT NULL);
CREATE TABLE orders (
	id bigint PRIMARY KEY, number varchar(20) NOT NULL, customer_id bigint NOT NULL REFERENCES customers, status varchar(20) NOT NULL,
	currency varchar(3) NOT NULL, quantity int NOT NULL, total numeric(12,2) NOT NULL, discount numeric(5,4) NOT NULL, paid boolean NOT NULL,
	placed timestamptz(3) NOT NULL, due date NOT NULL, address text NOT NULL, note text NOT NULL
);`

// The indexes serve the pages of both sides: filtered by status, in the order of the customer or of the time.
const postgresIndexes = `
CREATE INDEX orders_by_customer ON orders (status, customer_id DESC, id DESC);
CREATE INDEX orders_by_time ON orders (status, placed DESC, id DESC);`

// ordersInPostgres prepares the PostgreSQL database, once in a run.
func (b *bench) ordersInPostgres(ctx context.Context) (*postgresData, error) {
	if b.postgres != nil {
		return b.postgres, nil
	}
	dsn, err := b.freshDatabase(ctx, testenv.KindPostgres)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, postgresSchema); err != nil {
		return nil, err
	}
	n := customersOf(b.rows)
	if err := copyInto(ctx, conn, "customers", n, appendCustomer); err != nil {
		return nil, err
	}
	if err := copyInto(ctx, conn, "orders", b.rows, func(cells []string, id int) []string { return appendOrder(cells, id, b.rows) }); err != nil {
		return nil, err
	}
	for _, sql := range append(strings.Split(strings.TrimSuffix(strings.TrimSpace(postgresIndexes), ";"), ";"), "VACUUM (ANALYZE, FREEZE)") {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	b.postgres = &postgresData{url: dsn, server: findServer(ctx, conn), orders: b.rows}
	return b.postgres, nil
}

func copyInto(ctx context.Context, conn *pgx.Conn, table string, n int, appendCells func([]string, int) []string) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeRows(w, nil, n, appendCells)) }()
	_, err := conn.PgConn().CopyFrom(ctx, r, "COPY "+table+" FROM STDIN (FORMAT csv)")
	return err
}

// connection are the settings by which the engine and the daemon reach the database.
func (p *postgresData) connection() (livetables.ConnectionSpec, error) {
	u, err := url.Parse(p.url)
	if err != nil {
		return livetables.ConnectionSpec{}, err
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return livetables.ConnectionSpec{}, fmt.Errorf("%s: %w", testenv.KindPostgres.Env(), err)
	}
	spec := livetables.ConnectionSpec{Name: "shop", Driver: "postgres", Host: u.Hostname(), Port: port, User: u.User.Username(),
		Database: strings.TrimPrefix(u.Path, "/"), TLS: "off"}
	if password, ok := u.User.Password(); ok {
		secret := livetables.NewSecret(password)
		spec.Password = &secret
	}
	return spec, nil
}
