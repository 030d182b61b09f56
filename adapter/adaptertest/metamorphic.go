package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
)

// metamorphic holds answers of the adapter against others of its own: relations between queries that are true whatever the
// rows are, so that they need no second implementation to compare with (section 11 of the semantics).
func (s *suite) metamorphic(t T) {
	seed := s.seed(t)
	for n := range max(20, s.h.Random/6) {
		g := &generator{s: s, r: rand.New(rand.NewPCG(seed, 1<<40+uint64(n)))}
		m := relation{s: s, g: g, table: pick(g, []string{things, walks, nulls})}
		g.scope(m.table, "t")
		m.condition = g.expr(lqp.Bool, 3)
		if _, err := s.bind(m.query(m.condition)); err != nil {
			continue
		}
		t.Run(fmt.Sprintf("seed %d condition %d", seed, n), m.check)
	}
}

// relation is one condition on one table.
type relation struct {
	s         *suite
	g         *generator
	table     string
	condition lqp.Expr
}

func (m *relation) query(where lqp.Expr) *lqp.Query {
	return &lqp.Query{From: m.s.from(m.table, "t"), Where: where, Select: []lqp.Named{{Name: "id", Expr: lqp.Ref("t", "id")}}}
}

func (m *relation) check(t T) {
	p := m.condition
	all, ok := m.ids(t, m.query(nil))
	if !ok {
		return
	}
	yes, ok1 := m.ids(t, m.query(p))
	no, ok2 := m.ids(t, m.query(call("not", p)))
	if !ok1 || !ok2 {
		return
	}
	if diff := difference(all, append(append(answer{}, yes...), no...), false); diff != "" {
		t.Errorf("partition: the %d rows where the condition holds and the %d where its negation does are not the %d rows of the table: %s\n%s",
			len(yes), len(no), len(all), diff, m.s.describe(m.bound(p)))
	}
	m.computed(t, yes)
	m.pivot(t, all, yes)
	m.pages(t, len(all))
	m.push(t)
}

func (m *relation) bound(where lqp.Expr) *lqp.Query {
	q, _ := m.s.bind(m.query(where)) // it did before
	return q
}

func (m *relation) ids(t T, q *lqp.Query) (answer, bool) {
	bound, err := m.s.bind(q)
	if err != nil {
		t.Errorf("the suite's query does not bind: %v\n%s", err, lqp.Format(q))
		return nil, false
	}
	a, err := m.s.answer(t, bound, m.s.a.Plan)
	if err != nil {
		t.Errorf("%v\n%s", err, m.s.describe(bound))
	}
	return a, err == nil
}

// computed: as many rows pass a filter as there are rows for which it is computed to be TRUE.
func (m *relation) computed(t T, yes answer) {
	q := m.query(nil)
	q.Select = append(q.Select, lqp.Named{Name: "p", Expr: call("if", m.condition, text("yes"), text("no"))})
	shown, ok := m.ids(t, q)
	if !ok {
		return
	}
	var want answer
	for _, row := range shown {
		if row[1] == `"yes"` {
			want = append(want, row[:1])
		}
	}
	if diff := difference(want, yes, false); diff != "" {
		t.Errorf("non-optimising: the filter and the condition shown as a column disagree: %s\n%s", diff, m.s.describe(m.bound(m.condition)))
	}
	counted := m.query(m.condition)
	counted.Aggregates = []lqp.Aggregate{{Name: "n", Func: "countall"}}
	counted.Select = []lqp.Named{{Name: "n", Expr: ref("n")}}
	if n, ok := m.ids(t, counted); ok && (len(n) != 1 || n[0][0] != strconv.Itoa(len(yes))) {
		t.Errorf("non-optimising: %d rows pass the filter, counted they are %v\n%s", len(yes), n, m.s.describe(m.bound(m.condition)))
	}
}

