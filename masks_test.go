package livetables_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// masked is a table of people whose phone numbers and salaries editors see masked.
func masked(t *testing.T) (w *world, tbl *minidb.Table, ids []string) {
	w = newWorld(t)
	tbl = w.table("People", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "Phone", Type: minidb.TextColumn, Unique: true}, minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn, Required: true})
	ids = w.insert(w.owner, tbl, []string{"ann", "0301", "100"}, []string{"bob", "0302", "200"}, []string{"cy", "0403", "300"})
	require.NoError(t, w.owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Masked, tbl.Columns[2].ID: rbac.Masked},
		Masks:   map[string]lqp.Expr{tbl.Columns[1].ID: expr(t, `LEFT(Phone, 2)`)}}))
	return w, tbl, ids
}

// Attack 25 (min, max, distinct, group by a hidden or masked column), and every other place of a query.
func TestAttack25MasksStandEverywhere(t *testing.T) {
	w, tbl, _ := masked(t)
	ctx := t.Context()
	from := lqp.Source{Table: tbl.ID, Alias: "a"}
	for _, tc := range []struct {
		name string
		q    lqp.Query
		want []string
	}{
		{"shown", lqp.Query{Select: cols(t, "Phone", "Salary")}, []string{`03|NULL`, `03|NULL`, `04|NULL`}},
		{"filtered", lqp.Query{Where: expr(t, `Phone = "0301"`), Select: cols(t, "Name")}, []string{}},
		{"filtered by the mask", lqp.Query{Where: expr(t, `Phone = "03"`), Select: cols(t, "Name")}, []string{`ann`, `bob`}},
		{"guessed", lqp.Query{Where: expr(t, `Salary > 150`), Select: cols(t, "Name")}, []string{}},
		{"grouped", lqp.Query{GroupBy: cols(t, "Phone"), Aggregates: []lqp.Aggregate{{Name: "n", Func: "countall"}, {Name: "m", Func: "max", Arg: expr(t, "Salary")}},
			OrderBy: order(t, "-n")}, []string{`03|2|NULL`, `04|1|NULL`}},
		{"aggregated", lqp.Query{Aggregates: []lqp.Aggregate{{Name: "least", Func: "min", Arg: expr(t, "Phone")}, {Name: "many", Func: "count_unique", Arg: expr(t, "Phone")}}},
			[]string{`03|2`}},
		{"joined", lqp.Query{Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Table: tbl.ID, Alias: "b"}, On: expr(t, "a.Phone = b.Phone AND a.Name < b.Name")}},
			Select: cols(t, "a.Name", "b.Name")}, []string{`ann|bob`}},
		{"missing on the right", lqp.Query{Joins: []lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Table: tbl.ID, Alias: "b"}, On: expr(t, `a.Name = "ann" AND b.Name = "bob"`)}},
			Select: cols(t, "a.Name", "b.Phone")}, []string{`ann|03`, `bob|NULL`, `cy|NULL`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.q.From = from
			rows, err := w.editor.Query(ctx, w.workspace, &tc.q)
			require.ElementsMatch(t, tc.want, all(t, rows, err))
		})
	}
	// Sorted by a mask, page by page: the cursor holds what is shown, whatever is behind it.
	walked := walk(t, w.editor, w.workspace, lqp.Query{From: from, OrderBy: order(t, "-Phone", "Name"), Select: cols(t, "Name")}, 1)
	require.Equal(t, []string{`cy`, `ann`, `bob`}, walked)

	rows, err := w.editor.Export(ctx, w.workspace, &lqp.Query{From: from, OrderBy: order(t, "Name"), Select: cols(t, "Name", "Phone", "Salary")})
	require.NoError(t, err)
	var file bytes.Buffer
	_, err = livetables.WriteRows(&file, rows, livetables.FormatCSV)
	require.NoError(t, err)
	require.NoError(t, rows.Close())
	require.NotContains(t, file.String(), "0301")
	require.NotContains(t, file.String(), "100")
}

