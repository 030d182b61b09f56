package exec

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Actual is what a step of an analyzed plan did.
type Actual struct {
	Rows     int64 `json:"rows"`               // that left the step; of a read, that the source sent
	Micros   int64 `json:"micros"`             // microseconds until they had, the inputs' included; of a read, waiting for the source
	Requests int64 `json:"requests,omitempty"` // statements that the source was sent, of a read
}

// String is the figures for people.
func (a *Actual) String() string {
	text := fmt.Sprintf("%d rows in %.3f ms", a.Rows, float64(a.Micros)/1000)
	if a.Requests > 0 {
		text += fmt.Sprintf(" by %d requests", a.Requests)
	}
	return text
}

// Analyze runs the tree to its end, throws the rows away and describes what each step did. Its errors are those of a run.
func (t *Tree) Analyze(ctx context.Context, opt Options) (Explanation, error) {
	did := &traces{steps: map[lqp.Step]*lqp.StepTrace{}, reads: map[*part]*Actual{}, same: map[*lqp.Query]*lqp.Query{}}
	run := opt.start()
	run.traces = did
	run.Trace = did.count
	start := time.Now()
	rows, err := t.start(ctx, run)
	if err != nil {
		return Explanation{}, err
	}
	total := &Actual{}
	for rows.Next() {
		total.Rows++
	}
	err = rows.Err()
	total.Micros = time.Since(start).Microseconds()
	if closed := rows.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Explanation{}, err
	}
	x := t.explain(ctx, did)
	x.Actual = total
	return x, nil
}

// traces are what the steps of one run did. A nil traces counts nothing.
type traces struct {
	steps map[lqp.Step]*lqp.StepTrace
	reads map[*part]*Actual
	same  map[*lqp.Query]*lqp.Query // blocks that are run in the place of those of the tree
}

// count is a lqp.RunOptions.Trace.
func (t *traces) count(s lqp.Step) *lqp.StepTrace {
	if of, ok := t.same[s.Query]; ok {
		s.Query = of
	}
	if t.steps[s] == nil {
		t.steps[s] = &lqp.StepTrace{}
	}
	return t.steps[s]
}

// instead says that block q is run in the place of a block of the tree.
func (t *traces) instead(q, of *lqp.Query) {
	if t != nil && of != nil {
		t.same[q] = of
	}
}

func (t *traces) step(s lqp.Step) *Actual {
	if t == nil || t.steps[s] == nil {
		return nil
	}
	did := t.steps[s]
	return &Actual{Rows: did.Rows, Micros: did.Time.Microseconds()}
}

func (t *traces) read(p *part) *Actual {
	if t == nil {
		return nil
	}
	return t.reads[p]
}

// scan is a statement of a part, counted if somebody wants to know.
func (t *traces) scan(p *part, open func() (adapter.Rows, error)) (adapter.Rows, error) {
	if t == nil {
		return open()
	}
	if p.of != nil {
		p = p.of
	}
	did := t.reads[p]
	if did == nil {
		did = &Actual{}
		t.reads[p] = did
	}
	did.Requests++
	c := &countedRows{did: did}
	var err error
	c.wait(func() { c.Rows, err = open() })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// countedRows counts rows and the time that they take.
type countedRows struct {
	adapter.Rows
	did  *Actual
	rest time.Duration // below a microsecond
}

func (r *countedRows) wait(f func()) {
	start := time.Now()
	f()
	r.rest += time.Since(start)
	r.did.Micros += r.rest.Microseconds()
	r.rest %= time.Microsecond
}

// Next implements adapter.Rows.
func (r *countedRows) Next() (ok bool) {
	r.wait(func() { ok = r.Rows.Next() })
	if ok {
		r.did.Rows++
	}
	return ok
}
