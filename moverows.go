package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// ManualOrder is what a query sorts by for the order that people gave the rows of a table, as in lqp.Ref("", ManualOrder). It is
// no column: nothing shows it or compares with it.
const ManualOrder = minidb.ColumnOrder

// RowMove says which rows of a table come where in its manual order. Exactly one of Before, After, First and Last is given.
type RowMove struct {
	Rows          []string // ids, at most as many as a batch has, in the order that they are to have among each other
	Before, After string   // id of a row that is not among Rows
	First, Last   bool
	Reason        string // kept in the log
	DryRun        bool
}

// MoveRows puts rows of a table in another place of its manual order, which all its readers share. The principal must be allowed
// to change the rows and to see the row that they are put at; they are then next to that one, with no row between, whoever sees it.
func (a *Access) MoveRows(ctx context.Context, table string, m RowMove) (*Result, error) {
	// The first move of a table changes its definition, after which it is planned once more.
	for try := 0; ; try++ {
		r, err := a.moveRows(ctx, table, m)
		if errors.Is(err, minidb.ErrSchemaChanged) && try < planTries {
			continue
		}
		return r, err
	}
}

func (a *Access) moveRows(ctx context.Context, table string, m RowMove) (*Result, error) {
	s, t, seen, err := a.writable(ctx, table)
	if err != nil {
		return nil, err
	}
	if len(m.Rows) > s.e.limits.BatchRows {
		return nil, lqp.Problems{{Path: "$.rows", Code: lqp.CodeLimit,
			Message: fmt.Sprintf("%d rows are more than the %d that one request may change", len(m.Rows), s.e.limits.BatchRows)}}
	}
	guard, err := s.guardOf(seen, t)
	if err != nil {
		return nil, err
	}
	r, err := a.e.store.MoveRows(ctx, a.actor(""), minidb.Move{Table: t, Rows: m.Rows, Before: m.Before, After: m.After, First: m.First,
		Last: m.Last, Guard: guard, Reason: m.Reason, DryRun: m.DryRun})
	w := write{Write: minidb.Write{Table: t, Mutation: &lqp.Mutation{}}, seen: seen, links: newLinksInSight(s)}
	if err != nil {
		return nil, hideRefusal(ctx, err, []write{w})
	}
	shown := w.result(ctx, r)
	return &shown, nil
}
