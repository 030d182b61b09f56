package livetables

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Query runs a query in a workspace and answers with one page of its rows.
//
// Sources are named by id or by name: a connection of the workspace and a table at it, a table of the mini-DB ("tbl_…" or
// its name when only one table has it), a view ("viw_…"). All of them may be joined with each other. Problems of the query
// are lqp.Problems, all at once. The rows must be closed; what q is made of must not be changed before.
func (a *Access) Query(ctx context.Context, workspace string, q *lqp.Query) (*Rows, error) {
	if s := a.guess(ctx, workspace, q); s != nil {
		s.asked = true
		rows, err := s.query(ctx, q)
		if err == nil || s.current {
			return rows, err
		}
	}
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	s.asked = true
	return s.query(ctx, q)
}

// Export runs a query without a page: every row it selects, in its order; q.Page is not looked at. Who may run it, and what is wrong
// with a query, is as with [Access.Query]. It may take 30 minutes instead of Limits.QueryTime. Rows are read while they are
// asked for, and must be closed: until then they hold what they are read from.
func (a *Access) Export(ctx context.Context, workspace string, q *lqp.Query) (*Rows, error) {
	return a.exportAll(ctx, workspace, q, false)
}

func (a *Access) exportAll(ctx context.Context, workspace string, q *lqp.Query, labels bool) (*Rows, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	s.asked, s.labels = true, labels
	s.limits.PageRows, s.limits.MaxPageRows, s.limits.QueryTime = 0, 0, exportTime
	all := *q
	all.Page = lqp.Page{}
	return s.query(ctx, &all)
}

// ExportLabelled is Export with linked rows by their labels, the values of the primary column of their table, where an output is a
// column of links and nothing else. A row keeps its id that has no label in sight, or one that another row in sight has too:
// [Access.Import] reads such a file back to the same rows. Rows that show no key are exported with ids.
func (a *Access) ExportLabelled(ctx context.Context, workspace string, q *lqp.Query) (*Rows, error) {
	return a.exportAll(ctx, workspace, q, true)
}

// exportTime is how long an export may take.
const exportTime = 30 * time.Minute

// queryOnce is the path of every read: resolve, rewrite, place the page, divide among the sources, run.
func (s *entry) queryOnce(ctx context.Context, q *lqp.Query) (*Rows, error) {
	p, err := s.planned(ctx, q)
	if err != nil {
		return nil, err
	}
	plan, parent := p.plan, ctx
	s.observe(p.keptPlan)
	ctx, cancel := context.WithTimeout(ctx, s.limits.QueryTime)
	may := s.right(plan)
	r := &Rows{Columns: p.columns, cancel: cancel, right: may, permit: may.watch(ctx, cancel), plan: plan, cursor: p.cursor,
		limit: plan.Query().Page.Limit - 1, room: s.limits.PageBytes}
	if s.asked && s.e.turns != nil && readsMiniDB(plan.Query()) {
		if err := s.e.turns.take(ctx); err != nil {
			r.end()
			return nil, err
		}
		// What is looked up for its rows takes no turn: it would wait for itself.
		r.turn, s.asked = s.e.turns, false
	}
	if r.counted = q.Count == lqp.CountExact; r.counted {
		// Before the rows: a query that kept a connection to a source while it waits for another would wait for itself.
		r.count, err = s.count(ctx, plan)
	}
	switch {
	case err != nil:
	case p.run != nil:
		r.rows, err = s.runPrepared(ctx, p)
	default:
		r.rows, err = s.shownRows(ctx, plan)
	}
	if err != nil {
		s.asked = s.asked || r.turn != nil // for another try
		r.end()
		switch {
		case r.permit.lost.Load():
			err = ErrRevoked
		case s.guessed && !s.current:
		case p.run != nil && (errors.Is(err, adapter.ErrUnprepared) || errors.Is(err, adapter.ErrData)):
			s.anew, s.guessed = true, false // the whole way, which knows what to do
			return s.queryOnce(parent, q)
		}
		return nil, err
	}
	return r, nil
}

// answer runs a plan. A data error of a source is never an answer: what it could not compute is computed here.
func (s *entry) answer(ctx context.Context, plan *rewrite.Plan) (adapter.Rows, error) {
	rows, err := s.run(ctx, plan, exec.Pushdown)
	inMemory := func(p *rewrite.Plan) (adapter.Rows, error) { return s.run(ctx, p, exec.ScansOnly) }
	switch {
	case errors.Is(err, adapter.ErrData):
		return inMemory(plan)
	case err != nil:
		return nil, err
	}
	return resumable(rows, plan, inMemory), nil
}

