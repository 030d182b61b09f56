package rewrite

import (
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
	rules   []Rule
}

// Rule is a row rule that was put into a plan, for Explain.
type Rule struct {
	Table  string `json:"table"`
	Alias  string `json:"alias"`
	Role   string `json:"role"`
	Filter string `json:"filter,omitempty"`
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

// Rules lists the row rules in the plan.
func (p *Plan) Rules() []Rule { return p.rules }

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
	return &Plan{query: outer, visible: 1, rules: p.rules}
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
	// Broken hears of row rules that no longer compile. Their tables are closed. It may be nil.
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
	rw := &rewriter{in: in, seen: map[rbac.TableRef]seenTable{}}
	bound, err := lqp.Bind(q, rw.env())
	if err != nil {
		return nil, err
	}
	bound = flatten(bound)
	if err := checkWidth(bound); err != nil {
		return nil, err
	}
	plan := &Plan{visible: len(bound.Select)}
	bound, plan.total = lqp.OrderKey(bound)
	if n := len(bound.Page.After); n > 0 && n != len(bound.OrderBy) {
		return nil, lqp.Problems{{Path: "$.pagination", Code: lqp.CodeArgument, Message: fmt.Sprintf("the page begins after %d values, but with the "+
			"key of the rows there are %d sort keys; continue by the cursor", n, len(bound.OrderBy))}}
	}
	switch {
	case plan.total:
		bound = selectKeys(bound)
	case len(bound.OrderBy) > 0 && bound.Page.Limit > 0 && len(bound.Page.After) == 0:
		bound = breakTies(bound)
	}
	plan.asked = bound
	if plan.query, err = rw.guard(bound); err != nil {
		return nil, err
	}
	plan.rules = rw.rules
	return plan, nil
}

type rewriter struct {
	in     Input
	seen   map[rbac.TableRef]seenTable
	broken map[rbac.TableRef]bool // whose rule does not compile
	rules  []Rule
}

// seenTable is a table that the query reads, with all its columns, and its row rule bound to its name, nil for none.
type seenTable struct {
	full *lqp.Table
	rule lqp.Expr
}

func (rw *rewriter) env() lqp.Env {
	return lqp.Env{
		Table: rw.visibleTable, Tables: rw.visibleNames,
		Now: rw.in.Now, User: rw.in.Principal.ID,
		Attribute: func(name string) (lqp.Value, bool) {
			return rw.in.Policy.Attribute(rw.in.Principal, name)
		},
		DefaultLimit: rw.in.DefaultLimit, MaxLimit: rw.in.MaxLimit,
	}
}

// visibleTable is the table as the principal sees it.
func (rw *rewriter) visibleTable(connection, table string) (*lqp.Table, error) {
	ref := rbac.TableRef{Connection: connection, Table: table}
	t, err := rw.in.Table(connection, table)
	if err != nil {
		return nil, err
	}
	ref.Table = t.Name
	rule := rw.in.Policy.Table(rw.in.Principal, ref)
	if rule.Closed {
		return nil, ErrNoTable
	}
	bound, err := rw.rowRule(rule, t)
	if err != nil {
		if rw.broken == nil {
			rw.broken = map[rbac.TableRef]bool{}
		}
		rw.broken[ref] = true
		if rw.in.Broken != nil {
			rw.in.Broken(ref, err)
		}
		return nil, ErrNoTable
	}
	rw.seen[ref] = seenTable{t, bound}
	return Visible(t, rule), nil
}

func (rw *rewriter) visibleNames(connection string) []string {
	if rw.in.Tables == nil {
		return nil
	}
	return slices.DeleteFunc(rw.in.Tables(connection), func(name string) bool {
		return rw.broken[rbac.TableRef{Connection: connection, Table: name}] || rw.in.Policy.Table(rw.in.Principal, rbac.TableRef{Connection: connection, Table: name}).Closed
	})
}

// Visible is the table without the columns that the rule hides. Keys and foreign keys that need a hidden column are gone
// too.
func Visible(t *lqp.Table, rule rbac.TableRule) *lqp.Table {
	hidden := func(id string) bool { return rule.Columns[id] == rbac.Hidden }
	if !slices.ContainsFunc(t.Columns, func(c lqp.Column) bool { return hidden(c.ID) }) {
		return t
	}
	v := *t
	v.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c lqp.Column) bool { return hidden(c.ID) })
	if slices.ContainsFunc(t.Key, hidden) {
		v.Key = nil
	}
	if hidden(t.Version) {
		v.Version = ""
	}
	v.Uniques = slices.DeleteFunc(slices.Clone(t.Uniques), func(u []string) bool { return slices.ContainsFunc(u, hidden) })
	v.ForeignKeys = slices.DeleteFunc(slices.Clone(t.ForeignKeys), func(f lqp.ForeignKey) bool {
		return slices.ContainsFunc(f.Columns, hidden)
	})
	return &v
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
