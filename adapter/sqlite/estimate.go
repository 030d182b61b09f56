package sqlite

import (
	"context"
	"time"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

const (
	// countLimit is how many rows an estimate counts before it settles for "many".
	countLimit = 10_000
	// countTime bounds the counting.
	countTime = 100 * time.Millisecond
)

// Estimate counts the rows of a pushed query when they are few and quickly counted. Otherwise it answers with the count
// that ANALYZE left for a whole table, or -1 for unknown.
func (a *Adapter) Estimate(ctx context.Context, pushed *lqp.Query) (int64, error) {
	counted := *pushed
	counted.OrderBy = nil
	if len(pushed.Page.After) > 0 {
		counted.OrderBy = pushed.OrderBy
	}
	if counted.Page.Limit == 0 || counted.Page.Limit > countLimit {
		counted.Page.Limit = countLimit + 1
	}
	st, err := sqlgen.Compile(a.dialectFor(&counted), &counted)
	if err != nil {
		return -1, nil
	}
	st.SQL = "SELECT count(*) FROM (" + st.SQL + ")"
	st.Columns = []sqlgen.Output{{Storage: sqlgen.Storage{Rep: intRep(0)}}}
	limited, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	c, err := a.acquire(limited, "estimate")
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		return -1, nil // no connection is free: an estimate is not worth waiting for
	case err != nil:
		return -1, err
	}
	defer a.readers.put(c)
	r, err := c.scan(limited, "estimate", &st)
	if err != nil {
		return -1, err
	}
	defer r.Close()
	n := int64(-1)
	if r.Next() {
		n, _ = r.Value(0).Decimal().Int64()
	}
	switch {
	case ctx.Err() != nil:
		return -1, ctx.Err()
	case n >= 0 && n <= countLimit:
		return n, nil
	case pushed.From.Schema != nil && pushed.Where == nil && len(pushed.Joins)+len(pushed.GroupBy)+len(pushed.Aggregates) == 0:
		return pushed.From.Schema.Rows, nil
	}
	return -1, nil
}
