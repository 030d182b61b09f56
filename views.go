package livetables

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ViewSpec describes a saved view: a query under a name. Its columns are stored by id, so that renames break nothing.
type ViewSpec struct {
	Name  string
	Query *lqp.Query
}

// CreateView saves a view in a base, for those who may alter views there (rbac.AlterViews). The query must be one that they may run:
// lqp.Problems say what is wrong with it, and a table or a column out of their sight is unknown. A nil query is a
// *minidb.ValidationError. The page and the count of the query are not kept.
func (a *Access) CreateView(ctx context.Context, base string, spec ViewSpec) (*minidb.View, error) {
	s, err := a.at(ctx, base, rbac.AlterViews)
	if err != nil {
		return nil, err
	}
	query, err := s.encodeView(ctx, spec.Query)
	if err != nil {
		return nil, err
	}
	return a.e.store.CreateView(ctx, a.actor(""), base, minidb.ViewSpec{Name: spec.Name, Query: query})
}

// UpdateView changes a view's name when it is not empty and its query when it is not nil; version 0 skips the version
// check.
func (a *Access) UpdateView(ctx context.Context, id string, version int64, spec ViewSpec) (*minidb.View, error) {
	return again(func() (*minidb.View, error) { return a.updateView(ctx, id, version, spec) })
}

func (a *Access) updateView(ctx context.Context, id string, version int64, spec ViewSpec) (*minidb.View, error) {
	s, err := a.at(ctx, id, rbac.AlterViews)
	if err != nil {
		return nil, err
	}
	var patch minidb.ViewPatch
	if spec.Name != "" {
		patch.Name = &spec.Name
	}
	if spec.Query != nil {
		if err := s.maySteer(id); err != nil {
			return nil, err
		}
		if patch.Query, err = s.encodeView(ctx, spec.Query); err != nil {
			return nil, err
		}
	}
	v, err := a.e.store.UpdateView(ctx, a.granted(s), id, patch, version)
	if err != nil {
		return nil, err
	}
	return s.shownView(ctx, v), nil
}

// DeleteView puts a view into the trash and ends its publication with all keys; [Access.RestoreTrashed] brings the view back, not the
// publication. It needs the right to alter it (rbac.AlterViews). Views that read it do not run any more. version is the view's.
func (a *Access) DeleteView(ctx context.Context, id string, version int64) error {
	if _, err := a.at(ctx, id, rbac.AlterViews); err != nil {
		return err
	}
	return a.e.store.DeleteView(ctx, a.actor(""), id, version)
}

// Views lists the views of a workspace that are not closed to the principal. Their queries are there for those who may write views, as far as every name in
// them is for the principal; otherwise they are the JSON null.
func (a *Access) Views(ctx context.Context, workspace string) ([]*minidb.View, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	list := make([]*minidb.View, 0, len(s.Views))
	for _, v := range s.Views {
		if s.readable(v.ID) {
			list = append(list, s.shownView(ctx, v))
		}
	}
	return list, nil
}

// shownView is a view without its query when that names what the principal may not know of. Whom no rule and no cap binds
// sees also the queries that are broken, to mend them.
func (s *entry) shownView(ctx context.Context, v *minidb.View) *minidb.View {
	if s.policy.Can(s.p, rbac.AlterViews, v.ID).Allowed && (!s.policy.Binds(s.p) || s.runs(ctx, v)) {
		return v
	}
	c := *v
	c.Query = []byte("null")
	return &c
}

// View is one view that the principal may read (rbac.ReadData), shown as [Access.Views] shows it: its Query is the JSON null where it is
// not for the principal.
func (a *Access) View(ctx context.Context, id string) (*minidb.View, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	v, ok := s.View(id)
	if !ok {
		return nil, fmt.Errorf("view %s: %w", id, ErrNotFound)
	}
	return s.shownView(ctx, v), nil
}

// ViewRequest narrows a view at request time: only the view's own columns can be named.
type ViewRequest struct {
	Where   lqp.Expr
	OrderBy []lqp.Order // empty keeps the view's own order
	Select  []lqp.Named // empty shows every column of the view
	Page    lqp.Page
	Count   lqp.CountMode
}