// pivot: a row is found by the condition and its key exactly if the condition holds for it.
func (m *relation) pivot(t T, all, yes answer) {
	if len(all) == 0 {
		return
	}
	row := pick(m.g, all)
	id, err := lqp.ParseDecimal(row[0])
	if err != nil {
		t.Errorf("pivot: id %s", row[0])
		return
	}
	var want answer
	for _, y := range yes {
		if y[0] == row[0] {
			want = answer{row}
		}
	}
	q := m.query(lqp.And(call("eq", lqp.Ref("t", "id"), lqp.Literal(lqp.NumberValue(id))), m.condition))
	if got, ok := m.ids(t, q); ok && difference(want, got, false) != "" {
		t.Errorf("pivot: row %s alone: %s\n%s", row[0], difference(want, got, false), m.s.describe(m.bound(q.Where)))
	}
}

// pages: pages of any size, by offset, are the whole result.
func (m *relation) pages(t T, rows int) {
	q := m.query(m.condition)
	q.OrderBy = []lqp.Order{m.g.order(pick(m.g, m.g.cols).expr), {Expr: lqp.Ref("t", "id"), Desc: m.g.chance(50)}}
	whole, ok := m.ids(t, q)
	if !ok {
		return
	}
	for _, size := range []int{1 + m.g.r.IntN(3), 4 + m.g.r.IntN(20)} {
		var got answer
		for offset := 0; offset <= rows; offset += size {
			q.Page = lqp.Page{Limit: size, Offset: offset}
			page, ok := m.ids(t, q)
			if !ok {
				return
			}
			got = append(got, page...)
			if len(page) == 0 {
				break
			}
		}
		if diff := difference(whole, got, true); diff != "" {
			q.Page = lqp.Page{Limit: size}
			t.Errorf("page invariance: pages of %d together: %s\n%s", size, diff, lqp.Format(q))
		}
	}
}

// push: whatever part of a query the adapter is asked, and the rest done here, the answer is the same.
func (m *relation) push(t T) {
	q := m.query(m.condition)
	q.OrderBy = []lqp.Order{m.g.order(pick(m.g, m.g.cols).expr), {Expr: lqp.Ref("t", "id")}}
	q.Where = lqp.And(m.condition, m.g.expr(lqp.Bool, 2))
	bound, err := m.s.bind(q)
	if err != nil {
		return // the second condition need not fit
	}
	want, err := m.s.answer(t, bound, m.s.a.Plan)
	if err != nil {
		t.Errorf("%v\n%s", err, m.s.describe(bound))
		return
	}
	for range 2 {
		coin := memory.New(nil, memory.Options{Prover: memory.Coin(m.g.r.Uint64())})
		v := via{a: parts{m.s, t}, t: t, plan: coin.Plan}
		got, err := v.answer(ctxOf(t), bound)
		if errors.Is(err, adapter.ErrData) {
			// A part alone may compute what the whole query never reached: the engine then computes all of it.
			got, err = via{a: m.s.a, t: t, plan: adapter.ScanOnly}.answer(ctxOf(t), bound)
		}
		if err != nil {
			t.Errorf("push invariance: %v\n%s", err, lqp.Format(bound))
			return
		}
		if diff := difference(want, got, true); diff != "" {
			t.Errorf("push invariance: with a part of the plan done by the engine instead: %s\n%s", diff, notesOf(coin.Plan(bound)))
		}
	}
}

func notesOf(split adapter.Split) string {
	var b strings.Builder
	for _, n := range split.Notes {
		fmt.Fprintf(&b, "\n  %s %s: %s", n.Clause, clip([]string{n.Text})[0], n.Placement)
	}
	return b.String()
}

// parts is the adapter for queries that it did not plan: it plans them first.
type parts struct {
	*suite
	t T
}

func (p parts) Scan(ctx context.Context, part *lqp.Query) (adapter.Rows, error) {
	r, err := (via{a: p.a, t: p.t, plan: p.a.Plan}).open(ctx, part)
	if err != nil {
		return nil, err
	}
	return valueRows{r}, nil
}

// valueRows writes cells from their values.
type valueRows struct{ lqp.RowReader }

func (r valueRows) AppendJSON(dst []byte, i int) []byte { return r.Value(i).AppendJSON(dst) }
