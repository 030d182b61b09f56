package livetables

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TypeChange says what a column is to become.
type TypeChange struct {
	Type    minidb.ColumnType
	Options minidb.ColumnOptions // of the new type
	// AddChoices makes choices of a single_select of the values that rows have and Options do not list.
	AddChoices bool
	// CreateRows makes rows of the linked table, of a column that becomes a link, for what no row of it is called. The principal
	// must be allowed to make them.
	CreateRows bool
	// AcceptLoss carries the change out although cells lose something or views break.
	AcceptLoss bool
}

// TypeReport tells what a change of type does to cells, views and rules.
type TypeReport struct {
	minidb.Retyping
	// Breaks lists the views and rules that compile now and would not any more.
	Breaks []Breakage `json:"breaks"`
}

// LossError says that a change of type was not made because it would lose something and nobody accepted that.
type LossError struct{ Report TypeReport }

// Error implements error.
func (e *LossError) Error() string {
	cause := minidb.LossError{Retyping: e.Report.Retyping}
	if e.Report.Lost == 0 && !e.Report.DefaultLost {
		return "views would break"
	}
	return cause.Error()
}

// A column of texts, choices or numbers becomes a link by what the rows of the linked table are called, the values of its primary
// column: each cell is one label, or a list of them with commas between or as JSON. A one-way link becomes a column of texts by
// the same. Only who sees all rows of the linked table and what they are called can have it so, and a link does not become texts
// while a rule keeps any of that from somebody: texts would show it.

// PreviewType tells what [Access.ChangeType] would do, and changes nothing. It needs what that needs: the right to alter the table
// (rbac.AlterTables), a column that the principal has all of, and no rule that keeps rows of the table from it. Its examples
// are rows that the principal may see. A type that the column cannot have is a *minidb.ValidationError; loss and what would
// break are in the report and no error here.
func (a *Access) PreviewType(ctx context.Context, column string, change TypeChange) (*TypeReport, error) {
	r, err := a.openRetype(ctx, column, change)
	if err != nil {
		return nil, err
	}
	return r.preview(ctx)
}

// ChangeType gives a column another type and converts its values in one transaction; see minidb.DB.ChangeType for what
// happens to rows. version is the table's, 0 for any. It fails with *LossError when cells would lose something or views would
// break and the change does not accept that, and with *minidb.ValidationError when a required or unique column could not
// stay so or a rule would not compile any more: a broken rule closes its table, so it is to be changed first.
func (a *Access) ChangeType(ctx context.Context, column string, change TypeChange, version int64) (*TypeReport, error) {
	for try := 1; ; try++ {
		report, err := a.changeType(ctx, column, change, version)
		var moved *minidb.VersionError
		again := errors.Is(err, minidb.ErrSchemaChanged) || version == 0 && errors.As(err, &moved)
		if !again || try == planTries {
			return report, err
		}
	}
}

func (a *Access) changeType(ctx context.Context, column string, change TypeChange, version int64) (*TypeReport, error) {
	r, err := a.openRetype(ctx, column, change)
	if err != nil {
		return nil, err
	}
	report, err := r.preview(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range report.Breaks {
		if b.Kind == "rule" {
			return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "type", Code: "rule",
				Message: fmt.Sprintf("the rule of the role %s would not compile any more; change it first", b.Name)}}}
		}
	}
	if len(report.Breaks) > 0 && !change.AcceptLoss {
		return nil, &LossError{*report}
	}
	if version == 0 {
		version = r.table.Version // what was looked at is what is changed
	}
	done, err := a.e.store.ChangeType(ctx, a.actor(""), column, r.retype, version)
	var loss *minidb.LossError
	if errors.As(err, &loss) {
		return nil, &LossError{TypeReport{loss.Retyping, report.Breaks}}
	}
	if err != nil {
		return nil, err
	}
	return &TypeReport{*done, report.Breaks}, nil
}

// retyping is a change of type that was asked for by somebody who may.
type retyping struct {
	*entry
	table  *minidb.Table
	column string
	retype minidb.Retype
}

