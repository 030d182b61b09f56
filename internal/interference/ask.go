package interference

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// question is one request of the principal: what it asks, and how it is asked. Its answer is every byte that comes back.
type question struct {
	kind  string
	about string
	ask   func(ctx context.Context) string
	// query is what was asked by a plain query, for the reference; nil otherwise. ordered reports that its rows have one order.
	query   *lqp.Query
	ordered bool
	last    *answer       // of a plain query, what was answered last
	check   func() string // of some writes, what is wrong with the last answer; nil otherwise
}

// answer is the first page of a plain query.
type answer struct {
	rows    []string
	count   int64
	counted bool
	failed  string
}

// asker makes up questions in a world.
type asker struct {
	r  *rig
	w  *world
	as *livetables.Access
}

func (a *asker) question() question {
	if a.w.reader {
		return a.public()
	}
	switch n := a.w.r.IntN(100); {
	case n < 62:
		return a.query()
	case n < 66:
		return a.misspelt()
	case n < 70:
		return a.explain()
	case n < 74:
		return a.export()
	case n < 79:
		return a.listing()
	case n < 85:
		return a.view()
	case n < 88:
		return a.history()
	}
	return a.write()
}

// plain is a random query over the tables of the world.
func (a *asker) plain() (*lqp.Query, bool) {
	g := &plantest.Generator{R: a.w.r, Tables: a.w.seen(), Nested: a.w.r.IntN(3)}
	q, ordered := g.Query()
	// Most questions that name a hidden column are alike: only some of them are asked.
	for range 5 {
		if _, err := a.w.bind(q); err == nil {
			break
		}
		q, ordered = g.Query()
	}
	if a.w.chance(40) {
		q.Count = lqp.CountExact
	}
	return q, ordered
}

func (a *asker) query() question {
	q, ordered := a.plain()
	last := &answer{}
	return question{kind: "query", about: lqp.Format(q), query: q, ordered: ordered, last: last, ask: func(ctx context.Context) string {
		rows, err := a.as.Query(ctx, a.r.place.workspace, q)
		first, next := a.noted(last, rows, err)
		if next == "" {
			return first
		}
		more := *q
		more.Page.Cursor, more.Page.Offset = next, 0
		second, last := a.page(a.as.Query(ctx, a.r.place.workspace, &more))
		return first + second + fmt.Sprint("cursors of ", len(next), " and ", len(last))
	}}
}

// page is an answer as text, and the cursor of the next one.
func (a *asker) page(rows *livetables.Rows, err error) (text, next string) {
	return a.noted(&answer{}, rows, err)
}

// noted is page, noting what was answered.
func (a *asker) noted(to *answer, rows *livetables.Rows, err error) (text, next string) {
	*to = answer{}
	if err != nil {
		to.failed = failure(err)
		return to.failed, ""
	}
	defer rows.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", rows.Columns)
	for rows.Next() {
		line := []byte{}
		for i := range rows.Columns {
			if i > 0 {
				line = append(line, '|')
			}
			line = rows.AppendJSON(line, i)
		}
		to.rows = append(to.rows, string(line))
		b.Write(append(line, '\n'))
	}
	if rows.Err() != nil {
		to.failed = failure(rows.Err())
		return b.String() + to.failed, ""
	}
	to.count, to.counted = rows.Count()
	fmt.Fprintln(&b, rows.More(), to.count, to.counted)
	return b.String(), rows.NextCursor()
}

func failure(err error) string { return "error " + livetables.Code(err) + ": " + err.Error() + "\n" }

// misspelt asks for names that nearly exist, for the hints.
func (a *asker) misspelt() question {
	t := pick(a.w, a.w.tables...)
	name := pick(a.w, columnNames...)
	q := &lqp.Query{From: lqp.Source{Connection: t.ref.Connection, Table: t.ref.Table, Alias: "a"}}
	switch a.w.r.IntN(4) {
	case 0:
		q.Where = call("eq", lqp.Ref("a", name+"x"), number(1))
	case 1:
		q.OrderBy = []lqp.Order{{Expr: lqp.Ref("", pick(a.w, "dayy", "re", "nn", "_versio", "_created_b"))}}
	case 2:
		q.From.Table += "x"
	case 3:
		q.Aggregates = []lqp.Aggregate{{Name: "m", Func: "sum", Arg: lqp.Ref("a", pick(a.w, "t", name, name+"y"))}}
	}
	last := &answer{}
	return question{kind: "misspelt", about: lqp.Format(q), query: q, last: last, ask: func(ctx context.Context) string {
		rows, err := a.as.Query(ctx, a.r.place.workspace, q)
		answer, _ := a.noted(last, rows, err)
		return answer
	}}
}

