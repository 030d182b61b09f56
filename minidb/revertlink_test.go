package minidb_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// as writes as somebody.
func (l *linked) as(who minidb.Actor, t *table, m *lqp.Mutation) {
	l.Helper()
	_, err := l.Apply(l.ctx, who, []minidb.Write{{Table: t.Table, Mutation: m}})
	require.NoError(l, err)
}

// takeBack reverts everything that somebody did.
func (l *linked) takeBack(who string, tables ...*minidb.Table) (*minidb.RevertPlan, string) {
	l.Helper()
	sel := minidb.Selection{Workspace: l.workspace.ID, Since: true, Actor: who, From: time.Now().Add(-time.Hour)}
	plan, err := l.PlanRevert(l.ctx, sel, "", tables, false)
	require.NoError(l, err)
	id, _, err := l.ApplyRevert(l.ctx, alice, plan, minidb.Revert{Guard: noGuard})
	require.NoError(l, err)
	return plan, id
}

// TestRevertWithLinks: rows that were deleted in several tables come back with the links between them, whichever side was
// written, and links that others have changed since stay.
func TestRevertWithLinks(t *testing.T) {
	for name, inverse := range map[string]*minidb.InverseSpec{"one-way": nil, "two-way": twoWay()} {
		t.Run(name, func(t *testing.T) {
			l := newLinked(t, minidb.Link{Single: true}, inverse)
			p := l.projects.add(values{"Name": text("p0")}, values{"Name": text("p1")}, values{"Name": text("p2")})
			var task []string
			for _, at := range []string{p[0], p[0], p[2], p[1], p[2]} {
				task = append(task, l.tasks.add(values{"Name": text("t"), "Project": rowsOf(at)})...)
			}
			l.as(bob, l.tasks, l.tasks.update(task[0], 0, values{"Project": rowsOf(p[1]), "Name": text("moved")}))
			if inverse != nil {
				l.as(bob, l.projects, l.projects.update(p[1], 0, values{"Tasks": rowsOf(task[0])})) // takes the fourth off
			}
			l.as(bob, l.tasks, l.tasks.delete(0, task[1]))
			l.as(bob, l.projects, l.projects.delete(0, p[2])) // unlinks the third and the fifth
			l.as(bob, l.tasks, l.tasks.delete(0, task[2]))
			l.as(alice, l.tasks, l.tasks.update(task[4], 0, values{"Project": rowsOf(p[0])}))
			middle := []any{l.projects.stored(), l.tasks.stored()}

			plan, id := l.takeBack(bob.ID, l.projects.Table, l.tasks.Table)
			for i, at := range []string{p[0], p[0], p[2], p[1]} {
				require.Equal(t, rowsOf(at), l.tasks.cell(task[i], "Project"), "task %d", i)
			}
			require.Equal(t, rowsOf(p[0]), l.tasks.cell(task[4], "Project"), "hers")
			require.Equal(t, text("t"), l.tasks.cell(task[0], "Name"))
			conflicts := 0
			for _, part := range plan.Tables {
				for _, r := range part.Rows {
					require.Empty(t, r.Refused)
					require.Empty(t, r.Lost)
					conflicts += len(r.Conflicts)
				}
			}
			require.Equal(t, 1, conflicts, "the fifth task")
			if inverse != nil {
				l.agree(t)
			}

			again, err := l.PlanRevert(l.ctx, minidb.Selection{Workspace: l.workspace.ID, Operation: id}, minidb.RefuseConflicts, []*minidb.Table{l.projects.Table, l.tasks.Table}, false)
			require.NoError(t, err)
			_, _, err = l.ApplyRevert(l.ctx, alice, again, minidb.Revert{Guard: noGuard})
			require.NoError(t, err)
			sameCells(t, middle[0].(map[string]map[string]lqp.Value), l.projects.stored(), "Name", "Tasks")
			sameCells(t, middle[1].(map[string]map[string]lqp.Value), l.tasks.stored(), "Name", "Project")
		})
	}
}

// sameCells compares rows in some columns; lists of links that follow others may have another order.
func sameCells(t *testing.T, want, got map[string]map[string]lqp.Value, columns ...string) {
	t.Helper()
	require.Len(t, got, len(want))
	for id, row := range want {
		for _, c := range columns {
			require.Equal(t, sorted(row[c]), sorted(got[id][c]), "%s of %s", c, id)
		}
	}
}

func sorted(v lqp.Value) []string {
	var out []string
	for _, e := range v.Items() {
		out = append(out, e.Text())
	}
	slices.Sort(out)
	if v.Kind() != lqp.List {
		out = append(out, v.String())
	}
	return out
}

