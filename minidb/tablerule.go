package minidb

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// TableRules are what the rows of a table must satisfy beside what each column asks for.
type TableRules struct {
	// Uniques are columns that are unique together, at most 10 sets: no two rows have the same values in all of them. Rows
	// without a value in one of them are not compared.
	Uniques []UniqueSet `json:"uniques,omitempty"`
	// Checks are formulas that every row that is written must make true, at most 20.
	Checks []Check `json:"checks,omitempty"`
	// RequireVersion refuses changes of single rows that do not say which version the writer has seen, unless they say that
	// they overwrite whatever is there. The mini-DB leaves it to the Guard of each write.
	RequireVersion bool `json:"require_version,omitempty"`
}

// UniqueSet are two to five columns that are unique together.
type UniqueSet struct {
	ID      string   `json:"id"`      // given by the mini-DB when empty
	Columns []string `json:"columns"` // ids
}

// Check is a formula over the columns of a row. It is evaluated when a row is made or changed, whichever of its columns are,
// with the time of the write as now. A result other than TRUE, NULL too, refuses the row.
type Check struct {
	ID      string          `json:"id"`               // given by the mini-DB when empty
	Expr    json.RawMessage `json:"expr"`             // the tree (lqp.EncodeExpr) of a boolean expression over columns by id
	Message string          `json:"message"`          // what the writer is told
	Column  string          `json:"column,omitempty"` // id of the column at which the message is shown, empty for the row
}

const (
	maxUniqueSets    = 10
	maxUniqueColumns = 5
	maxChecks        = 20
	maxCheckText     = 500
	prefixCheck      = "chk"
)

// clone is a copy whose lists are its own.
func (r TableRules) clone() TableRules {
	return TableRules{Uniques: slices.Clone(r.Uniques), Checks: slices.Clone(r.Checks), RequireVersion: r.RequireVersion}
}

// rowCheck is a Check ready to be evaluated.
type rowCheck struct {
	*Check
	holds lqp.Expr
}

// checkRules makes the rules of a table fit to be stored, and finds out whether they still are after a change of its columns.
func (t *Table) checkRules(db *DB) error {
	if len(t.Rules.Uniques) > maxUniqueSets {
		return &LimitError{Name: "unique sets", Max: maxUniqueSets}
	}
	if len(t.Rules.Checks) > maxChecks {
		return &LimitError{Name: "checks", Max: maxChecks}
	}
	ids := make(map[string]bool)
	for i := range t.Rules.Uniques {
		if err := t.checkUniqueSet(&t.Rules.Uniques[i], fmt.Sprintf("uniques[%d]", i), ids); err != nil {
			return err
		}
	}
	for i := range t.Rules.Checks {
		k, at := &t.Rules.Checks[i], fmt.Sprintf("checks[%d]", i)
		if k.ID == "" {
			k.ID = NewID(prefixCheck)
		}
		if !ValidID(k.ID, prefixCheck) || ids[k.ID] {
			return invalid(at, CodeInvalid, "no valid id")
		}
		ids[k.ID] = true
		if err := checkText(at, k.Message, maxCheckText); err != nil {
			return err
		}
		if k.Message == "" {
			return invalid(at, CodeRequired, "a check has a message")
		}
		if _, ok := t.Column(k.Column); k.Column != "" && !ok {
			return invalid(at, CodeUnknownColumn, "the column that shows the message is not in the table")
		}
	}
	_, err := t.rowChecks(db)
	return err
}

func (t *Table) checkUniqueSet(s *UniqueSet, at string, ids map[string]bool) error {
	if s.ID == "" {
		s.ID = NewID(prefixIndex)
	}
	if !ValidID(s.ID, prefixIndex) || ids[s.ID] {
		return invalid(at, CodeInvalid, "no valid id")
	}
	ids[s.ID] = true
	if len(s.Columns) < 2 || len(s.Columns) > maxUniqueColumns {
		return invalid(at, CodeInvalid, "2 to %d columns are unique together", maxUniqueColumns)
	}
	for i, id := range s.Columns {
		c, ok := t.Column(id)
		switch {
		case !ok:
			return invalid(at, CodeUnknownColumn, "a column that is unique together with others is not in the table")
		case slices.Contains(s.Columns[:i], id):
			return invalid(at, CodeDuplicateColumn, "%q is named twice", c.Name)
		case !c.storedType().Kind.Orderable():
			return invalid(at, CodeType, "%q cannot be unique: values of %s have no order", c.Name, c.storedType())
		}
	}
	return nil
}

// rowChecks binds the checks of a table.
func (t *Table) rowChecks(db *DB) ([]rowCheck, error) {
	list := make([]rowCheck, 0, len(t.Rules.Checks))
	for i := range t.Rules.Checks {
		k, at := &t.Rules.Checks[i], fmt.Sprintf("checks[%d]", i)
		e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{})
		if err != nil {
			return nil, invalid(at, CodeInvalid, "no expression: %v", err)
		}
		schema := t.Schema()
		if e, err = lqp.BindExpr(e, lqp.Scope{{Alias: sourceAlias, Columns: schema.Columns, Key: schema.Key}}, lqp.Env{Now: db.now()}); err != nil {
			return nil, invalid(at, CodeInvalid, "the formula does not fit the columns: %v", err)
		}
		if e.Type().Kind != lqp.Bool {
			return nil, invalid(at, CodeType, "a check is true or false, not %s", e.Type())
		}
		if e, err = lqp.Resolve(e, t.layout.slot); err != nil {
			return nil, err
		}
		list = append(list, rowCheck{k, e})
	}
	return list, nil
}

