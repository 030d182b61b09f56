package livetables

import (
	"fmt"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// rowRules gives the columns of a table's rules their ids. Who does not see all of the table does not make rules for it:
// they would tell what is in the rest, and would lift the rules that speak of it.
func (s *entry) rowRules(t *minidb.Table, seen *rewrite.Sight, rules minidb.TableRules) (*minidb.TableRules, error) {
	if err := wholeRows(t, seen); err != nil {
		return nil, err
	}
	schema := t.Schema()
	for _, c := range schema.Columns {
		if !seen.Shows(c.ID) {
			return nil, fmt.Errorf("a rule keeps columns of table %s from you, which its rules may be about: %w", t.ID, ErrForbidden)
		}
	}
	to := minidb.TableRules{RequireVersion: rules.RequireVersion}
	for _, set := range rules.Uniques {
		columns := make([]string, len(set.Columns))
		for i, name := range set.Columns {
			columns[i] = columnID(schema, name)
		}
		to.Uniques = append(to.Uniques, minidb.UniqueSet{ID: set.ID, Columns: columns})
	}
	for i, k := range rules.Checks {
		e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{})
		if err != nil {
			return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: fmt.Sprintf("checks[%d]", i), Code: minidb.CodeInvalid, Message: err.Error()}}}
		}
		k.Expr = lqp.EncodeExpr(columnsByID(e, schema))
		if k.Column != "" {
			k.Column = columnID(schema, k.Column)
		}
		to.Checks = append(to.Checks, k)
	}
	return &to, nil
}
