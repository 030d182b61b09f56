package livetables_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// busy is a random history of two linked tables by three people: edits, links from both sides, moves, deletions, choices that are
// renamed, columns in the trash and back, types that change. Beside it stands who changed each cell that is on top: whatever an
// undo changes must be its user's.
type busy struct {
	*world
	rng     *rand.Rand
	jobs    *minidb.Table
	people  *minidb.Table
	choices []string
	writers map[string][]string // by cell, the newest last
}

// byDefinition stands for the changes of definitions among the writers of cells: they are not undone with rows.
const byDefinition = "a definition"

var busyUsers = []string{"owner", "admin", "editor"}

func newBusy(w *world, seed uint64) *busy {
	b := &busy{world: w, rng: rand.New(rand.NewPCG(seed, 0)), choices: []string{"c0", "c1", "c2"}, writers: map[string][]string{}}
	b.people = b.table("People", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	b.jobs = b.table("Jobs", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Size", Type: minidb.IntegerColumn},
		minidb.ColumnSpec{Name: "Note", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "State", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "c0"}, {Name: "c1"}, {Name: "c2"}}}},
		minidb.ColumnSpec{Name: "Who", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: b.people.ID}}, Inverse: &minidb.InverseSpec{Name: "Jobs"}})
	return b
}

func (b *busy) access(user string) *livetables.Access {
	return map[string]*livetables.Access{"owner": b.owner, "admin": b.admin, "editor": b.editor}[user]
}

// state are the cells of both tables by row and column, links in the order of their ids, and that a row exists. Manual order is one
// more cell for each table.
func (b *busy) state() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for _, t := range []*minidb.Table{b.jobs, b.people} {
		rows, err := b.owner.Export(b.t.Context(), b.workspace, &lqp.Query{From: lqp.Source{Table: t.ID}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", livetables.ManualOrder)}}})
		require.NoError(b.t, err)
		var order []string
		for rows.Next() {
			id := ""
			for i, c := range rows.Columns {
				if c.Name == minidb.ColumnID {
					id = rows.Value(i).Text()
				}
			}
			order = append(order, id)
			out[id] = "is there"
			for i, c := range rows.Columns {
				if strings.HasPrefix(c.Name, "_") {
					continue
				}
				v := rows.Value(i)
				text := v.String()
				if v.Kind() == lqp.List {
					var ids []string
					for _, x := range v.Items() {
						ids = append(ids, x.Text())
					}
					slices.Sort(ids)
					text = strings.Join(ids, ",")
				}
				out[id+"."+c.ID] = text
			}
		}
		require.NoError(b.t, rows.Err())
		rows.Close()
		out["order of "+t.ID] = strings.Join(order, ",")
	}
	return out
}

// changed are the cells that differ, of rows that are there before and after; a row that came or went is one cell.
func changedIn(before, after map[string]string) (cells []string) {
	for _, pair := range [][2]map[string]string{{before, after}, {after, before}} {
		for cell, v := range pair[0] {
			w, ok := pair[1][cell]
			row, column, isCell := strings.Cut(cell, ".")
			_, stays := pair[1][row]
			switch {
			case strings.HasPrefix(cell, "order of"), ok && v == w, isCell && (!stays || !ok && column != ""):
				continue
			}
			if !slices.Contains(cells, cell) {
				cells = append(cells, cell)
			}
		}
	}
	return cells
}

func (b *busy) ids(t *minidb.Table) (ids []string) {
	rows, err := b.owner.Query(b.t.Context(), b.workspace, &lqp.Query{From: lqp.Source{Table: t.ID, Alias: "t"}, Select: cols(b.t, "_id"), OrderBy: order(b.t, "_id")})
	return all(b.t, rows, err)
}

func (b *busy) some(from []string, most int) lqp.Value {
	var ids []lqp.Value
	for _, k := range b.rng.Perm(len(from))[:min(len(from), b.rng.IntN(most+1))] {
		ids = append(ids, lqp.TextValue(from[k]))
	}
	if len(ids) == 0 {
		return lqp.Value{}
	}
	return lqp.ListValue(ids)
}

// set are random values of the columns that a table has now.
func (b *busy) values(t *minidb.Table, others []string) (set []lqp.Assignment) {
	for i := range t.Columns {
		c := &t.Columns[i]
		var v lqp.Value
		switch {
		case b.rng.IntN(3) > 0:
			continue
		case c.Type == minidb.LinkColumn:
			v = b.some(others, 3)
		case c.Type == minidb.IntegerColumn:
			v = lqp.IntValue(b.rng.Int64N(4))
		case c.Type == minidb.SingleSelectColumn:
			v = lqp.TextValue(b.choices[b.rng.IntN(len(b.choices))])
		default:
			v = lqp.TextValue(strconv.Itoa(b.rng.IntN(4)))
		}
		set = append(set, lqp.Assignment{Column: c.ID, Value: v})
	}
	return set
}

// edit is a random change of rows.
func (b *busy) edit(user string) {
	ctx, a := b.t.Context(), b.access(user)
	t, other := b.reload(b.jobs), b.reload(b.people)
	if b.rng.IntN(3) == 0 {
		t, other = other, t
	}
	ids, others := b.ids(t), b.ids(other)
	m := &lqp.Mutation{Table: t.ID}
	switch k := b.rng.IntN(10); {
	case k < 3 || len(ids) < 3:
		m.Op = lqp.Insert
		for range 1 + b.rng.IntN(3) {
			m.Rows = append(m.Rows, lqp.RowChange{Set: b.values(t, others)})
		}
	case k < 4:
		m.Op = lqp.Delete
		m.Rows = []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[b.rng.IntN(len(ids))])}}}
	case k < 6:
		p := b.rng.Perm(len(ids))
		_, err := a.MoveRows(ctx, t.ID, livetables.RowMove{Rows: []string{ids[p[0]]}, After: ids[p[1]]})
		require.NoError(b.t, err)
		return
	default:
		m.Op = lqp.Update
		for _, k := range b.rng.Perm(len(ids))[:1+b.rng.IntN(2)] {
			m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{lqp.TextValue(ids[k])}, Set: b.values(t, others)})
		}
	}
	_, err := a.Apply(ctx, b.workspace, m)
	require.NoError(b.t, err)
}

