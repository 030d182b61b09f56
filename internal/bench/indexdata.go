package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
	mysqladapter "github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/testenv"
)

// indexSource is a database with the table "events", whose rows the database made itself from their numbers.
type indexSource struct {
	name    string
	adapter adapter.Adapter
	file    string // of SQLite, whose own words come from another connection
	close   func() error
}

// The table has an index for every form of condition and sort, as an application would declare them: texts under the
// server's own collation, but for one whose order is that of the code points.

var eventIndexes = []string{
	"events_account ON events (account, at, id)", "events_status ON events (status, account, id)", "events_title ON events (title)", "events_amount ON events (amount, id)",
	"events_rating ON events (rating, id)", "events_at ON events (at, id)", "events_changed ON events (changed, id)", "events_due ON events (due, id)", "events_closed ON events (closed, id)",
}

func indexPostgres(ctx context.Context, b *bench) (*indexSource, error) {
	dsn, err := b.freshDatabase(ctx, testenv.KindPostgres)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	statements := []string{`CREATE TABLE events (id bigint NOT NULL, account int NOT NULL, status varchar(12) NOT NULL, code varchar(20) COLLATE "C" NOT NULL, title varchar(60) NOT NULL,
			amount numeric(12,2) NOT NULL, rating float8, at timestamptz(3) NOT NULL, changed timestamptz, due date NOT NULL, closed timestamptz(0))`,
		fmt.Sprintf(`INSERT INTO events SELECT i, i * 7919 %% 20000, (ARRAY['open','paid','shipped','cancelled','returned'])[1 + i %% 5], 'E' || lpad(i::text, 9, '0'), 'Title ' || i * 31 %% 50000,
			(i * 7919 %% 1000000) / 100.0, CASE WHEN i %% 10 > 0 THEN i %% 977 / 7.0 END, '2020-01-01'::timestamptz + i * interval '1 minute', CASE WHEN i %% 4 > 0 THEN '2020-01-01'::timestamptz + i * interval '61 seconds' END,
			'2000-01-01'::date + (i %% 9000)::int, CASE WHEN i %% 10 = 0 THEN '2020-01-01'::timestamptz + i * interval '2 minutes' END FROM generate_series(1, %d::bigint) AS i`, b.rows),
		"ALTER TABLE events ADD PRIMARY KEY (id)", "CREATE UNIQUE INDEX events_code ON events (code)"}
	for _, index := range eventIndexes {

		statements = append(statements, "CREATE INDEX "+index)
	}
	for _, s := range append(statements, "VACUUM (ANALYZE, FREEZE) events") {
		if _, err := conn.Exec(ctx, s); err != nil {
			return nil, fmt.Errorf("%.60s: %w", s, err)
		}
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	password, _ := u.User.Password()
	return openIndexed(ctx, "PostgreSQL", u.Host, postgres.Open, adapter.Settings{Driver: "postgres", User: u.User.Username(), Password: password, Database: strings.TrimPrefix(u.Path, "/")})
}

// openIndexed opens an adapter to a server at host:port.
func openIndexed(ctx context.Context, name, address string, open adapter.Opener, s adapter.Settings) (*indexSource, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if s.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	s.Host, s.TLS, s.ReadOnly = host, "off", true
	a, err := open(ctx, s)
	if err != nil {
		return nil, err
	}
	return &indexSource{name: name, adapter: a, close: a.Close}, nil
}

func indexMySQL(name string, kind testenv.Kind, binary string) func(ctx context.Context, b *bench) (*indexSource, error) {
	return func(ctx context.Context, b *bench) (*indexSource, error) {
		dsn, err := b.freshDatabase(ctx, kind)
		if err != nil {
			return nil, err
		}
		cfg, err := mysql.ParseDSN(dsn)
		if err != nil {
			return nil, err
		}
		cfg.Params = map[string]string{"time_zone": "'+00:00'"}
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		db := sql.OpenDB(connector)
		defer db.Close()
		db.SetMaxOpenConns(1)
		for _, s := range mysqlEvents(b.rows, binary) {
			if _, err := db.ExecContext(ctx, s); err != nil {
				return nil, fmt.Errorf("%.60s: %w", s, err)
			}
		}
		return openIndexed(ctx, name, cfg.Addr, mysqladapter.Open, adapter.Settings{Driver: "mysql", User: cfg.User, Password: cfg.Passwd, Database: cfg.DBName})
	}
}

func mysqlEvents(rows int, binary string) []string {
	const digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	numbers, from, factor := "1", "", 1
	for n, i := rows, 0; n > 1 || i == 0; n, i = (n+9)/10, i+1 {
		numbers += fmt.Sprintf(" + %d * d%d.d", factor, i)
		from += fmt.Sprintf("%s%s AS d%d", map[bool]string{true: ", "}[i > 0], digits, i)
		factor *= 10
	}
	keys := "UNIQUE KEY events_code (code)"
	for _, index := range eventIndexes {
		name, columns, _ := strings.Cut(index, " ON events ")
		keys += ", ADD KEY " + name + " " + columns
	}
	return []string{`CREATE TABLE events (id bigint NOT NULL PRIMARY KEY, account int NOT NULL, status varchar(12) NOT NULL, code varchar(20) CHARACTER SET utf8mb4 COLLATE ` + binary + ` NOT NULL, title varchar(60) CHARACTER SET utf8mb4 NOT NULL,
			amount decimal(12,2) NOT NULL, rating double, at datetime(3) NOT NULL, changed timestamp(6) NULL, due date NOT NULL, closed datetime)`,
		fmt.Sprintf(`INSERT INTO events SELECT i, i * 7919 %% 20000, ELT(1 + i %% 5, 'open','paid','shipped','cancelled','returned'), CONCAT('E', LPAD(i, 9, '0')), CONCAT('Title ', i * 31 %% 50000), (i * 7919 %% 1000000) / 100,
			IF(i %% 10 > 0, i %% 977 / 7, NULL), '2020-01-01' + INTERVAL i MINUTE, IF(i %% 4 > 0, '2020-01-01' + INTERVAL 61 * i SECOND, NULL), '2000-01-01' + INTERVAL i %% 9000 DAY, IF(i %% 10 = 0, '2020-01-01' + INTERVAL 2 * i MINUTE, NULL)
			FROM (SELECT %s AS i FROM %s) AS numbers WHERE i <= %d ORDER BY i`, numbers, from, rows),
		"ALTER TABLE events ADD " + keys, "ANALYZE TABLE events"}
}

func indexSQLite(ctx context.Context, b *bench) (*indexSource, error) {
	file := filepath.Join(b.dir, "events.db")
	db, err := sqlite3.OpenFlags(file, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	if err != nil {
		return nil, err
	}
	script := fmt.Sprintf(`PRAGMA journal_mode=WAL; BEGIN;
		CREATE TABLE events (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, status VARCHAR(12) NOT NULL, code VARCHAR(20) NOT NULL, title VARCHAR(60) NOT NULL COLLATE NOCASE, amount NUMERIC(12,2) NOT NULL,
			rating DOUBLE, at DATETIME NOT NULL, changed DATETIME, due DATE NOT NULL, closed DATETIME);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO events SELECT i, i * 7919 %% 20000, CASE i %% 5 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' WHEN 2 THEN 'shipped' WHEN 3 THEN 'cancelled' ELSE 'returned' END, printf('E%%09d', i), 'Title ' || (i * 31 %% 50000),
			(i * 7919 %% 1000000) / 100.0, CASE WHEN i %% 10 > 0 THEN i %% 977 / 7.0 END, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 1577836800 + 60 * i, 'unixepoch'),
			CASE WHEN i %% 4 > 0 THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', 1577836800 + 61 * i, 'unixepoch') END, date(946684800 + i %% 9000 * 86400, 'unixepoch'),
			CASE WHEN i %% 10 = 0 THEN strftime('%%Y-%%m-%%d %%H:%%M:%%S', 1577836800 + 120 * i, 'unixepoch') END FROM n; COMMIT; CREATE UNIQUE INDEX events_code ON events (code);`, b.rows)
	for _, index := range eventIndexes {
		script += "CREATE INDEX " + index + ";"
	}
	if err := errors.Join(db.Exec(script+"ANALYZE"), db.Close()); err != nil {
		return nil, err
	}
	a, err := sqlite.Open(ctx, adapter.Settings{Driver: "sqlite", File: file, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &indexSource{name: "SQLite", adapter: a, file: file, close: func() error { return errors.Join(a.Close(), os.Remove(file)) }}, nil
}
