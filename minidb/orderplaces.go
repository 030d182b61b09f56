package minidb

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// placeTerm is where a row lies, in SQL: what the index of the manual order holds and what a sort by it asks for.
const placeTerm = `(coalesce("` + ColumnOrder + `", "` + ColumnID + `"))`

// placeType is how places are stored.
var placeType = lqp.Type{Kind: lqp.Text, MaxLen: maxPlace, ASCII: true}

// addOrder puts the manual order behind the columns. What is shown of the table does not have it among its columns.
func (l *layout) addOrder(store adapter.Store, add func(c lqp.Column, stored lqp.Type) int) {
	shown := *l.schema
	shown.Columns = slices.Clip(shown.Columns)
	l.shown = &shown
	slot := add(lqp.Column{ID: ColumnOrder, Name: ColumnOrder, Type: placeType, ReadOnly: true}, placeType)
	shown.Place = &l.schema.Columns[slot]
}

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
