package differential

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
)

// Failure is a difference that was found.
type Failure struct {
	Seed  uint64
	Plan  int
	Probe string // the relation, the engines and the mode
	Diff  string
	// Native are the statements that were sent for the case.
	Native string
	// Case is the question, as small as it was made.
	Case *Case
	// Steps is how many times it was made smaller.
	Steps int
}

func (p probe) describe() string {
	text := fmt.Sprintf("%s on %s, %s", p.relation, strings.Join(p.question.engines, "+"), p.question.mode)
	if p.question.mode == Coin || p.relation != Oracle {
		text += fmt.Sprintf(" %d", p.question.coin)
	}
	if p.question.bytes > 0 {
		text += fmt.Sprintf(", within %d bytes", p.question.bytes)
	}
	return text
}

// String is the report of a failure.
func (f *Failure) String() string {
	return fmt.Sprintf("DIFFERENCE seed %d, plan %d, %s\n%s\nmade smaller %d times:\n%s\nstatements:\n%s\n",
		f.Seed, f.Plan, f.Probe, f.Diff, f.Steps, f.Case.Format(), f.Native)
}

// shrinker makes a failing question smaller.
type shrinker struct {
	ctx   context.Context
	r     *rig
	p     probe
	w     *World
	until time.Time
	diff  string
	steps int
}

// shrink makes the case of a failure as small as it gets in a time.
func shrink(ctx context.Context, r *rig, f *Failure, p probe, limit time.Duration) error {
	s := &shrinker{ctx: ctx, r: r, p: p, w: f.Case.World, until: time.Now().Add(limit), diff: f.Diff}
	if t := r.hold(ctx, p, nil); t.diff != "" { // else it comes and goes
		for before := -1; before != s.steps && s.time(); {
			before = s.steps
			s.query()
			s.rows()
			s.columns()
		}
	}
	if err := s.load(s.w); err != nil {
		return err
	}
	for _, e := range s.engines() {
		r.engines[e].adapter.record()
	}
	if t := r.hold(ctx, s.p, nil); t.diff != "" {
		s.diff = t.diff
	}
	native := ""
	for _, e := range s.engines() {
		native += r.engines[e].adapter.recorded() + "\n"
	}
	f.Diff, f.Native, f.Steps, f.Case = s.diff, native, s.steps, newCase(s.w, s.p)
	f.Case.About, _, _ = strings.Cut(s.diff, "\n")
	return nil
}

func (s *shrinker) time() bool { return s.ctx.Err() == nil && time.Now().Before(s.until) }

// engines are those of the question, each once.
func (s *shrinker) engines() []string {
	all := slices.Clone(s.p.question.engines)
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *shrinker) load(w *World) error { return s.r.load(s.ctx, w, s.engines()...) }

// fails reports whether the question still has a wrong answer.
func (s *shrinker) fails(q *lqp.Query) bool {
	p := s.p
	p.question.query = q
	t := s.r.hold(s.ctx, p, nil)
	if t.diff != "" && s.ctx.Err() == nil {
		s.diff = t.diff
		return true
	}
	return false
}

// query makes the query smaller, one step after the other.
func (s *shrinker) query() {
	for again := true; again; {
		again = false
		size := len(lqp.EncodeQuery(s.p.question.query))
		for q := range smaller(s.p.question.query) {
			if !s.time() {
				return
			}
			if len(lqp.EncodeQuery(q)) < size && s.fails(q) {
				s.p.question.query = q
				s.steps++
				again = true
				break
			}
		}
	}
}

// try replaces the world if the question still fails in it.
func (s *shrinker) try(w *World) bool {
	if !s.time() || s.load(w) != nil || !s.fails(s.p.question.query) {
		return false
	}
	s.w = w
	s.steps++
	return true
}

// rows drops rows: halves, then quarters, at last single ones.
func (s *shrinker) rows() {
	for i := range s.w.Tables {
		for part := (len(s.w.Tables[i].Rows) + 1) / 2; part > 0; part /= 2 {
			for from := 0; from < len(s.w.Tables[i].Rows); {
				t := *s.w.Tables[i]
				t.Rows = slices.Delete(slices.Clone(t.Rows), from, min(from+part, len(t.Rows)))
				if !s.try(s.w.with(i, &t)) {
					from += part
				}
				if !s.time() {
					return
				}
			}
		}
	}
}

// with is the world with another table in a place.
func (w *World) with(i int, t *Table) *World {
	out := &World{Tables: slices.Clone(w.Tables)}
	out.Tables[i] = t
	return out
}

// columns drops tables and columns, and what is special about those that stay.
func (s *shrinker) columns() {
	for i := len(s.w.Tables) - 1; i >= 0; i-- {
		s.try(&World{Tables: slices.Delete(slices.Clone(s.w.Tables), i, i+1)})
	}
	for i := range s.w.Tables {
		for c := len(s.w.Tables[i].Columns) - 1; c >= 0; c-- {
			t := *s.w.Tables[i]
			if slices.Contains(t.Key, t.Columns[c].Name) {
				continue
			}
			t.Columns = slices.Delete(slices.Clone(t.Columns), c, c+1)
			t.Rows = make([][]lqp.Value, len(s.w.Tables[i].Rows))
			for n, r := range s.w.Tables[i].Rows {
				t.Rows[n] = slices.Delete(slices.Clone(r), c, c+1)
			}
			if s.try(s.w.with(i, &t)) {
				continue
			}
			s.plainer(i, c)
		}
	}
}

// plainer takes odd values and unusual declarations from a column.
func (s *shrinker) plainer(i, c int) {
	col := s.w.Tables[i].Columns[c]
	change := func(to Column) {
		t := *s.w.Tables[i]
		t.Columns = slices.Clone(t.Columns)
		t.Columns[c] = to
		s.try(s.w.with(i, &t))
	}
	if col.Odd {
		plain := col
		plain.Odd = false
		change(plain)
	}
	if usual := s.w.Tables[i].Columns[c]; len(usual.Native) > 0 {
		usual.Native = nil
		change(usual)
	}
}
