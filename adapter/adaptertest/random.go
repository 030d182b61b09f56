package adaptertest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// random asks random queries. Each has a generator of its own, seeded with the run's seed and the query's number, so that
// a failure is repeated by giving the seed again.
func (s *suite) random(t T) {
	seed := s.seed(t)
	bound := 0
	for n := range s.h.Random {
		g := &generator{s: s, r: rand.New(rand.NewPCG(seed, uint64(n)))}
		q, ordered := g.query()
		bq, err := s.bind(q)
		if err != nil {
			continue
		}
		bound++
		want, ok := s.expect(t, bq)
		if !ok {
			return
		}
		// A failing query is reported once, under the name that its repetition has.
		if !t.Run(fmt.Sprintf("seed %d query %d", seed, n), func(t T) {
			s.compare(t, bq, want, ordered, "as planned", s.a.Plan)
			// Any part of the plan may be done here instead: the answer must not change.
			coin := memory.New(nil, memory.Options{Prover: memory.Coin(seed + uint64(n))})
			if got, err := (via{a: s.oracle, t: t, plan: coin.Plan}).answer(ctxOf(t), bq); err != nil {
				t.Errorf("oracle, split at random: %v\n%s", err, lqp.Format(bq))
			} else if diff := difference(want, got, ordered); diff != "" {
				t.Errorf("oracle, split at random: %s\n%s", diff, lqp.Format(bq))
			}
		}) {
			t.Logf("failed: %s=%d, query %d", testseed.Variable, seed, n)
		}
	}
	if bound < s.h.Random/2 {
		t.Errorf("only %d of %d random queries bind: the suite asks too little", bound, s.h.Random)
	}
}

// generator makes random queries.
type generator struct {
	s    *suite
	r    *rand.Rand
	cols []scoped
}

