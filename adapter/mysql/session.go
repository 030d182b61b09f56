package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// conn is what we need of the driver's connection.
type conn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// session is one connection with its pins. It is used by whoever holds it.
type session struct {
	conn   conn
	id     uint64 // by which the server kills its statement
	stmts  statements
	born   time.Time
	parked time.Time
}

// errHostile stands for bytes at which the driver stumbled.
var errHostile = errors.New("the server does not keep to the protocol")

// guard turns a panic of the driver over a malformed packet into an error.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errHostile, p)
	}
}

// dial makes a bare connection.
func (a *Adapter) dial(ctx context.Context) (c conn, err error) {
	defer guard(&err)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	dc, err := a.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c, ok := dc.(conn)
	if !ok {
		_ = dc.Close()
		return nil, failure.ErrUnknown
	}
	return c, nil
}

// connect makes a session.
func (a *Adapter) connect(ctx context.Context) (*session, error) {
	c, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: c, born: time.Now()}
	if err := a.begin(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// begin pins the session and, on the first one of the adapter, finds out what the server can be trusted with.
func (a *Adapter) begin(ctx context.Context, s *session) error {
	row, err := s.row(ctx, "SELECT VERSION(), CONNECTION_ID()")
	if err != nil {
		return err
	}
	version := row[0]
	if s.id, err = strconv.ParseUint(row[1], 10, 64); err != nil {
		return fmt.Errorf("%w: connection id", failure.ErrUnknown)
	}
	f := facts{version: version, mariadb: strings.Contains(version, "MariaDB"), collation: "utf8mb4_0900_bin"}
	if f.mariadb {
		f.collation = "utf8mb4_nopad_bin"
	} else if major, _, _ := strings.Cut(version, "."); len(major) == 1 && major < "8" {
		return fmt.Errorf("%w: MySQL before 8", adapter.ErrUnsupported)
	}
	for _, pin := range pins(f, a.settings.Timeout, a.settings.ReadOnly) {
		if err := s.exec(ctx, pin); err != nil {
			return err
		}
	}
	return a.probe(ctx, s, f)
}

// pins fix what a statement's meaning depends on, whatever the server's defaults are.
func pins(f facts, timeout time.Duration, readOnly bool) []string {
	// Without ONLY_FULL_GROUP_BY: it does not recognise a group key with a parameter.
	mode := "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
	limit := "max_statement_time=" + strconv.FormatFloat(timeout.Seconds(), 'f', 3, 64)
	if !f.mariadb {
		mode += ",TIME_TRUNCATE_FRACTIONAL" // MariaDB cuts by default
		limit = "max_execution_time=" + strconv.FormatInt(timeout.Milliseconds(), 10)
	}
	out := []string{
		"SET NAMES utf8mb4 COLLATE " + f.collation,
		"SET SESSION sql_mode='" + mode + "', time_zone='+00:00', autocommit=1, div_precision_increment=20, max_sort_length=1024, " +
			"group_concat_max_len=4194304, sql_select_limit=18446744073709551615, sql_auto_is_null=0, net_write_timeout=600, " + limit,
	}
	if readOnly {
		out = append(out, "SET SESSION TRANSACTION READ ONLY")
	}
	return out
}

// exec runs a statement without parameters and result.
func (s *session) exec(ctx context.Context, sql string) (err error) {
	defer guard(&err)
	_, err = s.conn.ExecContext(ctx, sql, nil)
	return err
}

// row reads the one row of a statement without parameters, as texts.
func (s *session) row(ctx context.Context, sql string) (out []string, err error) {
	defer guard(&err)
	rows, err := s.conn.QueryContext(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	dest := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(dest); err != nil {
		return nil, err
	}
	out = make([]string, len(dest))
	for i, v := range dest {
		out[i] = cellText(v)
	}
	return out, rows.Close()
}

// usable reports whether a parked session is still good.
func (s *session) usable(ctx context.Context) bool {
	return time.Since(s.born) < maxLifetime && s.conn.IsValid() && s.conn.ResetSession(ctx) == nil
}

func (s *session) close() {
	var err error
	defer guard(&err)
	_ = s.conn.Close()
}
