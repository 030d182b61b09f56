package minidb

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// findWriter looks up whether the actor is a member, for a table whose rows may name who makes them.
func (u *unit) findWriter(t *Table) error {
	u.writer = lqp.Value{}
	if u.actor.ID == "" || !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Options.Generate == GenerateUser }) {
		return nil
	}
	m, err := u.member(t.Workspace, u.actor.ID)
	if err == nil && m != nil {
		u.writer = lqp.TextValue(m.User)
	}
	return err
}

// checkUsers finds the values of user columns that are no members of the workspace. Values that rows had before stay when
// their member has left.
func (u *unit) checkUsers(p *rowPlan, list []rowWrite) (faults []FieldError, err error) {
	if len(p.l.users) == 0 {
		return nil, nil
	}
	eachNew := func(f func(w *rowWrite, column *Column, user string)) {
		for i := range list {
			w := &list[i]
			for _, k := range p.l.users {
				slot := p.l.user[k]
				if w.after == nil || !w.changed || w.after[slot].IsNull() || w.before != nil && lqp.Equal(w.before[slot], w.after[slot]) {
					continue
				}
				f(w, &p.t.Columns[k], w.after[slot].Text())
			}
		}
	}
	wanted := make(map[string]bool)
	eachNew(func(_ *rowWrite, _ *Column, user string) { wanted[user] = false })
	for user := range wanted {
		m, err := u.member(p.t.Workspace, user)
		if err != nil {
			return nil, err
		}
		wanted[user] = m != nil
	}
	eachNew(func(w *rowWrite, c *Column, user string) {
		if !wanted[user] {
			faults = append(faults, FieldError{Row: w.index, Column: c.ID, Code: CodeMember, Message: c.noMember(user)})
		}
	})
	return faults, nil
}

func (c *Column) noMember(user string) string {
	return fmt.Sprintf("%q of %q is no member of the workspace", cleanText(user, maxLook), c.Name)
}

// memberIDs are the members of a workspace.
func (u *unit) memberIDs(workspace string) (map[string]bool, error) {
	list, err := all(u.session, func(r record) string { return r.text(0) }, `SELECT user_id FROM lt_member WHERE workspace = ?`, argText(workspace))
	ids := make(map[string]bool, len(list))
	for _, id := range list {
		ids[id] = true
	}
	return ids, err
}
