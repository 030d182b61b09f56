package minidb

import (
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// The rules for a column's values that its options set beside the type: the least and the largest value and the shortest
// text.

// checkBounds reads Min and Max as values of the column's type, puts them into canonical form and keeps the values.
func (c *Column) checkBounds() error {
	c.min, c.max = lqp.Value{}, lqp.Value{}
	o := &c.Options
	if c.Type == RatingColumn {
		if err := c.stars(); err != nil {
			return err
		}
	}
	for _, b := range []struct {
		name string
		doc  *json.RawMessage
		to   *lqp.Value
	}{{"min", &o.Min, &c.min}, {"max", &o.Max, &c.max}} {
		if len(*b.doc) == 0 || string(*b.doc) == "null" {
			*b.doc = nil
			continue
		}
		if !c.bounded() {
			return invalid("options", CodeOption, "a %s column has no %s", c.Type, b.name)
		}
		v, err := lqp.ParseValue(c.storedType(), *b.doc)
		if err != nil {
			return invalid("options", CodeOption, "%s: %v", b.name, err)
		}
		*b.doc, *b.to = v.AppendJSON(nil), v
	}
	if c.Type == RatingColumn {
		c.min = lqp.IntValue(1)
		if n, whole := c.max.Decimal().Int64(); !whole || n < 1 || n > maxStars {
			return invalid("options", CodeOption, "a rating has 1 to %d stars", maxStars)
		}
	}
	if !c.min.IsNull() && !c.max.IsNull() && lqp.Compare(c.min, c.max) > 0 {
		return invalid("options", CodeOption, "min is larger than max")
	}
	return nil
}

// bounded reports whether columns of this type can have a least and a largest value.
func (c *Column) bounded() bool {
	switch c.Type {
	case IntegerColumn, RatingColumn, DecimalColumn, CurrencyColumn, PercentColumn, DurationColumn, DateColumn, DateTimeColumn:
		return true
	}
	return false
}

// conformBounds says what is wrong with a value of the right type that is too small or too large.
func (c *Column) conformBounds(v lqp.Value) (code, message string) {
	switch {
	case !c.min.IsNull() && lqp.Compare(v, c.min) < 0:
		return CodeMin, fmt.Sprintf("%q is at least %s, not %s", c.Name, c.min, v)
	case !c.max.IsNull() && lqp.Compare(v, c.max) > 0:
		return CodeMax, fmt.Sprintf("%q is at most %s, not %s", c.Name, c.max, v)
	}
	return "", ""
}

// narrower reports whether a value that the column of before allowed may break the rules it has now.
func (c *Column) narrower(before *Column) bool {
	return c.Options.MinLength > before.Options.MinLength ||
		c.Options.Pattern != "" && c.Options.Pattern != before.Options.Pattern ||
		!c.min.IsNull() && (before.min.IsNull() || lqp.Compare(c.min, before.min) > 0) ||
		!c.max.IsNull() && (before.max.IsNull() || lqp.Compare(c.max, before.max) < 0)
}

// checkCells refuses new rules for a column that rows break.
func (u *unit) checkCells(t *Table, c *Column) error {
	l := newLayout(u.db.store, t)
	return u.scanColumns(l, []lqp.Named{l.selects[l.slots[c.ID]]}, nil, false, func(row []lqp.Value) error {
		if _, code, _ := c.conform(row[0]); code != "" {
			return invalid("options", code, "rows have values of %q that break the rule", c.Name)
		}
		return nil
	})
}