// define is a random change of the definition by the owner.
func (b *busy) define() {
	ctx, t := b.t.Context(), b.reload(b.jobs)
	switch b.rng.IntN(4) {
	case 0:
		i := slices.IndexFunc(t.Columns, func(c minidb.Column) bool { return c.Name == "State" })
		if i < 0 {
			return
		}
		k := b.rng.IntN(len(b.choices))
		to := fmt.Sprint("n", b.rng.Uint32())
		b.rename(t, "State", b.choices[k], to)
		b.choices[k] = to
	case 1:
		if len(t.Columns) < 3 {
			return
		}
		c := t.Columns[b.rng.IntN(len(t.Columns))]
		require.NoError(b.t, b.owner.RemoveColumn(ctx, c.ID, minidb.Removal{Force: true}))
	case 2:
		list, err := b.owner.Trash(ctx, b.workspace)
		require.NoError(b.t, err)
		if len(list) > 0 {
			_, err = b.owner.RestoreTrashed(ctx, list[b.rng.IntN(len(list))].ID, minidb.Recovery{})
			require.NoError(b.t, err)
		}
	case 3:
		if i := slices.IndexFunc(t.Columns, func(c minidb.Column) bool { return c.Name == "Size" }); i >= 0 {
			to := minidb.TextColumn
			if t.Columns[i].Type == minidb.TextColumn {
				to = minidb.IntegerColumn
			}
			_, err := b.owner.ChangeType(ctx, t.Columns[i].ID, livetables.TypeChange{Type: to, AcceptLoss: true}, 0)
			require.NoError(b.t, err)
		}
	}
}

// noted lets a step happen and notes whose the cells are that it changed.
func (b *busy) noted(user string, step func()) {
	before := b.state()
	step()
	for _, cell := range changedIn(before, b.state()) {
		if user == byDefinition && strings.HasSuffix(cell, ".State") {
			continue // a choice that is called something else is the same choice
		}
		b.writers[cell] = append(b.writers[cell], user)
	}
}

// undo undoes the latest operation of somebody, holds what it changed against whose that was, redoes it, and undoes it again.
func (b *busy) undo(user string) {
	t, ctx := b.t, b.t.Context()
	before := b.state()
	report, err := b.access(user).Undo(ctx, b.workspace, livetables.UndoOptions{})
	if errors.Is(err, livetables.ErrNothingToUndo) || errors.Is(err, minidb.ErrSchemaOperation) {
		return
	}
	require.NoError(t, err)
	after := b.state()
	for _, cell := range changedIn(before, after) {
		w := b.writers[cell]
		if _, column, _ := strings.Cut(cell, "."); column == "Jobs" || column == "Who" {
			continue // a link goes with either of its rows, whoever wrote the others of the cell
		}
		require.True(t, len(w) > 0 && w[len(w)-1] == user, "%s of %v is changed by an undo of %s: %q, %q", cell, w, user, before[cell], after[cell])
	}
	whole := !slices.ContainsFunc(report.Rows, func(r livetables.RevertedRow) bool { return len(r.Lost)+len(r.Refused) > 0 })
	if _, err = b.access(user).Redo(ctx, b.workspace, livetables.UndoOptions{}); err != nil {
		require.NoError(t, err)
	}
	if again := b.state(); whole {
		require.Equal(t, before, again, "undo and redo of %s", report.Target)
	}
	if b.rng.IntN(2) == 0 {
		return
	}
	before = b.state()
	_, err = b.access(user).Undo(ctx, b.workspace, livetables.UndoOptions{})
	require.NoError(t, err)
	for _, cell := range changedIn(before, b.state()) {
		if w := b.writers[cell]; len(w) > 0 {
			b.writers[cell] = w[:len(w)-1]
		}
	}
}

// TestUndoInABusyWorld: undoing one person's work changes only cells that are still theirs, and undo and redo are the identity, in
// random histories of two linked tables whose definitions change. LIVETABLES_UNDO_RUNS is how many, the seeds of
// which follow each other.
func TestUndoInABusyWorld(t *testing.T) {
	runs := 1
	if n, err := strconv.Atoi(os.Getenv("LIVETABLES_UNDO_RUNS")); err == nil {
		runs = n
	}
	base := testseed.Of(t)
	for run := range runs {
		seed := base + uint64(run)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			b := newBusy(newWorld(t), seed)
			for range 40 {
				user := busyUsers[b.rng.IntN(len(busyUsers))]
				switch k := b.rng.IntN(10); {
				case k < 6:
					b.noted(user, func() { b.edit(user) })
				case k < 7:
					b.noted(byDefinition, b.define)
				default:
					b.undo(user)
				}
			}
		})
	}
}
