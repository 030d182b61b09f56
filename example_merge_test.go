package livetables_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Two people edit version 1 of a row. What they change apart goes together, what they both change is a conflict with all
// that is needed to settle it.
func ExampleAccess_Apply_merge() {
	inEngine(livetables.Options{}, twoEditors)
	// Output:
	// ann writes version 2
	// bob writes version 3, merged: true
	// Stock was 5, bob wants 9, ann made it 4
}

func twoEditors(ctx context.Context, engine *livetables.Engine) error {
	ann, bob := engine.As(rbac.Principal{ID: "ann"}), engine.As(rbac.Principal{ID: "bob"})
	w, err := ann.CreateWorkspace(ctx, "Shop")
	if err != nil {
		return err
	}
	if _, err := ann.SetMember(ctx, w.ID, "bob", rbac.Editor); err != nil {
		return err
	}
	base, err := ann.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "Goods"})
	if err != nil {
		return err
	}
	t, err := ann.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Parts", Columns: []minidb.ColumnSpec{
		{Name: "Name", Type: minidb.TextColumn}, {Name: "Stock", Type: minidb.IntegerColumn}}})
	if err != nil {
		return err
	}
	gear := lqp.RowChange{Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("gear")}, {Column: "Stock", Value: lqp.IntValue(5)}}}
	made, err := ann.Apply(ctx, w.ID, &lqp.Mutation{Op: lqp.Insert, Table: t.ID, Rows: []lqp.RowChange{gear}})
	if err != nil {
		return err
	}
	id := []lqp.Value{lqp.TextValue(made[0].Rows[0].ID)}
	edit := func(who *livetables.Access, column string, v lqp.Value) (minidb.RowResult, error) {
		r, err := who.Apply(ctx, w.ID, &lqp.Mutation{Op: lqp.Update, Table: t.ID, Rows: []lqp.RowChange{
			{ID: id, Version: 1, Merge: true, Set: []lqp.Assignment{{Column: column, Value: v}}}}})
		if err != nil {
			return minidb.RowResult{}, err
		}
		return r[0].Rows[0], nil
	}
	r, err := edit(ann, "Stock", lqp.IntValue(4))
	if err != nil {
		return err
	}
	fmt.Printf("ann writes version %d\n", r.Version)
	if r, err = edit(bob, "Name", lqp.TextValue("cog")); err != nil {
		return err
	}
	fmt.Printf("bob writes version %d, merged: %t\n", r.Version, r.Merged)
	_, err = edit(bob, "Stock", lqp.IntValue(9))
	var c *livetables.Conflict
	if !errors.As(err, &c) {
		return err
	}
	for _, f := range c.Fields {
		fmt.Printf("%s was %s, bob wants %s, %s made it %s\n", f.Column.Name, f.Base.AppendJSON(nil), f.Mine.AppendJSON(nil), f.Actor, f.Theirs.AppendJSON(nil))
	}
	return nil
}
