package minidb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// groupWorld has two tables of one kind: what is done to one in groups is done to the other one by one.
type groupWorld struct {
	*testing.T
	db     *DB
	ctx    context.Context
	tables [2]*Table // in groups, alone
	rng    *rand.Rand
	ids    []string // of rows that were made or could be
}

func newGroupWorld(t *testing.T, seed uint64) *groupWorld {
	w := &groupWorld{T: t, ctx: t.Context(), rng: rand.New(rand.NewPCG(seed, 48))}
	var err error
	w.db, err = Open(w.ctx, storetest.New(t).Open(t), Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.db.Close()) })
	ws, err := w.db.CreateWorkspace(w.ctx, Actor{ID: "usr_a"}, "W")
	require.NoError(t, err)
	base, err := w.db.CreateBase(w.ctx, Actor{}, ws.ID, BaseSpec{Name: "B"})
	require.NoError(t, err)
	for i, name := range []string{"Together", "Alone"} {
		made, err := w.db.CreateTable(w.ctx, Actor{}, base.ID, TableSpec{Name: name, Columns: []ColumnSpec{
			{Name: "Name", Type: TextColumn, Required: true}, {Name: "Code", Type: IntegerColumn, Unique: true},
			{Name: "Tags", Type: MultiSelectColumn, Options: ColumnOptions{Choices: []Choice{{Name: "x"}, {Name: "y"}}}},
			{Name: "Price", Type: DecimalColumn, Options: ColumnOptions{Scale: 2}}}})
		require.NoError(t, err)
		s, err := w.db.Snapshot(w.ctx, ws.ID)
		require.NoError(t, err)
		w.tables[i], _ = s.Table(made.ID)
	}
	for range 30 {
		w.ids = append(w.ids, NewID(prefixRow))
	}
	return w
}

// change is a random call, made for both tables alike.
func (w *groupWorld) change() (pair [2][]Write) {
	for range 1 + w.rng.IntN(8)/7 {
		op := []lqp.Op{lqp.Insert, lqp.Insert, lqp.Update, lqp.Update, lqp.Update, lqp.Delete, lqp.Upsert}[w.rng.IntN(7)]
		n := 1 + w.rng.IntN(6)/5*w.rng.IntN(3)
		guard := Guard{RequireVersion: w.rng.IntN(20) == 0}
		partial := w.rng.IntN(12) == 0
		var rows []lqp.RowChange
		var cells [][]func(t *Table) lqp.Assignment
		for range n {
			r := lqp.RowChange{ID: []lqp.Value{lqp.TextValue(w.ids[w.rng.IntN(len(w.ids))])}}
			if op != lqp.Insert {
				r.Version = w.rng.Int64N(2) * w.rng.Int64N(5)
				r.Merge = r.Version > 0 && w.rng.IntN(4) == 0
			} else if w.rng.IntN(3) > 0 {
				id := NewID(prefixRow)
				w.ids[w.rng.IntN(len(w.ids))] = id
				r.ID = []lqp.Value{lqp.TextValue(id)}
			}
			var set []func(t *Table) lqp.Assignment
			cell := func(column int, v lqp.Value) {
				set = append(set, func(t *Table) lqp.Assignment { return lqp.Assignment{Column: t.Columns[column].ID, Value: v} })
			}
			if op != lqp.Delete {
				if w.rng.IntN(30) > 0 {
					cell(0, lqp.TextValue(fmt.Sprintf("n%d", w.rng.IntN(5))))
				}
				if w.rng.IntN(3) == 0 {
					cell(1, lqp.IntValue(w.rng.Int64N(25)))
				}
				if w.rng.IntN(4) == 0 {
					x, y := "x", "y"
					tags := []string{x, y}[w.rng.IntN(2):]
					set = append(set, func(t *Table) lqp.Assignment {
						var list []lqp.Value
						for _, c := range t.Columns[2].Options.Choices {
							if slices.Contains(tags, c.Name) {
								list = append(list, lqp.TextValue(c.ID))
							}
						}
						return lqp.Assignment{Column: t.Columns[2].ID, Value: lqp.ListValue(list)}
					})
				}
				if w.rng.IntN(25) == 0 {
					cell(3, lqp.TextValue("no number"))
				}
			}
			rows, cells = append(rows, r), append(cells, set)
		}
		for k, t := range w.tables {
			m := &lqp.Mutation{Op: op, Table: t.ID, Partial: partial, Rows: slices.Clone(rows)}
			for i := range m.Rows {
				for _, f := range cells[i] {
					m.Rows[i].Set = append(m.Rows[i].Set, f(t))
				}
			}
			pair[k] = append(pair[k], Write{Table: t, Mutation: m, Guard: guard})
		}
	}
	return pair
}

// told is the outcome of a call in words that are the same for both tables.
func (w *groupWorld) told(t *Table, results []Result, err error) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%d of %d:", r.Affected, len(r.Rows))
		for _, row := range r.Rows {
			fmt.Fprintf(&b, " %s %s v%d %v %v %s>%s %v", row.ID, row.Op, row.Version, row.Changed, row.Merged,
				w.cells(t, row.Before), w.cells(t, row.After), row.Err)
		}
	}
	var c *ConflictError
	if errors.As(err, &c) {
		fmt.Fprintf(&b, " conflict %s %d %d %s %v", c.Reason, c.Expected, c.Current, w.cells(t, c.Values), c.Deleted != nil)
	}
	var v *ValidationError
	if errors.As(err, &v) {
		fmt.Fprintf(&b, " %d faults", len(v.Fields))
	}
	fmt.Fprintf(&b, " %v", err)
	return w.neutral(t, b.String())
}

