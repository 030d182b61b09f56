package minidb_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// edgeRows are what the physical table of a link's edges holds, as "from to".
func (l *linked) edgeRows(t testing.TB) (list []string) {
	c, ok := l.tasks.Column(l.tasks.id("Project"))
	if !ok {
		c, ok = l.tasks.Column(l.tasks.id("Boss"))
	}
	require.True(t, ok)
	name := c.ID
	flipped := c.Options.Link.Inverse != "" && c.Options.Link.Inverse < name
	if flipped {
		name = c.Options.Link.Inverse
	}
	path := slices.Clone(l.tasks.Schema().Path)
	path[len(path)-1] = "edge_" + name
	sql := `SELECT "_id", "_to" FROM "` + strings.Join(path, `"."`) + `"`
	require.NoError(t, l.Adapter().Read(l.ctx, func(tx adapter.Tx) error {
		list = nil
		rows, err := tx.Query(l.ctx, sql)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			from, to := rows.Value(0).Text(), rows.Value(1).Text()
			if flipped {
				from, to = to, from
			}
			list = append(list, from+" "+to)
		}
		return rows.Err()
	}))
	slices.Sort(list)
	return list
}

// agree holds cells of both sides and edges against each other.
func (l *linked) agree(t testing.TB) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	l.tasks.reload()
	l.projects.reload()
	name := "Project"
	if l.tasks.id(name) == name {
		name = "Boss"
	}
	c, _ := l.tasks.Column(l.tasks.id(name))
	tasks, projects := l.tasks.stored(), l.projects.stored()
	var there, back []string
	for id, row := range tasks {
		for _, to := range row[name].Items() {
			require.Contains(t, projects, to.Text(), "a cell names a row that is not there")
			there = append(there, id+" "+to.Text())
		}
	}
	slices.Sort(there)
	require.Equal(t, there, l.edgeRows(t), "edges are what the cells say")
	if c.Options.Link.Inverse == "" {
		return
	}
	inverse, ok := l.projects.Column(c.Options.Link.Inverse)
	require.True(t, ok)
	for id, row := range projects {
		for _, from := range row[inverse.Name].Items() {
			back = append(back, from.Text()+" "+id)
		}
	}
	slices.Sort(back)
	require.Equal(t, there, back, "both sides say the same")
}

// linkModel are the links as a set of pairs, with the rows of both tables.
type linkModel struct {
	tasks, projects map[string]bool
	pairs           map[[2]string]bool
	single, inverse bool // at most one project of a task, task of a project
}

func (m *linkModel) legal() bool {
	count := map[string]int{}
	for p := range m.pairs {
		count[p[0]]++
		count["of "+p[1]]++
		if m.single && count[p[0]] > 1 || m.inverse && count["of "+p[1]] > 1 {
			return false
		}
	}
	return true
}

func (m *linkModel) clone() *linkModel {
	return &linkModel{maps.Clone(m.tasks), maps.Clone(m.projects), maps.Clone(m.pairs), m.single, m.inverse}
}

// side is one of the two tables with its link column, seen from which a pair is the right way around or not.
type side struct {
	*table
	column string
	here   func(m *linkModel) map[string]bool
	there  func(m *linkModel) map[string]bool
	pair   func(own, other string) [2]string
}

