package livetables_test

import (
	"context"
	"fmt"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// A formula column is computed when its row is written, and a rollup when the rows that it looks at are.
func ExampleAccess_AddColumn_computed() {
	inEngine(livetables.Options{}, selling)
	// Output: Ann 25
}

func selling(ctx context.Context, engine *livetables.Engine) error {
	ada := engine.As(rbac.Principal{ID: "ada"})
	w, err := ada.CreateWorkspace(ctx, "Shop")
	if err != nil {
		return err
	}
	workspace := w.ID
	base, err := ada.CreateBase(ctx, workspace, minidb.BaseSpec{Name: "Shop"})
	if err != nil {
		return err
	}
	orders, err := ada.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Orders", Columns: []minidb.ColumnSpec{{Name: "Customer", Type: minidb.TextColumn}}})
	if err != nil {
		return err
	}
	lines, err := ada.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Lines", Columns: []minidb.ColumnSpec{
		{Name: "Price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
		{Name: "Pieces", Type: minidb.IntegerColumn},
		{Name: "Total", Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: "Price * Pieces"}},
		{Name: "Order", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: orders.ID}}, Inverse: &minidb.InverseSpec{Name: "Lines"}},
	}})
	if err != nil {
		return err
	}
	_, err = ada.AddColumn(ctx, orders.ID, minidb.ColumnSpec{Name: "Sum", Type: minidb.RollupColumn,
		Options: minidb.ColumnOptions{Through: &minidb.Through{Link: "Lines", Target: "Total", Aggregate: "sum"}}}, 0)
	if err != nil {
		return err
	}
	made, err := ada.Apply(ctx, workspace, &lqp.Mutation{Op: lqp.Insert, Table: orders.ID, Rows: []lqp.RowChange{{
		Set: []lqp.Assignment{{Column: "Customer", Value: lqp.TextValue("Ann")}}}}})
	if err != nil {
		return err
	}
	order := lqp.ListValue([]lqp.Value{lqp.TextValue(made[0].Rows[0].ID)})
	for _, pieces := range []int64{2, 3} {
		_, err := ada.Apply(ctx, workspace, &lqp.Mutation{Op: lqp.Insert, Table: lines.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{
			{Column: "Price", Value: lqp.IntValue(5)}, {Column: "Pieces", Value: lqp.IntValue(pieces)}, {Column: "Order", Value: order}}}}})
		if err != nil {
			return err
		}
	}
	rows, err := ada.Query(ctx, workspace, &lqp.Query{From: lqp.Source{Table: "Orders"}, Select: []lqp.Named{{Expr: lqp.Ref("", "Customer")}, {Expr: lqp.Ref("", "Sum")}}})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		fmt.Println(rows.Value(0), rows.Value(1))
	}
	return rows.Err()
}