// cells are the values of a row but for its times.
func (w *groupWorld) cells(t *Table, row []lqp.Value) string {
	if row == nil {
		return "-"
	}
	doc := []byte{}
	for i := range t.Columns {
		doc = append(row[t.layout.user[i]].AppendJSON(doc), ' ')
	}
	return string(row[t.layout.version()].AppendJSON(append(doc, "by "+row[t.layout.updatedBy()].Text()...)))
}

// neutral takes the ids of the table, its columns and choices out of a text.
func (w *groupWorld) neutral(t *Table, text string) string {
	text = strings.ReplaceAll(text, t.ID, "table")
	for i := range t.Columns {
		text = strings.ReplaceAll(text, t.Columns[i].ID, t.Columns[i].Name)
		for _, c := range t.Columns[i].Options.Choices {
			text = strings.ReplaceAll(text, c.ID, c.Name)
		}
	}
	return text
}

// history is what the log has of a table.
func (w *groupWorld) history(t *Table) (list []string) {
	entries, err := w.db.TableChanges(w.ctx, t.ID, 0, 0)
	require.NoError(w, err)
	batches := map[string]int{}
	for i := range entries {
		e := &entries[i]
		require.EqualValues(w, i+1, e.Offset)
		if e.ResourceType != "row" {
			continue
		}
		batch := 0 // the same for entries of one call
		if e.Batch != "" {
			if batches[e.Batch] == 0 {
				batches[e.Batch] = len(batches) + 1
			}
			batch = batches[e.Batch]
		}
		line := fmt.Sprintf("%s %s v%d %s %s %d", e.Action, e.Resource, e.Version, e.Actor, e.Request, batch)
		for _, doc := range []json.RawMessage{e.Before, e.After} {
			row, err := t.Row(doc)
			require.NoError(w, err)
			line += " " + w.cells(t, row)
		}
		list = append(list, w.neutral(t, line))
	}
	return list
}

// operations are the recorded operations of a table.
func (w *groupWorld) operations(t *Table) (list []string) {
	require.NoError(w, w.db.read(w.ctx, "operations", func(s session) error {
		found, err := all(s, scanOperation, `SELECT `+operationColumns+` FROM lt_operation WHERE tables = ? ORDER BY first_position`, argText(t.ID))
		for _, o := range found {
			list = append(list, fmt.Sprint(o.Actor, o.Kind, o.Changes, o.last-o.first))
		}
		return err
	}))
	return list
}

// TestGroupIsOneByOne carries out random calls in groups, and the same ones by themselves in the same order, on tables of one
// kind. Outcomes, rows, log and operations must be the same: who is refused gets the same answer and changes nothing, and
// disturbs nobody else.
func TestGroupIsOneByOne(t *testing.T) {
	w := newGroupWorld(t, testseed.Of(t))
	var refused, together int
	for round := range 60 {
		n := 1 + w.rng.IntN(16)
		calls, alone := make([]*groupCall, 0, n), make([][]*rowPlan, 0, n)
		for range n {
			pair := w.change()
			var plans [2][]*rowPlan
			for k := range pair {
				for i := range pair[k] {
					p, err := w.db.planRows(&pair[k][i], i)
					require.NoError(t, err)
					plans[k] = append(plans[k], p)
				}
			}
			actor := Actor{ID: fmt.Sprintf("usr_%d", w.rng.IntN(3)), Request: NewID("req")}
			calls = append(calls, &groupCall{ctx: w.ctx, actor: actor, plans: plans[0], done: make(chan struct{})})
			alone = append(alone, plans[1])
		}
		// What cannot be in a group, or turns out not to be, comes after the group, in order.
		member := make([]*groupCall, 0, n)
		for _, c := range calls {
			if c.alone = !w.db.groups.takes(c.actor, c.plans); !c.alone {
				member = append(member, c)
			}
		}
		if len(member) > 0 {
			w.db.groups.execute(member)
		}
		for _, left := range []bool{false, true} {
			for i, c := range calls {
				if c.alone != left {
					continue
				}
				if c.alone {
					c.results, c.err = w.db.applyAlone(w.ctx, c.actor, c.plans, false)
				} else if together++; c.err != nil {
					refused++
				}
				r, err := w.db.applyAlone(w.ctx, c.actor, alone[i], false)
				require.Equal(t, w.told(w.tables[1], r, strip(err)), w.told(w.tables[0], c.results, strip(c.err)), "round %d", round)
			}
		}
		require.Equal(t, w.history(w.tables[1]), w.history(w.tables[0]), "round %d", round)
		require.Equal(t, w.operations(w.tables[1]), w.operations(w.tables[0]), "round %d", round)
	}
	t.Logf("%d calls in groups, %d of them refused", together, refused)
	require.Greater(t, together, 200)
	require.Greater(t, refused, 100)
	require.Greater(t, together-refused, 100)
}

// strip is an error without the name of what failed.
func strip(err error) error {
	if rest, ok := err.(interface{ Unwrap() error }); ok && strings.HasPrefix(err.Error(), "apply: ") {
		return rest.Unwrap()
	}
	return err
}
