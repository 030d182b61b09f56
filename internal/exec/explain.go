package exec

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// Explanation shows how a plan is run: the tree of steps, and for every source what it is sent and what is left to the
// engine, with reasons. String is its form for people.
type Explanation struct {
	Plan  string         `json:"plan"`            // the bound query as text
	Rules []rewrite.Rule `json:"rules,omitempty"` // without Filter for those who may not know the rules
	// Tree is the last step of the plan, its inputs below it; nil for those who may not know the rules.
	Tree  *Node      `json:"tree,omitempty"`
	Parts []PartPlan `json:"parts"`
	// Actual is what the whole plan did, of an analyzed plan only.
	Actual *Actual `json:"actual,omitempty"`
}

// Node is a step of a plan: the read of a part, or something that the engine does with the rows of other steps.
type Node struct {
	Step   string  `json:"step"` // "read", "block", or a lqp.StepKind
	Text   string  `json:"text"`
	Part   *int    `json:"part,omitempty"`   // of Explanation.Parts, for a read
	Actual *Actual `json:"actual,omitempty"` // of an analyzed plan; nil also for a step that was not run
	Inputs []*Node `json:"inputs,omitempty"`
}

// PartPlan is the share of one source.
type PartPlan struct {
	Connection string         `json:"connection"`     // empty for the mini-DB
	Name       string         `json:"name,omitempty"` // of the connection, if it was given
	Driver     string         `json:"driver"`
	Source     string         `json:"source"`
	Access     string         `json:"access"` // "scan", "chunks" or "lookup by key"
	Native     string         `json:"native,omitempty"`
	Rows       int64          `json:"estimated_rows"` // -1 when unknown
	Notes      []adapter.Note `json:"notes,omitempty"`
	Residual   string         `json:"residual,omitempty"` // the query over the rows that were read, empty for none
}

// Explain describes the tree without running it. Estimates are asked of the sources that give them.
func (t *Tree) Explain(ctx context.Context) Explanation { return t.explain(ctx, nil) }

// explain describes a tree, with what its steps did if it was run.
func (t *Tree) explain(ctx context.Context, did *traces) Explanation {
	names := newReadable(t.plan.Query())
	x := Explanation{Plan: names.text(lqp.Format(t.plan.Query()))}
	for _, r := range t.plan.Rules() {
		r.Filter = names.text(r.Filter)
		x.Rules = append(x.Rules, r)
	}
	e := explainer{t: t, names: names, did: did, at: map[*part]int{}}
	for i, p := range t.order {
		x.Parts = append(x.Parts, p.explain(ctx, names))
		e.at[p] = i
	}
	if t.whole != nil {
		x.Tree = e.part(t.whole)
	} else {
		x.Tree = e.block(t.top, t.sorted)
	}
	return x
}

// WithoutRules is the explanation for somebody who may not know the row rules: that there are some is said, what they ask is
// not, and neither are the texts in which they stand nor the number of rows that they hide.
func (x Explanation) WithoutRules(plan *rewrite.Plan) Explanation {
	if len(x.Rules) == 0 {
		return x
	}
	x.Plan = newReadable(plan.Asked()).text(lqp.Format(plan.Asked()))
	rules := make([]rewrite.Rule, len(x.Rules))
	for i, r := range x.Rules {
		rules[i] = rewrite.Rule{Table: r.Table, Alias: r.Alias, Role: r.Role}
	}
	x.Rules, x.Tree = rules, nil
	parts := make([]PartPlan, len(x.Parts))
	for i, p := range x.Parts {
		parts[i] = PartPlan{Connection: p.Connection, Name: p.Name, Driver: p.Driver, Source: p.Source, Access: p.Access, Rows: -1}
		for _, n := range p.Notes {
			if n.Clause != "filter" && n.Clause != "join" {
				parts[i].Notes = append(parts[i].Notes, n)
			}
		}
	}
	x.Parts = parts
	if x.Actual != nil {
		x.Actual = &Actual{Rows: x.Actual.Rows} // how long it took tells how much there was to read
	}
	return x
}

// WithoutCounts is the explanation for somebody who may know the row rules, but is bound by those in the plan: without the
// numbers of rows from which the rules take some away, and how long that took.
func (x Explanation) WithoutCounts() Explanation {
	if len(x.Rules) == 0 {
		return x
	}
	parts := make([]PartPlan, len(x.Parts))
	for i, p := range x.Parts {
		p.Rows = -1
		parts[i] = p
	}
	x.Parts, x.Tree = parts, x.Tree.withoutCounts()
	if x.Actual != nil {
		x.Actual = &Actual{Rows: x.Actual.Rows}
	}
	return x
}

func (n *Node) withoutCounts() *Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Actual, c.Inputs = nil, make([]*Node, len(n.Inputs))
	for i, in := range n.Inputs {
		c.Inputs[i] = in.withoutCounts()
	}
	return &c
}

