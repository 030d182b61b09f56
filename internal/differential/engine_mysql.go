package differential

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strconv"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// mysqlBackend is a database of its own on a MySQL or MariaDB server.
type mysqlBackend struct {
	name   string // of the engine
	drop   func(context.Context) error
	admin  *sql.DB
	a      adapter.Adapter
	loads  int
	before []string // tables of the world before
}

func openMySQL(ctx context.Context, name string) (_ backend, err error) {
	kind := testenv.KindMySQL
	if name == MariaDB {
		kind = testenv.KindMariaDB
	}
	dsn, drop, err := testenv.Fresh(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, drop(ctx))
		}
	}()
	cfg, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	a, err := mysql.Open(ctx, adapter.Settings{Driver: "mysql", Host: host, Port: number, Database: cfg.DBName, User: cfg.User, Password: cfg.Passwd,
		TLS: "off", ReadOnly: true, MaxConns: connections})
	if err != nil {
		return nil, err
	}
	// Lax rules let the odd values in.
	cfg.Params = map[string]string{"sql_mode": "'ALLOW_INVALID_DATES'", "time_zone": "'+00:00'"}
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	b := &mysqlBackend{name: name, drop: drop, admin: sql.OpenDB(connector), a: a}
	b.admin.SetMaxOpenConns(1)
	return b, nil
}

func quoteTick(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func (b *mysqlBackend) load(ctx context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error) {
	if len(b.before) > 0 {
		if _, err := b.admin.ExecContext(ctx, "DROP TABLE "+strings.Join(b.before, ", ")); err != nil {
			return nil, nil, err
		}
	}
	b.loads++
	b.before = nil
	for _, t := range w.Tables {
		name := at(b.loads, t.Name)
		if _, err := b.admin.ExecContext(ctx, createTable(t, name, b.name, quoteTick, func(_ *Column, native string) string { return native })); err != nil {
			return nil, nil, err
		}
		b.before = append(b.before, quoteTick(name))
		if len(t.Rows) == 0 {
			continue
		}
		marks := "(?" + strings.Repeat(", ?", len(t.Columns)-1) + ")"
		var args []any
		for n, row := range t.Rows {
			for i, v := range row {
				args = append(args, mysqlValue(b.name, &t.Columns[i], v, t.Columns[i].odd(n, i)))
			}
		}
		insert := "INSERT INTO " + quoteTick(name) + " VALUES " + marks + strings.Repeat(", "+marks, len(t.Rows)-1)
		if _, err := b.admin.ExecContext(ctx, insert, args...); err != nil {
			return nil, nil, err
		}
	}
	found, err := discover(ctx, b.a, w, func(name string) string { return at(b.loads, name) })
	return b.a, found, err
}

func (b *mysqlBackend) close(ctx context.Context) error {
	_ = b.a.Close() // the database goes anyway
	_ = b.admin.Close()
	return b.drop(ctx)
}

// mysqlValue is a value as the engine reads it, nil for NULL.
func mysqlValue(engine string, c *Column, v lqp.Value, odd bool) any {
	switch v.Kind() {
	case lqp.Null:
		switch {
		case !odd:
		case c.Type.Kind == lqp.Date || c.Type.Kind == lqp.DateTime:
			return "0000-00-00"
		case c.Type.Kind == lqp.Text:
			return "a\x00b" // no text of ours has the character
		}
		return nil
	case lqp.Bool:
		if strings.HasPrefix(c.native(engine, false), "BIT") {
			return []byte{map[bool]byte{true: 1}[v.Bool()]}
		}
		return v.Bool()
	case lqp.Float:
		return v.Float()
	case lqp.DateTime:
		text := strings.TrimSuffix(strings.Replace(v.String(), "T", " ", 1), "Z")
		if odd && strings.Contains(c.native(engine, false), "(6)") {
			text += "417" // finer than a millisecond
		}
		return text
	case lqp.List, lqp.JSON:
		return string(v.AppendJSON(nil))
	}
	return v.String()
}
