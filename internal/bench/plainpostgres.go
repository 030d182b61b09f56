package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// plainPostgres is a plain table in PostgreSQL, by pgxpool with prepared statements.
type plainPostgres struct {
	pool  *pgxpool.Pool
	whole bool
}

// openPlainPostgres makes the table, in a schema of its own, and reaches it by a number of connections, 0 for the default of
// pgxpool.
func openPlainPostgres(ctx context.Context, url string, connections int, whole bool) (_ plainTable, err error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if connections > 0 {
		cfg.MaxConns = int32(connections) //nolint:gosec // a few
	}
	cfg.ConnConfig.RuntimeParams["search_path"] = "plain"
	p := &plainPostgres{whole: whole}
	if p.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, err
	}
	if err := p.create(ctx); err != nil {
		p.pool.Close()
		return nil, err
	}
	return p, nil
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
		_, err := c.Conn().PgConn().CopyFrom(ctx, f, plainCopy())
		return err
	})
}

// plainCopy takes the rows of a CSV file.
func plainCopy() string {
	return "COPY plain (" + plainColumns(false) + ") FROM STDIN (FORMAT csv, HEADER)"
}

// cellsOf are the places for the cells of a row.
func cellsOf(r *wideRow[time.Time]) []any {
	return []any{&r.N, &r.City, &r.Name, &r.Street, &r.Email, &r.Phone, &r.Note, &r.Quantity, &r.Stock, &r.Points, &r.Year,
		&r.Price, &r.Total, &r.Discount, &r.Paid, &r.Active, &r.Due, &r.Born, &r.Placed, &r.Seen}
}

func scanCells(rows pgx.Rows, r *wideRow[time.Time]) error { return rows.Scan(cellsOf(r)...) }

func scanWhole(rows pgx.Rows, r *wholeRow[time.Time]) error {
	return rows.Scan(append(cellsOf(&r.Fields), &r.ID, &r.Version, &r.CreatedAt, &r.CreatedBy, &r.UpdatedAt, &r.UpdatedBy)...)
}

func (p *plainPostgres) read(ctx context.Context, buf []byte, tail string, args ...any) ([]byte, error) {
	rows, err := p.pool.Query(ctx, plainSelect(p.whole)+tail, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if p.whole {
		return appendScanned(buf, rows, scanWhole)
	}
	return appendScanned(buf, rows, scanCells)
}

// appendScanned appends rows as an array.
func appendScanned[T any](buf []byte, rows pgx.Rows, scan func(pgx.Rows, *T) error) ([]byte, error) {
	list, err := scanned(rows, scan)
	if err != nil {
		return nil, err
	}
	return appendJSON(buf, list)
}

// one runs a statement that returns the whole row that it wrote.
func (p *plainPostgres) one(ctx context.Context, row *[]byte, sql string, args ...any) error {
	rows, err := p.pool.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	list, err := scanned(rows, scanWhole)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return errVersion
	}
	*row, err = appendJSON(*row, &list[0])
	return err
}

const plainUpdatePostgres = "UPDATE plain SET total = $1, version = version + 1, updated_at = now(), updated_by = 'owner' WHERE id = $2 AND version = $3"

func (p *plainPostgres) update(ctx context.Context, id string, version, total int64, row *[]byte) error {
	if row != nil {
		return p.one(ctx, row, plainUpdatePostgres+" RETURNING "+plainColumns(true), float64(total)/100, id, version)
	}
	tag, err := p.pool.Exec(ctx, plainUpdatePostgres, float64(total)/100, id, version)
	if err == nil && tag.RowsAffected() != 1 {
		err = errVersion
	}
	return err
}

var (
	plainInsertPostgres       = plainInsert(len(wideColumns), "", "")
	plainInsertPostgresAnswer = plainInsert(len(wideColumns), "", " RETURNING "+plainColumns(true))
)

func (p *plainPostgres) insert(ctx context.Context, r *wideRow[string], row *[]byte) error {
	args := []any{r.N, r.City, r.Name, r.Street, r.Email, r.Phone, r.Note, r.Quantity, r.Stock, r.Points, r.Year,
		r.Price, r.Total, r.Discount, r.Paid, r.Active, r.Due, r.Born, r.Placed, r.Seen}
	if row != nil {
		return p.one(ctx, row, plainInsertPostgresAnswer, args...)
	}
	_, err := p.pool.Exec(ctx, plainInsertPostgres, args...)
	return err
}

func (p *plainPostgres) export(ctx context.Context, w io.Writer) (int, error) {
	rows, err := p.pool.Query(ctx, plainSelect(p.whole)+plainAll)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	out := newLines(w)
	for rows.Next() {
		var r wholeRow[time.Time]
		if p.whole {
			err = scanWhole(rows, &r)
		} else {
			err = scanCells(rows, &r.Fields)
		}
		if err == nil && p.whole {
			err = out.add(&r)
		} else if err == nil {
			err = out.add(&r.Fields)
		}
		if err != nil {
			return out.n, err
		}
	}
	return out.n, errors.Join(rows.Err(), out.flush())
}

// durabilityPostgres are the settings by which a session of PostgreSQL waits for the disk.
const durabilityPostgres = `SELECT 'fsync=' || current_setting('fsync') || ' synchronous_commit=' || current_setting('synchronous_commit') ||
	' full_page_writes=' || current_setting('full_page_writes') || ' wal_sync_method=' || current_setting('wal_sync_method')`

func (p *plainPostgres) durability(ctx context.Context) (text string, err error) {
	err = p.pool.QueryRow(ctx, durabilityPostgres).Scan(&text)
	return text, err
}

func (p *plainPostgres) close() error {
	p.pool.Close()
	return nil
}