func (p *part) explain(ctx context.Context, names readable) PartPlan {
	pp := PartPlan{Connection: p.connection, Driver: p.adapter.Capabilities().Driver, Source: names.text(sourceName(p.split.Pushed, "")),
		Access: "scan", Rows: -1}
	for _, n := range p.split.Notes {
		n.Text, n.Reason = names.text(n.Text), names.text(n.Reason)
		pp.Notes = append(pp.Notes, n)
	}
	switch {
	case p.lookups:
		pp.Access = "lookup by key"
	case p.inChunks():
		pp.Access = "chunks"
	}
	if e, ok := p.adapter.(adapter.Explainer); ok {
		if text, err := e.Native(p.split.Pushed); err == nil {
			pp.Native = text
		}
	}
	if e, ok := p.adapter.(adapter.Estimator); ok {
		if n, err := e.Estimate(ctx, p.split.Pushed); err == nil {
			pp.Rows = n
		}
	}
	if p.split.Residual != nil {
		pp.Residual = names.text(lqp.Format(residualSteps(p.split.Residual)))
	}
	return pp
}

// residualSteps is the residual with its pushed source by name only, since the part shows it already.
func residualSteps(q *lqp.Query) *lqp.Query {
	c := *q
	c.From = lqp.Source{Table: "pushed rows", Alias: q.From.Alias}
	return &c
}

// explainer makes the tree of an explanation.
type explainer struct {
	t     *Tree
	names readable
	did   *traces
	at    map[*part]int // where the parts stand in Explanation.Parts
}

// part is the read of a part below what the engine does with its rows.
func (e *explainer) part(p *part) *Node {
	at := e.at[p]
	read := &Node{Step: "read", Text: e.names.text(sourceName(p.split.Pushed, "")), Part: &at, Actual: e.did.read(p)}
	switch {
	case p.split.Residual == nil:
		return read
	case p.inOrder():
		return e.over(read, p.split.Residual, len(p.split.Residual.OrderBy))
	}
	return e.over(read, p.split.Residual, 0)
}

// block is a block of the engine; sorted is how many of its sort keys the first source decides.
func (e *explainer) block(q *lqp.Query, sorted int) *Node {
	return e.over(e.source(&q.From), q, sorted)
}

func (e *explainer) source(s *lqp.Source) *Node {
	if p := e.t.parts[s.Query]; p != nil {
		return e.part(p)
	}
	inner := e.block(s.Query, 0)
	return &Node{Step: "block", Text: "nested query " + s.Alias, Inputs: []*Node{inner}, Actual: inner.Actual}
}

// over puts the steps of a block over its first source.
func (e *explainer) over(n *Node, q *lqp.Query, sorted int) *Node {
	step := func(kind lqp.StepKind, join int, format string, args ...any) {
		n = &Node{Step: string(kind), Text: e.names.text(fmt.Sprintf(format, args...)), Inputs: []*Node{n},
			Actual: e.did.step(lqp.Step{Query: q, Kind: kind, Join: join})}
	}
	for i, j := range q.Joins {
		how := "hash join"
		if p := e.t.parts[j.Source.Query]; p != nil && p.lookups {
			how = "batched key look-ups"
		}
		on := "true"
		if j.On != nil {
			on = lqp.FormatExpr(j.On)
		}
		step(lqp.StepJoin, i, "%s join %s on %s (%s)", j.Kind, j.Source.Alias, on, how)
		n.Inputs = append(n.Inputs, e.source(&j.Source))
	}
	if q.Where != nil {
		step(lqp.StepFilter, 0, "filter %s", lqp.FormatExpr(q.Where))
	}
	if q.Grouped() {
		step(lqp.StepGroup, 0, "group by %d keys, %d aggregates", len(q.GroupBy), len(q.Aggregates))
	}
	if q.Having != nil {
		step(lqp.StepHaving, 0, "filter groups %s", lqp.FormatExpr(q.Having))
	}
	switch keys := len(q.OrderBy); {
	case keys == 0:
	case sorted == keys:
		step(lqp.StepSort, 0, "order kept from the first source")
	case sorted > 0:
		step(lqp.StepSort, 0, "sort by %s (by the first %d from the first source)", sortText(q.OrderBy), sorted)
	default:
		step(lqp.StepSort, 0, "sort by %s", sortText(q.OrderBy))
	}
	switch page := q.Page; {
	case page.Offset > 0 && page.Limit > 0:
		step(lqp.StepLimit, 0, "limit %d after %d", page.Limit, page.Offset)
	case page.Offset > 0:
		step(lqp.StepLimit, 0, "all but the first %d", page.Offset)
	case page.Limit > 0:
		step(lqp.StepLimit, 0, "limit %d", page.Limit)
	}
	return n
}