// TestLinksAgreeWithTheModel writes, changes and deletes rows on both sides of links of every kind, and holds cells, edges and
// a set of pairs against each other after every step. A dry run and a refused write must leave nothing.
func TestLinksAgreeWithTheModel(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	enough := time.Now().Add(3 * time.Second)
	rapid.Check(t, func(rt *rapid.T) {
		if time.Now().After(enough) {
			return
		}
		link := minidb.Link{Single: rapid.Bool().Draw(rt, "single")}
		m := &linkModel{tasks: map[string]bool{}, projects: map[string]bool{}, pairs: map[[2]string]bool{}, single: link.Single}
		var inverse *minidb.InverseSpec
		if rapid.Bool().Draw(rt, "two-way") {
			inverse = &minidb.InverseSpec{Name: "Tasks", Single: rapid.Bool().Draw(rt, "inverse single")}
			m.inverse = inverse.Single
		}
		l := linkedIn(f, link, inverse)
		tasks := func(m *linkModel) map[string]bool { return m.tasks }
		projects := func(m *linkModel) map[string]bool { return m.projects }
		sides := []side{{l.tasks, "Project", tasks, projects, func(a, b string) [2]string { return [2]string{a, b} }}}
		back := side{l.projects, "Tasks", projects, tasks, func(a, b string) [2]string { return [2]string{b, a} }}
		if inverse != nil {
			sides = append(sides, back)
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0, 1, 2:
				m = l.writeLinks(rt, m, rapid.SampledFrom(sides).Draw(rt, "side"))
			case 3:
				m = l.deleteLinked(rt, m, sides[0])
			default:
				m = l.deleteLinked(rt, m, back)
			}
			l.agree(t)
			var want []string
			for p := range m.pairs {
				want = append(want, p[0]+" "+p[1])
			}
			slices.Sort(want)
			require.Equal(rt, want, l.edgeRows(t))
		}
	})
	readLog(t, f.DB)
}

// writeLinks inserts or changes up to three rows of one side.
func (l *linked) writeLinks(rt *rapid.T, m *linkModel, s side) *linkModel {
	next := m.clone()
	insert := rapid.Bool().Draw(rt, "insert") || len(s.here(m)) == 0
	mut := &lqp.Mutation{Op: lqp.Update, Table: s.ID, DryRun: rapid.IntRange(0, 7).Draw(rt, "dry") == 0}
	if insert {
		mut.Op = lqp.Insert
	}
	legal := true
	used := map[string]bool{}
	for range rapid.IntRange(1, 3).Draw(rt, "rows") {
		id := minidb.NewID("row")
		if !insert {
			if id = rapid.SampledFrom(slices.Sorted(maps.Keys(s.here(m)))).Draw(rt, "row"); used[id] {
				continue
			}
		}
		used[id] = true
		s.here(next)[id] = true
		var others []string
		pool := slices.Sorted(maps.Keys(s.there(m)))
		for range rapid.IntRange(0, 3).Draw(rt, "links") {
			if len(pool) == 0 || rapid.IntRange(0, 19).Draw(rt, "missing") == 0 {
				others, legal = append(others, minidb.NewID("row")), false
				continue
			}
			others = append(others, rapid.SampledFrom(pool).Draw(rt, "other"))
		}
		maps.DeleteFunc(next.pairs, func(p [2]string, _ bool) bool { return p == s.pair(id, p[0]) || p == s.pair(id, p[1]) })
		for _, o := range others {
			next.pairs[s.pair(id, o)] = true
		}
		mut.Rows = append(mut.Rows, lqp.RowChange{ID: []lqp.Value{text(id)}, Set: s.set(values{s.column: rowsOf(others...)})})
	}
	_, err := s.try(mut, minidb.Guard{})
	if want := legal && next.legal(); want != (err == nil) {
		rt.Fatalf("%v; the model says %v", err, want)
	}
	if err != nil || mut.DryRun {
		return m
	}
	return next
}

// deleteLinked deletes up to two rows of one side.
func (l *linked) deleteLinked(rt *rapid.T, m *linkModel, s side) *linkModel {
	ids := slices.Sorted(maps.Keys(s.here(m)))
	if len(ids) == 0 {
		return m
	}
	ids = rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, min(2, len(ids)), rapid.ID[string]).Draw(rt, "rows")
	s.do(s.delete(0, ids...))
	next := m.clone()
	for _, id := range ids {
		delete(s.here(next), id)
		maps.DeleteFunc(next.pairs, func(p [2]string, _ bool) bool { return p[0] == id || p[1] == id })
	}
	return next
}
