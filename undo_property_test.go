package livetables_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// history is a random history of one table by several people, beside a model that keeps for every cell the changes that
// stand: it shares nothing with the engine's way of working them out from the log.
type history struct {
	*world
	rng   *rand.Rand
	table *minidb.Table
	cols  []string // ids
	rows  map[string]*modelRow
	undo  map[string][]*modelOp
	redo  map[string][]*modelOp
}

// modelOp is what an operation did, for the model.
type modelOp struct {
	id   string
	user string
}

type modelRow struct {
	exists bool
	cells  map[string]*modelCell // by column
	life   []lifeChange
}

type lifeChange struct {
	op string
	to bool
}

type modelCell struct {
	value   string
	changes []modelChange // that stand, the newest last
}

type modelChange struct {
	op, from string
	born     bool // the row was made: there is nothing to set it back to
}

func (h *history) access(user string) *livetables.Access {
	return map[string]*livetables.Access{"owner": h.owner, "admin": h.admin, "editor": h.editor}[user]
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 0)), rows: map[string]*modelRow{}, undo: map[string][]*modelOp{}, redo: map[string][]*modelOp{}}
	table, err := h.owner.CreateTable(t.Context(), h.base, minidb.TableSpec{Name: "Things", Columns: []minidb.ColumnSpec{
		{Name: "A", Type: minidb.TextColumn}, {Name: "B", Type: minidb.TextColumn}, {Name: "C", Type: minidb.TextColumn}}})
	require.NoError(t, err)
	h.table = table
	for _, c := range table.Columns {
		h.cols = append(h.cols, c.ID)
	}
	return h
}

// stored are the cells of all rows, as "" for NULL.
func (h *history) stored() map[string]map[string]string {
	h.t.Helper()
	rows, err := h.owner.Export(h.t.Context(), h.workspace, &lqp.Query{From: lqp.Source{Table: h.table.ID}})
	require.NoError(h.t, err)
	defer rows.Close()
	all := map[string]map[string]string{}
	for rows.Next() {
		row := map[string]string{}
		id := ""
		for i, c := range rows.Columns {
			if c.ID == minidb.ColumnID || c.Name == minidb.ColumnID {
				id = rows.Value(i).Text()
			}
			if slices.ContainsFunc(h.table.Columns, func(x minidb.Column) bool { return x.Name == c.Name }) {
				row[c.Name] = string(rows.Value(i).AppendText(nil))
			}
		}
		all[id] = row
	}
	require.NoError(h.t, rows.Err())
	return all
}

// model is what the rows should be.
func (h *history) model() map[string]map[string]string {
	all := map[string]map[string]string{}
	for id, r := range h.rows {
		if !r.exists {
			continue
		}
		row := map[string]string{}
		for i, c := range h.cols {
			row[h.table.Columns[i].Name] = r.cells[c].value
		}
		all[id] = row
	}
	return all
}

