package differential

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Stats are what a campaign saw. They change while it runs; [Options.Progress] may read them.
type Stats struct {
	Seed     uint64
	Engines  []string
	Began    time.Time
	Took     time.Duration
	Plans    int // asked of all engines
	Asked    int // questions with an answer that was compared
	Skipped  int // questions that an engine's kinds of columns or its limits do not allow
	Unbound  int // random queries that were no queries
	Filled   int // plans whose answer has rows
	Failures []*Failure
	// Features counts plans by what is in them, Probes questions by relation and mode.
	Features, Probes map[string]int
	// Functions and Aggregates count the plans that use each.
	Functions, Aggregates map[string]int
	// Of counts by engine.
	Of map[string]*EngineStats
}

// EngineStats are what was asked of one engine.
type EngineStats struct {
	Asked     int
	Data      int // a data error, answered by the memory
	Tolerated int // equal by tolerance only
	Whole     int // plans that the source answered whole
	Planned   int // plans that it was asked to split
	// Clauses counts clauses by their kind and where they were answered: pushed, superset, memory.
	Clauses map[string]map[adapter.Placement]int
	// Pushed counts the functions in clauses that were pushed.
	Pushed map[string]int
}

func newStats(opt Options) *Stats {
	s := &Stats{Seed: opt.Seed, Engines: opt.Engines, Began: time.Now(), Features: map[string]int{}, Probes: map[string]int{},
		Functions: map[string]int{}, Aggregates: map[string]int{}, Of: map[string]*EngineStats{}}
	for _, e := range opt.Engines {
		s.Of[e] = &EngineStats{Clauses: map[string]map[adapter.Placement]int{}, Pushed: map[string]int{}}
	}
	return s
}

// add counts a plan and the questions about it.
func (s *Stats) add(r *rig, q *lqp.Query, tries int, asked []probe, results []trouble) {
	s.Plans++
	s.Unbound += tries
	for f := range features(q) {
		s.Features[f]++
	}
	fns, aggs := used(q)
	for f := range fns {
		s.Functions[f]++
	}
	for a := range aggs {
		s.Aggregates[a]++
	}
	filled := false
	for i, p := range asked {
		t := results[i]
		if t.skipped {
			s.Skipped++
			continue
		}
		s.Asked++
		filled = filled || t.rows > 0
		where := p.question.mode
		if p.question.bytes > 0 {
			where += " within bytes"
		}
		if len(p.question.engines) > 1 {
			where = "federated " + where
			s.Probes[where]++
			continue
		}
		s.Probes[p.relation+" "+where]++
		of := s.Of[p.question.engines[0]]
		of.Asked++
		if t.data {
			of.Data++
		}
		if t.tolerated {
			of.Tolerated++
		}
	}
	if filled {
		s.Filled++
	}
	for _, e := range r.names {
		s.Of[e].split(r.engines[e].adapter.take())
	}
}

func (s *EngineStats) split(splits []adapter.Split) {
	for _, sp := range splits {
		s.Planned++
		if sp.Pushed != nil && sp.Residual == nil {
			s.Whole++
		}
		for _, n := range sp.Notes {
			if s.Clauses[n.Clause] == nil {
				s.Clauses[n.Clause] = map[adapter.Placement]int{}
			}
			s.Clauses[n.Clause][n.Placement]++
		}
		if sp.Pushed != nil {
			fns, _ := used(sp.Pushed)
			for f := range fns {
				s.Pushed[f]++
			}
		}
	}
}

// pushed counts the clauses of a kind that were pushed, and all of them.
func (s *EngineStats) pushed(clause string) (pushed, all int) {
	n := s.Clauses[clause]
	pushed = n[adapter.PushedExact] + n[adapter.PushedSuperset]
	return pushed, pushed + n[adapter.InMemory]
}

// used are the functions and aggregates of a query.
func used(q *lqp.Query) (fns, aggs map[string]bool) {
	fns, aggs = map[string]bool{}, map[string]bool{}
	blocks(q, func(q *lqp.Query) {
		q.MapExprs(func(e lqp.Expr) lqp.Expr {
			lqp.Walk(e, func(e lqp.Expr) bool {
				if c, ok := e.(*lqp.Call); ok {
					fns[c.Func] = true
				}
				return true
			})
			return e
		})
		for _, a := range q.Aggregates {
			aggs[a.Func] = true
		}
	})
	return fns, aggs
}

