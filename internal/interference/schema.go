package interference

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// schemas compares what the principal is told of tables with what is left of them: which there are, their columns, and of a
// masked column nothing but what its mask is known to be.
func (a *asker) schemas(ctx context.Context) (diff string, err error) {
	told := map[rbac.TableRef]*lqp.Table{}
	p := &a.r.place
	tables, err := a.as.Tables(ctx, p.base)
	if err != nil {
		return "", err
	}
	for _, t := range tables {
		told[rbac.TableRef{Table: t.ID}] = t.Schema()
		for _, c := range t.Columns {
			if access := a.tableOf(t.ID).access(c.ID); access == rbac.Masked && (c.Options.Scale != 0 || c.Unique || c.Required || !c.Default.IsNull()) {
				return fmt.Sprintf("the options of the masked column %s are told: %+v", c.Name, c), nil
			}
		}
	}
	if found, err := a.as.Schema(ctx, p.connection, false); err == nil {
		for _, t := range found.Tables {
			told[rbac.TableRef{Connection: p.connection, Table: t.Name}] = t
		}
	}
	for _, t := range a.w.tables {
		got := told[t.ref]
		if (got != nil) != t.open() {
			return fmt.Sprintf("table %s is told of: %v", t.ref.Table, got != nil), nil
		}
		if got == nil {
			continue
		}
		if diff := a.told(t, got); diff != "" {
			return fmt.Sprintf("table %s: %s", t.ref.Table, diff), nil
		}
	}
	return "", nil
}

func (a *asker) tableOf(id string) *table {
	return a.w.tables[slices.IndexFunc(a.w.tables, func(t *table) bool { return t.ref.Table == id })]
}

// told says what is wrong with what is told of a table.
func (a *asker) told(t *table, got *lqp.Table) string {
	want := t.columns()
	if len(want) != len(got.Columns) {
		return fmt.Sprintf("%d columns, not %d", len(got.Columns), len(want))
	}
	for i, c := range got.Columns {
		if c.ID != want[i].ID {
			return fmt.Sprintf("column %s, not %s", c.ID, want[i].ID)
		}
		if t.access(c.ID) == rbac.Masked {
			known := t.maskType(want[i])
			if c.Type != known || c.Native != "" || c.Collation != "" || c.HasDefault || c.Fact != "" {
				return fmt.Sprintf("of the masked column %s is told %+v, known is %+v", c.Name, c, known)
			}
		}
	}
	needed := slices.Clone(got.Key)
	for _, u := range got.Uniques {
		needed = append(needed, u...)
	}
	for _, f := range got.ForeignKeys {
		needed = append(needed, f.Columns...)
	}
	for _, id := range needed {
		if !t.real(id) {
			return "a key of column " + id + " is told"
		}
	}
	if narrows := slices.ContainsFunc(t.rules, func(r rule) bool { return r.given.Read != nil }); narrows && got.Rows >= 0 {
		return fmt.Sprintf("the table has %d rows, some of them out of sight", got.Rows)
	}
	return ""
}

// maskType is what is known of the values that a masked column shows.
func (t *table) maskType(c lqp.Column) lqp.Type {
	if r := t.maskOf(c.ID); r != nil && r.masks[c.ID] != nil && r.masks[c.ID].Type().Kind != lqp.Null {
		return r.masks[c.ID].Type()
	}
	return lqp.Type{Kind: c.Type.Kind, Elem: c.Type.Elem}
}
