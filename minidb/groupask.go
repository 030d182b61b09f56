package minidb

import (
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// askedTable is what is asked of a table with the beginning of the transaction.
type askedTable struct {
	t      *Table
	l      *layout
	ids    []lqp.Value
	rows   bool // the rows are asked for, too
	now    tableState
	found  [][]lqp.Value
	exists bool
}

// ask tells what the group begins with: how the tables stand and what the rows are that the calls name. What comes of it is only
// believed as far as the calls turn out to be planned on it.
func (g *groupWork) ask(calls []*groupCall) []adapter.Question {
	var list []adapter.Question
	for _, c := range calls {
		for _, p := range c.plans {
			at := slices.IndexFunc(g.asked, func(a *askedTable) bool { return a.t.ID == p.t.ID })
			if at < 0 {
				at, g.asked = len(g.asked), append(g.asked, &askedTable{t: p.t, l: p.l})
			}
			if a := g.asked[at]; a.l == p.l {
				a.ids = p.appendIDs(a.ids)
			}
		}
	}
	for _, a := range g.asked {
		list = append(list, adapter.Question{SQL: stateSQL, Args: g.stateArgs(a.t)})
		if len(a.ids) == 0 || len(a.ids) > inChunk {
			continue
		}
		var q adapter.Question
		if q, a.rows = g.db.rowsQuestion(a.l, a.ids); a.rows {
			list = append(list, q)
		}
	}
	return list
}

// appendIDs appends the ids that the changes name.
func (p *rowPlan) appendIDs(ids []lqp.Value) []lqp.Value {
	for i := range p.changes {
		if id := p.changes[i].id; id != "" {
			ids = append(ids, lqp.TextValue(id))
		}
	}
	return ids
}

// answered reads the answers to what was asked.
func (g *groupWork) answered(answers []adapter.Rows) error {
	if answers == nil {
		g.asked = nil
		return nil
	}
	for _, a := range g.asked {
		rows := answers[0]
		answers = answers[1:]
		if a.exists = rows.Next(); a.exists {
			a.now = scanState(record{rows: rows})
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if !a.rows {
			continue
		}
		rows = answers[0]
		answers = answers[1:]
		for rows.Next() {
			a.found = append(a.found, valuesOf(rows, len(a.l.selects)))
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// askedOf is what was asked of a table, nil when nothing was.
func (g *groupWork) askedOf(table string) *askedTable {
	for _, a := range g.asked {
		if a.t.ID == table {
			return a
		}
	}
	return nil
}

// take keeps the rows that were asked for.
func (t *groupTable) take(a *askedTable) {
	if !a.rows || a.l != t.l {
		return
	}
	for _, id := range a.ids {
		t.rows[id.Text()] = &groupRow{}
	}
	for _, row := range a.found {
		*t.rows[row[idSlot].Text()] = groupRow{was: row, is: row}
	}
}
