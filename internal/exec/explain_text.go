package exec

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// String is the explanation as an indented tree for people: the last step first, its inputs below it, and below every read
// what the source is sent and who answers each clause.
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
	if x.Actual != nil {
		fmt.Fprintf(&b, "actually: %s\n", x.Actual)
	}
	if x.Tree != nil {
		x.node(&b, x.Tree, "")
		return b.String()
	}
	for i := range x.Parts {
		x.Parts[i].write(&b, "", nil)
	}
	return b.String()
}

func (x Explanation) node(b *strings.Builder, n *Node, by string) {
	if n.Part != nil {
		x.Parts[*n.Part].write(b, by, n.Actual)
		return
	}
	fmt.Fprintf(b, "%s- %s", by, n.Text)
	if n.Actual != nil {
		fmt.Fprintf(b, "; actually %s", n.Actual)
	}
	b.WriteString("\n")
	for _, in := range n.Inputs {
		x.node(b, in, by+"  ")
	}
}

func (p *PartPlan) write(b *strings.Builder, by string, did *Actual) {
	where := cmp.Or(p.Name, p.Connection, "mini-DB")
	fmt.Fprintf(b, "%s- %s of %s on %s (%s)", by, p.Access, p.Source, where, p.Driver)
	if p.Rows >= 0 {
		fmt.Fprintf(b, ", about %d rows", p.Rows)
	}
	if did != nil {
		fmt.Fprintf(b, "; actually %s", did)
	}
	b.WriteString("\n")
	if p.Native != "" {
		b.WriteString(indent(by+"    ", p.Native))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(b, "%s    %-8s %s %s", by, n.Placement, n.Clause, n.Text)
		if n.Reason != "" {
			fmt.Fprintf(b, " (%s)", n.Reason)
		}
		b.WriteString("\n")
	}
}

func sortText(order []lqp.Order) string {
	keys := make([]string, len(order))
	for i, o := range order {
		keys[i] = lqp.FormatExpr(o.Expr)
		if o.Desc {
			keys[i] += " desc"
		}
		if o.Whole {
			keys[i] += " whole"
		}
	}
	return strings.Join(keys, ", ")
}

func indent(by, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
