package minidb

import (
	"fmt"
	"strings"
)

// The definitions of physical tables. Their names are generated ids: nothing that people write gets into them.

// quoteID is a generated id as an SQL identifier.
func quoteID(id string) string {
	if strings.ContainsFunc(id, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		panic(fmt.Sprintf("minidb: %q is no generated id", id))
	}
	return `"` + id + `"`
}

// definePhysical creates the physical table of t, without its indexes. Rows lie in the order of their ids, which is nearly that of their
// making, so that there is one tree for the key and the rows.
func (u *unit) definePhysical(t *Table) error {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + u.physical(t) + " (")
	for i := range t.layout.schema.Columns {
		c := &t.layout.schema.Columns[i]
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoteID(c.ID) + " " + c.Native)
		switch {
		case i == idSlot:
			b.WriteString(" NOT NULL PRIMARY KEY")
		case c.ReadOnly && c.Type.NotNull && isSystemName(c.ID): // others may go into the trash, and have no values then
			b.WriteString(" NOT NULL")
		}
	}
	b.WriteString(")" + tableOptions(u.db.store))
	if _, err := u.exec(b.String()); err != nil {
		return fmt.Errorf("create physical table: %w", err)
	}
	return nil
}

func uniqueName(column string) string { return "unique_" + column }

func (u *unit) createUnique(t *Table, c *Column) error {
	sql := "CREATE UNIQUE INDEX " + quoteID(uniqueName(c.ID)) + " ON " + u.physical(t) + " (" + quoteID(c.ID) + ")"
	if u.hashed(c.valueType()) {
		sql = "ALTER TABLE " + u.physical(t) + " ADD CONSTRAINT " + quoteID(uniqueName(c.ID)) + " EXCLUDE USING hash (" + quoteID(c.ID) + " WITH =)"
	}
	if _, err := u.exec(sql); err != nil {
		return fmt.Errorf("create unique index: %w", err)
	}
	return nil
}

func (u *unit) dropUnique(t *Table, c *Column) error {
	sql := "DROP INDEX " + u.at(u.db.store, t.Workspace, uniqueName(c.ID))
	if u.hashed(c.valueType()) {
		sql = "ALTER TABLE " + u.physical(t) + " DROP CONSTRAINT " + quoteID(uniqueName(c.ID))
	}
	if _, err := u.exec(sql); err != nil {
		return fmt.Errorf("drop unique index: %w", err)
	}
	return nil
}

func (u *unit) addPhysical(t *Table, c *Column) error {
	if _, err := u.exec("ALTER TABLE " + u.physical(t) + " ADD COLUMN " + quoteID(c.ID) + " " + u.db.store.DeclareType(c.storedType())); err != nil {
		return fmt.Errorf("add physical column: %w", err)
	}
	if c.Unique {
		return u.createUnique(t, c)
	}
	return nil
}

func (u *unit) dropPhysical(t *Table, c *Column) error {
	if c.Unique {
		if err := u.dropUnique(t, c); err != nil {
			return err
		}
	}
	if _, err := u.exec("ALTER TABLE " + u.physical(t) + " DROP COLUMN " + quoteID(c.ID)); err != nil {
		return fmt.Errorf("drop physical column: %w", err)
	}
	return nil
}

// dropTable removes the physical table of that name with its rows and indexes.
func (u *unit) dropTable(workspace, physical string) error {
	if _, err := u.exec("DROP TABLE " + u.at(u.db.store, workspace, physical)); err != nil {
		return fmt.Errorf("drop physical table: %w", err)
	}
	return nil
}
