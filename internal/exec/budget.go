package exec

import (
	"errors"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// budgetRows says in the error of a limit which clause no source took.
type budgetRows struct {
	adapter.Rows
	t *Tree
}

// Err implements adapter.Rows.
func (r budgetRows) Err() error { return r.t.explained(r.Rows.Err()) }

// explained adds to a *lqp.BudgetError what kept the sources from doing more.
func (t *Tree) explained(err error) error {
	var b *lqp.BudgetError
	if !errors.As(err, &b) {
		return err
	}
	names := newReadable(t.plan.Query())
	c := *b
	// "pushed" is what the residual of a split calls its source.
	c.Step = names.text(strings.ReplaceAll(c.Step, "{pushed.", "{"))
	if t.whole != nil {
		c.Step = strings.ReplaceAll(c.Step, "scan pushed", "scan "+names.text(sourceName(t.whole.query, "")))
	}
	c.Blocked, c.Reason = t.blocked()
	c.Blocked, c.Reason = names.text(c.Blocked), names.text(c.Reason)
	return &c
}

// blocked is the first clause in the order of evaluation that no source takes, and why. Where row rules are in the plan
// filters and conditions are left out: they may be those of the rules.
func (t *Tree) blocked() (clause, reason string) {
	for _, p := range t.order {
		for _, n := range p.split.Notes {
			shown := n.Clause != "filter" && n.Clause != "join" || len(t.plan.Rules()) == 0
			if n.Placement == adapter.InMemory && n.Clause != "column" && shown {
				return n.Clause + " " + n.Text, n.Reason
			}
		}
	}
	if t.top != nil {
		return "a query over several sources", "each answers its own part"
	}
	return "", ""
}
