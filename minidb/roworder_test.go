package minidb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// move puts rows somewhere as somebody, planned anew as often as the engine would.
func (t *table) move(who minidb.Actor, m minidb.Move) (minidb.Result, error) {
	for {
		s, err := t.Snapshot(t.ctx, t.workspace.ID)
		if err != nil {
			return minidb.Result{}, err
		}
		m.Table, _ = s.Table(t.ID)
		r, err := t.MoveRows(t.ctx, who, m)
		if !errors.Is(err, minidb.ErrSchemaChanged) {
			return r, err
		}
	}
}

// inOrder are the rows by the manual order, as the store sorts them.
func (t *table) inOrder() (ids []string) {
	t.Helper()
	t.reload()
	schema := *t.Schema()
	id := lqp.Expr(lqp.TypedRef("t", minidb.ColumnID, schema.Columns[0].Type))
	key := id
	if p := schema.Place; p != nil {
		schema.Columns = append(slices.Clone(schema.Columns), *p)
		key = lqp.NewCall("coalesce", lqp.TypedRef("t", p.ID, p.Type), id)
	}
	split := t.Adapter().Plan(&lqp.Query{From: lqp.Source{Table: schema.Name, Alias: "t", Schema: &schema}, Select: []lqp.Named{{Name: "id", Expr: id}},
		OrderBy: []lqp.Order{{Expr: key, Nulls: lqp.NullsFirst}, {Expr: id, Nulls: lqp.NullsFirst}}})
	require.Nil(t, split.Residual)
	rows, err := t.Adapter().Scan(t.ctx, split.Pushed)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		ids = append(ids, rows.Value(0).Text())
	}
	require.NoError(t, rows.Err())
	return ids
}

// moved is the list with rows put before the row at, "" for the end.
func moved(list, rows []string, at string) []string {
	rest := slices.DeleteFunc(slices.Clone(list), func(id string) bool { return slices.Contains(rows, id) })
	k := slices.Index(rest, at)
	if k < 0 {
		k = len(rest)
	}
	return slices.Insert(rest, k, rows...)
}

func (t *table) some(n int) []string {
	var rows []values
	for i := range n {
		rows = append(rows, values{"Name": text(fmt.Sprint("n", i)), "Stock": num(int64(i))})
	}
	return t.add(rows...)
}

