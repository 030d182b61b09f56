package rewrite

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Plan is a bound query with the principal's policy in it. The zero Plan is empty and executes nothing.
type Plan struct {
	query   *lqp.Query
	asked   *lqp.Query // query without the rules, for showing
	visible int
	total   bool
	timed   bool
	placed  []placed
}

// Rule is what the policy put into a plan at one of its sources, for Explain.
type Rule struct {
	Table  string `json:"table"`
	Alias  string `json:"alias"`
	Role   string `json:"role"`
	Filter string `json:"filter,omitempty"`
	// Masks are what masked columns show, by column id.
	Masks map[string]string `json:"masks,omitempty"`
}

// Only is the sight of the one table that the plan reads, nil for a plan of several sources.
func (p *Plan) Only() *Sight {
	if len(p.placed) != 1 {
		return nil
	}
	return p.placed[0].sight
}

// Query is the bound and rewritten query. Its Select lists the principal's columns first ([Plan.Visible] of them) and then
// sort keys that are fetched for the cursor but not shown. It must not be changed.
func (p *Plan) Query() *lqp.Query { return p.query }

// Asked is the bound query as it was before row rules were placed: what may be shown to its author, who may not be allowed
// to know the rules. It must not be run.
func (p *Plan) Asked() *lqp.Query { return p.asked }

// Visible is how many columns of the plan's query are output.
func (p *Plan) Visible() int { return p.visible }

// Total reports whether the order of the result is total, so that a keyset cursor can continue it. Without, pages
// continue by offset.
func (p *Plan) Total() bool { return p.total }

// Timed reports whether the query or a rule in it asks for the time: then the plan is that of one moment.
func (p *Plan) Timed() bool { return p.timed }

// Columns describes the output of the plan as its author may know it.
func (p *Plan) Columns() []lqp.Column { return p.asked.Columns()[:p.visible] }

// Rules lists the row rules and masks in the plan.
func (p *Plan) Rules() []Rule {
	var rules []Rule
	for _, at := range p.placed {
		s := at.sight
		if s.read == nil && len(s.masks) == 0 {
			continue
		}
		r := Rule{Table: s.ref.Table, Alias: at.alias, Role: string(s.role)}
		if s.read != nil {
			r.Filter = lqp.FormatExpr(requalify(s.read, at.alias))
		}
		for id, m := range s.masks {
			if r.Masks == nil {
				r.Masks = map[string]string{}
			}
			r.Masks[id] = lqp.FormatExpr(requalify(m, at.alias))
		}
		rules = append(rules, r)
	}
	return rules
}

// StillAllowed reports whether the plan's tables show under another policy what they showed when it was made. Time that has
// passed since is left out of account.
func (p *Plan) StillAllowed(policy *rbac.Policy) bool {
	for _, at := range p.placed {
		r := at.sight.reader
		r.Policy = policy
		if now, err := r.Look(at.sight.ref, at.sight.full); err != nil || !at.sight.Same(now) {
			return false
		}
	}
	return true
}

// WithPage is the plan with another page.
func (p *Plan) WithPage(page lqp.Page) *Plan {
	c := *p
	q := *p.query
	q.Page = page
	c.query = &q
	return &c
}

// CountPlan is a plan whose single row and column is the count of the rows of p, its page aside.
func (p *Plan) CountPlan() *Plan {
	inner := *p.query
	inner.OrderBy, inner.Page = nil, lqp.Page{}
	outer := &lqp.Query{
		Aggregates: []lqp.Aggregate{lqp.BoundAggregate("count", "countall", nil)},
		TimeZone:   inner.TimeZone,
	}
	if len(inner.GroupBy)+len(inner.Aggregates) > 0 {
		outer.From = lqp.Source{Alias: "counted", Query: &inner}
	} else {
		outer.From, outer.Joins, outer.Where = inner.From, inner.Joins, inner.Where
	}
	outer.Select = []lqp.Named{{Name: "count", Expr: lqp.TypedRef("", "count", outer.Aggregates[0].Type())}}
	return &Plan{query: outer, visible: 1, placed: p.placed}
}

// SortKeys gives for every sort key of a plan whose order is total the position in Select of its value.
func (p *Plan) SortKeys() []int {
	at := make([]int, len(p.query.OrderBy))
	for i, o := range p.query.OrderBy {
		at[i] = slices.IndexFunc(p.query.Select, func(n lqp.Named) bool { return lqp.EqualExpr(n.Expr, o.Expr) })
	}
	return at
}

// Input is what a rewrite depends on besides the query.
type Input struct {
	Principal rbac.Principal
	Policy    *rbac.Policy
	// Table finds a table with all its columns. Its error for one that does not exist must satisfy errors.Is with
	// ErrNoTable; any other error ends the rewrite as it is.
	Table func(connection, table string) (*lqp.Table, error)
	// Tables lists the names of a connection's tables for "did you mean"; those closed to the principal are left out here.
	Tables func(connection string) []string
	// Broken hears of rules and masks that no longer compile. Their tables are closed. It may be nil.
	Broken                 func(table rbac.TableRef, err error)
	Now                    time.Time
	DefaultLimit, MaxLimit int
}

