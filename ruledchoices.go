package livetables

import (
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ruledChoices refuses new names for choices of a column of which the rule of a role speaks: rules hold the names as they are,
// and a rule against a name that is no more lets its rows through.
func (s *entry) ruledChoices(t *minidb.Table, column string, then []minidb.Choice) error {
	names := make(map[string]string, len(then))
	for _, x := range then {
		names[x.ID] = x.Name
	}
	c, ok := t.Column(column)
	renamed := func(x minidb.Choice) bool { name, stays := names[x.ID]; return stays && name != x.Name }
	if !ok || !slices.ContainsFunc(c.Options.Choices, renamed) {
		return nil
	}
	f := &finder{entry: s, columns: map[string]bool{column: true}}
	for _, r := range s.policy.Rules[rbac.TableRef{Table: t.ID}] {
		exprs := append([]lqp.Expr{r.Read, r.Create, r.Update, r.Delete}, slices.Collect(maps.Values(r.Masks))...)
		if slices.ContainsFunc(exprs, func(e lqp.Expr) bool { return e != nil && f.names(e) }) {
			return invalidField("options", "the rule of a role names these choices; change it first")
		}
	}
	return nil
}
