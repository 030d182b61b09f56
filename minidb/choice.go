package minidb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Choice is a possible value of a single_select or multi_select column. Rows hold its name; renaming a choice changes them.
type Choice struct {
	ID     string `json:"id"`   // given by the mini-DB when empty
	Name   string `json:"name"` // unique in the column
	Colour string `json:"colour,omitempty"`
}

// checkChoices checks the choices of a column and gives new ones their ids.
func checkChoices(choices []Choice) error {
	if len(choices) > maxChoices {
		return &LimitError{Name: "choices", Max: maxChoices}
	}
	names, ids := make(map[string]bool, len(choices)), make(map[string]bool, len(choices))
	for i := range choices {
		c := &choices[i]
		name, err := cleanName(c.Name)
		if err != nil {
			return invalid("choices", CodeName, "choice %d has no valid name", i+1)
		}
		if names[name] {
			return invalid("choices", CodeName, "choice %q occurs twice", name)
		}
		if err := checkText("choices", c.Colour, maxLook); err != nil {
			return err
		}
		if c.ID == "" {
			c.ID = NewID(prefixChoice)
		}
		if !ValidID(c.ID, prefixChoice) || ids[c.ID] {
			return invalid("choices", CodeInvalid, "choice %q has no valid id", name)
		}
		c.Name, names[name], ids[c.ID] = name, true, true
	}
	return nil
}

// ChoiceError says that choices were to be removed that rows have. It wraps ErrInUse.
type ChoiceError struct {
	Choices []UsedChoice // in the order of the column
}

// UsedChoice is a choice with the number of rows that have it.
type UsedChoice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Error implements error.
func (e *ChoiceError) Error() string {
	var b strings.Builder
	for i, c := range e.Choices {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "choice %q of %d rows", c.Name, c.Rows)
	}
	return b.String() + ": in use; say what replaces it"
}

// Unwrap is ErrInUse.
func (e *ChoiceError) Unwrap() error { return ErrInUse }

// choiceChange is what becomes of the names of choices.
type choiceChange struct {
	now  map[string]lqp.Value // new names by old ones, NULL to take the choice away
	gone []Choice             // removed without a replacement
}

// changeOf compares the choices of a column with those it had.
func (c *Column) changeOf(old *Column, replace map[string]string) (*choiceChange, error) {
	names := make(map[string]string, len(c.Options.Choices))
	for _, ch := range c.Options.Choices {
		names[ch.ID] = ch.Name
	}
	change := &choiceChange{now: make(map[string]lqp.Value)}
	used := 0
	for _, ch := range old.Options.Choices {
		name, stays := names[ch.ID]
		to, replaced := replace[ch.ID]
		switch {
		case replaced && stays:
			return nil, invalid("replace", CodeChoice, "choice %q is not removed", ch.Name)
		case replaced:
			used++
			if to == "" {
				change.now[ch.Name] = lqp.Value{}
			} else if name, stays = names[to]; stays {
				change.now[ch.Name] = lqp.TextValue(name)
			} else {
				return nil, invalid("replace", CodeChoice, "%q is not the id of a choice that stays", cleanText(to, maxLook))
			}
		case !stays:
			change.gone = append(change.gone, ch)
		case name != ch.Name:
			change.now[ch.Name] = lqp.TextValue(name)
		}
	}
	if used < len(replace) {
		return nil, invalid("replace", CodeChoice, "what is replaced is not a choice of %q", c.Name)
	}
	return change, nil
}

// apply is a value under the names that its choices have now.
func (ch *choiceChange) apply(v lqp.Value) lqp.Value {
	if v.Kind() == lqp.Text {
		if to, ok := ch.now[v.Text()]; ok {
			return to
		}
		return v
	}
	var items []lqp.Value
	for _, item := range v.Items() {
		to, ok := ch.now[item.Text()]
		if !ok {
			to = item
		}
		if !to.IsNull() && !slices.ContainsFunc(items, func(o lqp.Value) bool { return lqp.Equal(o, to) }) {
			items = append(items, to)
		}
	}
	if len(items) == 0 {
		return lqp.Value{}
	}
	return lqp.ListValue(items)
}

// renamedDefault is the default under the names that its choices have now, without those that are gone.
func renamedDefault(def lqp.Value, old, now []Choice) lqp.Value {
	names := make(map[string]string, len(now))
	for _, ch := range now {
		names[ch.ID] = ch.Name
	}
	change := &choiceChange{now: make(map[string]lqp.Value, len(old))}
	for _, ch := range old {
		change.now[ch.Name] = lqp.Value{}
		if name, ok := names[ch.ID]; ok {
			change.now[ch.Name] = lqp.TextValue(name)
		}
	}
	return change.apply(def)
}

// renameChoices gives rows the new names of their choices, or what replaces them, and refuses to remove a choice that rows have.
func (u *unit) renameChoices(t *Table, old, c *Column, replace map[string]string) error {
	change, err := c.changeOf(old, replace)
	if err != nil {
		return err
	}
	if len(change.gone) > 0 {
		if err := u.checkUnused(t, c, change.gone); err != nil {
			return err
		}
	}
	if len(change.now) == 0 {
		return nil
	}
	column := t.layout.selects[t.layout.slots[c.ID]].Expr
	where := lqp.NewCall("not", lqp.NewCall("is_null", column))
	if c.Type == SingleSelectColumn {
		from := make([]*lqp.Lit, 0, len(change.now))
		for _, name := range slices.Sorted(maps.Keys(change.now)) {
			from = append(from, lqp.Literal(lqp.TextValue(name)))
		}
		where = lqp.NewCall("in", column, lqp.NewList(from...))
	}
	empty := int64(0)
	err = u.rewriteRows(t, where, c.ID, func(v lqp.Value) lqp.Value {
		v = change.apply(v)
		if v.IsNull() {
			empty++
		}
		return v
	})
	if err == nil && empty > 0 && c.Required {
		err = invalid("replace", CodeRequired, "%d rows would have no value of %q, which is required", empty, c.Name)
	}
	return err
}

// checkUnused refuses to remove choices that rows have.
func (u *unit) checkUnused(t *Table, c *Column, gone []Choice) error {
	count := make(map[string]int64)
	err := u.cells(t, c, func(_, v lqp.Value) error {
		if v.Kind() == lqp.Text {
			count[v.Text()]++
		}
		for _, item := range v.Items() {
			count[item.Text()]++
		}
		return u.ctx.Err()
	})
	if err != nil {
		return err
	}
	used := &ChoiceError{}
	for _, ch := range gone {
		if n := count[ch.Name]; n > 0 {
			used.Choices = append(used.Choices, UsedChoice{ch.ID, ch.Name, n})
		}
	}
	if len(used.Choices) > 0 {
		return used
	}
	return nil
}
