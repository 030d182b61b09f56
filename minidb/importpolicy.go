package minidb

import (
	"encoding/json"
	"strings"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// checkPolicy checks roles' grants, caps and rules.
func (in *importing) checkPolicy(*DB) error {
	for _, row := range in.records["role"] {
		for _, g := range scanRole(recordOf(row)).Grants {
			if g.On != "" && !in.narrowable(g.On) && in.ids[g.On] != "" {
				return faulty("a role grants something on what nothing is granted on")
			}
			if g.On != "" && !ValidID(g.On, idPrefix(g.On)) {
				return faulty("a role grants something on nothing")
			}
		}
	}
	for _, row := range in.records["cap"] {
		c := scanCap(recordOf(row))
		if err := c.check(); err != nil {
			return err
		}
		if !in.narrowable(c.Resource) {
			return faulty("a cap is on nothing")
		}
		if c.Role != "" && !in.role(c.Role) {
			return faulty("a cap is of no role")
		}
	}
	for _, row := range in.records["rule"] {
		if err := in.checkRule(row); err != nil {
			return err
		}
	}
	return nil
}

// narrowable reports whether caps and grants may be on something of the archive.
func (in *importing) narrowable(id string) bool {
	switch strings.TrimPrefix(in.ids[id], trashed) {
	case "project", "base", "table", "view", "connection":
		return true
	}
	return false
}

func (in *importing) role(r rbac.Role) bool {
	return r.BuiltIn() || in.ids[string(r)] == "role"
}

func (in *importing) checkRule(row []lqp.Value) error {
	x := scanRule(recordOf(row))
	if err := x.check(); err != nil {
		return err
	}
	columns, err := json.Marshal(x.Columns)
	if err != nil {
		return err
	}
	masks := []byte("{}")
	if len(x.Masks) > 0 {
		if masks, err = json.Marshal(x.Masks); err != nil {
			return err
		}
	}
	again := []lqp.Value{argText(in.about.Workspace), argText(x.Table.Connection), argText(x.Table.Table), argText(string(x.Role)), argText(string(x.Read)),
		argText(string(x.Create)), argText(string(x.Update)), argText(string(x.Delete)), argText(string(columns)), argText(string(masks))}
	for i, doc := range [][]byte{x.Read, x.Create, x.Update, x.Delete} {
		if doc == nil {
			again[4+i] = lqp.Value{}
		}
	}
	if err := portableOf("lt_rule").same(row, again); err != nil {
		return err
	}
	if !in.role(x.Role) {
		return faulty("a rule is of no role")
	}
	if x.Table.Connection != "" {
		return in.refers(x.Table.Connection, "connection")
	}
	t := in.tables[x.Table.Table]
	if t == nil {
		return faulty("a rule is of no table")
	}
	for column := range x.Columns {
		if _, ok := t.layout.slots[column]; !ok {
			return faulty("a rule names a column that its table does not have")
		}
	}
	return nil
}
