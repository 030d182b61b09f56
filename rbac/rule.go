package rbac

import (
	"maps"

	"github.com/livetables/livetables/lqp"
)

// TableRef names a table as policies know it: the connection's id (empty for the mini-DB) and the table's name there.
type TableRef struct {
	Connection string `json:"connection,omitempty"`
	Table      string `json:"table"`
}

// resource is the id that grants, caps and scopes know a table by: tables of a connection are inside it and have no id of
// their own.
func (t TableRef) resource() string {
	if t.Connection != "" {
		return t.Connection
	}
	return t.Table
}

// TableRule narrows what a role may do with one table. The zero TableRule narrows nothing.
type TableRule struct {
	// Read, Update, Delete are predicates that a row must satisfy to be seen, changed, removed; Create and Update are
	// also asked of the row as it is after the write. nil is true. They are unbound: columns are named by id.
	Read, Create, Update, Delete lqp.Expr
	// Columns lists the columns, by id, that are not fully accessible.
	Columns map[string]Access
	// Masks are what masked columns show, by column id: expressions over the row's columns, named by id, of the column's own
	// type. A masked column without one shows NULL.
	Masks map[string]lqp.Expr
	// Closed denies the table altogether: a rule that no longer compiles, or an explicit denial.
	Closed bool
}

// Access says what remains of a column.
type Access string

// The accesses, from the least that remains. A Hidden column does not exist for the principal; a Masked one is its mask in
// every place and cannot be written; a ReadOnly one can be read but not written.
const (
	Hidden   Access = "hidden"
	Masked   Access = "masked"
	ReadOnly Access = "read_only"
)

// strictness orders the accesses; what is not one of them counts as hidden.
func (a Access) strictness() int {
	switch a {
	case "":
		return 0
	case ReadOnly:
		return 1
	case Masked:
		return 2
	default:
		return 3
	}
}

// both is the rule under which a row, a write or a column is let through only if both rules let it.
func both(a, b TableRule) TableRule {
	out := TableRule{Closed: a.Closed || b.Closed,
		Read: lqp.And(a.Read, b.Read), Create: lqp.And(a.Create, b.Create), Update: lqp.And(a.Update, b.Update), Delete: lqp.And(a.Delete, b.Delete)}
	if len(b.Columns) == 0 {
		out.Columns, out.Masks = a.Columns, a.Masks
		return out
	}
	out.Columns, out.Masks = maps.Clone(b.Columns), maps.Clone(b.Masks)
	for id, access := range a.Columns {
		old := out.Columns[id]
		switch {
		case access == Masked && old == Masked:
			// No expression shows less than each of two masks: what is left is nothing.
			if !lqp.EqualExpr(a.Masks[id], out.Masks[id]) {
				delete(out.Masks, id)
			}
		case access.strictness() > old.strictness():
			out.Columns[id] = access
			delete(out.Masks, id)
			if m := a.Masks[id]; m != nil && access == Masked {
				if out.Masks == nil {
					out.Masks = map[string]lqp.Expr{}
				}
				out.Masks[id] = m
			}
		}
	}
	return out
}
