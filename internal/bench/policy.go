package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// policyTarget is what policy may add to a page: the check, the rules' place in the plan and the masks.
const policyTarget = "<= 1.05"

// checks is how many policy questions are asked in one operation: one alone is too short to time.
const checks = 100

// policyTable is a table of which the same page is read with and without a policy.
type policyTable struct {
	name   string
	source lqp.Source
	server *serverCPU
	rule   rbac.TableRef
	column func(name string) string              // its id
	page   func(n int) *lqp.Query                // with the column note
	filter func() lqp.Expr                       // what the row rule asks
	named  func(q *lqp.Query, column string) int // place of a column in Select
}

// measurePolicy compares one page of 100 rows, the same every time, for members whom the policy treats differently, with the
// same page asked by somebody whom no rule binds and who has written the filter and the mask into the query by hand. Both
// read the same rows, so that what is left is the cost of asking the policy and placing what it says.
func measurePolicy(ctx context.Context, b *bench) error {
	w, data, err := b.postgresInWorld(ctx)
	if err != nil {
		return err
	}
	orders := b.rows
	t, err := b.miniOrders(ctx, w, "policy", orders)
	if err != nil {
		return err
	}
	for user, role := range map[string]rbac.Role{"editor": rbac.Editor, "viewer": rbac.Viewer} {
		if _, err := w.owner.SetMember(ctx, w.workspace, user, role); err != nil {
			return err
		}
	}
	at := func(q *lqp.Query, column string) int {
		return slices.IndexFunc(q.Select, func(n lqp.Named) bool { c, ok := n.Expr.(*lqp.Col); return ok && c.Column == column })
	}
	filter := func() lqp.Expr { return call("gt", lqp.Ref("", "customer_id"), lqp.Literal(lqp.IntValue(0))) }
	firsts := keyPageFirsts(orders)
	for _, table := range []policyTable{
		{name: "PostgreSQL", source: lqp.Source{Connection: w.pg, Table: "orders"}, server: data.server, rule: rbac.TableRef{Connection: w.pg, Table: "orders"}, column: func(name string) string { return name },
			page: func(n int) *lqp.Query {
				return pageQuery(lqp.Source{Connection: w.pg, Table: "orders"}, "customer_id", statusOf(n), leastOf(n%variants))
			}, filter: filter, named: at},
		{name: "the mini-DB", source: lqp.Source{Table: t.ID}, rule: rbac.TableRef{Table: t.ID}, column: func(name string) string {
			for _, c := range t.Columns {
				if c.Name == name {
					return c.ID
				}
			}
			return name
		}, page: func(n int) *lqp.Query {
			return keyPageQuery(lqp.Source{Table: t.ID}, statusOf(n), firsts[n%len(firsts)])
		}, filter: filter, named: at},
	} {
		if err := b.measurePolicyOf(ctx, w, table); err != nil {
			return fmt.Errorf("%s: %w", table.name, err)
		}
	}
	return nil
}

func (b *bench) measurePolicyOf(ctx context.Context, w *world, t policyTable) error {
	editor, viewer := w.engine.As(rbac.Principal{ID: "editor"}), w.engine.As(rbac.Principal{ID: "viewer"})
	note := t.column("note")
	mask := func() lqp.Expr {
		return call("left", lqp.Ref("", "note"), lqp.Literal(lqp.IntValue(3)))
	}
	ruled := func(columns map[string]rbac.Access, masks map[string]lqp.Expr) error {
		return w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: t.rule, Role: rbac.Viewer, Read: t.filter(), Columns: columns, Masks: masks})
	}
	// pages are the queries of a side, one after the other; changed makes them what the side asks.
	pages := func(changed func(q *lqp.Query)) func() *lqp.Query {
		n := 0
		return func() *lqp.Query {
			n++
			q := t.page(n)
			changed(q)
			return q
		}
	}
	withoutNote := func(q *lqp.Query) { q.Select = slices.Delete(q.Select, t.named(q, "note"), t.named(q, "note")+1) }
	byHand := func(q *lqp.Query) { q.Where = lqp.And(t.filter(), q.Where); withoutNote(q) }
	maskedByHand := func(q *lqp.Query) {
		q.Where = lqp.And(t.filter(), q.Where)
		q.Select[t.named(q, "note")] = lqp.Named{Name: "note", Expr: mask()}
	}
	what := "100-row page of " + t.name
	notes := "in process, same rows, against the filter written by hand"
	if err := ruled(map[string]rbac.Access{note: rbac.Hidden}, nil); err != nil {
		return err
	}
	s, err := b.compare(ctx, w.reader("nobody's rules, filtered by hand", t.server, w.owner, pages(byHand)), w.reader("member without rules, filtered by hand", t.server, editor, pages(byHand)),
		w.reader("row rule and hidden column", t.server, viewer, pages(withoutNote)), w.asking("policy question alone", viewer))
	if err != nil {
		return err
	}
	for _, ours := range s[1:3] {
		b.report.addTime(what, policyTarget, s[0], ours, notes)
		b.report.addCPU(what, policyTarget, s[0], ours, "ours + database")
	}
	alone := line{What: what + ", policy question alone", Target: "<= 0.05", Base: perOp(s[0]), Ours: micros(s[3].of(sample.perOp).Median / checks), Notes: "share of the page"}
	alone.Ratio = s[3].against(s[0], sample.perOp)
	alone.Ratio = spread{alone.Ratio.Median / checks, alone.Ratio.Low / checks, alone.Ratio.High / checks}
	b.report.add(alone)

	if err := ruled(map[string]rbac.Access{note: rbac.Masked}, map[string]lqp.Expr{note: mask()}); err != nil {
		return err
	}
	s, err = b.compare(ctx, w.reader("nobody's rules, masked by hand", t.server, w.owner, pages(maskedByHand)), w.reader("row rule and masked column", t.server, viewer, pages(func(*lqp.Query) {})))
	if err != nil {
		return err
	}
	b.report.addTime(what, policyTarget, s[0], s[1], notes)
	b.report.addCPU(what, policyTarget, s[0], s[1], "ours + database")
	return nil
}

// asking is a side that asks the policy whether somebody may read, and does nothing then.
func (w *world) asking(name string, a *livetables.Access) side {
	return repeat(name, nil, func(ctx context.Context) error {
		for range checks {
			if d, err := a.Can(ctx, w.workspace, rbac.ReadData, ""); err != nil || !d.Allowed {
				return fmt.Errorf("may not read: %s: %w", d.Reason, err)
			}
		}
		return nil
	})
}
