package minidb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// candidate is a row with selected changes.
type candidate struct {
	row   string
	first int64 // position of the first of them, or of one before it
}

// table plans one table.
func (p *revertPlanner) table(t *Table) error {
	if p.empty {
		return nil
	}
	rows, err := p.candidates(t)
	if err != nil || len(rows) == 0 {
		return err
	}
	from := rows[0].first
	for _, c := range rows {
		from = min(from, c.first)
	}
	f := &revertFolder{mode: p.plan.Mode, most: p.db.opt.MaxRevertBytes, follows: followers(t, p.tables)}
	if sees := p.plan.Selection.Sees; sees != nil {
		f.sees = func(row []lqp.Value) bool { return sees(t, row) }
	}
	if f.past, err = p.pastOf(t); err != nil {
		return err
	}
	if f.members, err = p.membersFor(t); err != nil {
		return err
	}
	if f.targets, err = p.targets(from); err != nil {
		return err
	}
	part := &TableRevert{Table: t, follows: f.follows}
	for chunk := range slices.Chunk(rows, revertChunk) {
		list, err := p.foldEach(f, chunk)
		if err != nil {
			return err
		}
		for i := range list {
			p.plan.order(t, &list[i])
			if !list[i].tells() {
				continue
			}
			p.changed++
			p.held += list[i].size()
			if over := p.over(); over != nil {
				if !p.portion || p.changed == 1 {
					return over
				}
				p.plan.More = true
				break
			}
			part.Rows = append(part.Rows, list[i])
		}
		if p.plan.More {
			break
		}
	}
	if len(part.Rows) > 0 {
		p.plan.Tables = append(p.plan.Tables, part)
	}
	return nil
}

// over is the limit that the plan has come to, nil for none.
func (p *revertPlanner) over() error {
	switch {
	case p.changed > p.db.opt.MaxRows:
		return &LimitError{Name: "reverted_rows", Max: p.db.opt.MaxRows}
	case p.held > p.db.opt.MaxRevertBytes:
		return &LimitError{Name: "reverted_bytes", Max: p.db.opt.MaxRevertBytes}
	}
	return nil
}

// size is about how many bytes a row of a plan holds.
func (r *RowRevert) size() (n int) {
	for _, v := range r.Now {
		n += v.Size()
	}
	for _, c := range r.Cells {
		n += c.To.Size()
	}
	for _, c := range r.Conflicts {
		n += c.Base.Size() + c.Left.Size()
	}
	return n
}

// tells reports whether something is done to a row, or to be said of it.
func (r *RowRevert) tells() bool {
	return r.Unseen || len(r.Touched) > 0 || r.Op != "" || len(r.Conflicts) > 0 || r.Conflict != nil || len(r.Lost) > 0
}

// maxCandidates bounds the rows of a selection; their ids are held in memory.
const maxCandidates = 500_000

// candidates finds the rows of a table with selected changes, by id.
func (p *revertPlanner) candidates(t *Table) (list []candidate, err error) {
	sel := &p.plan.Selection
	scan := func(r record) candidate { return candidate{r.text(0), r.integer(1)} }
	where, args := "table_id = ? AND table_id <> '' AND resource_type = 'row'", []lqp.Value{argText(t.ID)}
	add := func(condition string, values ...lqp.Value) {
		where, args = where+" AND "+condition, append(args, values...)
	}
	switch {
	case len(sel.Trash) > 0:
		if len(sel.Trash) > p.db.opt.MaxRows {
			return nil, &LimitError{Name: "reverted_rows", Max: p.db.opt.MaxRows}
		}
		for chunk := range slices.Chunk(sel.Trash, inChunk) {
			found, err := p.newestOf(t, chunk)
			if err != nil {
				return nil, err
			}
			list = append(list, found...)
		}
		slices.SortFunc(list, func(a, b candidate) int { return strings.Compare(a.row, b.row) })
		return list, nil
	case sel.Entry != "":
		add("resource = ? AND id = ?", argText(sel.Row), argText(sel.Entry))
	case sel.Row != "":
		add("resource = ?", argText(sel.Row))
	}
	if p.first > 0 {
		// The part of the log that the operations of somebody lie in is found by them, and by position.
		where = strings.Replace(where, "table_id = ? AND table_id <> ''", "table_id || '' = ?", 1)
		add("position >= ? AND position <= ?", argInt(p.first), argInt(p.last))
	}
	if sel.Since {
		if sel.Actor != "" {
			add("actor = ?", argText(sel.Actor))
		}
		if !sel.From.IsZero() {
			add("at >= ?", argTime(sel.From))
		}
		if !sel.To.IsZero() {
			add("at < ?", argTime(sel.To))
		}
	}
	// Grouped by an expression, for else a database may go through the whole log in the order of its rows.
	list, err = all(p.session, scan, `SELECT resource || '', min(position) FROM lt_change WHERE `+where+`
		GROUP BY resource || '' ORDER BY 1 LIMIT ?`, append(args, argInt(maxCandidates+1))...)
	if err != nil {
		return nil, fmt.Errorf("find changes: %w", err)
	}
	if len(list) > maxCandidates {
		return nil, &LimitError{Name: "reverted_rows", Max: maxCandidates}
	}
	return list, nil
}