func (a *asker) explain() question {
	q, _ := a.plain()
	return question{kind: "explain", about: lqp.Format(q), ask: func(ctx context.Context) string {
		var x *livetables.Explanation
		for range 5 {
			var err error
			if x, err = a.as.Explain(ctx, a.r.place.workspace, q); err != nil {
				return failure(err)
			}
			// On a busy machine an estimate is given up; where rules are in the plan there never is one.
			if len(x.Rules) > 0 || !slices.ContainsFunc(x.Parts, func(p exec.PartPlan) bool { return p.Rows < 0 }) {
				break
			}
		}
		return document(x) + x.String()
	}}
}

func document(v any) string {
	doc, err := json.Marshal(v)
	if err != nil {
		return "no document: " + err.Error()
	}
	return string(doc)
}

func (a *asker) export() question {
	q, _ := a.plain()
	return question{kind: "export", about: lqp.Format(q), ask: func(ctx context.Context) string {
		rows, err := a.as.Export(ctx, a.r.place.workspace, q)
		if err != nil {
			return failure(err)
		}
		defer rows.Close()
		var b strings.Builder
		n, err := livetables.WriteRows(&b, rows, livetables.FormatCSV)
		return fmt.Sprint(b.String(), n, err)
	}}
}

// listing asks for what there is: tables, views, connections, indexes.
func (a *asker) listing() question {
	return question{kind: "listing", about: "everything", ask: func(ctx context.Context) string {
		p := &a.r.place
		var b strings.Builder
		add := func(v any, err error) {
			if err != nil {
				b.WriteString(failure(err))
				return
			}
			b.WriteString(document(v))
		}
		tables, err := a.as.Tables(ctx, p.base)
		add(tables, err)
		for _, t := range tables {
			add(t.Schema(), nil)
			indexes, err := a.as.Indexes(ctx, t.ID)
			add(indexes, err)
		}
		found, err := a.as.Schema(ctx, p.connection, false)
		if err == nil {
			add(found.Catalog, nil)
		}
		add(nil, err)
		views, err := a.as.Views(ctx, p.workspace)
		add(views, err)
		for _, v := range a.r.views {
			columns, err := a.as.ViewColumns(ctx, v)
			add(columns, err)
		}
		return b.String()
	}}
}

// request narrows a view in a random way.
func (a *asker) request() livetables.ViewRequest {
	column := func() lqp.Expr {
		return lqp.Ref("", pick(a.w, "n", "t", "d", "ref", "b", "twice", "many", "other", "id"))
	}
	r := livetables.ViewRequest{Count: lqp.CountExact}
	if a.w.chance(40) {
		r.Where = pick(a.w, call("gt", column(), number(1)), call("is_null", column()), call("eq", column(), text("a")))
	}
	if a.w.chance(40) {
		r.OrderBy = []lqp.Order{{Expr: column(), Desc: a.w.chance(50)}}
	}
	if a.w.chance(40) {
		r.Page.Limit = 1 + a.w.r.IntN(4)
	}
	return r
}

func (a *asker) view() question {
	v, r := pick(a.w, a.r.views...), a.request()
	return question{kind: "view", about: fmt.Sprintf("%s %+v", v, r), ask: func(ctx context.Context) string {
		answer, next := a.page(a.as.ViewData(ctx, v, r))
		return answer + strconv.Itoa(len(next))
	}}
}

// public asks as somebody without an account.
func (a *asker) public() question {
	r := a.request()
	return question{kind: "public", about: fmt.Sprintf("%+v", r), ask: func(ctx context.Context) string {
		as, view, err := a.r.engine.Public(ctx, slug, "")
		if err != nil {
			return failure(err)
		}
		answer, next := a.page(as.ViewData(ctx, view, r))
		columns, err := as.ViewColumns(ctx, view)
		_, other := as.ViewData(ctx, a.r.views[1], r)
		return answer + fmt.Sprint(len(next), columns, err, other)
	}}
}

func (a *asker) history() question {
	t := pick(a.w, a.w.tables[:miniTables]...)
	row := t.rows[a.w.r.IntN(len(t.rows))][0].Text()
	whole := a.w.chance(60)
	f := livetables.HistoryFilter{From: a.w.now, Limit: 1 + a.w.r.IntN(8)}
	return question{kind: "history", about: fmt.Sprint(t.ref.Table, row, whole), ask: func(ctx context.Context) string {
		f := f
		if !whole {
			f.ResourceType, f.Resource = "row", row
		}
		return a.entries(ctx, t, f)
	}}
}

// entries are the entries of a table's history as text, without the numbers that count them.
func (a *asker) entries(ctx context.Context, t *table, f livetables.HistoryFilter) string {
	list, err := a.as.TableHistory(ctx, t.ref.Table, f)
	if err != nil {
		return failure(err)
	}
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintln(&b, e.Action, e.Resource, e.Version, e.Actor, string(e.Before), string(e.After), e.Reason)
	}
	return b.String()
}

// access is the principal of the world at the engine.
func (r *rig) access(p rbac.Principal) *livetables.Access { return r.engine.As(p) }
