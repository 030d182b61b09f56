package differential

import (
	"time"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

// now is what now() and today() mean in every plan, a leap day.
var now = time.Date(2024, 2, 29, 10, 30, 15, 123e6, time.UTC)

// asker is who asks, the answer of current_user().
const asker = "usr_differential"

// oracle knows the tables as engines hold them: documents have no days and databases without lists hold documents of them.
type oracle struct {
	w      *World
	tables map[string]map[string]*plantest.Table // by engine and name; engines of the same kinds share them
}

func newOracle(w *World, engines map[string]*engine) *oracle {
	o := &oracle{w: w, tables: map[string]map[string]*plantest.Table{}}
	shared := map[string]map[string]*plantest.Table{}
	for name, e := range engines {
		if shared[e.kinds] == nil {
			all := map[string]*plantest.Table{}
			for _, t := range w.Tables {
				all[t.Name] = t.heldBy(e)
			}
			shared[e.kinds] = all
		}
		o.tables[name] = shared[e.kinds]
	}
	return o
}

// heldBy is the table with the kinds that an engine has for its columns.
func (t *Table) heldBy(e *engine) *plantest.Table {
	s := t.schema()
	for i := range s.Columns {
		if got := e.tables[t.Name].Columns[i].Type; got.Kind != s.Columns[i].Type.Kind {
			s.Columns[i].Type = lqp.Type{Kind: got.Kind, NotNull: s.Columns[i].Type.NotNull}
		}
	}
	out := &plantest.Table{Schema: s}
	for _, r := range t.Rows {
		row := make([]lqp.Value, len(r))
		for i, v := range r {
			row[i] = held(v, s.Columns[i].Type.Kind)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// held is a value in a column of another kind.
func held(v lqp.Value, k lqp.Kind) lqp.Value {
	switch {
	case v.IsNull() || v.Kind() == k:
		return v
	case k == lqp.DateTime:
		return lqp.DateTimeValue(v.Days() * 86_400_000)
	}
	return lqp.JSONValue(string(v.AppendJSON(nil)))
}

// bind binds a placed query as the engines' users do, but against what the world promises rather than what they find.
func (o *oracle) bind(q *lqp.Query) (*lqp.Query, error) {
	return lqp.Bind(q, lqp.Env{Now: now, User: asker, Table: func(connection, name string) (*lqp.Table, error) {
		if t := o.tables[connection][name]; t != nil {
			return t.Schema, nil
		}
		return nil, lqp.ErrUnknownTable
	}})
}

// answer is the naive answer of a bound query.
func (o *oracle) answer(bound *lqp.Query) *answer {
	ordered, ok := total(bound)
	a := &answer{ordered: ok, near: near(bound)}
	if !ok {
		ordered = bound
	}
	for _, row := range plantest.Answer(ordered, func(s *lqp.Source) [][]lqp.Value { return o.tables[s.Connection][s.Table].Rows }) {
		a.add(row)
	}
	return a
}

// place gives every table of a query a connection: the engines in turn, in the order in which the tables appear.
func place(q *lqp.Query, engines []string) *lqp.Query {
	n := 0
	var walk func(q *lqp.Query) *lqp.Query
	source := func(s lqp.Source) lqp.Source {
		if s.Query != nil {
			s.Query = walk(s.Query)
			return s
		}
		s.Connection = engines[n%len(engines)]
		n++
		return s
	}
	walk = func(q *lqp.Query) *lqp.Query {
		c := q.Clone()
		c.From = source(c.From)
		for i := range c.Joins {
			c.Joins[i].Source = source(c.Joins[i].Source)
		}
		return c
	}
	return walk(q)
}

// sources counts the tables that a query reads.
func sources(q *lqp.Query) int {
	n := 0
	count := func(s *lqp.Source) {
		if s.Query != nil {
			n += sources(s.Query)
		} else {
			n++
		}
	}
	count(&q.From)
	for i := range q.Joins {
		count(&q.Joins[i].Source)
	}
	return n
}
