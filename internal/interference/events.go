package interference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// event is a change of a row as it was made; before or after is nil where there is no such side.
type event struct {
	id            string
	version       int64
	before, after []lqp.Value
}

// live changes rows of one table as the owner while the principal listens, and compares what it hears, and what the history
// tells it afterwards, with what the definition lets it know.
func (a *asker) live(ctx context.Context) (diff string, err error) {
	t := a.w.tables[a.w.r.IntN(miniTables)]
	sub, err := a.as.Subscribe(ctx, t.ref.Table, nil)
	if !t.open() {
		if !errors.Is(err, livetables.ErrNotFound) {
			return fmt.Sprintf("listening to a closed table: %v", err), nil
		}
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer sub.Close()
	var events []event
	for range 1 + a.w.r.IntN(4) {
		e, err := a.event(ctx, t)
		if err != nil {
			return "", err
		}
		events = append(events, e...)
	}
	var want []string
	for _, e := range events {
		if f := frame(t, e); f != "" {
			want = append(want, f)
		}
	}
	var got []string
	for range len(want) + 1 {
		wait, cancel := context.WithTimeout(ctx, 3*time.Second)
		if len(got) == len(want) { // nothing more may come
			cancel()
			wait, cancel = context.WithTimeout(ctx, 3*time.Millisecond)
		}
		f, err := sub.Next(wait)
		cancel()
		if err != nil {
			break
		}
		got = append(got, fmt.Sprintf("%s %s %d %s %s at %d", f.Ops[0].Op, f.Ops[0].ID, f.Ops[0].Version, f.Ops[0].Actor, f.Ops[0].Set, f.Position.Offset))
	}
	for i := range want {
		want[i] += fmt.Sprintf(" at %d", i+1)
	}
	if strings.Join(want, "\n") != strings.Join(got, "\n") {
		return fmt.Sprintf("events of %s\nwant %s\ngot  %s", t.ref.Table, strings.Join(want, "\n     "), strings.Join(got, "\n     ")), nil
	}
	var told strings.Builder
	for i := len(events) - 1; i >= 0; i-- {
		told.WriteString(entry(t, events[i]))
	}
	if got := a.entries(ctx, t, livetables.HistoryFilter{From: a.w.now, Limit: 50}); got != told.String() {
		return fmt.Sprintf("history of %s\nwant %s\ngot  %s", t.ref.Table, told.String(), got), nil
	}
	return "", nil
}

// event makes one random change as the owner.
func (a *asker) event(ctx context.Context, t *table) ([]event, error) {
	made := plantest.NewTable(a.w.r, plantest.Spec{Name: "x", Rows: 1, NoEmpty: true}).Rows[0]
	made[0] = lqp.IntValue(10_000 + int64(a.w.r.IntN(80_000)))
	m := &lqp.Mutation{Op: pick(a.w, lqp.Insert, lqp.Update, lqp.Update, lqp.Update, lqp.Delete), Table: t.ref.Table, Rows: make([]lqp.RowChange, 1)}
	if a.r.taken(t, made[0]) || len(t.rows) < 2 && m.Op == lqp.Delete {
		return nil, nil
	}
	n := a.w.r.IntN(len(t.rows))
	if m.Op != lqp.Insert {
		m.Rows[0].ID = t.rows[n][:1]
	}
	for at, name := range columnNames {
		if m.Op == lqp.Insert || m.Op == lqp.Update && name != "id" && a.w.chance(25) {
			m.Rows[0].Set = append(m.Rows[0].Set, lqp.Assignment{Column: name, Value: made[at]})
		}
	}
	results, err := a.r.owner.Apply(ctx, a.r.place.workspace, m)
	if err != nil {
		return nil, err
	}
	row := results[0].Rows[0]
	if !row.Changed {
		return nil, nil
	}
	e := event{id: row.ID, version: row.Version, before: row.Before, after: row.After}
	switch m.Op {
	case lqp.Insert:
		t.rows = append(t.rows, row.After)
	case lqp.Update:
		t.rows[n] = row.After
	default:
		t.rows = append(t.rows[:n:n], t.rows[n+1:]...)
	}
	return []event{e}, nil
}

// real reports whether the principal sees a built-in column as it is.
func (t *table) real(id string) bool { a := t.access(id); return a == "" || a == rbac.ReadOnly }

// object is what the principal sees of a row as JSON, with old only what differs.
func (t *table) object(row, old []lqp.Value) (doc string, any bool) {
	shown := t.shown(row)
	var before []lqp.Value
	if old != nil {
		before = t.shown(old)
	}
	var parts []string
	for i, c := range t.columns() {
		if c.ID == minidb.ColumnID || c.ID == minidb.ColumnVersion {
			continue
		}
		if old != nil && (c.ID == minidb.ColumnUpdatedAt || c.ID == minidb.ColumnUpdatedBy || lqp.Equal(shown[i], before[i])) {
			continue
		}
		name, err := json.Marshal(c.ID)
		if err != nil {
			panic(err) // texts
		}
		parts = append(parts, string(name)+":"+string(shown[i].AppendJSON(nil)))
	}
	return "{" + strings.Join(parts, ",") + "}", len(parts) > 0
}

// sides says on which sides of a change the principal sees the row.
func (t *table) sides(e event) (before, after bool) {
	return e.before != nil && t.sees(e.before), e.after != nil && t.sees(e.after)
}

// frame is what a listener hears of a change, empty for nothing.
func frame(t *table, e event) string {
	before, after := t.sides(e)
	set, version, actor := "", e.version, ownerID
	var op string
	switch {
	case before && after:
		doc, changed := t.object(e.after, e.before)
		if !changed {
			return ""
		}
		op, set = "update", doc
	case after:
		op = "enter"
		if e.before == nil {
			op = "insert"
		}
		set, _ = t.object(e.after, nil)
	case before && e.after == nil:
		op = "delete"
	case before:
		op, version, actor = "leave", 0, ""
	default:
		return ""
	}
	if !t.real(minidb.ColumnUpdatedBy) || op == "insert" && !t.real(minidb.ColumnCreatedBy) {
		actor = ""
	}
	if !t.real(minidb.ColumnVersion) {
		version = 0
	}
	return fmt.Sprintf("%s %s %d %s %s", op, e.id, version, actor, set)
}

// entry is what the history tells of a change, empty for nothing.
func entry(t *table, e event) string {
	before, after := t.sides(e)
	if !before && !after {
		return ""
	}
	action, version, actor := "row.update", e.version, ownerID
	switch {
	case e.before == nil:
		action = "row.insert"
	case e.after == nil:
		action = "row.delete"
	case !after:
		version, actor = 0, ""
	}
	if !t.real(minidb.ColumnUpdatedBy) || action == "row.insert" && !t.real(minidb.ColumnCreatedBy) {
		actor = ""
	}
	if !t.real(minidb.ColumnVersion) {
		version = 0
	}
	was, is := "", ""
	if before {
		was, _ = t.object(e.before, nil)
	}
	if after {
		is, _ = t.object(e.after, nil)
	}
	return fmt.Sprintln(action, e.id, version, actor, was, is, "")
}
