package differential

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// The relations that an answer must be in.
const (
	Oracle    = "oracle"    // with the naive answer
	Pages     = "pages"     // pages put together are the unpaged answer, for any size of pages
	Partition = "partition" // the rows with P and those with NOT P are all rows
	Counted   = "counted"   // as many rows satisfy P as there are where P is computed as TRUE
	Pivot     = "pivot"     // a row for which P is computed as TRUE is found by P
	Push      = "push"      // the answer does not depend on what the source is given
)

// Relations are all relations. All but Oracle need no other engine to compare with.
var Relations = []string{Oracle, Pages, Partition, Counted, Pivot, Push}

// trouble is why a question has no answer to be compared.
type trouble struct {
	diff string // the answer is wrong, or there is none; empty when there is nothing to compare
	// skipped says that the question does not bind, is refused, or has no one answer.
	skipped   bool
	data      bool // a source reported a data error
	tolerated bool
	rows      int // of the wanted answer
}

func wrong(format string, args ...any) trouble {
	text := fmt.Sprintf(format, args...)
	for _, a := range args {
		if err, ok := a.(error); ok {
			text += "\n  because " + cause(err)
		}
	}
	return trouble{diff: text}
}

// cause is what an engine said itself: adapters keep it out of their messages.
func cause(err error) string {
	for {
		below := errors.Unwrap(err)
		if all, ok := err.(interface{ Unwrap() []error }); ok && len(all.Unwrap()) > 0 {
			below = all.Unwrap()[len(all.Unwrap())-1]
		}
		if below == nil {
			return err.Error()
		}
		err = below
	}
}

// hold asks a question and holds the answer against its relation. wanted is the naive answer when it is known already.
// A panic is an answer too, and a wrong one.
func (r *rig) hold(ctx context.Context, p probe, wanted *answer) (t trouble) {
	defer func() {
		if v := recover(); v != nil {
			t = wrong("panic: %v\n%s", v, culprit(string(debug.Stack())))
		}
	}()
	return r.relate(ctx, p.relation, p.question, wanted)
}

// culprit are the lines of a stack that tell where a panic began.
func culprit(stack string) string {
	_, below, _ := strings.Cut(stack, "panic(")
	lines := strings.Split(below, "\n")
	return strings.Join(lines[min(2, len(lines)):min(12, len(lines))], "\n")
}

func (r *rig) relate(ctx context.Context, relation string, q question, wanted *answer) trouble {
	placed := place(q.query, q.engines)
	bound, err := r.oracle.bind(placed)
	if err != nil || !settled(bound, true) {
		return trouble{skipped: true}
	}
	plan, err := r.plan(q)
	switch {
	case errors.Is(err, errRefused):
		return trouble{skipped: true}
	case err != nil:
		return wrong("the query is not taken: %v", err)
	}
	_, ordered := total(bound)
	if paged(bound) && !plan.Total() || ordered && !plan.Total() {
		// What the engine finds of the keys is less than what the world promises: its order is its own.
		if paged(bound) {
			return trouble{skipped: true}
		}
		ordered = false
	}
	switch relation {
	case Oracle:
		if wanted == nil {
			wanted = r.oracle.answer(bound)
		}
		return r.holdOracle(ctx, q, plan, wanted, ordered)
	case Pages:
		return r.holdPages(ctx, q, plan, ordered)
	case Push:
		return r.holdPush(ctx, q, plan, bound, ordered)
	}
	if bound.Where == nil {
		return trouble{skipped: true}
	}
	switch relation {
	case Partition:
		return r.holdPartition(ctx, q)
	case Counted:
		return r.holdCounted(ctx, q)
	}
	return r.holdPivot(ctx, q)
}

func (r *rig) holdOracle(ctx context.Context, q question, plan *rewrite.Plan, wanted *answer, ordered bool) trouble {
	got, _, data, err := r.ask(ctx, q, plan)
	if b := (*lqp.BudgetError)(nil); errors.As(err, &b) && q.bytes > 0 {
		return trouble{skipped: true} // not all work can be put aside
	}
	if err != nil {
		return wrong("%v", err)
	}
	want := *wanted
	want.ordered = ordered
	v := compare(&want, got)
	return trouble{diff: v.diff, tolerated: v.tolerated, data: data, rows: len(want.rows)}
}

// maxPages ends walks that do not end by themselves.
const maxPages = 500

