package minidb

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/livetables/livetables/lqp"
)

// The columns and values that the mini-DB makes itself.

// mirror is a column that shows a built-in one, by their slots. It has values of its own, always the same ones, so that it
// is filtered, sorted, indexed and kept in images as any other column is.
type mirror struct{ slot, from int }

// mirror copies the built-in columns of a row to the columns that show them.
func (l *layout) mirror(row []lqp.Value) {
	for _, m := range l.mirrors {
		row[m.slot] = row[m.from]
	}
}

// checkType checks what the column asks for beside its options against its type.
func (c *Column) checkType() error {
	switch {
	case c.Type == AutonumberColumn:
		c.Unique = true
		fallthrough
	case c.Type.Filled():
		if c.Required || !c.Default.IsNull() {
			return invalid("required", CodeOption, "%q is filled by the database: it is neither required nor has it a default", c.Name)
		}
	case c.Type == UserColumn && !c.Default.IsNull():
		return invalid("default", CodeOption, `a user column has no default: members leave; generate "user" is who makes the row`)
	case c.Options.Generate != "" && !c.Default.IsNull():
		return invalid("default", CodeOption, "%q generates its value: it has no default", c.Name)
	}
	if c.Unique && !c.storedType().Kind.Orderable() {
		return invalid("unique", CodeOption, "a %s column cannot be unique", c.Type)
	}
	if c.Unique && c.Type.BuiltIn() != "" {
		return invalid("unique", CodeOption, "a %s column cannot be unique", c.Type)
	}
	return nil
}

// initial is the value of a new row that gives none.
func (u *unit) initial(c *Column) lqp.Value {
	switch c.Options.Generate {
	case GenerateNow:
		return lqp.DateTimeValue(u.now.UnixMilli())
	case GenerateToday:
		return dayOf(lqp.DateTimeValue(u.now.UnixMilli())).value
	case GenerateUser:
		return u.writer
	case GenerateUUID:
		return lqp.TextValue(uuid.Must(uuid.NewV7()).String())
	}
	return c.Default
}

// number gives new rows the numbers of autonumber columns. The numbers are taken in the transaction that stores the rows:
// one that fails gives them back, so that gaps come from deleted rows alone.
func (u *unit) number(p *rowPlan, list []rowWrite) error {
	if len(p.l.numbers) == 0 {
		return nil
	}
	n := 0
	for i := range list {
		if list[i].op == lqp.Insert && p.restored[list[i].id] == nil {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	for _, i := range p.l.numbers {
		next, err := u.reserve(p.t.Workspace, p.t.Columns[i].ID, n)
		if err != nil {
			return err
		}
		for k := range list {
			if list[k].op == lqp.Insert && p.restored[list[k].id] == nil {
				list[k].after[p.l.user[i]] = lqp.IntValue(next)
				next++
			}
		}
	}
	return nil
}

// reserve takes the next n numbers of an autonumber column and answers the first.
func (u *unit) reserve(workspace, column string, n int) (int64, error) {
	next, err := must(u.session, "column "+column, func(r record) int64 { return r.integer(0) },
		`SELECT next_number FROM lt_column WHERE workspace = ? AND id = ?`, argText(workspace), argText(column))
	if err != nil {
		return 0, err
	}
	_, err = u.exec(`UPDATE lt_column SET next_number = ? WHERE workspace = ? AND id = ?`, argInt(next+int64(n)), argText(workspace), argText(column))
	u.numbered = append(u.numbered, numbering{column, next})
	return next, err
}

// numbering is a column and the first number that was taken of it at some moment of the transaction.
type numbering struct {
	column string
	first  int64
}

// returnNumbers gives back the numbers that were taken since that many takings.
func (u *unit) returnNumbers(workspace string, since int) error {
	for ; len(u.numbered) > since; u.numbered = u.numbered[:len(u.numbered)-1] {
		last := u.numbered[len(u.numbered)-1]
		if _, err := u.exec(`UPDATE lt_column SET next_number = ? WHERE workspace = ? AND id = ?`, argInt(last.first), argText(workspace),
			argText(last.column)); err != nil {
			return fmt.Errorf("give back numbers: %w", err)
		}
	}
	return nil
}

// fillColumn gives the rows of a table the values of a new column that the mini-DB fills. Numbers are given in the order of
// the row ids, as changes of the rows; what a column shows of a built-in one is no change.
func (u *unit) fillColumn(t *Table, c *Column) error {
	if c.Type.Computed() {
		return nil // computed with all else that the change of the table makes stale
	}
	if from := c.Type.BuiltIn(); from != "" {
		if _, err := u.exec("UPDATE " + u.physical(t) + " SET " + quoteID(c.ID) + " = " + quoteID(from)); err != nil {
			return fmt.Errorf("fill column: %w", err)
		}
		return nil
	}
	now := *t
	now.layout = newLayout(u.db.store, t)
	next := int64(1)
	err := u.rewriteRows(&now, nil, c.ID, func(lqp.Value) lqp.Value {
		next++
		return lqp.IntValue(next - 1)
	})
	if err != nil {
		return err
	}
	_, err = u.reserve(t.Workspace, c.ID, int(next-1))
	return err
}