func TestMaskedColumnsAreNotWritten(t *testing.T) {
	w, tbl, ids := masked(t)
	ctx := t.Context()
	set := func(column string, v lqp.Value) []lqp.RowChange {
		return []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[0])}, Set: []lqp.Assignment{{Column: column, Value: v}}}}
	}
	_, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: set("Phone", lqp.TextValue("1"))})
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Upsert, Table: tbl.ID, Key: []string{"Phone"},
		Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("x")}}}}})
	require.ErrorIs(t, err, livetables.ErrForbidden)

	// A change of what may be changed shows no more than a read.
	done, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: set("Name", lqp.TextValue("anna"))})
	require.NoError(t, err)
	require.NotContains(t, sprint("%v", done), "0301")
	// By a condition on a mask, rows are selected by what it shows.
	bulk := func(where string) (int, error) {
		r, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Where: expr(t, where), DryRun: true,
			Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("z")}}}}})
		if err != nil {
			return 0, err
		}
		return len(r[0].Rows), nil
	}
	n, err := bulk(`Phone = "0301"`)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = bulk(`Phone = "03"`)
	require.NoError(t, err)
	require.Equal(t, 2, n)

	// A conflict shows the row as it is seen.
	_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID,
		Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[0])}, Version: 9, Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("x")}}}}})
	var c *livetables.Conflict
	require.ErrorAs(t, err, &c)
	require.NotContains(t, sprint("%v", c.Values), "0301")
	require.Contains(t, sprint("%v", c.Values), "03")

	// What a masked column must have is not told.
	_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: tbl.ID,
		Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("new")}}}}})
	require.NotContains(t, err.Error(), "Salary")
	require.NotContains(t, err.Error(), tbl.Columns[2].ID)
	_, err = w.editor.Import(ctx, livetables.ImportSpec{Table: tbl.ID}, strings.NewReader("Name,Phone\nx,1\n"))
	require.ErrorContains(t, err, `no column "Phone" to fill`)

	// Nor is it in a description, in the history or in events.
	seen, err := w.editor.Table(ctx, tbl.ID)
	require.NoError(t, err)
	require.False(t, seen.Columns[1].Unique)
	require.False(t, seen.Columns[2].Required)
	history, err := w.editor.TableHistory(ctx, tbl.ID, livetables.HistoryFilter{})
	require.NoError(t, err)
	require.NotEmpty(t, history)
	for _, e := range history {
		require.NotContains(t, string(e.Before)+string(e.After), "0301")
	}
}

// A running export ends soon after the right to it is gone (R22, attack 36 of accounts), whichever right that is.
func TestRunningReadsAreRevoked(t *testing.T) {
	for name, revoke := range map[string]func(w *world, tbl *minidb.Table) error{
		"the member is removed": func(w *world, _ *minidb.Table) error {
			return w.owner.RemoveMember(w.t.Context(), w.workspace, "viewer")
		},
		"a row rule comes": func(w *world, tbl *minidb.Table) error {
			return w.owner.PutRule(w.t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(w.t, "N < 3")})
		},
		"a column is masked": func(w *world, tbl *minidb.Table) error {
			return w.owner.PutRule(w.t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer,
				Columns: map[string]rbac.Access{tbl.Columns[0].ID: rbac.Masked}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
			other := w.table("Other", minidb.ColumnSpec{Name: "M", Type: minidb.IntegerColumn})
			var some [][]string
			for i := range 200 {
				some = append(some, []string{sprint("%d", i)})
			}
			w.insert(w.owner, tbl, some...)
			w.insert(w.owner, other, some...)
			export := func(table *minidb.Table) *livetables.Rows {
				rows, err := w.viewer.Export(context.WithoutCancel(t.Context()), w.workspace, &lqp.Query{From: lqp.Source{Table: table.ID}})
				require.NoError(t, err)
				t.Cleanup(func() { _ = rows.Close() })
				return rows
			}
			rows, untouched := export(tbl), export(other)
			require.True(t, rows.Next())
			time.Sleep(1500 * time.Millisecond)
			require.True(t, rows.Next(), "nothing was revoked")
			require.NoError(t, revoke(w, tbl))
			began := time.Now()
			for n := 0; rows.Next(); n++ {
				require.Less(t, time.Since(began), 5*time.Second)
				require.Less(t, n, 190)
				time.Sleep(100 * time.Millisecond)
			}
			require.ErrorIs(t, rows.Err(), livetables.ErrRevoked)
			require.False(t, rows.Next())
			// What the change does not concern goes on, unless it is the member who is gone.
			if name == "the member is removed" {
				time.Sleep(1500 * time.Millisecond) // it is looked after by itself
			}
			n := 0
			for untouched.Next() {
				n++
			}
			if name == "the member is removed" {
				require.ErrorIs(t, untouched.Err(), livetables.ErrRevoked)
			} else {
				require.NoError(t, untouched.Err())
				require.Equal(t, 200, n)
			}
		})
	}
}