func (h *history) alive() (ids []string) {
	for id, r := range h.rows {
		if r.exists {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// newest is the operation of the last entry of the log.
func (h *history) newest(user string) string {
	list, err := h.access(user).UndoList(h.t.Context(), h.workspace, livetables.UndoScope{})
	require.NoError(h.t, err)
	require.NotEmpty(h.t, list.Undo)
	return list.Undo[0].ID
}

// edit makes a random change and notes it in the model.
func (h *history) edit(user string) {
	alive := h.alive()
	m := &lqp.Mutation{Table: h.table.ID}
	kind := h.rng.IntN(10)
	n := 1 + h.rng.IntN(3)
	value := func() lqp.Value {
		if h.rng.IntN(6) == 0 {
			return lqp.Value{}
		}
		return lqp.TextValue(strconv.Itoa(h.rng.IntN(5)))
	}
	switch {
	case kind < 2 || len(alive) < 3:
		m.Op = lqp.Insert
		for range n {
			c := lqp.RowChange{}
			for _, col := range h.cols {
				c.Set = append(c.Set, lqp.Assignment{Column: col, Value: value()})
			}
			m.Rows = append(m.Rows, c)
		}
	case kind < 3:
		m.Op = lqp.Delete
		h.rng.Shuffle(len(alive), func(i, j int) { alive[i], alive[j] = alive[j], alive[i] })
		for _, id := range alive[:min(n, len(alive))] {
			m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{lqp.TextValue(id)}})
		}
	default:
		m.Op = lqp.Update
		h.rng.Shuffle(len(alive), func(i, j int) { alive[i], alive[j] = alive[j], alive[i] })
		for _, id := range alive[:min(n, len(alive))] {
			c := lqp.RowChange{ID: []lqp.Value{lqp.TextValue(id)}}
			for _, col := range h.cols[:1+h.rng.IntN(3)] {
				c.Set = append(c.Set, lqp.Assignment{Column: col, Value: value()})
			}
			m.Rows = append(m.Rows, c)
		}
	}
	results, err := h.access(user).Apply(h.t.Context(), h.workspace, m)
	require.NoError(h.t, err)
	if results[0].Affected == 0 {
		return
	}
	op := &modelOp{id: h.newest(user), user: user}
	for i, r := range results[0].Rows {
		if !r.Changed {
			continue
		}
		row := h.rows[r.ID]
		switch m.Op {
		case lqp.Insert:
			row = &modelRow{exists: true, cells: map[string]*modelCell{}, life: []lifeChange{{op.id, true}}}
			for _, s := range m.Rows[i].Set {
				row.cells[s.Column] = &modelCell{value: string(s.Value.AppendText(nil)), changes: []modelChange{{op: op.id, born: true}}}
			}
			h.rows[r.ID] = row
		case lqp.Delete:
			row.exists = false
			row.life = append(row.life, lifeChange{op.id, false})
		default:
			for _, s := range m.Rows[i].Set {
				c, to := row.cells[s.Column], string(s.Value.AppendText(nil))
				if c.value != to {
					c.changes = append(c.changes, modelChange{op: op.id, from: c.value})
					c.value = to
				}
			}
		}
	}
	h.undo[user], h.redo[user] = append(h.undo[user], op), nil
}

// undoModel takes an operation back in the model: cells and rows that rest on it, and nothing else. What the undo itself did
// takes the operation's changes away, so that those below stand on top again. The cells it changed are answered.
func (h *history) undoModel(op string) (changed map[string]string) {
	changed = map[string]string{}
	for id, r := range h.rows {
		last := len(r.life) - 1
		if last >= 0 && r.life[last].op == op {
			if r.life[last].to { // it made the row
				for _, c := range r.cells {
					if n := len(c.changes); n > 0 && c.changes[n-1].op != op {
						goto cells // somebody has changed it since
					}
				}
			}
			r.exists = !r.life[last].to
			changed[id] = strconv.FormatBool(r.exists)
			r.life = r.life[:last]
			if !r.exists {
				continue
			}
		}
	cells:
		if !r.exists {
			continue
		}
		for name, c := range r.cells {
			n := len(c.changes) - 1
			if n < 0 || c.changes[n].op != op || c.changes[n].born {
				continue
			}
			if c.value != c.changes[n].from {
				changed[id+"."+name] = c.changes[n].from
			}
			c.value = c.changes[n].from
			c.changes = c.changes[:n]
		}
	}
	return changed
}

// TestUndoIsAProperty makes random histories of edits by three people and undoes at random. After each step the table is what
// the model says: an undo changes what still rests on the operation and nothing else. An undo and its redo leave the cells as
// they were, also with restarts in between. LIVETABLES_UNDO_RUNS is how many histories, the seeds of which follow each other.
func TestUndoIsAProperty(t *testing.T) {
	runs := 3
	if n, err := strconv.Atoi(os.Getenv("LIVETABLES_UNDO_RUNS")); err == nil {
		runs = n
	}
	base := testseed.Of(t)
	users := []string{"owner", "admin", "editor"}
	for run := range runs {
		seed := base + uint64(run)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			h := newHistory(t, seed)
			ctx := t.Context()
			for step := range 60 {
				user := users[h.rng.IntN(len(users))]
				if step%25 == 24 {
					h.close()
					h.open()
				}
				if h.rng.IntN(3) > 0 {
					h.edit(user)
				} else {
					h.undoOnce(user)
				}
				require.Equal(t, h.model(), h.stored(), "seed %d, step %d", seed, step)
			}
			// Everything of one person, and back: the identity on cells.
			user := users[h.rng.IntN(len(users))]
			before := h.stored()
			lists, err := h.access(user).UndoList(ctx, h.workspace, livetables.UndoScope{})
			require.NoError(t, err)
			depth := 0
			for {
				_, err := h.access(user).Undo(ctx, h.workspace, livetables.UndoOptions{})
				if errors.Is(err, livetables.ErrNothingToUndo) {
					break
				}
				require.NoError(t, err)
				depth++
				if depth == 2 {
					h.close()
					h.open()
				}
			}
			for range depth {
				_, err := h.access(user).Redo(ctx, h.workspace, livetables.UndoOptions{})
				require.NoError(t, err)
			}
			require.Equal(t, before, h.stored(), "seed %d: undo and redo of %d operations of %s", seed, depth, user)
			after, err := h.access(user).UndoList(ctx, h.workspace, livetables.UndoScope{})
			require.NoError(t, err)
			require.Len(t, after.Undo, len(lists.Undo))
			require.Len(t, after.Redo, len(lists.Redo), "what could be redone before still can")
		})
	}
}

