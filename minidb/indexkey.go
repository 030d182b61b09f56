package minidb

import (
	"fmt"
	"strconv"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// What the indexes of physical tables hold. The B-trees of PostgreSQL keep entries of at most a third of a page, 2,704
// bytes, and refuse a row with a longer one; SQLite's have no such bound. No text that the column may hold must be refused
// for an index.

// maxKeyWidth is how many bytes the values in an entry may take, so that the row id and what the entry itself needs fit too.
const maxKeyWidth = 2_560

// keyWidth is how many bytes a value of that type takes in an index at most.
func keyWidth(t lqp.Type) int {
	const number, other = 32, 16 // 40 digits by twos and a head; a time
	switch t.Kind {
	case lqp.Text:
		return textWidth(t, lqp.OrderPrefix)
	case lqp.Number:
		return number
	}
	return other
}

// textWidth is how many bytes a text of that type, cut after so many code points, takes at most.
func textWidth(t lqp.Type, most int) int {
	const utf8, head = 4, 4
	n := most
	if t.MaxLen > 0 && t.MaxLen < n {
		n = t.MaxLen
	}
	if !t.ASCII {
		n *= utf8
	}
	return n + head
}

// indexTerm is what the index of a column holds: what a sort by the column asks for.
func indexTerm(store adapter.Store, column string, typ lqp.Type, desc bool) string {
	term := quoteID(column)
	switch cut := typ.Kind == lqp.Text && (typ.MaxLen == 0 || typ.MaxLen > lqp.OrderPrefix); {
	case cut && onPostgres(store):
		term = "left(" + term + ", " + strconv.Itoa(lqp.OrderPrefix) + ")"
	case cut:
		term = "substr(" + term + ", 1, " + strconv.Itoa(lqp.OrderPrefix) + ")"
	}
	if desc {
		term += " DESC"
	}
	// Sorts put rows without a value before the smallest one, which is SQLite's place for them. PostgreSQL's is behind the
	// largest; sorts say otherwise only where there can be such rows, and so must the index.
	switch {
	case !onPostgres(store) || typ.NotNull:
	case desc:
		term += " NULLS LAST"
	default:
		term += " NULLS FIRST"
	}
	return term
}

// hashed reports whether a unique column of that type has an index of hashes, since its texts may be too long for a B-tree.
// It finds values and their holders as fast, and compares the values themselves.
func (u *unit) hashed(typ lqp.Type) bool {
	return onPostgres(u.db.store) && typ.Kind == lqp.Text && (typ.MaxLen == 0 || textWidth(typ, typ.MaxLen) > maxKeyWidth)
}

// setTerm is what the index of a set of columns that are unique together holds of one of them.
func setTerm(store adapter.Store, column string, typ lqp.Type) string {
	if onPostgres(store) && typ.Kind == lqp.Text && (typ.MaxLen == 0 || textWidth(typ, typ.MaxLen) > maxKeyWidth/maxUniqueColumns) {
		// The mini-DB has compared the values themselves before it writes them.
		return "md5(" + quoteID(column) + ")"
	}
	return quoteID(column)
}

// widen gives the physical column the type of c, which keeps every value that the type of old does. SQLite does not bound
// what a column holds, so there it stays.
func (u *unit) widen(t *Table, old, c *Column) error {
	declared := u.db.store.DeclareType(c.storedType())
	if !onPostgres(u.db.store) || u.db.store.DeclareType(old.storedType()) == declared {
		return nil
	}
	if _, err := u.exec("ALTER TABLE " + u.physical(t) + " ALTER COLUMN " + quoteID(c.ID) + " TYPE " + declared); err != nil {
		return fmt.Errorf("widen physical column: %w", err)
	}
	return nil
}