func (s *entry) run(ctx context.Context, plan *rewrite.Plan, mode exec.Mode) (adapter.Rows, error) {
	tree, err := exec.Build(ctx, plan, s.adapter, mode)
	if err != nil {
		return nil, err
	}
	rows, err := tree.Run(ctx, s.e.budget())
	if err != nil {
		return nil, err
	}
	return peek(rows)
}

func (s *entry) count(ctx context.Context, plan *rewrite.Plan) (int64, error) {
	rows, err := s.answer(ctx, plan.CountPlan())
	if err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	defer rows.Close()
	if !rows.Next() {
		return 0, fmt.Errorf("count: %w", errors.Join(rows.Err(), errors.New("no row")))
	}
	n, _ := rows.Value(0).Decimal().Int64()
	return n, nil
}

// plan rewrites a query for the principal and places its page: one row more than asked, to know whether there are more.
func (s *entry) plan(ctx context.Context, q *lqp.Query) (*rewrite.Plan, *cursorMaker, error) {
	plan, err := s.bind(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	return s.continued(plan, q)
}

// bind rewrites a query for the principal, with a page of one row more than asked and without its cursor.
func (s *entry) bind(ctx context.Context, q *lqp.Query) (*rewrite.Plan, error) {
	var views viewPaths
	resolved, err := s.resolve(q, "$", 0, &views)
	if err != nil {
		return nil, err
	}
	plan, err := s.rewrite(ctx, resolved)
	if err != nil {
		return nil, views.hide(err)
	}
	page := plan.Query().Page
	page.Cursor = ""
	if page.Limit > 0 {
		page.Limit++
	}
	return plan.WithPage(page), nil
}

// continued places the page of a plan behind the query's cursor.
func (s *entry) continued(plan *rewrite.Plan, q *lqp.Query) (_ *rewrite.Plan, c *cursorMaker, err error) {
	c = s.cursorMaker(q)
	page := plan.Query().Page
	if q.Page.Cursor != "" {
		if page.After, page.Offset, err = c.open(q.Page.Cursor, plan); err != nil {
			return nil, nil, err
		}
		plan = plan.WithPage(page)
	}
	c.offset = page.Offset
	return plan, c, nil
}

func (s *entry) rewrite(ctx context.Context, q *lqp.Query) (*rewrite.Plan, error) {
	return rewrite.Rewrite(q, rewrite.Input{
		Principal: s.p, Policy: s.policy, Now: s.e.clock(),
		Table:        func(connection, table string) (*lqp.Table, error) { return s.table(ctx, connection, table) },
		Tables:       func(connection string) []string { return s.tableNames(ctx, connection) },
		Broken:       func(table rbac.TableRef, err error) { s.broken(ctx, table, err) },
		DefaultLimit: s.limits.PageRows, MaxLimit: s.limits.MaxPageRows,
	})
}

// maxViewDepth is how deep views may be made of views.
const maxViewDepth = 8

// resolve gives sources the ids of what they name and puts views in their place. path is where q stands in the query; views
// notes where views were put.
func (s *entry) resolve(q *lqp.Query, path string, depth int, views *viewPaths) (*lqp.Query, error) {
	if depth > maxViewDepth {
		return nil, lqp.Problems{{Path: path, Code: lqp.CodeLimit, Message: fmt.Sprintf("views are nested deeper than %d", maxViewDepth)}}
	}
	c := *q
	c.Joins = append([]lqp.Join(nil), q.Joins...)
	if err := s.resolveSource(&c.From, path+".source", depth, views); err != nil {
		return nil, err
	}
	for i := range c.Joins {
		if err := s.resolveSource(&c.Joins[i].Source, fmt.Sprintf("%s.joins[%d].source", path, i), depth, views); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

func (s *entry) resolveSource(src *lqp.Source, path string, depth int, views *viewPaths) (err error) {
	// Views of views multiply their sources: what is small to ask for must not grow without bound.
	if views.sources++; views.sources > maxSources {
		return lqp.Problems{{Path: path, Code: lqp.CodeLimit, Message: fmt.Sprintf("with the views in their places there are more than %d sources", maxSources)}}
	}
	switch {
	case src.Query != nil:
		src.Query, err = s.resolve(src.Query, path+".query", depth+1, views)
		return err
	case src.Connection != "":
		src.Connection = s.connectionID(src.Connection)
		return nil
	case strings.HasPrefix(src.Table, "viw_"):
		v, err := s.view(src.Table)
		if err != nil {
			return nil //nolint:nilerr // Bind reports the unknown table, as it does one that is closed
		}
		inner, err := decodeView(v)
		if err != nil {
			return err
		}
		if src.Alias == "" {
			src.Alias = "view"
		}
		views.paths = append(views.paths, path+".query")
		src.Query, err = s.resolve(s.withoutHidden(inner), path+".query", depth+1, views)
		src.Table = ""
		return err
	}
	return s.resolveTable(src, path)
}

// resolveTable finds a table of the mini-DB by its name.
func (s *entry) resolveTable(src *lqp.Source, path string) error {
	if _, ok := s.Table(src.Table); ok {
		return nil
	}
	id := ""
	for _, t := range s.Tables {
		if t.Name != src.Table || s.policy.Table(s.p, rbac.TableRef{Table: t.ID}).Closed {
			continue // a closed table takes no name from others
		}
		if id != "" {
			return lqp.Problems{{Path: path + ".table", Code: lqp.CodeUnknownTable, Message: fmt.Sprintf("several tables are called %q; use the id of one", src.Table)}}
		}
		id = t.ID
	}
	if id != "" {
		if src.Alias == "" {
			src.Alias = src.Table
		}
		src.Table = id
	}
	return nil
}

// connectionID finds a connection by its id or else by its name: one that is named after another's id takes nothing over.
func (s *entry) connectionID(name string) string {
	if _, ok := s.Connection(name); ok {
		return name
	}
	for _, c := range s.Connections {
		if c.Name == name && s.readable(c.ID) {
			return c.ID
		}
	}
	return name
}

// maxSources is how many sources a query may have once views and nested queries are counted with theirs.
const maxSources = 64

// viewPaths are the places of a query where views were put, and the sources met on the way.
type viewPaths struct {
	paths   []string
	sources int
}

// CodeViewClosed is the problem of a view that needs something which is not there, or not for its reader.
const CodeViewClosed = "view_closed"

// hide replaces the problems that lie inside of views, where the reader wrote nothing and may not know what is named, by
// one for each view.
func (v *viewPaths) hide(err error) error {
	var problems lqp.Problems
	if len(v.paths) == 0 || !errors.As(err, &problems) {
		return err
	}
	var shown lqp.Problems
	closed := map[string]bool{}
next:
	for _, p := range problems {
		for _, path := range v.paths {
			if p.Path == path || strings.HasPrefix(p.Path, path+".") {
				if !closed[path] {
					closed[path] = true
					shown = append(shown, lqp.Problem{Path: strings.TrimSuffix(path, ".query"), Code: CodeViewClosed,
						Message: "the view needs something that is not there, or not for you"})
				}
				continue next
			}
		}
		shown = append(shown, p)
	}
	return shown
}

// table finds a table with all its columns, for the rewriter.
func (s *entry) table(ctx context.Context, connection, table string) (*lqp.Table, error) {
	if connection == "" {
		if t, ok := s.instead[table]; ok {
			return t, nil
		}
		t, ok := s.AnyTable(table)
		switch {
		case !ok:
			return nil, rewrite.ErrNoTable
		case t.Archived():
			if _, _, err := s.tableOf(ctx, table); errors.Is(err, ErrArchived) {
				return nil, err
			}
			return nil, rewrite.ErrNoTable
		}
		return t.Schema(), nil
	}
	c, ok := s.Connection(connection)
	if !ok || !s.readable(connection) { // before its database is asked: that it does not answer is an answer
		return nil, rewrite.ErrNoTable
	}
	catalog, err := s.e.sources.catalog(ctx, c)
	if err != nil {
		return nil, err
	}
	if t := catalog.Table(table); t != nil {
		return t, nil
	}
	return nil, rewrite.ErrNoTable
}

// tableNames lists the tables of a connection as a query would name them. Ids are nothing to guess at.
func (s *entry) tableNames(ctx context.Context, connection string) []string {
	var names []string
	if c, ok := s.Connection(connection); ok && s.readable(connection) {
		if catalog, err := s.e.sources.catalog(ctx, c); err == nil {
			for _, t := range catalog.Tables {
				names = append(names, t.Name)
			}
		}
	}
	return names
}

// adapter finds the open adapter of a connection for the executor.
func (s *entry) adapter(ctx context.Context, connection string) (adapter.Adapter, error) {
	if connection == "" && s.past != nil {
		return s.past, nil
	}
	if connection == "" {
		return s.e.store.Adapter(), nil
	}
	c, ok := s.Connection(connection)
	if !ok {
		return nil, fmt.Errorf("connection %s: %w", connection, ErrNotFound)
	}
	return s.e.sources.adapter(ctx, c)
}
