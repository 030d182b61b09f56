package livetables_test

import (
	"fmt"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// A row for a page about it: its cells, and who keeps others from changing it.
func ExampleAccess_Row() {
	inStockroom(func(s *stockroom) error {
		if _, err := s.ada.LockRow(s.ctx, s.parts.ID, s.ids[0], time.Minute); err != nil {
			return err
		}
		row, err := s.ada.Row(s.ctx, s.parts.ID, s.ids[0])
		if err != nil {
			return err
		}
		defer row.Close()
		for i, c := range row.Columns {
			if c.Name == "Name" {
				fmt.Printf("%s: %s\n", c.Name, row.AppendJSON(nil, i))
			}
		}
		if row.Lock != nil {
			fmt.Println(row.Lock.Holder, "has locked it")
		}
		return nil
	})
	// Output:
	// Name: "bolt"
	// ada has locked it
}

// A change is made of the table as it is: every column of texts is emptied, whatever they are called.
func ExampleAccess_WriteTable() {
	inStockroom(func(s *stockroom) error {
		_, done, err := s.ada.WriteTable(s.ctx, s.parts.ID, func(t *minidb.Table) (*lqp.Mutation, error) {
			change := lqp.RowChange{ID: []lqp.Value{lqp.TextValue(s.ids[0])}, Overwrite: true}
			for _, c := range t.Columns {
				if c.Type == minidb.TextColumn {
					change.Set = append(change.Set, lqp.Assignment{Column: c.Name, Value: lqp.NullValue})
				}
			}
			return &lqp.Mutation{Op: lqp.Update, Table: t.ID, Rows: []lqp.RowChange{change}}, nil
		})
		if err != nil {
			return err
		}
		fmt.Println("version", done.Rows[0].Version)
		return show(s.ada.TableRows(s.ctx, s.parts.ID, func(*minidb.Table) (*lqp.Query, error) { return s.query("Left"), nil }))
	})
	// Output:
	// version 2
	//  1, nut 2
}
