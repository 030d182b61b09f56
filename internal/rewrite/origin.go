package rewrite

import (
	"maps"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// withoutOrigins is the rule of a table with what the rules of other tables add to it: a column whose values are made of
// columns of other tables, or speak of their rows, is masked by NULL for whom any of them is hidden or masked, or any row of
// their tables is out of sight. A column that is computed from others, of its own row too, is hidden: what it shows would be
// theirs. Nothing gives it back, not even a rule for the column itself.
//
// Whether a row that a value speaks of is in sight cannot be told from the row with the value, which is all that a Sight is
// shown of events, history and results of writes. So it is all of the values or none, unless whoever shows them looks the rows
// up: the columns of links for which that is enough are the second answer.
func (r Reader) withoutOrigins(ref rbac.TableRef, t *lqp.Table, rule rbac.TableRule) (rbac.TableRule, map[string]part) {
	added := false
	var parts map[string]part
	for i := range t.Columns {
		c := &t.Columns[i]
		if len(c.Origins) == 0 || r.seesOrigins(ref, rule, c) {
			continue
		}
		if hides(rule.Columns[c.ID]) {
			continue
		}
		if p, ok := r.partOf(ref, rule, c); ok {
			if parts == nil {
				parts = map[string]part{}
			}
			parts[c.ID] = p
		}
		if !added { // the policy's own maps are shared
			if rule.Columns, rule.Masks = maps.Clone(rule.Columns), maps.Clone(rule.Masks); rule.Columns == nil {
				rule.Columns = map[string]rbac.Access{}
			}
			added = true
		}
		rule.Columns[c.ID] = rbac.Masked
		if c.Derived && r.Principal.View == "" {
			rule.Columns[c.ID] = rbac.Hidden // a published view goes on and shows nothing of it
		}
		delete(rule.Masks, c.ID)
	}
	return rule, parts
}

// seesOrigins reports whether the reader sees all that the values of a column are made of. rule is that of the column's own
// table, which ref names.
func (r Reader) seesOrigins(ref rbac.TableRef, rule rbac.TableRule, c *lqp.Column) bool {
	for _, o := range c.Origins {
		if o.Column == lqp.GoneColumn { // nobody knows any more from whom it was kept
			if !r.Policy.ReadsAll(r.Principal) {
				return false
			}
			continue
		}
		if o.Table == "" {
			a := rule.Columns[o.Column]
			if o.Column == "" || hides(a) || a == rbac.Masked { // the first is of something that nobody can name
				return false
			}
			continue
		}
		// Who reads as the bearer of a view's key sees rows of the view and of nothing else.
		if r.Principal.View != "" {
			return false
		}
		from := rbac.TableRef{Connection: ref.Connection, Table: o.Table}
		of := rule
		if from != ref {
			of = r.Policy.Table(r.Principal, from)
		}
		a := of.Columns[o.Column]
		if of.Closed || of.Read != nil || hides(a) || a == rbac.Masked {
			return false
		}
	}
	return true
}
