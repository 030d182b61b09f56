package livetables_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/lqp/parquet"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// stockroom is what the examples of this file begin with: ada's table of parts with a bolt and a nut.
type stockroom struct {
	ctx       context.Context
	ada       *livetables.Access
	workspace string
	parts     *minidb.Table
	ids       []string // of the rows
}

// inStockroom opens an engine on files of its own for an example, with what is in a stockroom.
func inStockroom(example func(*stockroom) error) {
	opt := livetables.Options{Exporters: map[livetables.Format]livetables.Exporter{"parquet": exportParquet}}
	inEngine(opt, func(ctx context.Context, engine *livetables.Engine) error {
		s := &stockroom{ctx: ctx, ada: engine.As(rbac.Principal{ID: "ada"})}
		if err := s.furnish(); err != nil {
			return err
		}
		return example(s)
	})
}

// furnish makes the table and its rows.
func (s *stockroom) furnish() error {
	ctx := s.ctx
	w, err := s.ada.CreateWorkspace(ctx, "Shop")
	if err != nil {
		return err
	}
	s.workspace = w.ID
	base, err := s.ada.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "Stock"})
	if err != nil {
		return err
	}
	s.parts, err = s.ada.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Parts", Columns: []minidb.ColumnSpec{
		{Name: "Name", Type: minidb.TextColumn}, {Name: "Left", Type: minidb.IntegerColumn}, {Name: "Drawings", Type: minidb.AttachmentColumn}}})
	if err != nil {
		return err
	}
	for i, name := range []string{"bolt", "nut"} {
		made, err := s.ada.Apply(ctx, w.ID, &lqp.Mutation{Op: lqp.Insert, Table: s.parts.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{
			{Column: "Name", Value: lqp.TextValue(name)}, {Column: "Left", Value: lqp.IntValue(int64(i + 1))}}}}})
		if err != nil {
			return err
		}
		s.ids = append(s.ids, made[0].Rows[0].ID)
	}
	return nil
}

func exportParquet(w io.Writer, columns []lqp.Column) (livetables.RowWriter, error) {
	return parquet.NewWriter(w, columns)
}

// change gives a cell of a row another value.
func (s *stockroom) change(row int, column string, value lqp.Value) error {
	_, err := s.ada.Apply(s.ctx, s.workspace, &lqp.Mutation{Op: lqp.Update, Table: s.parts.ID, Rows: []lqp.RowChange{
		{ID: []lqp.Value{lqp.TextValue(s.ids[row])}, Set: []lqp.Assignment{{Column: column, Value: value}}}}})
	return err
}

// query is all names with what is left, in an order.
func (s *stockroom) query(order string) *lqp.Query {
	return &lqp.Query{From: lqp.Source{Table: s.parts.ID}, Select: []lqp.Named{{Expr: lqp.Ref("", "Name")}, {Expr: lqp.Ref("", "Left")}},
		OrderBy: []lqp.Order{{Expr: lqp.Ref("", order)}}}
}

// show prints the rows of an answer in one line.
func show(rows *livetables.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		list = append(list, rows.Value(0).Text()+" "+rows.Value(1).String())
	}
	fmt.Println(strings.Join(list, ", "))
	return rows.Err()
}

// A table is read as it was after an operation, or at a time.
func ExampleAccess_QueryAsOf() {
	inStockroom(func(s *stockroom) error {
		list, err := s.ada.UndoList(s.ctx, s.workspace, livetables.UndoScope{})
		if err != nil {
			return err
		}
		then := livetables.AsOf{Operation: list.Undo[0].ID}
		if err := s.change(0, "Left", lqp.IntValue(100)); err != nil {
			return err
		}
		rows, err := s.ada.Query(s.ctx, s.workspace, s.query("Name"))
		if err := show(rows, err); err != nil {
			return err
		}
		return show(s.ada.QueryAsOf(s.ctx, s.workspace, s.query("Name"), then))
	})
	// Output:
	// bolt 100, nut 2
	// bolt 1, nut 2
}