// blocks calls f for a query and every query nested in it.
func blocks(q *lqp.Query, f func(*lqp.Query)) {
	f(q)
	if q.From.Query != nil {
		blocks(q.From.Query, f)
	}
	for i := range q.Joins {
		if n := q.Joins[i].Source.Query; n != nil {
			blocks(n, f)
		}
	}
}

// features are what is in a query.
func features(q *lqp.Query) map[string]bool {
	has := map[string]bool{}
	blocks(q, func(b *lqp.Query) {
		has["nested"] = has["nested"] || b != q
		has["filter"] = has["filter"] || b.Where != nil
		has["group"] = has["group"] || b.Grouped()
		has["having"] = has["having"] || b.Having != nil
		has["sort"] = has["sort"] || len(b.OrderBy) > 0
		has["page"] = has["page"] || paged(b)
		has["zone"] = has["zone"] || b.TimeZone != ""
		for _, j := range b.Joins {
			has[string(j.Kind)+" join"] = true
		}
		for _, a := range b.Aggregates {
			f, ok := lqp.LookupAggregate(a.Func)
			has["ordered aggregate"] = has["ordered aggregate"] || ok && f.Ordered
		}
	})
	maps.DeleteFunc(has, func(_ string, v bool) bool { return !v })
	return has
}

// Line is one line about the state.
func (s *Stats) Line() string {
	took := time.Since(s.Began)
	return fmt.Sprintf("%7d plans, %5.1f/s, %d questions, %d differences, functions %d of %d, aggregates %d of %d", s.Plans, float64(s.Plans)/took.Seconds(), s.Asked,
		len(s.Failures), len(s.Functions), len(lqp.Functions()), len(s.Aggregates), len(lqp.Aggregates()))
}

// String is the summary for people.
func (s *Stats) String() string {
	var b strings.Builder
	took := s.Took
	if took == 0 {
		took = time.Since(s.Began)
	}
	fmt.Fprintf(&b, "seed %d: %d plans in %s (%.1f/s), %d questions, %d skipped, %d differences; %d plans with rows, %d random queries that did not bind\n",
		s.Seed, s.Plans, took.Round(time.Second), float64(s.Plans)/took.Seconds(), s.Asked, s.Skipped, len(s.Failures), s.Filled, s.Unbound)
	fmt.Fprintf(&b, "plans with: %s\n", counts(s.Features))
	fmt.Fprintf(&b, "questions:  %s\n", counts(s.Probes))
	fmt.Fprintf(&b, "functions %d of %d, aggregates %d of %d", len(s.Functions), len(lqp.Functions()), len(s.Aggregates), len(lqp.Aggregates()))
	if missing := s.unused(); len(missing) > 0 {
		fmt.Fprintf(&b, ", not used: %s", strings.Join(missing, " "))
	}
	b.WriteString("\n")
	clauses := []string{"filter", "sort", "limit", "join", "group", "aggregate", "having"}
	fmt.Fprintf(&b, "%-10s %8s %6s %6s %7s", "pushed", "asked", "data", "near", "whole")
	for _, c := range clauses {
		fmt.Fprintf(&b, " %9s", c)
	}
	b.WriteString("  functions\n")
	for _, e := range s.Engines {
		of := s.Of[e]
		fmt.Fprintf(&b, "%-10s %8d %6d %6d %7s", e, of.Asked, of.Data, of.Tolerated, share(of.Whole, of.Planned))
		for _, c := range clauses {
			fmt.Fprintf(&b, " %9s", share(of.pushed(c)))
		}
		fmt.Fprintf(&b, "  %d\n", len(of.Pushed))
	}
	return b.String()
}

func share(n, all int) string {
	if all == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(n)/float64(all))
}

func counts(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}

// unused are the functions and aggregates of the catalogue that no plan used.
func (s *Stats) unused() (names []string) {
	for _, f := range lqp.Functions() {
		if s.Functions[f.Name] == 0 {
			names = append(names, f.Name)
		}
	}
	for _, a := range lqp.Aggregates() {
		if s.Aggregates[a.Name] == 0 {
			names = append(names, a.Name+"()")
		}
	}
	return names
}
