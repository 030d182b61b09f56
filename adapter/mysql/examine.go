package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Examiner = (*Adapter)(nil)

// Examine implements [adapter.Examiner]: EXPLAIN names the indexes, and the session's counters tell what the statement read,
// from temporary tables too.
func (a *Adapter) Examine(ctx context.Context, pushed *lqp.Query) (x adapter.Examination, err error) {
	op := "examine " + sourceName(pushed)
	n, err := a.dialect.Load().compile(pushed)
	if err != nil {
		return x, fmt.Errorf("compile query: %w: %w", adapter.ErrUnsupported, err)
	}
	steps, err := a.explain(ctx, n)
	if err != nil {
		return x, translate(ctx, op, err)
	}
	for _, s := range steps {
		table := s["table"]
		switch {
		case table == "" || table[0] == '<': // a temporary table
		case s["key"] != "":
			if !slices.Contains(x.Indexes, s["key"]) {
				x.Indexes = append(x.Indexes, s["key"])
			}
		case s["type"] == "ALL" && !slices.Contains(x.Scans, table):
			x.Scans = append(x.Scans, table)
		}
	}
	args, err := bind(n.args)
	if err != nil {
		return x, err
	}
	s, err := a.pool.get(ctx)
	if err != nil {
		return x, translate(ctx, op, err)
	}
	x.Read, x.Returned, err = s.counted(ctx, n, args)
	my := (*mysql.MySQLError)(nil)
	a.pool.put(s, err == nil || errors.As(err, &my))
	return x, translate(ctx, op, err)
}

// counted runs a statement and counts the rows that the server read for it and answered with.
func (s *session) counted(ctx context.Context, n *native, args []driver.NamedValue) (read, returned int64, err error) {
	before, err := s.rowsRead(ctx)
	if err != nil {
		return 0, 0, err
	}
	cells, err := s.askWith(ctx, n.sql, args)
	if err != nil {
		return 0, 0, err
	}
	after, err := s.rowsRead(ctx)
	return after - before, int64(len(cells) / max(len(n.columns), 1)), err
}

// rowsRead is how many rows the session has read so far.
func (s *session) rowsRead(ctx context.Context) (total int64, err error) {
	cells, err := s.ask(ctx, "SHOW SESSION STATUS LIKE 'Handler_read%'")
	if err != nil {
		return 0, err
	}
	for i := 0; i+1 < len(cells); i += 2 {
		k, err := strconv.ParseInt(cells[i+1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: counter %s", failure.ErrUnknown, strings.ToLower(cells[i]))
		}
		total += k
	}
	return total, nil
}
