package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
)

// TestGroupsOfAnOrderedSourceAreSorted is the shape that SQLite answers in the order of the source.
func TestGroupsOfAnOrderedSourceAreSorted(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE w (id INTEGER PRIMARY KEY, s TEXT(9))")
	mustExec(t, s, "INSERT INTO w VALUES (1,'a'), (2,'b'), (3,'c'), (4,'a'), (5,NULL)")
	ref := func(c string) lqp.Expr { return lqp.Ref("", c) }
	inner := &lqp.Query{From: lqp.Source{Table: "w"}, OrderBy: []lqp.Order{{Expr: ref("s"), Desc: true}}, Page: lqp.Page{Limit: 9}}
	got, err := ask(t, s, &lqp.Query{
		From: lqp.Source{Query: inner, Alias: "q"}, GroupBy: []lqp.Named{{Name: "s", Expr: ref("s")}},
		Aggregates: []lqp.Aggregate{{Name: "n", Func: "countall"}},
		OrderBy:    []lqp.Order{{Expr: ref("s")}},
	})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"null", "1"}, {`"a"`, "2"}, {`"b"`, "1"}, {`"c"`, "1"}}, got)
}

// TestCollationsStayInside is a text chosen by comparing wide numbers: their collation must not become the text's.
func TestCollationsStayInside(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE w (id INTEGER PRIMARY KEY, n DECTEXT COLLATE LT_NUM, s TEXT(9))")
	mustExec(t, s, "INSERT INTO w VALUES (1,'7','10'), (2,'7','9'), (3,'8','1.0'), (4,'8','1')")
	ref := func(c string) lqp.Expr { return lqp.Ref("", c) }
	chosen := lqp.NewCall("if", lqp.NewCall("eq", ref("n"), lqp.Literal(lqp.IntValue(7))), ref("s"), ref("s"))
	id := []lqp.Named{{Name: "id", Expr: ref("id")}}
	got, err := ask(t, s, &lqp.Query{From: lqp.Source{Table: "w"}, Select: id, OrderBy: []lqp.Order{{Expr: chosen}}})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"4"}, {"3"}, {"1"}, {"2"}}, got)
	got, err = ask(t, s, &lqp.Query{From: lqp.Source{Table: "w"}, Select: id, Where: lqp.NewCall("eq", lqp.Literal(lqp.TextValue("1")), chosen)})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"4"}}, got)
	got, err = ask(t, s, &lqp.Query{From: lqp.Source{Table: "w"}, Select: id, Where: lqp.NewCall("lt", ref("s"), chosen)})
	require.NoError(t, err)
	require.Empty(t, got)
	got, err = ask(t, s, &lqp.Query{From: lqp.Source{Table: "w"}, GroupBy: []lqp.Named{{Name: "k", Expr: chosen}}})
	require.NoError(t, err)
	require.Len(t, got, 4)
}