func (a *Access) openRetype(ctx context.Context, column string, change TypeChange) (*retyping, error) {
	s, err := a.at(ctx, column, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.column(ctx, column)
	if err != nil {
		return nil, err
	}
	if t.Archived() {
		return nil, fmt.Errorf("table %q: %w", t.Name, ErrArchived)
	}
	if err := wholeRows(t, seen); err != nil {
		return nil, err
	}
	guard, err := s.guardOf(seen, t)
	if err != nil {
		return nil, err
	}
	r := &retyping{entry: s, table: t, column: column, retype: minidb.Retype{Type: change.Type, Options: change.Options, CreateRows: change.CreateRows,
		AddChoices: change.AddChoices, AcceptLoss: change.AcceptLoss, Visible: guard.Read, PolicyVersion: guard.PolicyVersion}}
	if c, _ := t.Column(column); change.Type == minidb.LinkColumn || c.Type == minidb.LinkColumn {
		r.retype.Target, err = s.labelled(ctx, c, change)
	}
	return r, err
}

// labelled checks that the principal sees what the rows of the linked table are called, all of them, for a change of type into or
// out of a link. The answer is what it may do there.
func (s *entry) labelled(ctx context.Context, c *minidb.Column, change TypeChange) (minidb.Guard, error) {
	link := change.Options.Link
	if c.Type == minidb.LinkColumn {
		link = c.Options.Link
	}
	if link == nil {
		return minidb.Guard{}, nil // refused for what it is
	}
	id := link.Table
	if id == "" {
		id = c.Table
	}
	target, seen, err := s.tableOf(ctx, id)
	if err != nil {
		return minidb.Guard{}, err
	}
	if err := wholeRows(target, seen); err != nil {
		return minidb.Guard{}, err
	}
	primary := target.Primary()
	if !seen.Shows(minidb.ColumnID) || primary != "" && !seen.Shows(primary) {
		return minidb.Guard{}, fmt.Errorf("what the rows of table %s are called is not for you to see: %w", id, ErrForbidden)
	}
	if c.Type == minidb.LinkColumn {
		for role, rule := range s.policy.Rules[rbac.TableRef{Table: id}] {
			if rule.Closed || rule.Read != nil || rule.Columns[primary] != "" && rule.Columns[primary] != rbac.ReadOnly || rule.Columns[minidb.ColumnID] != "" {
				return minidb.Guard{}, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "type", Code: "rule",
					Message: fmt.Sprintf("a rule keeps rows of the linked table, or what they are called, from the role %s: texts would show it", role)}}}
			}
		}
		return minidb.Guard{}, nil
	}
	if !change.CreateRows {
		return minidb.Guard{}, nil
	}
	if err := s.may(id, rbac.WriteRows); err != nil {
		return minidb.Guard{}, err
	}
	if seen.Access(primary) != "" {
		return minidb.Guard{}, fmt.Errorf("what the rows of table %s are called is not for you to write: %w", id, ErrForbidden)
	}
	return s.guardOf(seen, target)
}

func (r *retyping) preview(ctx context.Context) (*TypeReport, error) {
	cells, err := r.e.store.PreviewType(ctx, r.column, r.retype)
	if err != nil {
		return nil, err
	}
	return &TypeReport{*cells, r.breaks(ctx, &cells.Column)}, nil
}

// breaks finds the rules and views that compile against the table as it is and not once its column is c.
func (r *retyping) breaks(ctx context.Context, c *minidb.Column) []Breakage {
	then := *r.table.Schema()
	then.Columns = append([]lqp.Column(nil), then.Columns...)
	for i := range then.Columns {
		if then.Columns[i].ID == c.ID {
			then.Columns[i].Type = c.ValueType()
		}
	}
	return r.entry.breaks(ctx, r.table, &then)
}

// breaks finds the rules and views that compile against a table as it is and not as it would be.
func (s *entry) breaks(ctx context.Context, table *minidb.Table, then *lqp.Table) []Breakage {
	list := []Breakage{}
	now := table.Schema()
	compiles := func(rule rbac.TableRule, t *lqp.Table) bool {
		for _, e := range []lqp.Expr{rule.Read, rule.Create, rule.Update, rule.Delete} {
			if _, err := s.bindRule(e, t); err != nil {
				return false
			}
		}
		for id, mask := range rule.Masks {
			if rewrite.CheckMask(mask, t, id, s.reader()) != nil {
				return false
			}
		}
		return true
	}
	rules := s.policy.Rules[rbac.TableRef{Table: table.ID}]
	for _, role := range slices.Sorted(maps.Keys(rules)) {
		if rule := rules[role]; compiles(rule, now) && !compiles(rule, then) {
			list = append(list, Breakage{Kind: "rule", ID: string(role), Name: string(role), Effect: Closes})
		}
	}
	later := *s
	later.sights = nil
	later.instead = map[string]*lqp.Table{table.ID: then}
	for _, v := range s.Views {
		if s.readable(v.ID) && s.runs(ctx, v) && !later.runs(ctx, v) {
			list = append(list, Breakage{Kind: "view", ID: v.ID, Name: v.Name, Effect: Breaks})
		}
	}
	return list
}

// runs reports whether a view can be planned.
func (s *entry) runs(ctx context.Context, v *minidb.View) bool {
	q, err := decodeView(v)
	if err != nil {
		return false
	}
	if q, err = s.resolve(q, "$", 0, new(viewPaths)); err != nil {
		return false
	}
	_, err = s.rewrite(ctx, q)
	return err == nil
}
