package exec

import (
	"context"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// sequence reads one part after another. A cursor ends inside the rows of the first source that agree in the sort keys
// which this source decides: those are read once more, then the rows after them.
type sequence struct {
	adapter.Rows
	ctx  context.Context
	next *part // nil once it is being read
	run  running
	err  error
}

func openSequence(ctx context.Context, first, second *part, run running) (*sequence, error) {
	rows, err := first.ahead(ctx, run)
	if err != nil {
		return nil, err
	}
	return &sequence{Rows: rows, ctx: ctx, next: second, run: run}, nil
}

// Next implements lqp.RowReader.
func (s *sequence) Next() bool {
	if s.Rows.Next() {
		return true
	}
	if s.next == nil || s.Rows.Err() != nil {
		return false
	}
	_ = s.Rows.Close() // its error was read by Err
	p := s.next
	s.next = nil
	rows, err := p.ahead(s.ctx, s.run)
	if err != nil {
		s.err = err
		return false
	}
	s.Rows = rows
	return rows.Next()
}

// Err implements lqp.RowReader.
func (s *sequence) Err() error {
	if s.err != nil {
		return s.err
	}
	return s.Rows.Err()
}

// Counted tells lqp.Run whether the rows are those of a Run that counts them.
func (s *sequence) Counted(b *lqp.Budget) bool {
	return b == s.run.Budget && s.next != nil && s.next.split.Residual != nil
}

// Close implements lqp.RowReader.
func (s *sequence) Close() error {
	s.next = nil
	return s.Rows.Close()
}

// tied is a part for the rows that agree with the position in every sort key, in whatever order.
func (b *builder) tied(sub *lqp.Query) (*part, error) {
	c := sub.Clone()
	c.OrderBy, c.Page = nil, lqp.Page{}
	for i, o := range sub.OrderBy {
		c.Where = lqp.And(c.Where, sortsWith(o.Expr, sub.Page.After[i]))
	}
	p, err := b.whole(c)
	if p != nil {
		p.first = true
	}
	return p, err
}

// sortsWith is the predicate that sorting does not tell e from v.
func sortsWith(e lqp.Expr, v lqp.Value) lqp.Expr {
	if text := []rune(textOf(v)); len(text) >= lqp.OrderPrefix {
		return lqp.NewCall("starts_with", e, lqp.Literal(lqp.TextValue(string(text[:lqp.OrderPrefix]))))
	}
	if v.IsNull() {
		return lqp.NewCall("is_null", e)
	}
	return lqp.NewCall("eq", e, lqp.Literal(v))
}

func textOf(v lqp.Value) string {
	if v.Kind() == lqp.Text {
		return v.Text()
	}
	return ""
}

// leading counts the sort keys, from the first, that belong to one source alone and that sources sort by.
func leading(order []lqp.Order, alias string) int {
	n := slices.IndexFunc(order, func(o lqp.Order) bool { return o.Whole || !onlyOf(o.Expr, alias) })
	if n < 0 {
		return len(order)
	}
	return n
}
