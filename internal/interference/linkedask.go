package interference

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// linkedColumns are those of both tables that somebody may ask for: also those that are not in the one asked.
var linkedColumns = []string{"t", "n", "s", "part", "prev", "names", "secrets", "total", "most", "many", "some", "before", "loud", "plain", "joined", "mixed", "lines", "uses", "used", "twice"}

// linkedAsker makes up questions in a linked world. What a row's version, its last change and their like tell is that there
// was a change, which everybody who sees the row may know: they are left out of the answers.
type linkedAsker struct {
	w      *linkedWorld
	as     *livetables.Access
	loaded time.Time // between the load and the changes
}

func (a *linkedAsker) question() question {
	table := pick(a.w.world, parts, lines, lines)
	switch n := a.w.world.r.IntN(100); {
	case n < 45:
		return a.query(table, false)
	case n < 55:
		return a.query(table, true)
	case n < 62:
		return a.listing(table)
	case n < 72:
		return a.past(table)
	case n < 78:
		return a.export(table)
	}
	return a.write(table)
}

// open are the columns of a table that the principal is told of, without those that tell of changes.
func (a *linkedAsker) open(ctx context.Context, table string) (names []string, err error) {
	t, err := a.as.Table(ctx, a.w.r.linked[table].ID)
	if err != nil {
		return nil, err
	}
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names, nil
}

// some is a condition, an order or a computed column over any column.
func (a *linkedAsker) condition() lqp.Expr {
	c := lqp.Ref("", pick(a.w.world, linkedColumns...))
	return pick(a.w.world, call("is_not_null", c), call("is_blank", c), call("gt", c, number(1)), call("contains", c, text("a")), call("gt", call("counta", c), number(1)), call("has", c, text("a")),
		call("eq", c, text("X")), call("gt", call("array_join", c, text(",")), text("b")))
}

func (a *linkedAsker) plan(table string) *lqp.Query {
	q := &lqp.Query{From: lqp.Source{Table: a.w.r.linked[table].ID, Alias: "a"}}
	if a.w.chance(45) {
		q.Where = a.condition()
	}
	if a.w.chance(30) {
		q.OrderBy = []lqp.Order{{Expr: lqp.Ref("", pick(a.w.world, linkedColumns...)), Desc: a.w.chance(50)}}
	}
	if a.w.chance(15) {
		q.GroupBy = []lqp.Named{{Name: "g", Expr: lqp.Ref("", pick(a.w.world, linkedColumns...))}}
		q.Aggregates = []lqp.Aggregate{{Name: "many", Func: "countall"}, {Name: "most", Func: "max", Arg: lqp.Ref("", pick(a.w.world, "t", "n", "total", "most", "loud", "many"))}}
		q.OrderBy = nil
	} else if a.w.chance(30) {
		other := parts
		if table == parts {
			other = lines
		}
		q.Joins = []lqp.Join{{Kind: pick(a.w.world, lqp.Inner, lqp.Left), Source: lqp.Source{Table: a.w.r.linked[other].ID, Alias: "b"}, On: call("has", lqp.Ref("a", pick(a.w.world, "part", "lines", "names")), lqp.Ref("b", pick(a.w.world, "_id", "t")))}}
		q.Select = []lqp.Named{{Name: "x", Expr: lqp.Ref("a", pick(a.w.world, linkedColumns...))}, {Name: "y", Expr: lqp.Ref("b", pick(a.w.world, linkedColumns...))}}
		q.Where, q.OrderBy = nil, nil
	}
	if a.w.chance(40) {
		q.Count = lqp.CountExact
	}
	return q
}

// query asks for all columns in sight, or what the plan names.
func (a *linkedAsker) query(table string, then bool) question {
	q := a.plan(table)
	if then {
		q.Joins, q.Select, q.GroupBy, q.Aggregates = nil, nil, nil, nil
	}
	return question{kind: "linked query", about: fmt.Sprint(lqp.Format(q), then), ask: func(ctx context.Context) string {
		q := *q
		if q.Select == nil && q.GroupBy == nil {
			names, err := a.open(ctx, table)
			if err != nil {
				return failure(err)
			}
			for _, name := range append(names, "_id", "_created_by") {
				q.Select = append(q.Select, lqp.Named{Name: name, Expr: lqp.Ref("a", name)})
			}
		}
		asker := &asker{r: a.w.r, w: a.w.world, as: a.as}
		if then {
			answer, _ := asker.page(a.as.QueryAsOf(ctx, a.w.r.place.workspace, &q, livetables.AsOf{Time: a.loaded}))
			return answer
		}
		answer, _ := asker.page(a.as.Query(ctx, a.w.r.place.workspace, &q))
		return answer
	}}
}