// Rows lie in the order of their making until somebody moves them.
func ExampleAccess_MoveRows() {
	inStockroom(func(s *stockroom) error {
		if _, err := s.ada.MoveRows(s.ctx, s.parts.ID, livetables.RowMove{Rows: s.ids[1:], Before: s.ids[0]}); err != nil {
			return err
		}
		return show(s.ada.Query(s.ctx, s.workspace, s.query(livetables.ManualOrder)))
	})
	// Output: nut 2, bolt 1
}

// A deleted row can be restored with its id and its values.
func ExampleAccess_RestoreRows() {
	inStockroom(func(s *stockroom) error {
		if _, err := s.ada.Apply(s.ctx, s.workspace, &lqp.Mutation{Op: lqp.Delete, Table: s.parts.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(s.ids[0])}}}}); err != nil {
			return err
		}
		deleted, err := s.ada.DeletedRows(s.ctx, s.parts.ID, "", 0)
		if err != nil {
			return err
		}
		fmt.Println(len(deleted.Rows), "deleted by", deleted.Rows[0].By)
		if _, err := s.ada.RestoreRows(s.ctx, s.parts.ID, []string{deleted.Rows[0].ID}, livetables.RevertOptions{}); err != nil {
			return err
		}
		return show(s.ada.Query(s.ctx, s.workspace, s.query("Name")))
	})
	// Output:
	// 1 deleted by ada
	// bolt 1, nut 2
}

// A change of a table's definition is taken back with the cells that it had emptied.
func ExampleAccess_RevertSchema() {
	inStockroom(func(s *stockroom) error {
		if _, err := s.ada.ChangeType(s.ctx, s.parts.Columns[0].ID, livetables.TypeChange{Type: minidb.IntegerColumn, AcceptLoss: true}, 0); err != nil {
			return err
		}
		rows, err := s.ada.Query(s.ctx, s.workspace, s.query("Left"))
		if err := show(rows, err); err != nil {
			return err
		}
		table, err := s.ada.Table(s.ctx, s.parts.ID)
		if err != nil {
			return err
		}
		done, err := s.ada.RevertSchema(s.ctx, s.parts.ID, livetables.SchemaRevert{Change: table.Version})
		if err != nil {
			return err
		}
		fmt.Println(done.Restored, "cells restored")
		return show(s.ada.Query(s.ctx, s.workspace, s.query("Left")))
	})
	// Output:
	//  1,  2
	// 2 cells restored
	// bolt 1, nut 2
}

// A file is uploaded to a column and then written into a cell, by its id.
func ExampleAccess_Upload() {
	inStockroom(func(s *stockroom) error {
		drawings := s.parts.Columns[2].ID
		file, err := s.ada.Upload(s.ctx, livetables.Upload{Table: s.parts.ID, Column: drawings, Name: "bolt.txt", Size: 5, Content: strings.NewReader("M8x20")})
		if err != nil {
			return err
		}
		if err := s.change(0, "Drawings", lqp.ListValue([]lqp.Value{lqp.TextValue(file.ID)})); err != nil {
			return err
		}
		opened, err := s.ada.OpenAttachment(s.ctx, s.parts.ID, s.ids[0], drawings, file.ID)
		if err != nil {
			return err
		}
		defer opened.Close()
		fmt.Println(opened.Name, opened.Type, opened.Size)
		return nil
	})
	// Output: bolt.txt text/plain 5
}

// Rows are written as a file in a format of the engine's or of the embedder's.
func ExampleWriteRows() {
	inStockroom(func(s *stockroom) error {
		for _, format := range []livetables.Format{livetables.FormatNDJSON, "parquet"} {
			rows, err := s.ada.Export(s.ctx, s.workspace, s.query("Name"))
			if err != nil {
				return err
			}
			var file bytes.Buffer
			n, err := livetables.WriteRows(&file, rows, format)
			if err := errors.Join(err, rows.Close()); err != nil {
				return err
			}
			first, _, _ := strings.Cut(file.String(), "\n")
			fmt.Println(n, "rows,", first[:4])
		}
		return nil
	})
	// Output:
	// 2 rows, {"Na
	// 2 rows, PAR1
}
