package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// countRows is appendRows that tells how many there were.
func countRows(buf []byte, rows *livetables.Rows) ([]byte, int, error) {
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		for i, c := range rows.Columns {
			buf = append(lqp.AppendJSONString(append(buf, ','), c.Name), ':')
			buf = rows.AppendJSON(buf, i)
		}
	}
	return buf, n, rows.Err()
}

// pages compares what reads a page or a row.
func (m *miniBench) pages(ctx context.Context) error {
	if err := m.findIDs(ctx); err != nil {
		return err
	}
	i := 0
	turn := func() int { i++; return i }
	perCity := min(100, m.rows/cities)
	for _, c := range []struct {
		what, target string
		hand, ours   side
	}{
		{"first page of 100 by n", "T12: >= 0.8", m.byHand(m.plain.page), m.reading(100, func() *lqp.Query { return m.query().Sort("n").Limit(100).Query() })},
		{"page of a city", "T12: >= 0.8", m.byHand(func(ctx context.Context, buf []byte) ([]byte, error) {
			return m.plain.filtered(ctx, buf, cityOf(turn()))
		}),
			m.reading(perCity, func() *lqp.Query {
				return m.query().Filter(call("eq", lqp.Ref("", "city"), text(cityOf(turn())))).Limit(100).Query()
			})},
		{"page by city, descending", "", m.byHand(m.plain.byCity), m.reading(100, func() *lqp.Query { return m.query().Sort("-city").Limit(100).Query() })},
		{"get a row", "T4: >= 1.0", m.byHand(func(ctx context.Context, buf []byte) ([]byte, error) {
			return m.plain.get(ctx, buf, fmt.Sprintf(plainID, 1+turn()*7919%m.rows))
		}), m.reading(1, func() *lqp.Query {
			return m.query().Filter(call("eq", lqp.Ref("", minidb.ColumnID), text(m.ids[turn()%len(m.ids)]))).Limit(1).Query()
		})},
	} {
		s, err := m.compare(ctx, c.hand, c.ours)
		if err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		m.report.addRate(m.what(c.what), c.target, s[0], s[1], "")
		m.report.addCPU(m.what(c.what), "", s[0], s[1], "")
	}
	return nil
}

// findIDs looks up the ids of a thousand rows.
func (m *miniBench) findIDs(ctx context.Context) error {
	rows, err := m.w.owner.Query(ctx, m.w.workspace, lqp.FromSource(lqp.Source{Table: m.t.ID}).Columns(minidb.ColumnID).Limit(1000).Query())
	if err != nil {
		return err
	}
	for rows.Next() {
		m.ids = append(m.ids, rows.Value(0).Text())
	}
	if len(m.ids) != 1000 {
		err = fmt.Errorf("%d rows in the place of 1000", len(m.ids))
	}
	return errors.Join(rows.Err(), rows.Close(), err)
}

// keyset compares the last page with the first one.
func (m *miniBench) keyset(ctx context.Context) error {
	first, last := m.query().Sort("n").Limit(100).Query(), m.query().Sort("n").Limit(100).Query()
	skip := lqp.FromSource(lqp.Source{Table: m.t.ID}).Columns(wideNames()...).Sort("n").Limit(1000).Query()
	for left := m.rows - 100; left > 0; {
		skip.Page.Limit = min(left, 1000)
		n, next, err := m.w.read(ctx, m.w.owner, skip)
		if err != nil {
			return err
		}
		if n != skip.Page.Limit || next == "" {
			return fmt.Errorf("%d rows before the last page are missing", left)
		}
		left -= n
		skip.Page.Cursor, last.Page.Cursor = next, next
	}
	after := fmt.Sprintf(plainID, m.rows-100)
	s, err := m.compare(ctx, m.reading(100, func() *lqp.Query { return first }), m.reading(100, func() *lqp.Query { return last }),
		m.byHand(func(ctx context.Context, buf []byte) ([]byte, error) {
			return m.plain.after(ctx, buf, int64(m.rows-100), after)
		}))
	if err != nil {
		return err
	}
	m.report.addTime(m.what(fmt.Sprintf("page %d against page 1", m.rows/100)), "T11: <= 1.1", s[0], s[1], "")
	m.report.addRate(m.what("last page"), "T12: >= 0.8", s[2], s[1], "")
	return nil
}