func (a *linkedAsker) export(table string) question {
	q := a.plan(table)
	return question{kind: "linked export", about: lqp.Format(q), ask: func(ctx context.Context) string {
		q := *q
		if q.Select == nil && q.GroupBy == nil {
			names, err := a.open(ctx, table)
			if err != nil {
				return failure(err)
			}
			for _, name := range names {
				q.Select = append(q.Select, lqp.Named{Name: name, Expr: lqp.Ref("a", name)})
			}
		}
		rows, err := a.as.Export(ctx, a.w.r.place.workspace, &q)
		if err != nil {
			return failure(err)
		}
		defer rows.Close()
		var b strings.Builder
		n, err := livetables.WriteRows(&b, rows, livetables.FormatNDJSON)
		return fmt.Sprint(b.String(), n, err)
	}}
}

// listing asks for columns, what a change of them would touch, what is called how, and the trash.
func (a *linkedAsker) listing(table string) question {
	id, column := a.w.r.linked[table].ID, a.w.r.linkedColumn(table, pick(a.w.world, "t", "s", "n"))
	var rows []string
	for _, row := range a.w.rows[parts] {
		rows = append(rows, row.id)
	}
	return question{kind: "linked listing", about: table, ask: func(ctx context.Context) string {
		var b strings.Builder
		add := func(v any, err error) {
			if err != nil {
				b.WriteString(failure(err))
				return
			}
			b.WriteString(document(v) + "\n")
		}
		t, err := a.as.Table(ctx, id)
		add(t, err)
		impact, err := a.as.Impact(ctx, column, livetables.ImpactDelete)
		add(impact, err)
		labels, err := a.as.Labels(ctx, a.w.r.linked[parts].ID, rows)
		add(nil, err)
		for _, row := range rows {
			if v, ok := labels[row]; ok {
				b.WriteString(row + v.String())
			}
		}
		deleted, err := a.as.DeletedRows(ctx, id, "", 10)
		add(nil, err)
		if err == nil {
			for _, row := range deleted.Rows {
				fmt.Fprintln(&b, row.ID, row.By)
			}
		}
		trash, err := a.as.Trash(ctx, a.w.r.place.workspace)
		add(trash, err)
		return b.String()
	}}
}

// past asks what happened before the changes, and how a row differs from what it was.
func (a *linkedAsker) past(table string) question {
	id := a.w.r.linked[table].ID
	row := pick(a.w.world, a.w.rows[table]...).id
	kind := a.w.world.r.IntN(3)
	return question{kind: "linked past", about: fmt.Sprint(table, row, kind), ask: func(ctx context.Context) string {
		f := livetables.HistoryFilter{From: a.w.now, To: a.loaded, Limit: 100}
		if kind == 0 {
			diff, err := a.as.RowDiff(ctx, id, row, minidb.RowMoment{Version: 1}, minidb.RowMoment{})
			if err != nil {
				return failure(err)
			}
			var b strings.Builder
			fmt.Fprint(&b, diff.Before, diff.After)
			for _, c := range diff.Cells {
				if !strings.HasPrefix(c.Column.ID, "_") {
					fmt.Fprint(&b, c.Column.Name, c.From, c.To)
				}
			}
			return b.String()
		}
		list, err := a.as.TableHistory(ctx, id, f)
		if kind == 2 {
			list, err = a.as.RowHistory(ctx, id, row, f)
		}
		if err != nil {
			return failure(err)
		}
		var b strings.Builder
		for _, e := range list {
			fmt.Fprintln(&b, e.Action, e.Resource, e.Version, e.Actor, string(e.Before), string(e.After), e.Reason)
		}
		return b.String()
	}}
}

