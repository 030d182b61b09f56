package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// linksInSight finds out which linked rows a principal sees that a row rule keeps from others, for showing cells of links: by the
// policy and the rows of the moment in which it looks, also where the cells are of the past. It serves one request and one
// goroutine.
type linksInSight struct {
	s     *entry
	known map[string]map[string]bool // by table and row
	wants map[string][]string        // not looked up yet
}

// links is what the entry knows of linked rows.
func (s *entry) links() *linksInSight {
	if s.linked == nil {
		s.linked = newLinksInSight(s)
	}
	return s.linked
}

func newLinksInSight(s *entry) *linksInSight {
	return &linksInSight{s: s, known: map[string]map[string]bool{}, wants: map[string][]string{}}
}

// want notes the rows that a real row names in columns of which the principal sees a part.
func (l *linksInSight) want(seen *rewrite.Sight, row []lqp.Value) { seen.EachLink(row, l.wantRow) }

func (l *linksInSight) wantRow(table, id string) {
	rows := l.known[table]
	if rows == nil {
		rows = map[string]bool{}
		l.known[table] = rows
	}
	if _, ok := rows[id]; !ok {
		rows[id] = false
		l.wants[table] = append(l.wants[table], id)
	}
}

// wantCell notes the rows that a cell of a column names of which the principal sees a part.
func (l *linksInSight) wantCell(seen *rewrite.Sight, column string, cell lqp.Value) {
	if table, ok := seen.Linked(column); ok {
		for _, item := range cell.Items() {
			l.wantRow(table, item.Text())
		}
	}
}

// cell is what the principal sees of a cell of such a column, whose links were looked up.
func (l *linksInSight) cell(seen *rewrite.Sight, column string, cell lqp.Value) lqp.Value {
	table, _ := seen.Linked(column)
	return rewrite.LinksInSight(cell, func(row string) bool { return l.sees(table, row) })
}

// look looks up what was noted since the last time.
func (l *linksInSight) look(ctx context.Context) error {
	for table, ids := range l.wants {
		if err := l.lookIn(ctx, table, ids); err != nil {
			return fmt.Errorf("look for linked rows of %s: %w", table, err)
		}
	}
	clear(l.wants)
	return nil
}

func (l *linksInSight) lookIn(ctx context.Context, table string, ids []string) error {
	s, err := l.s.ofNow(ctx)
	if err != nil {
		return err
	}
	_, seen, err := s.tableOf(ctx, table)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrArchived) || err == nil && !seen.Shows(minidb.ColumnID) {
		return nil // nothing of it is in sight
	}
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		chunk := ids[:min(len(ids), labelChunk)]
		ids = ids[len(chunk):]
		if err := s.findRows(ctx, table, chunk, l.known[table]); err != nil {
			return err
		}
	}
	return nil
}

// sees reports whether a row that was looked up is in sight. Others are not.
func (l *linksInSight) sees(table, id string) bool { return l.known[table][id] }

// realImages are the real rows before and after a change, in the terms that the table has today; nil where the principal does
// not see the row. A missing image is not seen.
func (l *linksInSight) realImages(ctx context.Context, t *minidb.Table, seen *rewrite.Sight, en *audit.Entry) (rows [2][]lqp.Value, err error) {
	past, err := l.s.e.store.Past(ctx, t)
	if err != nil {
		return rows, err
	}
	if rows[0], rows[1], err = past.Images(en); err != nil {
		return rows, fmt.Errorf("read the past of table %s: %w", t.ID, err)
	}
	for i, row := range rows {
		if row != nil && !seen.Sees(row) {
			rows[i] = nil
		}
	}
	return rows, nil
}

// images is what the principal sees of the rows before and after a change, nil of those that it does not see.
func (l *linksInSight) images(ctx context.Context, t *minidb.Table, seen *rewrite.Sight, en *audit.Entry) ([2][]lqp.Value, error) {
	rows, err := l.realImages(ctx, t, seen, en)
	if err != nil {
		return rows, err
	}
	for _, row := range rows {
		l.want(seen, row)
	}
	if err := l.look(ctx); err != nil {
		return [2][]lqp.Value{}, err
	}
	for i := range rows {
		rows[i] = l.show(seen, rows[i])
	}
	return rows, nil
}

// maxFarewells is how many rows of one change are asked for that may have been deleted.
const maxFarewells = 100

// farewells notes of the rows that a change took off cells, and that are out of sight because they are gone, whether they were in
// sight until then: a subscriber that was shown them is told that they went.
func (l *linksInSight) farewells(ctx context.Context, seen *rewrite.Sight, before, after []lqp.Value) error {
	type link struct{ table, id string }
	stayed := map[link]bool{}
	seen.EachLink(after, func(table, id string) { stayed[link{table, id}] = true })
	var gone []link
	seen.EachLink(before, func(table, id string) {
		if x := (link{table, id}); !stayed[x] && !l.sees(table, id) && len(gone) < maxFarewells {
			gone = append(gone, x)
		}
	})
	if len(gone) == 0 {
		return nil
	}
	s, err := l.s.ofNow(ctx)
	if err != nil {
		return err
	}
	for _, x := range gone {
		t, target, err := s.tableOf(ctx, x.table)
		if err != nil {
			continue // closed, or in the trash: nothing of it was there to be seen
		}
		last, err := s.e.store.History(ctx, minidb.HistoryQuery{Workspace: s.Workspace.ID, Table: x.table, ResourceType: "row", Resource: x.id, Limit: 1})
		if err != nil {
			return fmt.Errorf("read the end of row %s: %w", x.id, err)
		}
		if len(last) != 1 || len(last[0].After) != 0 {
			continue
		}
		rows, err := l.realImages(ctx, t, target, &last[0])
		if err != nil {
			return err
		}
		if rows[0] != nil {
			l.known[x.table][x.id] = true
		}
	}
	return nil
}

// show is what the principal sees of a real row, whose links were looked up.
func (l *linksInSight) show(seen *rewrite.Sight, row []lqp.Value) []lqp.Value {
	return seen.ShowLinks(row, l.sees)
}

// ofNow is the principal in its workspace under the policy of this moment, for a look at what is there now.
func (s *entry) ofNow(ctx context.Context) (*entry, error) {
	snap, err := s.e.store.Snapshot(ctx, s.Workspace.ID)
	if err != nil {
		return nil, err
	}
	policy, err := s.e.policies.Policy(minidb.WithSnapshot(ctx, snap), s.Workspace.ID)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", s.Workspace.ID, err)
	}
	now := *s
	now.Snapshot, now.policy, now.sights, now.instead, now.past, now.asOf, now.linked, now.labels = snap, policy, nil, nil, nil, "", nil, false
	if err := now.member(); err != nil {
		return nil, err
	}
	if !policy.CanSomewhere(s.p, rbac.ReadData).Allowed {
		return nil, ErrForbidden
	}
	return &now, nil
}

// findRows notes which rows of a table the principal sees.
func (s *entry) findRows(ctx context.Context, table string, ids []string, found map[string]bool) error {
	in := make([]*lqp.Lit, len(ids))
	for i, id := range ids {
		in[i] = lqp.Literal(lqp.TextValue(id))
	}
	rows, err := s.query(ctx, &lqp.Query{From: lqp.Source{Table: table, Alias: "t"}, Select: []lqp.Named{{Expr: lqp.Ref("t", minidb.ColumnID)}},
		Where: lqp.NewCall("in", lqp.Ref("t", minidb.ColumnID), lqp.NewList(in...)), Page: lqp.Page{Limit: len(ids)}})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		found[rows.Value(0).Text()] = true
	}
	return rows.Err()
}