// asksWhoReads are the problems of a request that asks who reads: the bearer of a view's key is nobody, and must not find
// out by trying with whose rights it reads.
func (r *ViewRequest) asksWhoReads() (problems lqp.Problems) {
	look := func(path string, e lqp.Expr) {
		if e == nil {
			return
		}
		lqp.Walk(e, func(e lqp.Expr) bool {
			if p, ok := e.(*lqp.Param); ok && (p.Name == "current_user" || strings.HasPrefix(p.Name, "user.")) {
				problems = append(problems, lqp.Problem{Path: path, Code: lqp.CodeMissingParameter, Message: "there is no current user"})
			}
			return true
		})
	}
	look("$.filters", r.Where)
	for i := range r.OrderBy {
		look(fmt.Sprintf("$.sorts[%d]", i), r.OrderBy[i].Expr)
	}
	for i := range r.Select {
		look(fmt.Sprintf("$.columns[%d]", i), r.Select[i].Expr)
	}
	return problems
}

// ViewData reads a view with the rights that the principal has now: to read the view (rbac.ReadData) and all that it reads. Its tables
// may be anywhere in the workspace. lqp.Problems say what is wrong with the request, or that the view does not run for the
// principal. For the bearer of the view's key and for a token that names the view it is the way in; there is no current user
// for the former, and asking for one is a problem too. The rows must be closed.
func (a *Access) ViewData(ctx context.Context, view string, r ViewRequest) (*Rows, error) {
	s, err := a.enterView(ctx, view)
	if err != nil {
		return nil, err
	}
	if _, err := s.view(view); err != nil {
		return nil, err
	}
	if a.p.View != "" {
		if problems := r.asksWhoReads(); len(problems) > 0 {
			return nil, problems
		}
	}
	s.asked = true
	return s.query(ctx, &lqp.Query{From: lqp.Source{Table: view, Alias: "view"}, Where: r.Where, Select: r.Select,
		OrderBy: r.OrderBy, Page: r.Page, Count: r.Count})
}

// ViewColumns describes the columns of a view's rows as the principal sees them now, without reading any. Who may ask, and what is wrong
// where the view does not run, is as with [Access.ViewData].
func (a *Access) ViewColumns(ctx context.Context, view string) ([]lqp.Column, error) {
	s, err := a.enterView(ctx, view)
	if err != nil {
		return nil, err
	}
	if _, ok := s.View(view); !ok {
		return nil, fmt.Errorf("view %s: %w", view, ErrNotFound)
	}
	plan, _, err := s.plan(ctx, &lqp.Query{From: lqp.Source{Table: view, Alias: "view"}})
	if err != nil {
		return nil, err
	}
	return plan.Columns(), nil
}

// encodeView checks a view's query as its author and stores it with ids in the place of names.
func (s *entry) encodeView(ctx context.Context, q *lqp.Query) ([]byte, error) {
	if q == nil {
		return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "query", Code: "required", Message: "a view needs a query"}}}
	}
	c := *q
	c.Page, c.Count = lqp.Page{}, lqp.CountNone
	// As it was written it is checked first: the ids of columns that are hidden from its author are in no message then, and
	// the places are those of the author's own text.
	if err := s.checkView(ctx, &c); err != nil {
		return nil, err
	}
	byID, err := s.byID(ctx, &c)
	if err != nil {
		return nil, err
	}
	if err := s.checkView(ctx, byID); err != nil {
		return nil, err
	}
	return lqp.EncodeQuery(byID), nil
}

// checkView plans a view's query as the principal would run it.
func (s *entry) checkView(ctx context.Context, q *lqp.Query) error {
	resolved, err := s.resolve(q, "$", 0, new(viewPaths))
	if err != nil {
		return err
	}
	_, err = s.rewrite(ctx, resolved)
	return err
}