// holdPages walks the pages of a query, by cursor where the order is total, else by offset.
func (r *rig) holdPages(ctx context.Context, q question, plan *rewrite.Plan, ordered bool) trouble {
	plan = plan.WithPage(lqp.Page{})
	whole, _, _, err := r.ask(ctx, q, plan)
	if err != nil {
		return wrong("%v", err)
	}
	size := 1 + int(q.coin%7)
	if len(whole.rows) > 60 {
		size *= 10
	}
	if !plan.Total() {
		return r.holdOffsets(ctx, q, size, whole)
	}
	walked := &answer{}
	page := lqp.Page{Limit: size + 1} // the row too many tells that there is another page
	for n := 0; ; n++ {
		if n == maxPages {
			return wrong("after %d pages of %d rows the walk over %d rows goes on", n, size, len(whole.rows))
		}
		got, keys, _, err := r.ask(ctx, q, plan.WithPage(page))
		if err != nil {
			return wrong("page %d of %d rows: %v", n, size, err)
		}
		walked.rows = append(walked.rows, got.rows[:min(size, len(got.rows))]...)
		if len(got.rows) <= size {
			break
		}
		page.After = keys[size-1]
	}
	whole.ordered = ordered
	whole.near = make([]bool, plan.Visible())
	if v := compare(whole, walked); v.diff != "" {
		return wrong("pages of %d rows: %s", size, v.diff)
	}
	return trouble{rows: len(whole.rows)}
}

// holdOffsets walks the pages of a query whose rows no key tells apart. It is rewritten for each page, since only a page
// makes it sort the rows by all that they have.
func (r *rig) holdOffsets(ctx context.Context, q question, size int, whole *answer) trouble {
	walked := &answer{}
	if len(q.query.OrderBy) == 0 { // rows without any order have no pages
		return trouble{skipped: true}
	}
	for n := 0; ; n++ {
		next := q
		next.query = q.query.Clone()
		next.query.Page = lqp.Page{Limit: size, Offset: n * size}
		plan, err := r.plan(next)
		if err != nil {
			return wrong("page %d: %v", n, err)
		}
		got, _, _, err := r.ask(ctx, next, plan)
		if err != nil {
			return wrong("page %d of %d rows: %v", n, size, err)
		}
		walked.rows = append(walked.rows, got.rows...)
		if len(got.rows) < size || n == maxPages {
			break
		}
	}
	if diff := difference(sorted(whole.rows), sorted(walked.rows), equal); diff != "" && !r.showsLess(q.query) {
		return wrong("pages of %d rows by offset: %s", size, diff)
	}
	return trouble{rows: len(whole.rows)}
}

// showsLess reports that rows which tie in all that sorting looks at may differ in what is shown: those of nested queries,
// and those with columns that have no order.
func (r *rig) showsLess(q *lqp.Query) bool {
	less := func(s *lqp.Source) bool {
		if s.Query != nil {
			return true
		}
		return slices.ContainsFunc(r.world.table(s.Table).Columns, func(c Column) bool { return !c.Type.Kind.Orderable() })
	}
	return less(&q.From) || slices.ContainsFunc(q.Joins, func(j lqp.Join) bool { return less(&j.Source) })
}

// holdPush compares the answers of several parts that a source may be given.
func (r *rig) holdPush(ctx context.Context, q question, plan *rewrite.Plan, bound *lqp.Query, ordered bool) trouble {
	var first *answer
	for i, mode := range []string{Scans, Pushdown, Coin, Coin} {
		next := q
		next.mode, next.coin = mode, q.coin+uint64(i)
		got, _, _, err := r.ask(ctx, next, plan)
		if err != nil {
			return wrong("%s: %v", mode, err)
		}
		if first == nil {
			first = got
			first.ordered, first.near = ordered, near(bound)
			continue
		}
		if v := compare(first, got); v.diff != "" {
			return wrong("%s (%d) answers not as %s: %s", mode, next.coin, Scans, v.diff)
		}
	}
	return trouble{rows: len(first.rows)}
}

// without is the block of a question without groups, order and page, and with another filter.
func without(q *lqp.Query, where lqp.Expr) *lqp.Query {
	c := q.Clone()
	c.GroupBy, c.Aggregates, c.Having, c.OrderBy, c.Page = nil, nil, nil, nil, lqp.Page{}
	c.Where = where
	return c
}