// TestRestoreWithoutALink: a row comes back although one of the rows that it named is gone, or taken by another.
func TestRestoreWithoutALink(t *testing.T) {
	l := newLinked(t, minidb.Link{}, &minidb.InverseSpec{Name: "Tasks", Single: true})
	p := l.projects.add(values{"Name": text("p0")}, values{"Name": text("p1")}, values{"Name": text("p2")})
	task := l.tasks.add(values{"Name": text("t"), "Project": rowsOf(p[0], p[1], p[2])})[0]
	other := l.tasks.add(values{"Name": text("other")})[0]
	l.as(bob, l.tasks, l.tasks.delete(0, task))
	l.as(alice, l.projects, l.projects.delete(0, p[0]))
	l.as(alice, l.tasks, l.tasks.update(other, 0, values{"Project": rowsOf(p[1])}))
	sel := minidb.Selection{Workspace: l.workspace.ID, Trash: []string{task}}
	plan, err := l.PlanRevert(l.ctx, sel, "", []*minidb.Table{l.tasks.Table}, false)
	require.NoError(t, err)
	_, _, err = l.ApplyRevert(l.ctx, alice, plan, minidb.Revert{Guard: noGuard})
	require.NoError(t, err)
	require.Equal(t, rowsOf(p[2]), l.tasks.cell(task, "Project"))
	require.Len(t, plan.Tables[0].Rows[0].Lost, 2)
	l.agree(t)
}

// TestRevertOfRandomLinks undoes everything that one of two users did, in any order of edits from both sides, and redoes it.
func TestRevertOfRandomLinks(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 6 {
		single := r.IntN(2) == 0
		l := newLinked(t, minidb.Link{Single: single}, twoWay())
		var p, task []string
		for range 4 {
			p = append(p, l.projects.add(values{"Name": text("p")})...)
		}
		pick := func(from []string, most int) lqp.Value {
			var ids []string
			for range r.IntN(most + 1) {
				if id := from[r.IntN(len(from))]; !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
			return rowsOf(ids...)
		}
		most := 3
		if single {
			most = 1
		}
		for range 8 {
			task = append(task, l.tasks.add(values{"Name": text("t"), "Project": pick(p, most)})...)
		}
		before := []map[string]map[string]lqp.Value{l.projects.stored(), l.tasks.stored()}
		for range 12 { // by one user alone: all of it comes back
			live := func(t *table, ids []string) []string {
				stored := t.stored()
				return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, ok := stored[id]; return !ok })
			}
			ps, ts := live(l.projects, p), live(l.tasks, task)
			if len(ps) < 2 || len(ts) < 2 {
				break
			}
			var w minidb.Write
			switch r.IntN(5) {
			case 0:
				w = minidb.Write{Table: l.tasks.Table, Mutation: l.tasks.delete(0, ts[r.IntN(len(ts))])}
			case 1:
				w = minidb.Write{Table: l.projects.Table, Mutation: l.projects.delete(0, ps[r.IntN(len(ps))])}
			case 2:
				w = minidb.Write{Table: l.projects.Table, Mutation: l.projects.update(ps[r.IntN(len(ps))], 0, values{"Tasks": pick(ts, 3)})}
			case 3:
				w = minidb.Write{Table: l.tasks.Table, Mutation: l.tasks.insert(values{"Name": text("new"), "Project": pick(ps, most)})}
			default:
				w = minidb.Write{Table: l.tasks.Table, Mutation: l.tasks.update(ts[r.IntN(len(ts))], 0, values{"Project": pick(ps, most), "Name": text("x")})}
			}
			_, err := l.Apply(l.ctx, bob, []minidb.Write{w})
			if err != nil {
				var refused *minidb.ValidationError
				require.ErrorAs(t, err, &refused) // a second project for a task that may have one
			}
		}
		after := []map[string]map[string]lqp.Value{l.projects.stored(), l.tasks.stored()}
		_, id := l.takeBack(bob.ID, l.tasks.Table, l.projects.Table)
		sameCells(t, before[0], l.projects.stored(), "Name", "Tasks")
		sameCells(t, before[1], l.tasks.stored(), "Name", "Project")
		l.agree(t)
		if id == "" {
			continue
		}
		plan, err := l.PlanRevert(l.ctx, minidb.Selection{Workspace: l.workspace.ID, Operation: id}, "", []*minidb.Table{l.tasks.Table, l.projects.Table}, false)
		require.NoError(t, err)
		_, _, err = l.ApplyRevert(l.ctx, bob, plan, minidb.Revert{Guard: noGuard})
		require.NoError(t, err)
		sameCells(t, after[0], l.projects.stored(), "Name", "Tasks")
		sameCells(t, after[1], l.tasks.stored(), "Name", "Project")
		l.agree(t)
	}
}
