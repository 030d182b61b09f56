package livetables

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// CheckFormula says what a formula column of a table would be, without making it: the type of its values, the columns that it
// reads, or what is wrong and where. column is the id of the column that the formula is meant for, empty for a new one. It
// speaks of columns that the principal sees the values of; another one is unknown.
func (a *Access) CheckFormula(ctx context.Context, table, text, column string) (*minidb.FormulaReport, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	if column != "" && seen.Table().Column(column) == nil {
		return nil, fmt.Errorf("column %s: %w", column, ErrNotFound)
	}
	return t.CheckFormula(text, valuesInSight(t, seen), column), nil
}

// valuesInSight are the columns of a table of which the principal sees the real values, for formulas that are to be kept:
// who makes one could otherwise compute from what a mask or a rule keeps from them.
func valuesInSight(t *minidb.Table, seen *rewrite.Sight) lqp.Scope {
	src := lqp.ScopeSource{Alias: rewrite.Alias, Label: t.Name, Key: seen.Table().Key}
	for _, c := range seen.Table().Columns {
		if seen.Shows(c.ID) {
			src.Columns = append(src.Columns, c)
		}
	}
	return lqp.Scope{src}
}

// computedOptions gives what the options of a computed column name its ids, as the principal sees the tables. t is nil for a
// table that is about to be made, whose own columns everybody may name who makes it.
func (s *entry) computedOptions(ctx context.Context, t *minidb.Table, seen *rewrite.Sight, kind minidb.ColumnType, o minidb.ColumnOptions,
	columns []minidb.ColumnSpec, path string) (minidb.ColumnOptions, error) {
	if !kind.Computed() {
		return o, nil
	}
	if kind == minidb.FormulaColumn {
		if t == nil {
			return o, nil
		}
		var err error
		o.Formula, err = byID(o.Formula, o.Expr, valuesInSight(t, seen), path+".formula")
		o.Expr = nil
		return o, err
	}
	if o.Through == nil {
		return o, nil // the mini-DB says what is missing
	}
	th := *o.Through
	o.Through = &th
	linked := ""
	if t == nil {
		var own bool
		if linked, own = linkedBySpec(columns, th.Link); own {
			return o, nil
		}
	} else if c := columnOf(t, seen, th.Link); c != nil && c.Type == minidb.LinkColumn {
		if !seen.Shows(c.ID) {
			return o, fmt.Errorf("a rule keeps the link from you: %w", ErrForbidden)
		}
		th.Link, linked = c.ID, c.Options.Link.Table
	}
	if linked == "" {
		return o, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: strings.TrimPrefix(path, "$.") + ".through.link", Code: minidb.CodeUnknownColumn,
			Message: fmt.Sprintf("%q is no link column of the table", th.Link)}}}
	}
	target, sight, err := s.tableOf(ctx, linked)
	if err != nil {
		return o, err
	}
	if err := wholeRows(target, sight); err != nil {
		return o, err
	}
	if th.Target != "" {
		if c := schemaColumn(sight, th.Target); c != nil {
			th.Target = c.ID
		} else {
			return o, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: strings.TrimPrefix(path, "$.") + ".through.target", Code: minidb.CodeUnknownColumn,
				Message: "the linked table has no such column"}}}
		}
	}
	if th.Filter != "" || len(th.FilterExpr) > 0 {
		th.Filter, err = byID(th.Filter, th.FilterExpr, valuesInSight(target, sight), path+".through.filter")
		th.FilterExpr = nil
	}
	return o, err
}

// byID is a formula by the ids of its columns; mistakes are at the path.
func byID(text string, tree []byte, scope lqp.Scope, path string) (string, error) {
	var err error
	if text == "" && len(tree) > 0 {
		if text, err = minidb.FormulaText(tree); err != nil {
			return "", &minidb.ValidationError{Fields: []minidb.FieldError{{Column: strings.TrimPrefix(path, "$."), Code: minidb.CodeInvalid, Message: err.Error()}}}
		}
	}
	if text == "" {
		return "", nil
	}
	text, err = minidb.FormulaByID(text, scope)
	var problems lqp.Problems
	if errors.As(err, &problems) {
		return "", problems.Under(path)
	}
	return text, err
}

// columnOf is a column that the principal sees, by id or name.
func columnOf(t *minidb.Table, seen *rewrite.Sight, name string) *minidb.Column {
	var found *minidb.Column
	for i := range t.Columns {
		c := &t.Columns[i]
		if seen.Table().Column(c.ID) == nil {
			continue
		}
		if c.ID == name {
			return c
		}
		if strings.EqualFold(c.Name, name) {
			found = c
		}
	}
	return found
}

// schemaColumn is a column whose values the principal sees, a built-in one too, by id or name.
func schemaColumn(seen *rewrite.Sight, name string) *lqp.Column {
	var found *lqp.Column
	columns := seen.Table().Columns
	for i := range columns {
		c := &columns[i]
		if !seen.Shows(c.ID) {
			continue
		}
		if c.ID == name {
			return c
		}
		if strings.EqualFold(c.Name, name) {
			found = c
		}
	}
	return found
}

// linkedBySpec is the table that a link column names which is made along with a column that looks through it; own says that
// it is the table that is being made.
func linkedBySpec(columns []minidb.ColumnSpec, name string) (table string, own bool) {
	for i := range columns {
		c := &columns[i]
		if c.Type == minidb.LinkColumn && c.Options.Link != nil && strings.EqualFold(c.Name, name) {
			return c.Options.Link.Table, c.Options.Link.Table == ""
		}
	}
	return "", false
}

// mayRecompute gives the new options of a computed column their ids, and refuses a formula of another kind that a rule of the
// policy would not stand: a broken rule closes its table.
func (s *entry) mayRecompute(ctx context.Context, t *minidb.Table, seen *rewrite.Sight, column string, patch *minidb.ColumnPatch) error {
	c, ok := t.Column(column)
	if !ok || !c.Type.Computed() || patch.Options == nil {
		return nil
	}
	o, err := s.computedOptions(ctx, t, seen, c.Type, *patch.Options, nil, "$.options")
	if err != nil {
		return err
	}
	patch.Options = &o
	if c.Type != minidb.FormulaColumn {
		return nil
	}
	report := t.CheckFormula(o.Formula, valuesInSight(t, seen), column)
	if report.Result == nil || c.Options.Result != nil && *report.Result == *c.Options.Result {
		return nil
	}
	now := *c
	now.Options.Result = report.Result
	r := &retyping{entry: s, table: t, column: column}
	for _, b := range r.breaks(ctx, &now) {
		if b.Kind == "rule" {
			return &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "options.formula", Code: "rule",
				Message: fmt.Sprintf("the rule of the role %s would not compile any more; change it first", b.Name)}}}
		}
	}
	return nil
}

// readableColumn is a column that the principal has just made or changed as it is shown in its table.
func (a *Access) readableColumn(ctx context.Context, c *minidb.Column, err error) (*minidb.Column, error) {
	if err != nil || !c.Type.Computed() {
		return c, err
	}
	if t, err := a.Table(ctx, c.Table); err == nil {
		if shown, ok := t.Column(c.ID); ok {
			return shown, nil
		}
	}
	return c, nil // changed meanwhile: this is what it was made as
}