// wideSet are the cells of a new row.
func (m *miniBench) wideSet(n int64) []lqp.Assignment {
	number := func(n int64, scale int) lqp.Value { return lqp.NumberValue(lqp.DecimalFromScaled(n, scale)) }
	cells := []lqp.Value{lqp.IntValue(n), lqp.TextValue(cityOf(int(n))), lqp.TextValue("New customer"), lqp.TextValue("street"), lqp.TextValue("mail"),
		lqp.TextValue("phone"), lqp.TextValue("note"), lqp.IntValue(1), lqp.IntValue(2), lqp.IntValue(3), lqp.IntValue(4), number(550, 2), number(n, 2), number(50, 2),
		lqp.BoolValue(true), lqp.BoolValue(false), lqp.DateValue(20_000), lqp.DateValue(20_000), lqp.DateTimeValue(1_700_000_000_000), lqp.DateTimeValue(1_700_000_000_000)}
	set := make([]lqp.Assignment, len(cells))
	for i, v := range cells {
		set[i] = lqp.Assignment{Column: m.t.Columns[i].ID, Value: v}
	}
	return set
}

// writes compares single writes, each durable when its caller goes on, of one client and of 32 at the same time.
func (m *miniBench) writes(ctx context.Context) error {
	versions, plain := make([]int64, len(m.ids)), make([]int64, len(m.ids))
	for i := range m.ids {
		versions[i], plain[i] = 1, 1
	}
	update := m.t.Columns[12].ID
	apply := func(ctx context.Context, change *lqp.Mutation) (livetables.Result, error) {
		r, err := m.w.owner.Apply(ctx, m.w.workspace, change)
		if err != nil {
			return livetables.Result{}, err
		}
		return r[0], nil
	}
	hands := func(ctx context.Context, client int, n int64) error {
		i := int(n)%(len(plain)/writers)*writers + client
		err := m.plain.update(ctx, fmt.Sprintf(plainID, i+1), plain[i], n)
		plain[i]++
		return err
	}
	ours := func(ctx context.Context, client int, n int64) error {
		i := int(n)%(len(versions)/writers)*writers + client
		r, err := apply(ctx, &lqp.Mutation{Op: lqp.Update, Table: m.t.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(m.ids[i])}, Version: versions[i],
			Set: []lqp.Assignment{{Column: update, Value: lqp.NumberValue(lqp.DecimalFromScaled(n+10_000_000_000, 2))}}}}})
		if err == nil {
			versions[i] = r.Rows[0].Version
		}
		return err
	}
	handInsert := func(ctx context.Context, _ int, _ int64) error { return m.plain.insert(ctx, m.next.Add(1)) }
	ourInsert := func(ctx context.Context, _ int, _ int64) error {
		_, err := apply(ctx, &lqp.Mutation{Op: lqp.Insert, Table: m.t.ID, Rows: []lqp.RowChange{{Set: m.wideSet(m.next.Add(1))}}})
		return err
	}
	for _, clients := range []int{1, writers} {
		for _, c := range []struct {
			what, cpu, rate string
			hand, ours      func(ctx context.Context, client int, n int64) error
		}{{"update with version", "T5: <= 1.25", "", hands, ours}, {"insert", "", "T12: >= 5", handInsert, ourInsert}} {
			s, err := m.compare(ctx, withServer(m.place.server, together("by hand", clients, c.hand)), withServer(m.place.server, together("engine", clients, c.ours)))
			if err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
			what := m.what(fmt.Sprintf("%s, %d clients", c.what, clients))
			if clients == 1 {
				c.rate = ""
			}
			m.report.addRate(what, c.rate, s[0], s[1], "against a commit each")
			m.report.addCPU(what, c.cpu, s[0], s[1], "")
		}
	}
	return nil
}

// withServer adds the CPU time of a server to a side.
func withServer(server *serverCPU, s side) side {
	run := s.run
	s.run = func(ctx context.Context, d time.Duration) (sample, error) {
		before := server.cpu()
		got, err := run(ctx, d)
		got.source = server.since(before)
		return got, err
	}
	return s
}
