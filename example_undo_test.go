package livetables_test

import (
	"context"
	"fmt"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Two people change a row; one of them undoes what they did. What the other has changed since stays, and is reported.
func ExampleAccess_Undo() {
	inEngine(livetables.Options{}, undoing)
	// Output:
	// bolt 1
	// Name back to bolt; Left stays 3, by bob
	// bolt 3
	// as it was before: nut 2
}

func undoing(ctx context.Context, engine *livetables.Engine) error {
	ann, bob := engine.As(rbac.Principal{ID: "ann"}), engine.As(rbac.Principal{ID: "bob"})
	w, err := ann.CreateWorkspace(ctx, "Shop")
	if err != nil {
		return err
	}
	if _, err := ann.SetMember(ctx, w.ID, "bob", rbac.Editor); err != nil {
		return err
	}
	base, err := ann.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "Stock"})
	if err != nil {
		return err
	}
	parts, err := ann.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Parts", Columns: []minidb.ColumnSpec{
		{Name: "Name", Type: minidb.TextColumn}, {Name: "Left", Type: minidb.IntegerColumn}}})
	if err != nil {
		return err
	}
	made, err := ann.Apply(ctx, w.ID, &lqp.Mutation{Op: lqp.Insert, Table: parts.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{
		{Column: "Name", Value: lqp.TextValue("bolt")}, {Column: "Left", Value: lqp.IntValue(1)}}}}})
	if err != nil {
		return err
	}
	query := &lqp.Query{From: lqp.Source{Table: parts.ID, Alias: "p"}, Select: []lqp.Named{{Expr: lqp.Ref("p", "Name")}, {Expr: lqp.Ref("p", "Left")}}}
	show := func(what string, rows *livetables.Rows, err error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			fmt.Println(what + rows.Value(0).Text() + " " + rows.Value(1).String())
		}
		return rows.Err()
	}
	change := func(who *livetables.Access, set ...lqp.Assignment) error {
		_, err := who.Apply(ctx, w.ID, &lqp.Mutation{Op: lqp.Update, Table: parts.ID, Rows: []lqp.RowChange{
			{ID: []lqp.Value{lqp.TextValue(made[0].Rows[0].ID)}, Set: set}}})
		return err
	}

	rows, err := ann.Query(ctx, w.ID, query)
	if err := show("", rows, err); err != nil {
		return err
	}
	if err := change(ann, lqp.Assignment{Column: "Name", Value: lqp.TextValue("nut")}, lqp.Assignment{Column: "Left", Value: lqp.IntValue(2)}); err != nil {
		return err
	}
	if err := change(bob, lqp.Assignment{Column: "Left", Value: lqp.IntValue(3)}); err != nil {
		return err
	}
	report, err := ann.Undo(ctx, w.ID, livetables.UndoOptions{})
	if err != nil {
		return err
	}
	row := report.Rows[0]
	fmt.Printf("%s back to %s; %s stays %s, by %s\n", row.Cells[0].Column.Name, row.Cells[0].To.Text(),
		row.Conflicts[0].Column.Name, row.Conflicts[0].Theirs, row.Conflicts[0].Actor)
	rows, err = ann.Query(ctx, w.ID, query)
	if err := show("", rows, err); err != nil {
		return err
	}
	rows, err = ann.QueryAsOf(ctx, w.ID, query, livetables.AsOf{Operation: report.Target})
	return show("as it was before: ", rows, err)
}
