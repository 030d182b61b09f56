package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// plainPostgres is a plain table in PostgreSQL, by pgxpool with prepared statements.
type plainPostgres struct{ pool *pgxpool.Pool }

// writers is how many clients write at the same time.
const writers = 32

func newPlainPostgres(ctx context.Context, url string) (plainTable, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = writers
	cfg.ConnConfig.RuntimeParams["search_path"] = "plain"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p := &plainPostgres{pool}
	return p, p.create(ctx)
}

func (p *plainPostgres) create(ctx context.Context) error {
	sql := `DROP SCHEMA IF EXISTS plain CASCADE; CREATE SCHEMA plain; CREATE SEQUENCE ids; CREATE TABLE plain (`
	for _, c := range wideColumns {
		sql += c.name + " " + c.postgres + ", "
	}
	sql += `id text COLLATE "C" PRIMARY KEY DEFAULT 'row_' || lpad(nextval('ids')::text, 26, '0'), version bigint NOT NULL DEFAULT 1,
		created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), created_by text DEFAULT 'owner', updated_by text DEFAULT 'owner');`
	_, err := p.pool.Exec(ctx, sql+strings.Join(plainIndexes, ";"))
	return err
}

func (p *plainPostgres) load(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := p.create(ctx); err != nil {
		return err
	}
	return p.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		_, err := c.Conn().PgConn().CopyFrom(ctx, f, "COPY plain ("+wideList()+") FROM STDIN (FORMAT csv, HEADER)")
		return err
	})
}

func scanWide(rows pgx.Rows, r *wideRow[time.Time]) error {
	return rows.Scan(&r.N, &r.City, &r.Name, &r.Street, &r.Email, &r.Phone, &r.Note, &r.Quantity, &r.Stock, &r.Points, &r.Year,
		&r.Price, &r.Total, &r.Discount, &r.Paid, &r.Active, &r.Due, &r.Born, &r.Placed, &r.Seen)
}

// list appends the rows of a statement as an array.
func (p *plainPostgres) list(ctx context.Context, buf []byte, sql string, args ...any) ([]byte, error) {
	rows, err := p.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := make([]wideRow[time.Time], 0, 100)
	for rows.Next() {
		var r wideRow[time.Time]
		if err := scanWide(rows, &r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(buf)
	err = json.NewEncoder(out).Encode(list)
	return out.Bytes(), err
}

func (p *plainPostgres) page(ctx context.Context, buf []byte) ([]byte, error) {
	return p.list(ctx, buf, plainPage)
}

func (p *plainPostgres) filtered(ctx context.Context, buf []byte, city string) ([]byte, error) {
	return p.list(ctx, buf, plainFiltered, city)
}

func (p *plainPostgres) after(ctx context.Context, buf []byte, n int64, id string) ([]byte, error) {
	return p.list(ctx, buf, plainAfter, n, id)
}

func (p *plainPostgres) get(ctx context.Context, buf []byte, id string) ([]byte, error) {
	return p.list(ctx, buf, plainGet, id)
}

func (p *plainPostgres) byCity(ctx context.Context, buf []byte) ([]byte, error) {
	return p.list(ctx, buf, plainByCity)
}

func (p *plainPostgres) update(ctx context.Context, id string, version, total int64) error {
	tag, err := p.pool.Exec(ctx, "UPDATE plain SET total = $1, version = version + 1, updated_at = now(), updated_by = 'owner' WHERE id = $2 AND version = $3", float64(total)/100, id, version)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("row %s has another version than %d", id, version)
	}
	return err
}

var plainInsertPostgres = "INSERT INTO plain (" + wideList() + ") VALUES ($1, $2, $3, 'street', 'mail', 'phone', 'note', 1, 2, 3, 4, 5.5, $4, 0.5, true, false, '2024-01-01', '2024-01-01', now(), now())"

func (p *plainPostgres) insert(ctx context.Context, n int64) error {
	_, err := p.pool.Exec(ctx, plainInsertPostgres, n, cityOf(int(n)), "New customer", float64(n)/100)
	return err
}

func (p *plainPostgres) export(ctx context.Context) (n int, err error) {
	rows, err := p.pool.Query(ctx, plainExport)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for ; rows.Next(); n++ {
		var r wideRow[time.Time]
		if err := scanWide(rows, &r); err != nil {
			return n, err
		}
		out.Reset()
		if err := enc.Encode(&r); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

func (p *plainPostgres) close() error {
	p.pool.Close()
	return nil
}