// write tries changes without making them: links to rows in sight, out of sight and nowhere, rows found by conditions, and
// what the principal did last.
func (a *linkedAsker) write(table string) question {
	if a.w.chance(20) {
		return a.undo()
	}
	m := &lqp.Mutation{Table: a.w.r.linked[table].ID, DryRun: true, Op: pick(a.w.world, lqp.Insert, lqp.Update, lqp.Update, lqp.Delete)}
	made := a.w.make(table)
	if a.w.chance(10) {
		made.part = []string{"row_00000000000000000000000000"}
	}
	set := made.set(table)
	var change lqp.RowChange
	for _, i := range a.w.world.r.Perm(len(set))[:1+a.w.world.r.IntN(2)] {
		change.Set = append(change.Set, set[i])
	}
	switch {
	case m.Op == lqp.Insert:
	case a.w.chance(40):
		m.Where = a.condition()
	default:
		change.ID = []lqp.Value{lqp.TextValue(pick(a.w.world, a.w.rows[table]...).id)}
	}
	if m.Op == lqp.Delete {
		change.Set = nil
	}
	if m.Op != lqp.Delete || m.Where == nil {
		m.Rows = []lqp.RowChange{change}
	}
	return question{kind: "linked write", about: fmt.Sprintf("%+v", *m), ask: func(ctx context.Context) string {
		results, err := a.as.Apply(ctx, a.w.r.place.workspace, m)
		if err != nil {
			return madeUp.ReplaceAllString(failure(err), "row")
		}
		var b strings.Builder
		for _, r := range results {
			fmt.Fprintln(&b, r.Affected)
			for _, row := range r.Rows {
				fmt.Fprint(&b, row.Op)
				for i, c := range r.Columns {
					if strings.HasPrefix(c.ID, "_") {
						continue
					}
					for _, image := range [][]lqp.Value{row.Before, row.After} {
						if image != nil {
							fmt.Fprint(&b, c.Name, image[i])
						}
					}
				}
				b.WriteByte('\n')
			}
		}
		return b.String()
	}}
}

// undo tries to take back what was done last: by the principal, and by the owner, as far as it may be known.
func (a *linkedAsker) undo() question {
	mine := a.w.chance(50)
	return question{kind: "linked undo", about: strconv.FormatBool(mine), ask: func(ctx context.Context) string {
		opt := livetables.RevertOptions{DryRun: true, Conflicts: minidb.KeepConflicts}
		var report *livetables.RevertReport
		var err error
		if mine {
			report, err = a.as.Undo(ctx, a.w.r.place.workspace, livetables.UndoOptions{RevertOptions: opt})
		} else {
			report, err = a.as.Revert(ctx, a.w.r.place.workspace, livetables.Changes{Operation: a.w.opened}, opt)
		}
		if err != nil {
			return failure(err)
		}
		var b strings.Builder
		for _, row := range report.Rows {
			fmt.Fprint(&b, row.ID, row.Op)
			for _, c := range row.Cells {
				fmt.Fprint(&b, c.Column.Name, c.From, c.To)
			}
			for _, c := range row.Conflicts {
				fmt.Fprint(&b, c.Column.Name, c.Base, c.Left, c.Theirs)
			}
			fmt.Fprintln(&b, row.Lost, row.Refused)
		}
		return b.String()
	}}
}

// unseenText is what a row was called for a moment, and no other ever.
const unseenText = "unseen"

// prepare does what there is to undo: the principal changes a row in sight, and a row comes into sight of which the principal
// must not learn what it was before.
func (a *linkedAsker) prepare(ctx context.Context) error {
	w := a.w
	i := slices.IndexFunc(w.rows[lines], func(row *linkedRow) bool { return w.sees(lines, row) && w.rules[lines].access["t"] == "" })
	if i >= 0 {
		row := w.rows[lines][i]
		row.t = "mine"
		if _, err := a.as.Apply(ctx, w.r.place.workspace, &lqp.Mutation{Op: lqp.Update, Table: w.r.linked[lines].ID,
			Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(row.id)}, Set: []lqp.Assignment{{Column: "t", Value: lqp.TextValue(row.t)}}}}}); err != nil {
			return fmt.Errorf("change a row in sight: %w", err)
		}
	}
	opened := pick(w.world, w.rows[parts]...)
	for _, n := range []int64{0, 3} {
		made := w.make(parts)
		if opened.t, opened.s, opened.n = made.t, made.s, n; n == 0 {
			if opened.t = unseenText; !w.sees(parts, opened) || w.rules[parts].access["t"] != "" {
				w.secret = unseenText
			}
		}
		if _, err := w.r.owner.Apply(ctx, w.r.place.workspace, &lqp.Mutation{Op: lqp.Update, Table: w.r.linked[parts].ID,
			Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(opened.id)}, Set: opened.set(parts)}}}); err != nil {
			return fmt.Errorf("change a part: %w", err)
		}
	}
	list, err := w.r.owner.RowHistory(ctx, w.r.linked[parts].ID, opened.id, livetables.HistoryFilter{Limit: 1})
	if err != nil || len(list) == 0 {
		return fmt.Errorf("find an operation: %w", err)
	}
	if w.opened = list[0].Batch; w.opened == "" {
		w.opened = list[0].ID
	}
	return nil
}
