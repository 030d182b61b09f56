package minidb_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestSchemaKeepsCells changes the definition of a table at random, also by deleting and restoring columns and the table, and by
// changes of type that lose cells and are taken back, writes rows meanwhile, and compares every cell with a model after each step.
func TestSchemaKeepsCells(t *testing.T) {
	for _, seed := range []uint64{1, 2, testseed.Of(t)} {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Logf("seed %d", seed)
			w := &schemaWalk{fixture: newFixture(t, minidb.Options{}), r: rand.New(rand.NewPCG(seed, 5)), cells: map[string]map[string]lqp.Value{},
				trashed: map[string]bool{}}
			w.g = w.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "a", Type: minidb.TextColumn},
				{Name: "b", Type: minidb.TextColumn}, {Name: "c", Type: minidb.TextColumn}}})
			for range 6 {
				w.insert()
			}
			for i := range 45 {
				what := w.step()
				w.compare(fmt.Sprintf("step %d: %s", i, what))
			}
			for column := range maps.Clone(w.trashed) {
				w.bring(column)
				w.compare("at the end")
			}
		})
	}
}

// schemaWalk is a table on its way through random changes. cells are the values by row and column, those in the trash too.
type schemaWalk struct {
	*fixture
	r       *rand.Rand
	g       *table
	cells   map[string]map[string]lqp.Value
	trashed map[string]bool // columns
	names   int
}

func (w *schemaWalk) name() string {
	w.names++
	return fmt.Sprintf("column %d", w.names)
}

// value is what some casts keep and others lose.
func (w *schemaWalk) value() lqp.Value {
	return []lqp.Value{{}, text("12"), text(" 7"), text("seven"), text("2026-01-02"), text("1.50")}[w.r.IntN(6)]
}

func (w *schemaWalk) column() string { return w.g.Columns[w.r.IntN(len(w.g.Columns))].ID }

// called is the name of a column.
func (w *schemaWalk) called(column string) string {
	c, _ := w.g.Column(column)
	return c.Name
}

func (w *schemaWalk) row() string {
	return slices.Sorted(maps.Keys(w.cells))[w.r.IntN(len(w.cells))]
}

func (w *schemaWalk) insert() {
	w.Helper()
	c := w.column()
	v := w.value()
	id := w.g.add(values{w.called(c): v})[0]
	w.cells[id] = map[string]lqp.Value{c: v}
}

func (w *schemaWalk) bring(column string) {
	w.Helper()
	require.NoError(w, w.restore(column, minidb.Recovery{Name: w.name()}))
	delete(w.trashed, column)
	w.g.reload()
}

func (w *schemaWalk) step() (what string) {
	w.Helper()
	var err error
	column := w.column()
	switch w.r.IntN(11) {
	case 0:
		what = "rename"
		_, err = w.UpdateColumn(w.ctx, alice, column, minidb.ColumnPatch{Name: ptr(w.name())}, 0)
	case 1, 2:
		what = "insert"
		w.insert()
	case 3:
		what = "update"
		id, v := w.row(), w.value()
		w.g.do(w.g.update(id, 0, values{w.called(column): v}))
		w.cells[id][column] = v
	case 4:
		what = "move"
		_, err = w.UpdateColumn(w.ctx, alice, column, minidb.ColumnPatch{Position: ptr(w.r.IntN(len(w.g.Columns)))}, 0)
	case 5:
		what = "add"
		_, err = w.AddColumn(w.ctx, alice, w.g.ID, minidb.ColumnSpec{Name: w.name(), Type: minidb.TextColumn}, 0)
	case 6:
		if what = "remove"; len(w.g.Columns) > 1 {
			err = w.RemoveColumn(w.ctx, alice, column, minidb.Removal{Archive: w.r.IntN(2) == 0})
			w.trashed[column] = true
		}
	case 7:
		what = "restore"
		for column := range w.trashed {
			w.bring(column)
			break
		}
	case 8:
		what = "duplicate"
		var made *minidb.Column
		made, err = w.DuplicateColumn(w.ctx, alice, column, minidb.DuplicateColumn{Name: w.name(), Cells: true})
		if err == nil {
			for _, row := range w.cells {
				row[made.ID] = row[column]
			}
		}
	case 9:
		what = "type and back"
		to := []minidb.ColumnType{minidb.IntegerColumn, minidb.DateColumn, minidb.BooleanColumn, minidb.LongTextColumn}[w.r.IntN(4)]
		_, err = w.ChangeType(w.ctx, alice, column, minidb.Retype{Type: to, AcceptLoss: true}, 0)
		require.NoError(w, err)
		if w.r.IntN(2) == 0 {
			_, err = w.UpdateTable(w.ctx, alice, w.g.ID, minidb.TablePatch{Description: ptr(w.name())}, 0)
			require.NoError(w, err)
			_, err = w.g.revert(w.g.reload().Version - 1)
		} else {
			_, err = w.g.revert(w.g.reload().Version)
		}
	case 10:
		what = "delete the table and restore it"
		require.NoError(w, w.DeleteTable(w.ctx, alice, w.g.ID, 0))
		err = w.restore(w.g.ID, minidb.Recovery{})
	}
	require.NoError(w, err, what)
	w.g.reload()
	return what
}

func (w *schemaWalk) compare(when string) {
	w.Helper()
	stored := w.g.stored()
	require.Len(w, stored, len(w.cells), when)
	for id, row := range stored {
		for _, c := range w.g.Columns {
			require.Equal(w, w.cells[id][c.ID], row[c.Name], "%s: row %s, column %s", when, id, c.Name)
		}
	}
}
