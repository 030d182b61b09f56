package minidb_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

var alice = minidb.Actor{ID: "usr_alice", Request: "req-1", Address: "192.0.2.1"}

// fixture is a database with one workspace, one base and one table.
type fixture struct {
	testing.TB
	*minidb.DB
	ctx       context.Context
	place     storetest.Place
	workspace *minidb.Workspace
	base      *minidb.Base
}

// openAt opens the mini-DB in a database of the test; both it and the store are closed with the test.
func openAt(t testing.TB, place storetest.Place, opt minidb.Options) *minidb.DB {
	t.Helper()
	opt.Logger = slog.New(slog.DiscardHandler)
	db, err := minidb.Open(context.Background(), place.Open(t), opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func newFixture(t testing.TB, opt minidb.Options) *fixture {
	t.Helper()
	place := storetest.New(t)
	f := &fixture{TB: t, DB: openAt(t, place, opt), ctx: context.Background(), place: place}
	var err error
	f.workspace, err = f.CreateWorkspace(f.ctx, alice, "Acme")
	require.NoError(t, err)
	f.base, err = f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "Sales"})
	require.NoError(t, err)
	return f
}

// goods is the table most tests write to.
var goods = minidb.TableSpec{Name: "Goods", Columns: []minidb.ColumnSpec{
	{Name: "Name", Type: minidb.TextColumn, Required: true},
	{Name: "Code", Type: minidb.TextColumn, Unique: true},
	{Name: "Stock", Type: minidb.IntegerColumn},
	{Name: "Price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
	{Name: "Active", Type: minidb.BooleanColumn, Default: lqp.BoolValue(true)},
	{Name: "Since", Type: minidb.DateColumn},
	{Name: "Seen", Type: minidb.DateTimeColumn},
	{Name: "State", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "new"}, {Name: "old"}}}},
	{Name: "Notes", Type: minidb.LongTextColumn},
}}

func (f *fixture) table(spec minidb.TableSpec) *table {
	f.Helper()
	t, err := f.CreateTable(f.ctx, alice, f.base.ID, spec)
	require.NoError(f, err)
	return &table{fixture: f, Table: t}
}

// table is a table with short ways to write and read it.
type table struct {
	*fixture
	*minidb.Table
}

// reload is the table as the snapshot has it now.
func (t *table) reload() *table {
	t.Helper()
	s, err := t.Snapshot(t.ctx, t.workspace.ID)
	require.NoError(t, err)
	now, ok := s.Table(t.ID)
	require.True(t, ok)
	t.Table = now
	return t
}

// id is the column id for a name, or the name itself.
func (t *table) id(name string) string {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return t.Columns[i].ID
		}
	}
	return name
}

type values map[string]lqp.Value

func (t *table) set(v values) (list []lqp.Assignment) {
	for _, c := range t.Schema().Columns { // in a fixed order
		if x, ok := v[c.Name]; ok {
			list = append(list, lqp.Assignment{Column: c.ID, Value: x})
		}
	}
	for name, x := range v {
		if t.id(name) == name && t.Schema().Column(name) == nil {
			list = append(list, lqp.Assignment{Column: name, Value: x})
		}
	}
	return list
}

func text(s string) lqp.Value { return lqp.TextValue(s) }
func num(n int64) lqp.Value   { return lqp.IntValue(n) }

func dec(s string) lqp.Value {
	d, err := lqp.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return lqp.NumberValue(d)
}

func (t *table) insert(rows ...values) *lqp.Mutation {
	m := &lqp.Mutation{Op: lqp.Insert, Table: t.ID}
	for _, v := range rows {
		m.Rows = append(m.Rows, lqp.RowChange{Set: t.set(v)})
	}
	return m
}

func (t *table) update(id string, version int64, v values) *lqp.Mutation {
	return &lqp.Mutation{Op: lqp.Update, Table: t.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{text(id)}, Version: version, Set: t.set(v)}}}
}

func (t *table) delete(version int64, ids ...string) *lqp.Mutation {
	m := &lqp.Mutation{Op: lqp.Delete, Table: t.ID}
	for _, id := range ids {
		m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{text(id)}, Version: version})
	}
	return m
}

func (t *table) upsert(key []string, rows ...values) *lqp.Mutation {
	m := t.insert(rows...)
	m.Op = lqp.Upsert
	for _, k := range key {
		m.Key = append(m.Key, t.id(k))
	}
	return m
}

// try applies one mutation.
func (t *table) try(m *lqp.Mutation, g minidb.Guard) (minidb.Result, error) {
	r, err := t.Apply(t.ctx, alice, []minidb.Write{{Table: t.Table, Mutation: m, Guard: g}})
	if err != nil {
		return minidb.Result{}, err
	}
	return r[0], nil
}

// do applies one mutation that must succeed.
func (t *table) do(m *lqp.Mutation) minidb.Result {
	t.Helper()
	r, err := t.try(m, minidb.Guard{})
	require.NoError(t, err)
	return r
}

// add inserts rows and answers their ids.
func (t *table) add(rows ...values) (ids []string) {
	t.Helper()
	for _, r := range t.do(t.insert(rows...)).Rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// col is a bound reference to a column by name.
func (t *table) col(name string) lqp.Expr {
	c := t.Schema().Column(t.id(name))
	require.NotNil(t, c, name)
	return lqp.TypedRef("t", c.ID, c.Type)
}

func (t *table) where(fn, name string, v lqp.Value) lqp.Expr {
	return lqp.NewCall(fn, t.col(name), lqp.Literal(v))
}

// stored reads all rows through the adapter, by id.
func (t *table) stored() map[string]map[string]lqp.Value {
	t.Helper()
	schema := t.Schema()
	q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: schema.Name}}, lqp.Env{
		Table: func(string, string) (*lqp.Table, error) { return schema, nil }, DefaultLimit: 1 << 30, MaxLimit: 1 << 30})
	require.NoError(t, err)
	split := t.Adapter().Plan(q)
	require.Nil(t, split.Residual)
	rows, err := t.Adapter().Scan(t.ctx, split.Pushed)
	require.NoError(t, err)
	defer rows.Close()
	all := make(map[string]map[string]lqp.Value)
	for rows.Next() {
		row := make(map[string]lqp.Value)
		for i, c := range schema.Columns {
			row[c.Name] = rows.Value(i)
		}
		all[row["_id"].Text()] = row
	}
	require.NoError(t, rows.Err())
	return all
}

// count counts what a statement of the store's own SQL finds.
func (f *fixture) count(sql string, args ...lqp.Value) (n int64) {
	f.Helper()
	require.NoError(f, f.Adapter().Read(f.ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(f.ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			n, _ = rows.Value(0).Decimal().Int64()
		}
		return rows.Err()
	}))
	return n
}
