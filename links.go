package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// linkGuards are the rules of the tables that a table links to, in the form that the mini-DB checks writes with.
//
// Who does not see all rows of the linked table changes the links to those that it sees; the others stay. A two-way
// link changes rows on both sides, so that its writer needs the right to update the linked rows too; that the other column
// is masked for them because rows of this table are out of their sight is no obstacle.
func (s *entry) linkGuards(t *minidb.Table) (map[string]minidb.LinkGuard, error) {
	var guards map[string]minidb.LinkGuard
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Type != minidb.LinkColumn {
			continue
		}
		g, err := s.linkGuard(c.Options.Link)
		if err != nil {
			return nil, err
		}
		if guards == nil {
			guards = make(map[string]minidb.LinkGuard)
		}
		guards[c.ID] = g
	}
	return guards, nil
}

func (s *entry) linkGuard(l *minidb.Link) (minidb.LinkGuard, error) {
	target, ok := s.AnyTable(l.Table)
	if !ok {
		return minidb.LinkGuard{}, nil // in the trash: nothing new is linked to it
	}
	ref := rbac.TableRef{Table: target.ID}
	seen, err := s.reader().Look(ref, target.Schema())
	if errors.Is(err, rewrite.ErrNoTable) || err == nil && !seen.Shows(minidb.ColumnID) {
		return minidb.LinkGuard{Closed: true}, nil
	}
	if err != nil {
		return minidb.LinkGuard{}, err
	}
	rules, err := seen.Guard()
	if err != nil {
		return minidb.LinkGuard{Closed: true}, nil //nolint:nilerr // a rule that does not compile closes
	}
	g := minidb.LinkGuard{Table: target, Read: rules.Read, Part: rules.Read != nil}
	if l.Inverse == "" {
		return g, nil
	}
	// The rule's own word counts here, not what the column is masked for.
	if s.policy.Table(s.p, ref).Columns[l.Inverse] != "" || !s.policy.Can(s.p, rbac.WriteRows, target.ID).Allowed {
		return minidb.LinkGuard{Closed: true}, nil
	}
	g.Update = rules.Update
	return g, nil
}

// mayLink checks that the principal may make a link column: the linked table is there for it, and with a column that shows
// the links from the other side it may be altered.
func (s *entry) mayLink(ctx context.Context, own string, spec *minidb.ColumnSpec) error {
	l := spec.Options.Link
	if spec.Type != minidb.LinkColumn || l == nil || l.Table == "" || l.Table == own {
		return nil
	}
	if _, _, err := s.tableOf(ctx, l.Table); err != nil {
		return err
	}
	if spec.Inverse == nil {
		return nil
	}
	return s.may(l.Table, rbac.AlterTables)
}

// mayRelink checks that the principal may add or remove the column that shows a link from the other side.
func (s *entry) mayRelink(ctx context.Context, t *minidb.Table, seen *rewrite.Sight, column string, patch *minidb.ColumnPatch) error {
	c, ok := t.Column(column)
	if !ok || c.Type != minidb.LinkColumn || patch.Inverse == nil && !patch.OneWay {
		return nil
	}
	if err := wholeRows(t, seen); err != nil { // whether the cells fit into the new column tells of all rows
		return err
	}
	target, _, err := s.tableOf(ctx, c.Options.Link.Table)
	if err != nil {
		return err
	}
	if err := s.may(target.ID, rbac.AlterTables); err != nil {
		return err
	}
	if patch.OneWay && c.Options.Link.Inverse != "" {
		if s.policy.Table(s.p, rbac.TableRef{Table: target.ID}).Columns[c.Options.Link.Inverse] != "" {
			return fmt.Errorf("a rule binds you on the other column of the link: %w", ErrForbidden)
		}
	}
	return nil
}

// LabelBatch is how many rows one call of Labels names at most.
const LabelBatch = 10_000

// Labels are the values of the primary column of rows of a table, by row id, as far as the principal sees the rows and the
// column: a row out of sight is not in the answer, and a column out of sight leaves NULL. At most LabelBatch rows can be
// asked for.
func (a *Access) Labels(ctx context.Context, table string, rows []string) (map[string]lqp.Value, error) {
	if len(rows) > LabelBatch {
		return nil, &minidb.LimitError{Name: "rows whose labels are asked for", Max: LabelBatch}
	}
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	labels := make(map[string]lqp.Value, len(rows))
	if !seen.Shows(minidb.ColumnID) {
		return labels, nil
	}
	primary := t.Primary()
	q := &lqp.Query{From: lqp.Source{Table: table, Alias: "t"}, Select: []lqp.Named{{Expr: lqp.Ref("t", minidb.ColumnID)}}}
	if seen.Table().Column(primary) != nil {
		q.Select = append(q.Select, lqp.Named{Name: "label", Expr: lqp.Ref("t", primary)})
	}
	for len(rows) > 0 {
		chunk := rows[:min(len(rows), labelChunk)]
		rows = rows[len(chunk):]
		ids := make([]*lqp.Lit, len(chunk))
		for i, id := range chunk {
			ids[i] = lqp.Literal(lqp.TextValue(id))
		}
		q.Where, q.Page = lqp.NewCall("in", lqp.Ref("t", minidb.ColumnID), lqp.NewList(ids...)), lqp.Page{Limit: len(chunk)}
		if err := s.readLabels(ctx, q, labels); err != nil {
			return nil, fmt.Errorf("labels of %s: %w", table, err)
		}
	}
	return labels, nil
}

// labelChunk is how many labels one query reads: less than the rows of a page may be.
const labelChunk = 500

func (s *entry) readLabels(ctx context.Context, q *lqp.Query, labels map[string]lqp.Value) error {
	found, err := s.query(ctx, q)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var label lqp.Value
		if len(found.Columns) > 1 {
			label = found.Value(1)
		}
		labels[found.Value(0).Text()] = label
	}
	return found.Err()
}