// newestOf finds the newest deletion of rows.
func (p *revertPlanner) newestOf(t *Table, rows []string) ([]candidate, error) {
	args := []lqp.Value{argText(t.ID)}
	for _, r := range rows {
		args = append(args, argText(r))
	}
	return all(p.session, func(r record) candidate { return candidate{r.text(0), r.integer(1)} },
		`SELECT resource, max(position) FROM lt_change WHERE table_id || '' = ? AND action = 'row.delete' AND resource IN (`+marks(len(rows))+`)
		GROUP BY resource ORDER BY resource`, args...)
}

// foldEach folds rows together, or fewer of them where their changes hold too much.
func (p *revertPlanner) foldEach(f *revertFolder, rows []candidate) ([]RowRevert, error) {
	list, err := p.fold(f, rows)
	var over *LimitError
	if len(rows) == 1 || !errors.As(err, &over) {
		return list, err
	}
	half := len(rows) / 2
	if list, err = p.foldEach(f, rows[:half]); err != nil {
		return nil, err
	}
	rest, err := p.foldEach(f, rows[half:])
	return append(list, rest...), err
}

// fold goes through everything that happened to some rows since the first of their selected changes.
func (p *revertPlanner) fold(f *revertFolder, rows []candidate) ([]RowRevert, error) {
	from := rows[0].first
	args := []lqp.Value{argText(f.past.t.ID)}
	first := make(map[string]int64, len(rows))
	for _, c := range rows {
		from = min(from, c.first)
		first[c.row] = c.first
		args = append(args, argText(c.row))
	}
	if err := readShapes.learn(p.session, f.past.t.Workspace); err != nil {
		return nil, fmt.Errorf("read changes of rows: %w", err)
	}
	found, err := p.tx.Query(p.ctx, `SELECT `+entryColumns+` FROM lt_change WHERE table_id || '' = ? AND resource IN (`+marks(len(rows))+`)
		AND position >= ? AND resource_type = 'row' ORDER BY resource, position`, append(args, argInt(from))...)
	if err != nil {
		return nil, fmt.Errorf("read changes of rows: %w", err)
	}
	defer found.Close()
	f.held = 0
	list := make([]RowRevert, 0, len(rows))
	var row *rowFold
	r := record{rows: found, session: p.session, failed: new(error)}
	for found.Next() {
		e := scanEntry(r)
		if *r.failed != nil {
			return nil, *r.failed
		}
		if e.Position < first[e.Resource] {
			continue
		}
		if row == nil || row.id != e.Resource {
			if row != nil {
				list = append(list, f.end(row))
			}
			row = &rowFold{id: e.Resource}
		}
		if err := f.step(row, &e, p.takes(&e)); err != nil {
			return nil, err
		}
	}
	if row != nil {
		list = append(list, f.end(row))
	}
	return list, found.Err()
}

// targets are the operations since a position that took others back, with what they took back.
func (p *revertPlanner) targets(from int64) (map[string]string, error) {
	list, err := all(p.session, scanOperation, `SELECT `+operationColumns+` FROM lt_operation
		WHERE workspace = ? AND last_position >= ? AND target <> ''`, argText(p.plan.Selection.Workspace), argInt(from))
	if err != nil {
		return nil, err
	}
	targets := make(map[string]string, len(list))
	for _, o := range list {
		targets[o.ID] = o.Target
	}
	return targets, nil
}

// membersFor are the members of the workspace of a table with columns of users, who alone can be put into them.
func (p *revertPlanner) membersFor(t *Table) (map[string]bool, error) {
	if len(t.layout.users) == 0 {
		return nil, nil
	}
	return (&unit{session: p.session, db: p.db}).memberIDs(t.Workspace)
}

// marks are n placeholders of a list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