// scoped is a column in scope.
type scoped struct {
	expr lqp.Expr
	typ  lqp.Type
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[E any](g *generator, items []E) E { return items[g.r.IntN(len(items))] }

// query is a random query and whether its sort keys order all rows.
func (g *generator) query() (q *lqp.Query, ordered bool) {
	q, keys := g.sources()
	if g.chance(70) {
		q.Where = g.expr(lqp.Bool, 3)
	}
	if g.chance(35) {
		keys = g.group(q)
	} else {
		for i := range 1 + g.r.IntN(4) {
			q.Select = append(q.Select, lqp.Named{Name: fmt.Sprintf("c%d", i), Expr: g.anyExpr(1)})
		}
		for i, k := range keys {
			q.Select = append(q.Select, lqp.Named{Name: fmt.Sprintf("key%d", i), Expr: k})
		}
	}
	if g.chance(60) && !g.long(q) {
		ordered = true
		for n := g.r.IntN(3); n > 0 && len(g.cols) > 0; n-- {
			q.OrderBy = append(q.OrderBy, g.order(pick(g, g.cols).expr))
			if g.chance(30) {
				q.OrderBy[len(q.OrderBy)-1].Expr = g.expr(pick(g, []lqp.Kind{lqp.Number, lqp.Text, lqp.Bool}), 1)
			}
		}
		for _, k := range keys {
			q.OrderBy = append(q.OrderBy, g.order(k))
		}
		if g.chance(50) {
			q.Page.Limit = 1 + g.r.IntN(20)
			if g.chance(30) {
				q.Page.Offset = g.r.IntN(10)
			}
		}
	}
	return q, ordered
}

// long reports that the query groups by texts that may be longer than what order looks at: no sort key can then tell all
// groups apart.
func (g *generator) long(q *lqp.Query) bool {
	for _, k := range q.GroupBy {
		for _, c := range lqp.Columns(k.Expr) {
			for _, f := range g.s.fixtures {
				if i := f.column(c.Column); i >= 0 && f.Columns[i].Type == longType {
					return true
				}
			}
		}
	}
	return false
}

func (g *generator) order(e lqp.Expr) lqp.Order {
	return lqp.Order{Expr: e, Desc: g.chance(50), Nulls: pick(g, nullOrders)}
}

// sources picks what is read, brings its columns into scope and names the columns that identify a row.
func (g *generator) sources() (*lqp.Query, []lqp.Expr) {
	switch g.r.IntN(5) {
	case 0:
		g.scope(children, "c")
		g.scope(parents, "p")
		on := call("eq", lqp.Ref("c", "parent"), lqp.Ref("p", "id"))
		if g.chance(30) {
			on = lqp.And(call("eq", lqp.Ref("c", "code"), lqp.Ref("p", "code")), g.expr(lqp.Bool, 1))
		}
		kind := pick(g, []lqp.JoinKind{lqp.Inner, lqp.Left})
		q := &lqp.Query{From: g.s.from(children, "c"), Joins: []lqp.Join{{Kind: kind, Source: g.s.from(parents, "p"), On: on}}}
		return q, []lqp.Expr{lqp.Ref("c", "id"), lqp.Ref("p", "id")}
	case 1:
		name := pick(g, []string{things, walks})
		g.scope(name, "t")
		inner := &lqp.Query{From: g.s.from(name, "t"), Where: g.expr(lqp.Bool, 2)}
		for _, c := range g.s.fixture(name).Columns {
			inner.Select = append(inner.Select, lqp.Named{Name: c.Name, Expr: lqp.Ref("t", c.Name)})
		}
		if g.chance(40) {
			inner.OrderBy = []lqp.Order{g.order(pick(g, g.cols).expr), g.order(lqp.Ref("t", "id"))}
			inner.Page.Limit = 5 + g.r.IntN(30)
		}
		g.cols = nil
		g.scope(name, "q")
		return &lqp.Query{From: lqp.Source{Query: inner, Alias: "q"}}, []lqp.Expr{lqp.Ref("q", "id")}
	case 2:
		g.scope(walks, "w")
		return &lqp.Query{From: g.s.from(walks, "w")}, []lqp.Expr{lqp.Ref("w", "id")}
	}
	g.scope(things, "t")
	return &lqp.Query{From: g.s.from(things, "t")}, []lqp.Expr{lqp.Ref("t", "id")}
}

func (g *generator) scope(fixture, alias string) {
	for _, c := range g.s.fixture(fixture).Columns {
		if c.Type.Kind.Orderable() {
			g.cols = append(g.cols, scoped{lqp.Ref(alias, c.Name), c.Type})
		}
	}
}

// group makes the query one of groups and answers with its keys.
func (g *generator) group(q *lqp.Query) (keys []lqp.Expr) {
	var out []scoped
	for i := range g.r.IntN(3) {
		name := fmt.Sprintf("k%d", i)
		c := pick(g, g.cols)
		e := c.expr
		if g.chance(30) {
			c.typ = lqp.Type{Kind: pick(g, []lqp.Kind{lqp.Number, lqp.Text, lqp.Bool})}
			e = g.expr(c.typ.Kind, 1)
		}
		q.GroupBy = append(q.GroupBy, lqp.Named{Name: name, Expr: e})
		keys = append(keys, ref(name))
		out = append(out, scoped{ref(name), c.typ})
	}
	aggs := lqp.Aggregates()
	for i := range 1 + g.r.IntN(2) {
		f := pick(g, aggs)
		a := lqp.Aggregate{Name: fmt.Sprintf("a%d", i), Func: f.Name}
		if f.Kinds != nil {
			c := pick(g, g.cols)
			if _, err := f.Result(c.typ); err != nil || c.typ.Kind == lqp.Float {
				continue // sums of doubles are only nearly equal: no order may rest on them
			}
			a.Arg = c.expr
		}
		if g.chance(30) {
			a.Filter = g.expr(lqp.Bool, 1)
		}
		q.Aggregates = append(q.Aggregates, a)
		t, _ := f.Result(typeOf(g.cols, a.Arg))
		out = append(out, scoped{ref(a.Name), t})
	}
	if len(q.GroupBy)+len(q.Aggregates) == 0 {
		q.Aggregates = []lqp.Aggregate{{Name: "a0", Func: "countall"}}
		out = append(out, scoped{ref("a0"), keyType})
	}
	for _, c := range out {
		q.Select = append(q.Select, lqp.Named{Name: c.expr.(*lqp.Col).Column, Expr: c.expr})
	}
	// Lists are shown; conditions and sort keys are built of what can be compared.
	g.cols = slices.DeleteFunc(out, func(c scoped) bool { return !c.typ.Kind.Orderable() })
	if len(g.cols) > 0 && g.chance(40) {
		q.Having = g.expr(lqp.Bool, 1)
	}
	return keys
}

func typeOf(cols []scoped, e lqp.Expr) lqp.Type {
	for _, c := range cols {
		if e != nil && lqp.EqualExpr(c.expr, e) {
			return c.typ
		}
	}
	return lqp.Type{}
}