// undoOnce undoes somebody's latest operation, sometimes redoes it at once, and holds both against the model.
func (h *history) undoOnce(user string) {
	t, ctx := h.t, h.t.Context()
	list := h.undo[user]
	before := h.stored()
	preview, err := h.access(user).Undo(ctx, h.workspace, livetables.UndoOptions{RevertOptions: livetables.RevertOptions{DryRun: true}})
	if len(list) == 0 {
		require.ErrorIs(t, err, livetables.ErrNothingToUndo)
		return
	}
	require.NoError(t, err)
	require.Equal(t, before, h.stored(), "a preview changes nothing")
	op := list[len(list)-1]
	require.Equal(t, op.id, preview.Target)
	report, err := h.access(user).Undo(ctx, h.workspace, livetables.UndoOptions{Operation: op.id})
	require.NoError(t, err)
	require.Equal(t, preview.Affected, report.Affected)
	if h.rng.IntN(3) == 0 { // an undo and its redo are nothing
		redone, err := h.access(user).Redo(ctx, h.workspace, livetables.UndoOptions{})
		require.NoError(t, err)
		require.Equal(t, report.Affected, redone.Affected)
		require.Equal(t, before, h.stored())
		h.rename(op.id, h.newest(user), report)
		op.id = h.newest(user)
		return
	}
	h.undo[user] = list[:len(list)-1]
	was := maps.Clone(h.undoModel(op.id))
	for _, r := range report.Rows {
		if r.Op != "" {
			continue
		}
		require.True(t, len(r.Conflicts) > 0 || r.Conflict != nil, "a row that was left alone has a conflict")
	}
	if len(was) == 0 {
		require.Zero(t, report.Affected)
	}
}

// rename lets what an operation did rest on its redo: as far as the undo before had taken it back, which it had not where
// somebody else's changes lie above.
func (h *history) rename(from, to string, undone *livetables.RevertReport) {
	for _, done := range undone.Rows {
		if done.Op == "" {
			continue
		}
		r := h.rows[done.ID]
		if n := len(r.life); n > 0 && r.life[n-1].op == from && done.Op != lqp.Update {
			r.life[n-1].op = to
		}
		for _, c := range r.cells {
			if n := len(c.changes); n > 0 && c.changes[n-1].op == from {
				c.changes[n-1].op = to
			}
		}
	}
}