func TestManualOrder(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	ids := g.some(6)
	require.Equal(t, ids, g.inOrder(), "rows lie in the order of their making until one is moved")
	before := g.stored()[ids[4]]

	r, err := g.move(bob, minidb.Move{Rows: []string{ids[4], ids[1]}, Before: ids[3], Reason: "tidy"})
	require.NoError(t, err)
	require.Equal(t, 2, r.Affected)
	want := []string{ids[0], ids[2], ids[4], ids[1], ids[3], ids[5]}
	require.Equal(t, want, g.inOrder())
	after := g.stored()[ids[4]]
	require.Equal(t, num(2), after["_version"])
	require.Equal(t, []lqp.Value{before["_updated_at"], before["_updated_by"], before["Name"]}, []lqp.Value{after["_updated_at"], after["_updated_by"], after["Name"]},
		"a move changes no value")
	entries, err := g.History(g.ctx, minidb.HistoryQuery{Workspace: g.workspace.ID, Resource: ids[4]})
	require.NoError(t, err)
	require.Equal(t, []string{"row.move", "usr_bob", "tidy"}, []string{entries[0].Action, entries[0].Actor, entries[0].Reason})
	require.Nil(t, g.Schema().Column(minidb.ColumnOrder), "the order is no column")

	// Nothing to do is nothing done; a dry run does nothing.
	r, err = g.move(alice, minidb.Move{Rows: []string{ids[4], ids[1]}, After: ids[2]})
	require.NoError(t, err)
	require.Zero(t, r.Affected)
	r, err = g.move(alice, minidb.Move{Rows: []string{ids[5]}, First: true, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, 1, r.Affected)
	require.Equal(t, want, g.inOrder())
	for _, m := range []minidb.Move{{Rows: []string{ids[5]}, First: true}, {Rows: []string{ids[0]}, Last: true}} {
		_, err = g.move(alice, m)
		require.NoError(t, err)
	}
	want = []string{ids[5], ids[2], ids[4], ids[1], ids[3], ids[0]}
	require.Equal(t, want, g.inOrder())
	last := g.some(2)
	want = append(want, last...)
	require.Equal(t, want, g.inOrder(), "new rows come last")

	// Ordinary changes leave rows where they are, and so does building the table anew.
	g.do(g.update(ids[4], 0, values{"Stock": num(99)}))
	_, err = g.ChangeType(g.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	require.Equal(t, want, g.inOrder())
	_, err = g.AddColumn(g.ctx, alice, g.ID, minidb.ColumnSpec{Name: "More", Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	require.Equal(t, want, g.inOrder())

	// What may not be moved, or not to there.
	sees := minidb.Guard{Read: g.where("ne", "Name", text("n0")), Update: g.where("ne", "Name", text("n1"))}
	for name, tc := range map[string]struct {
		m   minidb.Move
		err error
	}{
		"a row out of sight":      {minidb.Move{Rows: []string{ids[0]}, First: true}, minidb.ErrNotFound},
		"to a row out of sight":   {minidb.Move{Rows: []string{ids[2]}, After: ids[0]}, minidb.ErrNotFound},
		"to no row":               {minidb.Move{Rows: []string{ids[2]}, After: "row_x"}, minidb.ErrNotFound},
		"a row that may not":      {minidb.Move{Rows: []string{ids[2], ids[1]}, First: true}, minidb.ErrForbidden},
		"a row that is not there": {minidb.Move{Rows: []string{minidb.NewID("row")}, First: true}, minidb.ErrNotFound},
		"nowhere":                 {minidb.Move{Rows: []string{ids[2]}}, nil},
		"to two places":           {minidb.Move{Rows: []string{ids[2]}, First: true, Last: true}, nil},
		"nothing":                 {minidb.Move{First: true}, nil},
		"a row to itself":         {minidb.Move{Rows: []string{ids[2]}, After: ids[2]}, nil},
		"a row twice":             {minidb.Move{Rows: []string{ids[2], ids[2]}, First: true}, nil},
	} {
		tc.m.Guard = sees
		_, err := g.move(bob, tc.m)
		if tc.err != nil {
			require.ErrorIs(t, err, tc.err, name)
		} else {
			require.NotEmpty(t, faultsOf(t, err), name)
		}
		require.Equal(t, want, g.inOrder(), name)
	}
	_, err = g.LockRow(g.ctx, alice, g.Table, ids[2], minidb.Guard{}, time.Minute)
	require.NoError(t, err)
	var locked *minidb.LockedError
	_, err = g.move(bob, minidb.Move{Rows: []string{ids[2]}, First: true})
	require.ErrorAs(t, err, &locked)

	// A copy has the order; without its index a table is in the order of its ids.
	copied, err := g.DuplicateBase(g.ctx, alice, g.base.ID, minidb.Duplicate{Name: "Copy", Rows: true})
	require.NoError(t, err)
	s, err := g.Snapshot(g.ctx, g.workspace.ID)
	require.NoError(t, err)
	for _, c := range s.Tables {
		if c.Base == copied.ID {
			same := &table{fixture: g.fixture, Table: c}
			var names, wanted []lqp.Value
			rows, old := same.stored(), g.stored()
			for i, id := range same.inOrder() {
				names, wanted = append(names, rows[id]["Name"]), append(wanted, old[want[i]]["Name"])
			}
			require.Equal(t, wanted, names)
		}
	}
	for _, x := range g.Indexes() {
		if x.Kind == minidb.OrderIndex {
			require.NoError(t, g.DropIndex(g.ctx, alice, g.ID, x.ID, 0))
		}
	}
	slices.Sort(want)
	require.Equal(t, want, g.inOrder())
	_, err = g.move(alice, minidb.Move{Rows: []string{ids[5]}, First: true})
	require.NoError(t, err)
	require.Equal(t, ids[5], g.inOrder()[0])
}

// TestManualOrderModel makes random moves, inserts and deletions and compares with a list.
func TestManualOrderModel(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 3))
	g := newFixture(t, minidb.Options{}).table(goods)
	want := g.some(12)
	for n := range 150 {
		rows := make([]string, 0, 3)
		for _, i := range r.Perm(len(want))[:1+r.IntN(3)] {
			rows = append(rows, want[i])
		}
		others := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return slices.Contains(rows, id) })
		at := others[r.IntN(len(others))]
		m := minidb.Move{Rows: rows}
		switch k := r.IntN(12); {
		case k == 0:
			want = append(want, g.some(1)...)
			continue
		case k == 1 && len(want) > 8:
			g.do(g.delete(0, rows[0]))
			want = slices.DeleteFunc(want, func(id string) bool { return id == rows[0] })
			continue
		case k < 4:
			m.First, want = true, moved(want, rows, others[0])
		case k < 6:
			m.Last, want = true, moved(want, rows, "")
		case k < 9:
			m.Before, want = at, moved(want, rows, at)
		default:
			next := ""
			if i := slices.Index(others, at) + 1; i < len(others) {
				next = others[i]
			}
			m.After, want = at, moved(want, rows, next)
		}
		_, err := g.move(alice, m)
		require.NoError(t, err)
		require.Equal(t, want, g.inOrder(), "step %d, seed %d", n, seed)
	}
}

