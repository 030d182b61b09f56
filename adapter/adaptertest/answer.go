package adaptertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// answer is the result of a query: its cells as canonical JSON.
type answer [][]string

// collect reads an iterator to its end and closes it.
func collect(r lqp.RowReader, q *lqp.Query) (a answer, err error) {
	defer func() { err = errors.Join(err, r.Close()) }()
	approximate := approximates(q)
	for r.Next() {
		row := make([]string, len(q.Select))
		for i := range row {
			row[i] = canonicalCell(r.Value(i), approximate)
		}
		a = append(a, row)
	}
	return a, r.Err()
}

// canonicalCell is a value as it is compared: documents without blanks, sums of doubles to nine digits.
func canonicalCell(v lqp.Value, approximate bool) string {
	switch {
	case v.Kind() == lqp.JSON:
		var b bytes.Buffer
		if json.Compact(&b, []byte(v.Text())) == nil {
			return b.String()
		}
	case v.Kind() == lqp.Float && approximate:
		return strconv.FormatFloat(v.Float(), 'g', 9, 64)
	}
	return string(v.AppendJSON(nil))
}

// approximates reports that the query adds doubles, whose sum depends on their order.
func approximates(q *lqp.Query) bool {
	for i := range q.Aggregates {
		a := &q.Aggregates[i]
		if f, ok := lqp.LookupAggregate(a.Func); ok && f.Approximate && a.Arg != nil && a.Arg.Type().Kind == lqp.Float {
			return true
		}
	}
	return q.From.Query != nil && approximates(q.From.Query)
}

// via runs a query the way a plan splits it.
type via struct {
	a    scanner
	t    T
	plan func(q *lqp.Query) adapter.Split
}

// scanner is the part of an adapter that runs queries.
type scanner interface {
	Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error)
}

// open runs a bound query: the pushed part at the source, the rest here. A plan without a pushed part means that each
// source is planned alone.
func (v via) open(ctx context.Context, q *lqp.Query) (lqp.RowReader, error) {
	split := v.plan(q)
	switch {
	case split.Pushed == nil:
		return lqp.Run(ctx, q, separate{v}, lqp.RunOptions{})
	case split.Residual == nil:
		return v.scan(ctx, split.Pushed)
	}
	return lqp.Run(ctx, split.Residual, onPushed{v, split.Pushed}, lqp.RunOptions{})
}

func (v via) answer(ctx context.Context, q *lqp.Query) (answer, error) {
	r, err := v.open(ctx, q)
	if err != nil {
		return nil, err
	}
	return collect(r, q)
}

// scan runs a pushed query and holds every cell against the contract of Rows.
func (v via) scan(ctx context.Context, pushed *lqp.Query) (lqp.RowReader, error) {
	rows, err := v.a.Scan(ctx, pushed)
	if err != nil {
		return nil, err
	}
	return &checkedRows{Rows: rows, t: v.t, q: pushed}, nil
}

// onPushed gives a residual query its one source.
type onPushed struct {
	via
	pushed *lqp.Query
}

func (s onPushed) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != s.pushed {
		return nil, errors.New("the residual query reads something else than the pushed one")
	}
	return s.scan(ctx, s.pushed)
}

func (s onPushed) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

// separate gives a query each of its sources whole.
type separate struct{ via }

func (s separate) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != nil {
		return nil, lqp.ErrRunNested
	}
	whole := &lqp.Query{From: *src}
	for _, c := range src.Schema.Columns {
		whole.Select = append(whole.Select, lqp.Named{Name: c.ID, Expr: lqp.TypedRef(src.Alias, c.ID, c.Type)})
	}
	split := s.plan(whole)
	if split.Pushed == nil {
		return nil, fmt.Errorf("plan does not even take a scan of table %s", src.Table)
	}
	return s.open(ctx, whole)
}

func (s separate) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

// checkedRows compares the two ways of reading a cell and holds values against the static types.
type checkedRows struct {
	adapter.Rows
	t       T
	q       *lqp.Query
	scratch []byte
	failed  bool
	held    []heldCell
}

