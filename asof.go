package livetables

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// AsOf is a moment of the past: a time, or the end of an operation. Exactly one of them is given.
type AsOf struct {
	Time      time.Time
	Operation string
}

func (at AsOf) text() string {
	if at.Operation != "" {
		return at.Operation
	}
	return at.Time.UTC().Format(time.RFC3339Nano)
}

// QueryAsOf runs a query of one table of the mini-DB on the rows that it had at a moment of the past, and answers with one
// page of them. The policy is that of today: the row rule is asked of the rows as they were, masks are over their values,
// hidden columns are not there. Columns are those that the table has today, with old values converted to their types; a value
// that has no counterpart is NULL. The query may filter, sort, count, group and compute, but not join or nest. The rows must be
// closed.
func (a *Access) QueryAsOf(ctx context.Context, workspace string, q *lqp.Query, at AsOf) (*Rows, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if at.Time.IsZero() == (at.Operation == "") {
		return nil, problem("$.as_of", lqp.CodeArgument, "a time or an operation was expected")
	}
	if q.From.Query != nil || q.From.Connection != "" || len(q.Joins) > 0 {
		return nil, problem("$.source", lqp.CodeConflict, "the past is that of one table of the mini-DB")
	}
	from := q.From
	if err := s.resolveTable(&from, "$.source"); err != nil {
		return nil, err
	}
	t, _, err := s.tableOf(ctx, from.Table)
	if err != nil {
		return nil, err
	}
	if !s.readable(t.ID) {
		return nil, fmt.Errorf("table %s: %w", t.ID, ErrNotFound)
	}
	var m minidb.Moment
	if at.Operation != "" {
		m, err = a.e.store.MomentAfter(ctx, t, at.Operation)
	} else {
		m, err = a.e.store.MomentAt(ctx, t, at.Time)
	}
	if err != nil {
		return nil, err
	}
	s.past, s.asOf, s.asked = a.e.store.AsOf(m), at.text(), true
	return s.query(ctx, q)
}

// hashOf names a query for its cursors: also of which moment it is asked.
func (s *entry) hashOf(q *lqp.Query) [sha256.Size]byte {
	h := lqp.QueryHash(q)
	if s.asOf == "" {
		return h
	}
	return sha256.Sum256(append(h[:], "as of "+s.asOf...))
}
