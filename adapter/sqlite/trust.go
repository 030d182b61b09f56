package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Any cell of a file of others may hold anything, so that the canonical value of a column is an expression, which no index
// sorts or joins. Nearly always every cell is what its column declares. That is found out from the file, inside the read
// transaction whose snapshot the statement then reads, and holds for exactly that: the statement is written for bare
// columns. What was found out is kept with the connection for as long as PRAGMA data_version says, inside the
// transaction, that nobody has written.

// columnName names a column of a table of the file.
type columnName struct{ table, column string }

// trust is what is known of all cells of a column in one snapshot: NULL or canonical values in this representation.
type trust struct {
	rep    sqlgen.Rep
	filled bool // none is NULL
}

// maxCheck bounds the look at the cells of one column: a statement that reads few rows must not wait long for it.
const maxCheck = time.Second

// facts are what a connection remembers of one state of the file.
type facts struct {
	version int64 // of data_version; 0 before the first look
	tables  map[string]*tableFacts
	columns map[columnName]*columnFact
	wear    map[columnName]*wear
}

// tableFacts are the declared types of a table's columns and which of them stand in a whole, binary index.
type tableFacts struct {
	declared map[string]string
	indexed  map[string]bool
}

type columnFact struct {
	trust
	ok   bool // trusted at all
	uses int
}

// wear keeps a file that changes all the time from being looked through for every statement.
type wear struct{ wasted, skip int }

const (
	maxWasted  = 6
	maxColumns = 10_000
)

// learn begins a read transaction and finds out which of the columns can be trusted in it; the caller ends it by
// endSnapshot, also after an error. The first of a sort's keys decides on the others.
func (c *conn) learn(ctx context.Context, w wanted) (map[columnName]trust, error) {
	if err := c.do("BEGIN DEFERRED"); err != nil {
		return nil, err
	}
	c.snapshot = true
	c.db.SetInterrupt(ctx)
	if err := c.refresh(); err != nil {
		return nil, err
	}
	known := map[columnName]trust{}
	for _, col := range w.joins {
		if _, err := c.settle(ctx, col, known); err != nil {
			return nil, err
		}
	}
	for _, order := range w.orders {
		for _, col := range order {
			if ok, err := c.settle(ctx, col, known); err != nil {
				return nil, err
			} else if !ok {
				break
			}
		}
	}
	return known, nil
}

// endSnapshot ends the transaction that learn began, if there is one.
func (c *conn) endSnapshot() {
	if !c.snapshot {
		return
	}
	c.snapshot = false
	if c.do("COMMIT") != nil {
		c.broken = true
	}
}

const dataVersion = "PRAGMA data_version"

// refresh forgets what was found out about another state of the file.
func (c *conn) refresh() error {
	var version int64
	if err := c.each(dataVersion, func(s *statement) { version = s.ColumnInt64(0) }); err != nil {
		return err
	}
	f := &c.facts
	if f.version == version && f.tables != nil && len(f.columns) < maxColumns {
		return nil
	}
	if f.wear == nil || len(f.wear) >= maxColumns {
		f.wear = map[columnName]*wear{}
	}
	for name, fact := range f.columns {
		w := f.wear[name]
		if w == nil {
			w = &wear{}
			f.wear[name] = w
		}
		if fact.uses > 1 {
			*w = wear{}
			continue
		}
		w.wasted = min(w.wasted+1, maxWasted)
		if w.wasted > 1 {
			w.skip = 1<<w.wasted - 1
		}
	}
	f.version, f.tables, f.columns = version, map[string]*tableFacts{}, map[columnName]*columnFact{}
	return nil
}

// settle adds a column to known, if it can be trusted. The error is that of ctx.
func (c *conn) settle(ctx context.Context, col wantedColumn, known map[columnName]trust) (bool, error) {
	if !columnStorage(col.column.Native, true).loose {
		return true, nil
	}
	name := columnName{col.table.Path[0], col.column.ID}
	fact := c.facts.columns[name]
	if fact == nil {
		if w := c.facts.wear[name]; w != nil && w.skip > 0 {
			w.skip--
			return false, nil
		}
		fact = &columnFact{}
		limited, cancel := context.WithTimeout(ctx, maxCheck)
		c.db.SetInterrupt(limited)
		err := c.inspect(name, col.column, fact)
		c.db.SetInterrupt(ctx)
		cancel()
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err != nil: // it took too long, or the column is not what it was: the guarded statement will tell
			fact.ok = false
		}
		c.facts.columns[name] = fact
	}
	fact.uses++
	if fact.ok {
		known[name] = fact.trust
	}
	return fact.ok, nil
}

// inspect looks at the cells of a column that stands in an index.
func (c *conn) inspect(name columnName, column *lqp.Column, fact *columnFact) error {
	st := columnStorage(column.Native, true)
	t, err := c.tableFacts(name.table)
	if err != nil {
		return err
	}
	declared := strings.TrimSuffix(column.Native, nativeStrict)
	if st.unbound || column.Collation != "" && column.Type.Kind != lqp.Text || !t.indexed[name.column] || t.declared[name.column] != declared {
		return nil
	}
	cell := string(appendIdent(nil, name.column))
	from := " FROM main." + string(appendIdent(nil, name.table)) + " WHERE "
	rep, odd, err := c.oddCells(st, cell, from)
	if err != nil || odd == nil {
		return err
	}
	for _, condition := range odd {
		if found, err := c.exists(from + condition); err != nil || found {
			return err
		}
	}
	null, err := c.exists(from + cell + " IS NULL")
	if err != nil {
		return err
	}
	fact.trust, fact.ok = trust{rep: rep, filled: !null}, true
	return nil
}

// exists reports whether there is a row; rest is a statement from FROM on.
func (c *conn) exists(rest string) (found bool, err error) {
	err = c.each("SELECT EXISTS (SELECT 1"+rest+")", func(s *statement) { found = s.ColumnBool(0) })
	return found, err
}

// tableFacts reads the schema as it is in the snapshot.
func (c *conn) tableFacts(table string) (*tableFacts, error) {
	if t := c.facts.tables[table]; t != nil {
		return t, nil
	}
	t := &tableFacts{declared: map[string]string{}, indexed: map[string]bool{}}
	err := c.each("SELECT name, type FROM pragma_table_xinfo(?1, 'main')", func(s *statement) { t.declared[s.ColumnText(0)] = s.ColumnText(1) }, table)
	if err != nil {
		return nil, err
	}
	err = c.each(`SELECT x.name FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
		WHERE NOT i.partial AND x.key AND x.cid >= 0 AND x.coll = 'BINARY' COLLATE NOCASE`, func(s *statement) { t.indexed[s.ColumnText(0)] = true }, table)
	if err != nil {
		return nil, err
	}
	c.facts.tables[table] = t
	return t, nil
}

// each runs a statement with texts as parameters and calls row for each of its rows.
func (c *conn) each(sql string, row func(s *statement), args ...string) (err error) {
	defer c.guard(&err)
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer s.release()
	for i, a := range args {
		if err := s.BindText(i+1, a); err != nil {
			return err
		}
	}
	for s.Step() {
		row(s)
	}
	return s.Err()
}