// all asks for every row of a block.
func (r *rig) all(ctx context.Context, q question, block *lqp.Query) (*answer, error) {
	q.query = block
	plan, err := r.plan(q)
	if err != nil {
		return nil, err
	}
	a, _, _, err := r.ask(ctx, q, plan)
	return a, err
}

// everything selects what tells rows apart: every column of every source. A grouped block has no rows to show.
func (r *rig) everything(q *lqp.Query, where lqp.Expr) *lqp.Query {
	c := without(q, where)
	c.Select = nil
	return c
}

func (r *rig) holdPartition(ctx context.Context, q question) trouble {
	p := q.query.Where
	var parts [3]*answer
	for i, where := range []lqp.Expr{nil, p, lqp.NewCall("not", p)} {
		var err error
		if parts[i], err = r.all(ctx, q, r.everything(q.query, where)); errors.Is(err, errRefused) {
			return trouble{skipped: true}
		} else if err != nil {
			return wrong("part %d: %v", i, err)
		}
	}
	both := slices.Concat(parts[1].rows, parts[2].rows)
	if diff := difference(sorted(parts[0].rows), sorted(both), equal); diff != "" {
		return wrong("%d rows, of them %d with the filter and %d without: %s", len(parts[0].rows), len(parts[1].rows), len(parts[2].rows), diff)
	}
	return trouble{rows: len(parts[0].rows)}
}

func (r *rig) holdCounted(ctx context.Context, q question) trouble {
	computed := without(q.query, nil)
	computed.Select = []lqp.Named{{Name: "p", Expr: q.query.Where}}
	shown, err := r.all(ctx, q, computed)
	if errors.Is(err, errRefused) {
		return trouble{skipped: true}
	} else if err != nil {
		return wrong("computed: %v", err)
	}
	count := without(q.query, q.query.Where)
	count.Select, count.Aggregates = nil, []lqp.Aggregate{{Name: "n", Func: "countall"}}
	counted, err := r.all(ctx, q, count)
	if err != nil {
		return wrong("counted: %v", err)
	}
	n := 0
	for _, row := range shown.rows {
		if row[0] == "true" {
			n++
		}
	}
	if got := counted.rows[0][0]; got != strconv.Itoa(n) {
		return wrong("the filter is computed as TRUE for %d rows of %d and counts %s", n, len(shown.rows), got)
	}
	return trouble{rows: n}
}

func (r *rig) holdPivot(ctx context.Context, q question) trouble {
	bound, err := r.oracle.bind(place(r.everything(q.query, nil), q.engines))
	if err != nil {
		return trouble{skipped: true}
	}
	show := without(q.query, nil)
	show.Select = nil
	for i, n := range bound.Select {
		c, ok := n.Expr.(*lqp.Col)
		if !ok {
			return trouble{skipped: true}
		}
		show.Select = append(show.Select, lqp.Named{Name: fmt.Sprintf("c%d", i), Expr: lqp.Ref(c.Source, c.Column)})
	}
	show.Select = append(show.Select, lqp.Named{Name: "p", Expr: q.query.Where})
	rows, err := r.all(ctx, q, show)
	if errors.Is(err, errRefused) {
		return trouble{skipped: true}
	} else if err != nil {
		return wrong("computed: %v", err)
	}
	var fit [][]lqp.Value
	for _, row := range rows.values {
		if lqp.Truth(row[len(row)-1]) {
			fit = append(fit, row)
		}
	}
	if len(fit) == 0 {
		return trouble{skipped: true}
	}
	pivot := fit[int(q.coin%uint64(len(fit)))]
	where := []lqp.Expr{q.query.Where}
	for i, v := range pivot[:len(pivot)-1] {
		if !v.IsNull() && v.Kind().Orderable() {
			where = append(where, lqp.NewCall("eq", show.Select[i].Expr, lqp.Literal(v)))
		} else if v.IsNull() {
			where = append(where, lqp.NewCall("is_null", show.Select[i].Expr))
		}
	}
	found := without(q.query, lqp.NewCall("and", where...))
	found.Select = show.Select
	got, err := r.all(ctx, q, found)
	if err != nil {
		return wrong("pivot: %v", err)
	}
	want := make([]string, len(pivot))
	for i, v := range pivot {
		want[i] = canonical(v)
	}
	if !slices.ContainsFunc(got.rows, func(row []string) bool { return slices.Equal(row, want) }) {
		return wrong("the filter is computed as TRUE for a row that it does not find among %d\n  want %s", len(got.rows), clip(want))
	}
	return trouble{rows: 1}
}
