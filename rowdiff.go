package livetables

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// RowDiff is how a row differs between two moments, as far as the principal may see it.
type RowDiff struct {
	// Before and After say whether there was a row that the principal may see.
	Before, After bool
	Cells         []RevertedCell // that differ, in the order of the columns; of a row that was not there all that have a value
}

// RowDiff compares a row with itself at another moment: a version, a time, or now. Columns are those of today, old values converted
// to their types. Today's rules say what is seen of it, at each of the moments by what the row was; a row that is seen at neither
// is ErrNotFound.
func (a *Access) RowDiff(ctx context.Context, table, row string, from, to minidb.RowMoment) (*RowDiff, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	if (from.Version != 0 || to.Version != 0) && !seen.Shows(minidb.ColumnVersion) {
		return nil, fmt.Errorf("row %s: %w", row, ErrNotFound)
	}
	var sides [2][]lqp.Value
	var cut error
	for i, m := range []minidb.RowMoment{from, to} {
		past, err := a.e.store.RowAt(ctx, t, row, m)
		if refused := (*minidb.HistoryCutError)(nil); errors.As(err, &refused) {
			cut = err
			past, err = a.e.store.RowAt(ctx, t, row, minidb.RowMoment{})
		}
		if err != nil {
			return nil, err
		}
		if past.Values != nil && seen.Sees(past.Values) {
			sides[i] = past.Values
			s.links().want(seen, past.Values)
		}
	}
	if err := s.links().look(ctx); err != nil {
		return nil, err
	}
	for i := range sides {
		sides[i] = s.links().show(seen, sides[i])
	}
	d := &RowDiff{Before: sides[0] != nil, After: sides[1] != nil}
	if !d.Before && !d.After {
		return nil, fmt.Errorf("row %s: %w", row, ErrNotFound)
	}
	if cut != nil { // said of rows alone of which the principal sees something, now or at the other moment
		return nil, cut
	}
	value := func(side []lqp.Value, i int) lqp.Value {
		if side == nil {
			return lqp.Value{}
		}
		return side[i]
	}
	for i, c := range seen.Table().Columns {
		if before, after := value(sides[0], i), value(sides[1], i); !minidb.IsBuiltIn(c.ID) && !lqp.Equal(before, after) {
			d.Cells = append(d.Cells, RevertedCell{Column: c, From: before, To: after})
		}
	}
	return d, nil
}

// Difference is one thing in which the two sides of an audit entry differ.
type Difference struct {
	// Field is the id of a column of a row, else the name of a field of the resource.
	Field string
	// From and To are JSON, nil where there is no such side.
	From, To json.RawMessage
}

// Differences are what an audit entry changed, by field: of what it shows, so that an entry as [Access.AuditLog] and the
// histories answer it tells no more here than there. The built-in columns of rows, which change each time, are left out.
func Differences(e *audit.Entry) []Difference {
	var before, after map[string]json.RawMessage
	if e.Before != nil && json.Unmarshal(e.Before, &before) != nil || e.After != nil && json.Unmarshal(e.After, &after) != nil {
		return nil
	}
	var list []Difference
	for field, from := range before {
		if to := after[field]; !bytes.Equal(from, to) {
			list = append(list, Difference{field, from, to})
		}
	}
	for field, to := range after {
		if _, ok := before[field]; !ok {
			list = append(list, Difference{field, nil, to})
		}
	}
	if e.ResourceType == "row" {
		list = slices.DeleteFunc(list, func(d Difference) bool { return minidb.IsBuiltIn(d.Field) })
	}
	slices.SortFunc(list, func(a, b Difference) int { return strings.Compare(a.Field, b.Field) })
	return list
}