// byID is the query with the ids of tables and columns in the place of their names. What it does not know it leaves:
// binding reports it.
func (s *entry) byID(ctx context.Context, q *lqp.Query) (*lqp.Query, error) {
	c := *q
	c.Joins = append([]lqp.Join(nil), q.Joins...)
	tables := map[string]*lqp.Table{}
	for _, src := range append([]*lqp.Source{&c.From}, joinSources(c.Joins)...) {
		if src.Query != nil {
			nested, err := s.byID(ctx, src.Query)
			if err != nil {
				return nil, err
			}
			src.Query = nested
			continue
		}
		if strings.HasPrefix(src.Table, "viw_") {
			continue
		}
		if err := s.resolveSource(src, "$.source", 0, new(viewPaths)); err != nil {
			return nil, err
		}
		if src.Alias == "" {
			src.Alias = src.Table[strings.LastIndexByte(src.Table, '.')+1:]
		}
		if t, err := s.table(ctx, src.Connection, src.Table); err == nil {
			// What is hidden keeps the name under which it is unknown.
			if seen, err := s.reader().Look(rbac.TableRef{Connection: src.Connection, Table: t.Name}, t); err == nil {
				tables[src.Alias] = seen.Table()
			}
		}
	}
	computed := map[string]bool{}
	for _, n := range c.Compute {
		computed[n.Name] = true
	}
	sub := func(e lqp.Expr) lqp.Expr {
		if e == nil {
			return nil
		}
		return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
			col, ok := e.(*lqp.Col)
			if !ok || (col.Source == "" && computed[col.Column]) {
				return e
			}
			for alias, t := range tables {
				if col.Source != "" && col.Source != alias {
					continue
				}
				if id := columnID(t, col.Column); t.Column(id) != nil {
					return lqp.Ref(col.Source, id)
				}
			}
			return e
		})
	}
	for i := range c.Joins {
		c.Joins[i].On = sub(c.Joins[i].On)
	}
	c.Where, c.Having = sub(q.Where), q.Having
	c.Compute, c.GroupBy = eachExpr(q.Compute, sub), eachExpr(q.GroupBy, sub)
	grouped := len(q.GroupBy)+len(q.Aggregates) > 0
	if !grouped {
		c.Select = s.namedColumns(eachExpr(q.Select, sub), q.Select)
		c.OrderBy = append([]lqp.Order(nil), q.OrderBy...)
		for i := range c.OrderBy {
			c.OrderBy[i].Expr = sub(c.OrderBy[i].Expr)
		}
	}
	c.Aggregates = append([]lqp.Aggregate(nil), q.Aggregates...)
	for i := range c.Aggregates {
		c.Aggregates[i].Arg, c.Aggregates[i].Filter = sub(c.Aggregates[i].Arg), sub(c.Aggregates[i].Filter)
	}
	return &c, nil
}

// namedColumns keeps the names that output columns had before their references became ids.
func (s *entry) namedColumns(byID, asWritten []lqp.Named) []lqp.Named {
	for i := range byID {
		if col, ok := asWritten[i].Expr.(*lqp.Col); ok && byID[i].Name == "" && !strings.HasPrefix(col.Column, "col_") {
			byID[i].Name = col.Column
		}
	}
	return byID
}

func joinSources(joins []lqp.Join) []*lqp.Source {
	list := make([]*lqp.Source, len(joins))
	for i := range joins {
		list[i] = &joins[i].Source
	}
	return list
}

func eachExpr(ns []lqp.Named, sub func(lqp.Expr) lqp.Expr) []lqp.Named {
	if len(ns) == 0 {
		return nil
	}
	out := make([]lqp.Named, len(ns))
	for i, n := range ns {
		out[i] = lqp.Named{Name: n.Name, Expr: sub(n.Expr)}
	}
	return out
}

func decodeView(v *minidb.View) (*lqp.Query, error) {
	q, err := lqp.DecodeQuery(v.Query, lqp.DecodeOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("view %s: its stored query cannot be read", v.ID), err)
	}
	return q, nil
}

// withoutHidden drops the output columns of a view that are plain columns hidden from the reader: the view's author chose
// them, the reader's rights decide. A hidden column in a filter or a formula closes the view for the reader instead.
func (s *entry) withoutHidden(q *lqp.Query) *lqp.Query {
	if len(q.Select) == 0 {
		return q
	}
	hidden := map[string]bool{}
	for _, src := range append([]*lqp.Source{&q.From}, joinSources(q.Joins)...) {
		rule := s.policy.Table(s.p, rbac.TableRef{Connection: src.Connection, Table: src.Table})
		for id, access := range rule.Columns {
			if access != rbac.Masked && access != rbac.ReadOnly {
				hidden[id] = true
			}
		}
	}
	if len(hidden) == 0 {
		return q
	}
	c := *q
	c.Select = nil
	for _, n := range q.Select {
		if col, ok := n.Expr.(*lqp.Col); !ok || !hidden[col.Column] {
			c.Select = append(c.Select, n)
		}
	}
	if len(c.Select) == 0 {
		return q // nothing would be left: let the hidden names be unknown
	}
	return &c
}
