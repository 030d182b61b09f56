package minidb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// weakStore pushes no condition with the function lower.
type weakStore struct{ adapter.Store }

func (s weakStore) Plan(q *lqp.Query) adapter.Split {
	split := s.Store.Plan(q)
	lqp.Walk(q.Where, func(e lqp.Expr) bool {
		if c, ok := e.(*lqp.Call); ok && c.Func == "lower" {
			split.Residual = &lqp.Query{Where: q.Where}
		}
		return true
	})
	return split
}

func TestConditionsTheStoreCannotAnswer(t *testing.T) {
	db, err := Open(t.Context(), weakStore{testStore(t)}, quiet)
	require.NoError(t, err)
	actor := Actor{ID: "usr_x"}
	w, err := db.CreateWorkspace(t.Context(), actor, "W")
	require.NoError(t, err)
	b, err := db.CreateBase(t.Context(), actor, w.ID, BaseSpec{Name: "B"})
	require.NoError(t, err)
	tb, err := db.CreateTable(t.Context(), actor, b.ID, TableSpec{Name: "T", Columns: []ColumnSpec{{Name: "A", Type: TextColumn}}})
	require.NoError(t, err)
	m := &lqp.Mutation{Op: lqp.Insert}
	for _, s := range []string{"Foo", "bar", "FOO"} {
		m.Rows = append(m.Rows, lqp.RowChange{Set: []lqp.Assignment{{Column: tb.Columns[0].ID, Value: lqp.TextValue(s)}}})
	}
	_, err = db.Apply(t.Context(), actor, []Write{{Table: tb, Mutation: m}})
	require.NoError(t, err)
	column := lqp.TypedRef(sourceAlias, tb.Columns[0].ID, tb.Schema().Columns[1].Type)
	folded := lqp.NewCall("eq", lqp.NewCall("lower", column), lqp.Literal(lqp.TextValue("foo")))
	r, err := db.Apply(t.Context(), actor, []Write{{Table: tb, Mutation: &lqp.Mutation{Op: lqp.Delete, AllRows: true}, Guard: Guard{Read: folded}}})
	require.NoError(t, err)
	require.Equal(t, 2, r[0].Affected)
}