// broken lists the checks that the new rows break. A row with a refused value is not asked: it will not be.
func (p *rowPlan) broken(list []rowWrite) (faults []FieldError) {
	for _, k := range p.checks {
		for i := range list {
			if w := &list[i]; w.op != lqp.Delete && w.changed && len(w.bad) == 0 && !allows(k.holds, w.after) {
				faults = append(faults, FieldError{Row: w.index, Column: k.Column, Code: CodeCheck, Message: k.Message})
			}
		}
	}
	return faults
}

// putRules stores the rules of a table in the place of those that it had, and refuses rules that rows break.
func (u *unit) putRules(t *Table, old TableRules) error {
	t.layout = newLayout(u.db.store, t)
	if err := t.checkRules(u.db); err != nil {
		return err
	}
	t.layout = newLayout(u.db.store, t) // the sets have their ids now
	for _, s := range old.Uniques {
		if err := u.dropUniqueSet(t, s); err != nil {
			return err
		}
	}
	if err := u.createUniqueSets(t); err != nil {
		return err
	}
	if err := u.checkRows(t, old); err != nil {
		return err
	}
	return u.storeRules(t)
}

func (u *unit) storeRules(t *Table) error {
	_, err := u.exec(`UPDATE lt_table SET rules = ? WHERE workspace = ? AND id = ?`, argText(t.Rules.document()), argText(t.Workspace), argText(t.ID))
	return err
}

func (r TableRules) document() string {
	doc, err := json.Marshal(r)
	if err != nil { // expressions that were decoded, and texts
		panic(fmt.Sprintf("rules of a table: %v", err))
	}
	return string(doc)
}

// checkRows counts the rows that break checks which the table did not have before.
func (u *unit) checkRows(t *Table, old TableRules) error {
	checks, err := t.rowChecks(u.db)
	if err != nil {
		return err
	}
	checks = slices.DeleteFunc(checks, func(k rowCheck) bool {
		return slices.ContainsFunc(old.Checks, func(o Check) bool { return o.ID == k.ID && string(o.Expr) == string(k.Expr) })
	})
	if len(checks) == 0 {
		return nil
	}
	count := make([]int64, len(checks))
	err = u.scan(t.layout, nil, false, func(row []lqp.Value) error {
		for i, k := range checks {
			if !allows(k.holds, row) {
				count[i]++
			}
		}
		return u.ctx.Err()
	})
	if err != nil {
		return err
	}
	var faults []FieldError
	for i, n := range count {
		if n > 0 {
			faults = append(faults, FieldError{Column: "checks", Code: CodeCheck, Message: fmt.Sprintf("%d rows break %q", n, checks[i].Message)})
		}
	}
	if len(faults) > 0 {
		return &ValidationError{Fields: faults}
	}
	return nil
}

// renamed are the rules of a copy of the table.
func (r TableRules) renamed(ids map[string]string) TableRules {
	to := TableRules{RequireVersion: r.RequireVersion}
	for _, s := range r.Uniques {
		set := UniqueSet{ID: NewID(prefixIndex)}
		for _, id := range s.Columns {
			set.Columns = append(set.Columns, ids[id])
		}
		to.Uniques = append(to.Uniques, set)
	}
	for _, k := range r.Checks {
		k.ID, k.Column = NewID(prefixCheck), ids[k.Column]
		if e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{}); err == nil {
			k.Expr = lqp.EncodeExpr(renamed(e, ids))
		}
		to.Checks = append(to.Checks, k)
	}
	return to
}

// byID are the rules with the ids of the columns of t in the place of their names. What is no name stays, and is refused by
// whoever checks the rules.
func (r TableRules) byID(t *Table) TableRules {
	ids := make(map[string]string, len(t.Columns))
	for _, c := range t.Columns {
		ids[c.Name] = c.ID
	}
	to := TableRules{}
	for _, s := range r.Uniques {
		set := UniqueSet{}
		for _, name := range s.Columns {
			set.Columns = append(set.Columns, other(name, ids))
		}
		to.Uniques = append(to.Uniques, set)
	}
	for _, k := range r.Checks {
		k.ID, k.Column = "", other(k.Column, ids)
		if e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{}); err == nil {
			k.Expr = lqp.EncodeExpr(renamed(e, ids))
		}
		to.Checks = append(to.Checks, k)
	}
	return to
}

// shown are the rules as far as somebody may know them who sees the columns that visible reports.
func (r TableRules) shown(visible func(column string) bool) TableRules {
	to := TableRules{RequireVersion: r.RequireVersion}
	for _, s := range r.Uniques {
		if !slices.ContainsFunc(s.Columns, func(id string) bool { return !visible(id) }) {
			to.Uniques = append(to.Uniques, s)
		}
	}
	for _, k := range r.Checks {
		e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{})
		all := err == nil && (k.Column == "" || visible(k.Column))
		if err == nil {
			lqp.Walk(e, func(e lqp.Expr) bool {
				c, ok := e.(*lqp.Col)
				all = all && (!ok || visible(c.Column))
				return true
			})
		}
		if all {
			to.Checks = append(to.Checks, k)
		}
	}
	return to
}
