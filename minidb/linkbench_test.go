package minidb_test

import (
	"strconv"
	"testing"

	"github.com/livetables/livetables/minidb"
)

// BenchmarkLinks inserts 1,000 tasks that name projects, in one mutation.
func BenchmarkLinks(b *testing.B) {
	for _, c := range []struct {
		name     string
		inverse  *minidb.InverseSpec
		projects int
	}{{"one-way", nil, 100}, {"two-way to 100", twoWay(), 100}, {"two-way to one", twoWay(), 1}} {
		b.Run(c.name, func(b *testing.B) {
			l := newLinked(b, minidb.Link{}, c.inverse)
			for b.Loop() {
				b.StopTimer()
				var p []string
				for i := range c.projects {
					p = append(p, l.projects.add(values{"Name": text(strconv.Itoa(i))})...)
				}
				rows := make([]values, 1000)
				for i := range rows {
					rows[i] = values{"Name": text("t"), "Project": rowsOf(p[i%len(p)])}
				}
				m := l.tasks.insert(rows...)
				b.StartTimer()
				l.tasks.do(m)
			}
		})
	}
}

// BenchmarkDeleteLinked deletes a row that 10,000 rows of another table name.
func BenchmarkDeleteLinked(b *testing.B) {
	for _, inverse := range []*minidb.InverseSpec{nil, twoWay()} {
		b.Run(map[bool]string{true: "one-way", false: "two-way"}[inverse == nil], func(b *testing.B) {
			l := newLinked(b, minidb.Link{}, inverse)
			for b.Loop() {
				b.StopTimer()
				p := l.projects.add(values{"Name": text("popular")})[0]
				rows := make([]values, 5000)
				for i := range rows {
					rows[i] = values{"Project": rowsOf(p)}
				}
				l.tasks.add(rows...)
				l.tasks.add(rows...)
				m := l.projects.delete(0, p)
				b.StartTimer()
				l.projects.do(m)
			}
		})
	}
}
