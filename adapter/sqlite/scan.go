package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Plan says what of a bound query SQLite answers exactly.
func (a *Adapter) Plan(q *lqp.Query) adapter.Split { return sqlgen.Plan(a.dialectFor(q), q) }

// Native is the statement that Scan runs, or the two of them.
func (a *Adapter) Native(pushed *lqp.Query) (string, error) {
	var known map[columnName]trust
	if w, any := a.wants(pushed); any {
		ctx, cancel := a.bounded(a.life)
		defer cancel()
		if c, err := a.acquire(ctx, "native query"); err == nil {
			known, _ = c.learn(ctx, w) // what cannot be found out is guarded
			c.endSnapshot()
			a.readers.put(c)
		}
	}
	st, err := a.statements(pushed, known)
	if err != nil {
		return "", fmt.Errorf("native query: %w", err)
	}
	sql := st[0].SQL
	if len(st) > 1 {
		sql += ";\n" + st[1].SQL
	}
	return sql, nil
}

// Scan runs a pushed query on a connection of its own, which it holds until the rows are closed.
func (a *Adapter) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	op := "scan " + sourceName(pushed)
	w, asks := a.wants(pushed)
	var st []sqlgen.Statement
	var err error
	if !asks {
		if st, err = a.statements(pushed, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	ctx, cancel := a.bounded(ctx)
	c, err := a.acquire(ctx, op)
	if err != nil {
		cancel()
		return nil, err
	}
	finish := a.returning(c, cancel)
	if asks {
		known, err := c.learn(ctx, w)
		if err != nil {
			finish()
			return nil, translate(ctx, op, err)
		}
		if st, err = a.statements(pushed, known); err != nil {
			finish()
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	r, err := c.scan(ctx, op, &st[0])
	if err == nil {
		err = r.start()
	}
	if err != nil {
		err = explainFailure(c, pushed, err)
		finish()
		return nil, err
	}
	if len(st) > 1 {
		return c.chained(ctx, op, r, &st[1], pushed.Page.Limit, finish), nil
	}
	return r.ending(finish), nil
}

// returning gives a connection back after a read.
func (a *Adapter) returning(c *conn, cancel context.CancelFunc) func() {
	return func() {
		cancel()
		c.endSnapshot()
		a.readers.put(c)
	}
}

// ending has finish called when rows that have begun end.
func (r *rows) ending(finish func()) *rows {
	if r.closed { // no row at all
		finish()
	} else {
		r.finish = finish
	}
	return r
}

// Scan runs a pushed query inside the transaction.
func (t *tx) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	op := "scan " + sourceName(pushed)
	if err := t.ready(ctx, op); err != nil {
		return nil, err
	}
	st, err := sqlgen.Compile(t.a.dialectFor(pushed), pushed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return t.read(ctx, pushed, func() (*rows, error) { return t.c.scan(ctx, op, &st) })
}

// read begins to read the rows of a pushed query.
func (t *tx) read(ctx context.Context, pushed *lqp.Query, scan func() (*rows, error)) (adapter.Rows, error) {
	r, err := scan()
	if err != nil {
		return nil, explainFailure(t.c, pushed, err)
	}
	t.adopt(ctx, r)
	if err := r.start(); err != nil {
		return nil, explainFailure(t.c, pushed, err)
	}
	return r, nil
}

// scan prepares and binds a compiled statement.
func (c *conn) scan(ctx context.Context, op string, st *sqlgen.Statement) (*rows, error) {
	return c.scanWith(ctx, op, st.SQL, st.Args, storagesOf(st))
}

func (c *conn) scanWith(ctx context.Context, op, sql string, args []sqlgen.Arg, columns []storage) (_ *rows, err error) {
	defer c.guard(&err)
	c.db.SetInterrupt(ctx)
	s, err := c.prepare(sql)
	if err != nil {
		return nil, translate(ctx, op, err)
	}
	for i, a := range args {
		if err := bind(s, i+1, repStorage(a.Rep), a.Value); err != nil {
			s.release()
			return nil, translate(ctx, op, err)
		}
	}
	return &rows{ctx: ctx, c: c, stmt: s, columns: columns, op: op}, nil
}

// storagesOf says how the columns of a statement are read.
func storagesOf(st *sqlgen.Statement) []storage {
	columns := make([]storage, len(st.Columns))
	for i := range st.Columns {
		if columns[i] = repStorage(st.Columns[i].Storage.Rep); columns[i].form == formStamp {
			columns[i].form = formDateTime
		}
	}
	return columns
}

// explainFailure finds out why a statement of ours did not compile: SQLite has one code for a table that is gone and for
// an expression that is too large. The latter is a data error, after which the engine runs the query in memory.
func explainFailure(c *conn, q *lqp.Query, err error) error {
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) || code != sqlite3.ERROR {
		return err
	}
	for _, t := range tablesOf(q, nil) {
		if !c.has(t.Path[len(t.Path)-1]) {
			return fmt.Errorf("%w: %w", adapter.ErrNoTable, err)
		}
	}
	if errors.Is(err, adapter.ErrData) {
		return err
	}
	return fmt.Errorf("%w: %w", adapter.ErrData, err)
}

// has reports whether the file has a table or view of that name.
func (c *conn) has(name string) bool {
	s, err := c.prepare("SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE")
	if err != nil {
		return true
	}
	defer s.release()
	return s.BindText(1, name) != nil || s.Step() || s.Err() != nil
}

func tablesOf(q *lqp.Query, tables []*lqp.Table) []*lqp.Table {
	add := func(s *lqp.Source) {
		if s.Query != nil {
			tables = tablesOf(s.Query, tables)
		} else if s.Schema != nil && len(s.Schema.Path) > 0 {
			tables = append(tables, s.Schema)
		}
	}
	add(&q.From)
	for i := range q.Joins {
		add(&q.Joins[i].Source)
	}
	return tables
}

func sourceName(q *lqp.Query) string {
	for q.From.Query != nil {
		q = q.From.Query
	}
	return q.From.Table
}
