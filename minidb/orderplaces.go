package minidb

import (
	"fmt"
	"github.com/livetables/livetables/lqp"
)

// placeTerm is where a row lies, in SQL: what the index of the manual order holds and what a sort by it asks for.
const placeTerm = `(coalesce("` + ColumnOrder + `", "` + ColumnID + `"))`

// placeType is how places are stored.
var placeType = lqp.Type{Kind: lqp.Text, MaxLen: maxPlace, ASCII: true}

// addPlaces gives the physical table of t the column of the manual order, empty in all rows, which changes none of them.
func (u *unit) addPlaces(t *Table) error {
	if _, err := u.exec("ALTER TABLE " + u.physical(t) + " ADD COLUMN " + quoteID(ColumnOrder) + " " + u.db.store.DeclareType(placeType)); err != nil {
		return fmt.Errorf("add manual order: %w", err)
	}
	return nil
}

// dropPlaces takes the manual order off the physical table: its rows are in the order of their ids again.
func (u *unit) dropPlaces(t *Table) error {
	if _, err := u.exec("ALTER TABLE " + u.physical(t) + " DROP COLUMN " + quoteID(ColumnOrder)); err != nil {
		return fmt.Errorf("drop manual order: %w", err)
	}
	return nil
}