// ErrNoTable says that a table does not exist, or not for this principal: the two are one.
var ErrNoTable = lqp.ErrUnknownTable

// Rewrite binds a user's query for a principal and puts the policy into it.
//
// A column the principal may not read is not in the schema that names are resolved against, so using it is the error of
// a name that never existed. Row rules are placed at the scan of each table, nested queries included: below every join,
// aggregate, limit and count. Problems of the query come back as lqp.Problems.
func Rewrite(q *lqp.Query, in Input) (*Plan, error) {
	plan := &Plan{}
	rw := &rewriter{in: in, seen: map[rbac.TableRef]*Sight{}}
	rw.reader = Reader{Principal: in.Principal, Policy: in.Policy, Now: in.Now, timed: func() { plan.timed = true }}
	bound, err := lqp.Bind(markManual(q), rw.env())
	if err != nil {
		return nil, err
	}
	bound = placeManual(flatten(bound))
	if err := checkWidth(bound); err != nil {
		return nil, err
	}
	plan.visible = len(bound.Select)
	bound, plan.total = lqp.OrderKey(bound)
	if n := len(bound.Page.After); n > 0 && n != len(bound.OrderBy) {
		return nil, lqp.Problems{{Path: "$.pagination", Code: lqp.CodeArgument, Message: fmt.Sprintf("the page begins after %d values, but with the "+
			"key of the rows there are %d sort keys; continue by the cursor", n, len(bound.OrderBy))}}
	}
	switch {
	case plan.total:
		bound = selectKeys(bound)
	case len(bound.Page.After) == 0 && (len(bound.OrderBy) > 0 && bound.Page.Limit > 0 || rw.narrows()):
		bound = breakTies(bound)
	}
	bound = settlePages(bound)
	plan.asked = bound
	if plan.query, err = rw.guard(bound); err != nil {
		return nil, err
	}
	plan.placed = rw.placed
	return plan, nil
}

type rewriter struct {
	in     Input
	reader Reader
	seen   map[rbac.TableRef]*Sight
	placed []placed
	depth  int // of the block that is being guarded
}

func (rw *rewriter) env() lqp.Env {
	env := rw.reader.env()
	env.Table, env.Tables = rw.visibleTable, rw.visibleNames
	env.DefaultLimit, env.MaxLimit = rw.in.DefaultLimit, rw.in.MaxLimit
	return env
}

// visibleTable is the table as the principal sees it.
func (rw *rewriter) visibleTable(connection, table string) (*lqp.Table, error) {
	t, err := rw.in.Table(connection, table)
	if err != nil {
		return nil, err
	}
	ref := rbac.TableRef{Connection: connection, Table: t.Name}
	if s, ok := rw.seen[ref]; ok {
		return s.seen, nil
	}
	s, err := rw.reader.Look(ref, t)
	if err != nil {
		var broken *BrokenError
		if errors.As(err, &broken) && rw.in.Broken != nil {
			rw.in.Broken(ref, broken)
		}
		return nil, ErrNoTable
	}
	rw.seen[ref] = s
	return s.seen, nil
}

// narrows reports whether somebody sees less than there is of a table of the query. Without a key in sight its rows would come in
// an order of arrival, which tells of changes out of sight.
func (rw *rewriter) narrows() bool {
	for _, s := range rw.seen {
		if !s.Whole() {
			return true
		}
	}
	return false
}

// visibleNames are the names of a connection's tables that are there for the principal.
func (rw *rewriter) visibleNames(connection string) []string {
	if rw.in.Tables == nil {
		return nil
	}
	return slices.DeleteFunc(rw.in.Tables(connection), func(name string) bool {
		ref := rbac.TableRef{Connection: connection, Table: name}
		rule := rw.in.Policy.Table(rw.in.Principal, ref)
		if rule.Closed || rule.Read == nil && len(rule.Masks) == 0 {
			return rule.Closed
		}
		t, err := rw.in.Table(connection, name)
		if err == nil {
			_, err = rw.reader.Look(ref, t)
		}
		return err != nil
	})
}

// selectKeys appends the sort keys that are not output to Select, so that every cursor can be made from a row.
func selectKeys(q *lqp.Query) *lqp.Query {
	c := *q
	c.Select = slices.Clone(q.Select)
	for i, o := range q.OrderBy {
		if !slices.ContainsFunc(c.Select, func(n lqp.Named) bool { return lqp.EqualExpr(n.Expr, o.Expr) }) {
			c.Select = append(c.Select, lqp.Named{Name: fmt.Sprintf("\x00key%d", i), Expr: o.Expr})
		}
	}
	return &c
}
