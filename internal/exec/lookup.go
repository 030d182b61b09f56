package exec

import (
	"context"

	"github.com/livetables/livetables/lqp"
)

// worthLookups decides how the right side of a join is read whose left side has about left rows: by key when the source
// finds keys itself and that is less work than reading it whole.
func worthLookups(p *part, j *lqp.Join, left int64) bool {
	if p.query.From.Schema == nil || !lookupsPay(left, p.estimate()) {
		return false
	}
	on := lqp.JoinKeys(j)
	if len(on) == 0 {
		return false
	}
	q, key := withKeys(p.query, on[:1], [][]lqp.Value{{zeroOf(on[0].Type())}})
	return pushes(p.adapter.Plan(q), key)
}

func zeroOf(t lqp.Type) lqp.Value {
	switch t.Kind {
	case lqp.Bool:
		return lqp.BoolValue(false)
	case lqp.Number:
		return lqp.IntValue(0)
	case lqp.Float:
		return lqp.FloatValue(0)
	case lqp.Date:
		return lqp.DateValue(0)
	case lqp.DateTime:
		return lqp.DateTimeValue(0)
	default:
		return lqp.TextValue("")
	}
}

// lookup opens the rows of a part whose first key expression has one of the given values. The join asks its whole
// condition again, so further key expressions need not be sent.
func lookup(ctx context.Context, p *part, on []lqp.Expr, keys [][]lqp.Value, run running) (lqp.RowReader, error) {
	if len(keys) == 0 {
		return noRows{}, nil
	}
	q, _ := withKeys(p.query, on, keys)
	split := p.adapter.Plan(q)
	if split.Pushed == nil {
		return nil, lqp.ErrNoLookup
	}
	run.traces.instead(split.Residual, p.split.Residual)
	return (&part{connection: p.connection, adapter: p.adapter, query: q, split: split, of: p}).open(ctx, run)
}

// withKeys narrows a part to the rows whose first key expression, which speaks of the part's output, has one of the
// values. It answers with the condition too.
func withKeys(q *lqp.Query, on []lqp.Expr, keys [][]lqp.Value) (*lqp.Query, lqp.Expr) {
	inner := make(map[string]lqp.Expr, len(q.Select))
	for _, n := range q.Select {
		inner[n.Name] = n.Expr
	}
	key := lqp.Rewrite(on[0], func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			return inner[c.Column]
		}
		return e
	})
	items := make([]lqp.Expr, 1, len(keys)+1)
	items[0] = key
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		id := string(k[0].AppendKey(nil))
		if !seen[id] {
			seen[id] = true
			items = append(items, lqp.Literal(k[0]))
		}
	}
	c := *q
	in := lqp.NewCall("in", items...)
	c.Where = lqp.And(q.Where, in)
	return &c, in
}

type noRows struct{}

func (noRows) Next() bool          { return false }
func (noRows) Value(int) lqp.Value { return lqp.NullValue }
func (noRows) Err() error          { return nil }
func (noRows) Close() error        { return nil }