// TestManualOrderKeepsRoom puts rows between two whose places have grown as long as places may be.
func TestManualOrderKeepsRoom(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	want := g.some(6)
	_, err := g.move(alice, minidb.Move{Rows: want[1:3], After: want[0]})
	require.NoError(t, err)
	require.Equal(t, want, g.inOrder())
	for i, end := range []string{"1", "2"} {
		place := want[0] + strings.Repeat("h", 128) + end
		require.NoError(t, g.Adapter().Write(g.ctx, func(tx adapter.Tx) error {
			_, err := tx.Exec(g.ctx, `UPDATE `+quoted(g.pathOf(g.ID))+` SET "_order" = ? WHERE "_id" = ?`, text(place), text(want[1+i]))
			return err
		}))
	}
	for range 20 {
		row := want[3]
		_, err := g.move(alice, minidb.Move{Rows: []string{row}, After: want[1]})
		require.NoError(t, err)
		want = moved(want, []string{row}, want[2])
		require.Equal(t, want, g.inOrder())
	}
	require.Equal(t, int64(1), g.count(`SELECT count(*) FROM lt_change WHERE action = 'table.space'`), "once there is room, there is room for long")
	require.Zero(t, g.count(`SELECT count(*) FROM lt_change WHERE resource = ? AND action = 'row.move'`, text(want[5])), "rows that stay have no entries")
	require.Equal(t, num(1), g.stored()[want[1]]["_version"], "nor other versions")
}

// TestManualOrderUsesItsIndex: a page in manual order is read from its beginning in the index.
func TestManualOrderUsesItsIndex(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	ids := g.some(6)
	_, err := g.move(alice, minidb.Move{Rows: ids[3:], First: true})
	require.NoError(t, err)
	g.reload()
	schema := *g.Schema()
	schema.Columns = append(slices.Clone(schema.Columns), *schema.Place)
	id := lqp.Expr(lqp.TypedRef("t", minidb.ColumnID, schema.Columns[0].Type))
	place := lqp.NewCall("coalesce", lqp.TypedRef("t", schema.Place.ID, schema.Place.Type), id)
	split := g.Adapter().Plan(&lqp.Query{From: lqp.Source{Table: schema.Name, Alias: "t", Schema: &schema},
		Select:  []lqp.Named{{Name: "id", Expr: id}, {Name: "name", Expr: g.col("Name")}},
		OrderBy: []lqp.Order{{Expr: place, Nulls: lqp.NullsFirst}, {Expr: id, Nulls: lqp.NullsFirst}},
		Page:    lqp.Page{Limit: 100, After: []lqp.Value{text(ids[0]), text(ids[0])}}})
	require.Nil(t, split.Residual)
	sql, err := g.Adapter().(adapter.Explainer).Native(split.Pushed)
	require.NoError(t, err)
	t.Log(sql)
	got := g.explain(sql)
	require.Regexp(t, "(USING (COVERING )?INDEX|Scan using) idx_", got)
	require.NotRegexp(t, `TEMP B-TREE FOR ORDER BY|>  Sort `, got)
}

// TestMoversAtOnce: moves of several clients to one place all count, and every row keeps one place.
func TestMoversAtOnce(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	ids := g.some(9)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 5 {
				if _, err := g.move(alice, minidb.Move{Rows: []string{ids[1+2*n], ids[2+2*n]}, After: ids[0]}); err != nil {
					t.Errorf("mover %d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
	got := g.inOrder()
	require.ElementsMatch(t, ids, got)
	require.Equal(t, ids[0], got[0])
	for n := range 4 {
		at := slices.Index(got, ids[1+2*n])
		require.Equal(t, ids[2+2*n], got[at+1], "rows moved together stay together")
	}
}