// heldCell is a value that was read some rows ago, and what it was then.
type heldCell struct {
	value lqp.Value
	was   string
	name  string
}

// heldCells is how many values are looked at again after the last row.
const heldCells = 200

// Next looks at the values of earlier rows after the last one: they own their memory.
func (r *checkedRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	for _, h := range r.held {
		if is := string(h.value.AppendJSON(nil)); is != h.was && !r.failed {
			r.failed = true
			r.t.Errorf("column %s: a value that was %s is %s some rows later: it does not own its memory\n%s", h.name, h.was, is, lqp.Format(r.q))
		}
	}
	r.held = nil
	return false
}

func (r *checkedRows) Value(i int) lqp.Value {
	v := r.Rows.Value(i)
	if r.failed {
		return v
	}
	const before = "before"
	r.scratch = r.Rows.AppendJSON(append(r.scratch[:0], before...), i)
	if want := string(v.AppendJSON([]byte(before))); want != string(r.scratch) {
		r.failed = true
		r.t.Errorf("column %s: AppendJSON gives %s, Value %s\n%s", r.q.Select[i].Name, r.scratch[len(before):], want[len(before):], lqp.Format(r.q))
	}
	if len(r.held) < heldCells {
		r.held = append(r.held, heldCell{v, string(r.scratch[len(before):]), r.q.Select[i].Name})
	}
	typ := r.q.Select[i].Expr.Type()
	if problem := broken(typ, v); problem != "" {
		r.failed = true
		r.t.Errorf("column %s of type %s: value %s %s\n%s", r.q.Select[i].Name, typ, v.String(), problem, lqp.Format(r.q))
	}
	return v
}

// broken says which promise of its type a value breaks, "" for none.
func broken(t lqp.Type, v lqp.Value) string {
	switch {
	case v.IsNull():
		if t.NotNull {
			return "is NULL in a column that has none"
		}
		return ""
	case t.Kind != v.Kind():
		return "has kind " + v.Kind().String()
	case t.Kind == lqp.Number && t.Precision > 0:
		text := strings.TrimPrefix(v.Decimal().String(), "-")
		whole, frac, _ := strings.Cut(text, ".")
		if len(frac) > t.Scale || (whole != "0" && len(whole) > t.Precision-t.Scale) {
			return fmt.Sprintf("does not fit %d digits, %d after the point", t.Precision, t.Scale)
		}
	case t.Kind == lqp.Text && t.MaxLen > 0 && len([]rune(v.Text())) > t.MaxLen:
		return fmt.Sprintf("is longer than %d code points", t.MaxLen)
	case t.Kind == lqp.Text && t.ASCII && strings.IndexFunc(v.Text(), func(r rune) bool { return r > 127 }) >= 0:
		return "is not ASCII"
	}
	return ""
}

// difference describes how two answers differ, "" when they do not. Unless ordered, the order of rows is free.
func difference(want, got answer, ordered bool) string {
	if !ordered {
		want, got = sorted(want), sorted(got)
	}
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("%d rows instead of %d; the first one too many is\n  got  %v", len(got), len(want), got[i])
		case i >= len(got):
			return fmt.Sprintf("%d rows instead of %d; the first one missing is\n  want %v", len(got), len(want), want[i])
		case !slices.Equal(want[i], got[i]):
			return fmt.Sprintf("row %d of %d\n  want %v\n  got  %v", i, len(want), clip(want[i]), clip(got[i]))
		}
	}
	return ""
}

func clip(row []string) []string {
	out := make([]string, len(row))
	for i, c := range row {
		if len(c) > 80 {
			c = c[:60] + "…" + c[len(c)-10:] + fmt.Sprintf(" (%d bytes)", len(c))
		}
		out[i] = c
	}
	return out
}

func sorted(a answer) answer {
	a = slices.Clone(a)
	slices.SortFunc(a, func(x, y []string) int { return slices.Compare(x, y) })
	return a
}
