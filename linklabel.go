package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// label puts labels in the place of the ids of linked rows in the portion.
func (r *linkedRows) label() error {
	ids := map[string][]lqp.Value{} // by table, each once
	known := map[string]bool{}
	for _, row := range r.rows {
		for _, c := range r.cells {
			for _, item := range row[c.At].Items() {
				if !known[item.Text()] {
					known[item.Text()] = true
					ids[c.Table] = append(ids[c.Table], item)
				}
			}
		}
	}
	labels := map[string]string{} // by row id, which no two tables share
	for table, rows := range ids {
		if err := r.s.ownLabels(r.ctx, table, rows, labels); err != nil {
			return fmt.Errorf("labels of %s: %w", table, err)
		}
	}
	for _, row := range r.rows {
		for _, c := range r.cells {
			items := row[c.At].Items()
			if len(items) == 0 {
				continue
			}
			named := make([]lqp.Value, len(items))
			for i, item := range items {
				named[i] = item
				if label := labels[item.Text()]; label != "" {
					named[i] = lqp.TextValue(label)
				}
			}
			row[c.At] = lqp.ListValue(named)
		}
	}
	return nil
}

// ownLabels notes the labels of rows of a table as far as the principal sees them, without those that name several rows.
func (s *entry) ownLabels(ctx context.Context, table string, ids []lqp.Value, labels map[string]string) error {
	now, err := s.ofNow(ctx)
	if err != nil {
		return err
	}
	t, seen, err := now.tableOf(ctx, table)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrArchived) {
		return nil
	}
	if err != nil {
		return err
	}
	primary := seen.Table().Column(t.Primary())
	if primary == nil || !seen.Shows(primary.ID) || !seen.Shows(minidb.ColumnID) || !primary.Type.Kind.Orderable() {
		return nil
	}
	for len(ids) > 0 {
		chunk := ids[:min(len(ids), labelChunk)]
		ids = ids[len(chunk):]
		if err := now.ownLabelsOf(ctx, table, primary.ID, chunk, labels); err != nil {
			return err
		}
	}
	return nil
}

func (s *entry) ownLabelsOf(ctx context.Context, table, primary string, ids []lqp.Value, labels map[string]string) error {
	among := func(column string, values []lqp.Value) *lqp.Query {
		in := make([]*lqp.Lit, len(values))
		for i, v := range values {
			in[i] = lqp.Literal(v)
		}
		return &lqp.Query{From: lqp.Source{Table: table, Alias: "t"}, Where: lqp.NewCall("in", lqp.Ref("t", column), lqp.NewList(in...)), Page: lqp.Page{Limit: len(values)}}
	}
	q := among(minidb.ColumnID, ids)
	q.Select = []lqp.Named{{Name: "id", Expr: lqp.Ref("t", minidb.ColumnID)}, {Name: "label", Expr: lqp.Ref("t", primary)}}
	byLabel := map[string]string{} // the one row of the chunk, or any of them
	var values []lqp.Value
	err := s.eachRow(ctx, q, func(r *Rows) {
		text := string(r.Value(1).AppendText(nil))
		if text == "" || minidb.ValidID(text, "row") {
			return
		}
		if byLabel[text] == "" {
			values = append(values, r.Value(1))
		}
		byLabel[text] = r.Value(0).Text()
	})
	if err != nil || len(values) == 0 {
		return err
	}
	q = among(primary, values)
	q.GroupBy, q.Aggregates = []lqp.Named{{Name: "label", Expr: lqp.Ref("t", primary)}}, []lqp.Aggregate{{Name: "n", Func: "countall"}}
	return s.eachRow(ctx, q, func(r *Rows) {
		if n, _ := r.Value(1).Decimal().Int64(); n == 1 {
			text := string(r.Value(0).AppendText(nil))
			labels[byLabel[text]] = text
		}
	})
}

// eachRow calls f with every row of a query.
func (s *entry) eachRow(ctx context.Context, q *lqp.Query, f func(*Rows)) error {
	rows, err := s.query(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		f(rows)
	}
	return rows.Err()
}
