package indexuse

import (
	"cmp"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

var schema = &lqp.Table{Name: "tbl_x", Kind: lqp.BaseTable, Key: []string{"_id"}, Columns: []lqp.Column{
	{ID: "_id", Name: "_id", Type: lqp.Type{Kind: lqp.Text, NotNull: true, MaxLen: 30, ASCII: true}},
	{ID: "a", Name: "a", Type: lqp.Type{Kind: lqp.Number, Precision: 9}}, {ID: "b", Name: "b", Type: lqp.Type{Kind: lqp.Text, MaxLen: 20}},
	{ID: "c", Name: "c", Type: lqp.Type{Kind: lqp.Date}}, {ID: "j", Name: "j", Type: lqp.Type{Kind: lqp.JSON}}}}

func TestShapes(t *testing.T) {
	all := func(string) bool { return true }
	for _, tc := range []struct {
		where string
		order []lqp.Order
		want  string // the shape's key
	}{
		{where: `a = 1`, want: "a|"},
		{where: `b = "x" AND a = 1`, want: "a,b|"},
		{where: `IN(b, "x", "y") AND a > 3`, want: "b|a"},
		{where: `STARTS_WITH(b, "x")`, want: "|b"},
		{where: `a = 1`, order: []lqp.Order{{Expr: lqp.Ref("", "c"), Desc: true}, {Expr: lqp.Ref("", "_id")}}, want: "a||c-"},
		{where: `a > 1`, order: []lqp.Order{{Expr: lqp.Ref("", "c")}}, want: "|a"},
		{where: `a > 1`, order: []lqp.Order{{Expr: lqp.Ref("", "a")}, {Expr: lqp.Ref("", "b")}}, want: "|a|a|b"},
		{order: []lqp.Order{{Expr: lqp.Ref("", "b")}}, want: "||b"},
		{where: `_id = "row_1"`}, {where: `a + 1 = 2`}, {where: `a = 1 OR b = "x"`}, {where: `LEN(b) > 3`}, {where: ``},
	} {
		q := &lqp.Query{From: lqp.Source{Table: "tbl_x"}, OrderBy: tc.order}
		var err error
		if tc.where != "" {
			q.Where, err = formula.Parse(tc.where)
			require.NoError(t, err)
		}
		bound, err := lqp.Bind(q, lqp.Env{Table: func(_, _ string) (*lqp.Table, error) { return schema, nil }})
		require.NoError(t, err)
		table, s, ok := Of(bound, all)
		require.Equal(t, tc.want != "", ok, tc.where)
		if ok {
			require.Equal(t, "tbl_x", table)
			require.Equal(t, tc.want, s.key(), tc.where)
		}
		_, _, ok = Of(bound, func(string) bool { return false })
		require.False(t, ok, "columns that are not shown give no shape")
	}
	require.Equal(t, []Key{{Column: "b"}, {Column: "a"}, {Column: "c", Desc: true}},
		Shape{Equal: []string{"a", "b"}, Sort: []Key{{"c", true}}}.Columns(func(a, b string) int { return cmp.Compare(b, a) }))
}

func TestLogIsBounded(t *testing.T) {
	var l Log
	often := Shape{Equal: []string{"often"}}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range maxShapes * 10 {
				l.Note("tbl_1", often)
				if i%3 == 0 {
					l.Note("tbl_1", Shape{Range: fmt.Sprint(n, "-", i)})
				}
			}
		})
	}
	wg.Wait()
	list := l.Of("tbl_1")
	require.Len(t, list, maxShapes)
	require.Equal(t, often, list[0].Shape)
	for i := range maxTables + 50 {
		l.Note(fmt.Sprint("tbl_", i+2), often)
	}
	require.Len(t, l.tables, maxTables)
	require.Empty(t, l.Of("tbl_1"))
	require.NotEmpty(t, l.Of(fmt.Sprint("tbl_", maxTables+51)))
}
