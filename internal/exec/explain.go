package exec

import (
	"context"
	"fmt"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// Explanation shows how a plan is run: for every source what it is sent and what is left to the engine, with reasons.
type Explanation struct {
	Plan  string         `json:"plan"`            // the bound query as text
	Rules []rewrite.Rule `json:"rules,omitempty"` // without Filter for those who may not know the rules
	Parts []PartPlan     `json:"parts"`
	// Engine lists the steps over the parts, empty when one source answers everything.
	Engine []string `json:"engine,omitempty"`
}

// PartPlan is the share of one source.
type PartPlan struct {
	Connection string         `json:"connection"` // empty for the mini-DB
	Driver     string         `json:"driver"`
	Source     string         `json:"source"`
	Access     string         `json:"access"` // "scan", "chunks" or "lookup by key"
	Native     string         `json:"native,omitempty"`
	Rows       int64          `json:"estimated_rows"` // -1 when unknown
	Notes      []adapter.Note `json:"notes,omitempty"`
	Residual   string         `json:"residual,omitempty"`
}

// Explain describes the tree without running it. Estimates are asked of the sources that give them.
func (t *Tree) Explain(ctx context.Context) Explanation {
	names := newReadable(t.plan.Query())
	x := Explanation{Plan: names.text(lqp.Format(t.plan.Query()))}
	for _, r := range t.plan.Rules() {
		r.Filter = names.text(r.Filter)
		x.Rules = append(x.Rules, r)
	}
	for _, p := range t.order {
		x.Parts = append(x.Parts, p.explain(ctx, names))
	}
	if t.top != nil {
		for _, step := range t.steps(t.top, "") {
			x.Engine = append(x.Engine, names.text(step))
		}
	}
	return x
}

// WithoutRules is the explanation for somebody who may not know the row rules: that there are some is said, what they ask is
// not, and neither are the texts in which they stand.
func (x Explanation) WithoutRules(plan *rewrite.Plan) Explanation {
	if len(x.Rules) == 0 {
		return x
	}
	x.Plan = newReadable(plan.Asked()).text(lqp.Format(plan.Asked()))
	rules := make([]rewrite.Rule, len(x.Rules))
	for i, r := range x.Rules {
		rules[i] = rewrite.Rule{Table: r.Table, Alias: r.Alias, Role: r.Role}
	}
	x.Rules, x.Engine = rules, nil
	parts := make([]PartPlan, len(x.Parts))
	for i, p := range x.Parts {
		parts[i] = PartPlan{Connection: p.Connection, Driver: p.Driver, Source: p.Source, Access: p.Access, Rows: -1}
		for _, n := range p.Notes {
			if n.Clause != "filter" && n.Clause != "join" {
				parts[i].Notes = append(parts[i].Notes, n)
			}
		}
	}
	x.Parts = parts
	return x
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

// steps are what the engine does in a block and in those nested blocks that are no parts, innermost first; in is the
// block's alias.
func (t *Tree) steps(q *lqp.Query, in string) (steps []string) {
	add := func(format string, args ...any) {
		step := fmt.Sprintf(format, args...)
		if in != "" {
			step = "in " + in + ": " + step
		}
		steps = append(steps, step)
	}
	nested := func(s *lqp.Source) {
		if s.Query != nil && t.parts[s.Query] == nil {
			steps = append(steps, t.steps(s.Query, s.Alias)...)
		}
	}
	nested(&q.From)
	for i := range q.Joins {
		nested(&q.Joins[i].Source)
	}
	for _, j := range q.Joins {
		how := "hash join"
		if p := t.parts[j.Source.Query]; p != nil && p.lookups {
			how = "batched key look-ups"
		}
		on := "true"
		if j.On != nil {
			on = lqp.FormatExpr(j.On)
		}
		add("%s join %s on %s (%s)", j.Kind, j.Source.Alias, on, how)
	}
	if q.Where != nil {
		add("filter %s", lqp.FormatExpr(q.Where))
	}
	if q.Grouped() {
		add("group by %d keys, %d aggregates", len(q.GroupBy), len(q.Aggregates))
	}
	if q.Having != nil {
		add("filter groups %s", lqp.FormatExpr(q.Having))
	}
	switch n := len(q.OrderBy); {
	case n == 0:
	case in == "" && t.sorted == n:
		add("order kept from the first source")
	case in == "" && t.sorted > 0:
		add("sort by %s (by the first %d from the first source)", sortText(q.OrderBy), t.sorted)
	default:
		add("sort by %s", sortText(q.OrderBy))
	}
	if q.Page.Limit > 0 {
		add("limit %d", q.Page.Limit)
	}
	return steps
}

func sortText(order []lqp.Order) string {
	keys := make([]string, len(order))
	for i, o := range order {
		keys[i] = lqp.FormatExpr(o.Expr)
		if o.Desc {
			keys[i] += " desc"
		}
	}
	return strings.Join(keys, ", ")
}

// String is the explanation as an indented tree for people.
func (x Explanation) String() string {
	var b strings.Builder
	b.WriteString(indent("", x.Plan))
	for _, r := range x.Rules {
		if r.Filter == "" {
			fmt.Fprintf(&b, "a rule for %s on %s applies\n", r.Role, r.Alias)
			continue
		}
		fmt.Fprintf(&b, "rule for %s on %s: %s\n", r.Role, r.Alias, r.Filter)
	}
	for i, s := range x.Engine {
		fmt.Fprintf(&b, "%sengine: %s\n", strings.Repeat("  ", i), s)
	}
	for _, p := range x.Parts {
		where := p.Connection
		if where == "" {
			where = "mini-DB"
		}
		fmt.Fprintf(&b, "- %s of %s on %s (%s)", p.Access, p.Source, where, p.Driver)
		if p.Rows >= 0 {
			fmt.Fprintf(&b, ", about %d rows", p.Rows)
		}
		b.WriteString("\n")
		if p.Native != "" {
			b.WriteString(indent("    ", p.Native))
		}
		for _, n := range p.Notes {
			fmt.Fprintf(&b, "    %-8s %s %s", n.Placement, n.Clause, n.Text)
			if n.Reason != "" {
				fmt.Fprintf(&b, " (%s)", n.Reason)
			}
			b.WriteString("\n")
		}
		if p.Residual != "" {
			b.WriteString("    then in memory:\n" + indent("      ", p.Residual))
		}
	}
	return b.String()
}

func indent(by, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
