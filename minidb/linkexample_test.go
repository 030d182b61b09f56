package minidb_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// ExampleLink links tasks to projects, two-way, and reads the links from the other side.
func ExampleLink() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "links")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := sqlite.OpenStore(ctx, filepath.Join(dir, "mini.db"), sqlite.StoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	ada := minidb.Actor{ID: "usr_ada"}
	names := []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}
	link := minidb.ColumnSpec{Name: "Project", Type: minidb.LinkColumn, Inverse: &minidb.InverseSpec{Name: "Tasks"}}
	w, err := db.CreateWorkspace(ctx, ada, "Workshop")
	if err != nil {
		log.Fatal(err)
	}
	b, err := db.CreateBase(ctx, ada, w.ID, minidb.BaseSpec{Name: "Plans"})
	if err != nil {
		log.Fatal(err)
	}
	projects, err := db.CreateTable(ctx, ada, b.ID, minidb.TableSpec{Name: "Projects", Columns: names})
	if err != nil {
		log.Fatal(err)
	}
	link.Options.Link = &minidb.Link{Table: projects.ID, Single: true}
	tasks, err := db.CreateTable(ctx, ada, b.ID, minidb.TableSpec{Name: "Tasks", Columns: append(names, link)})
	if err != nil {
		log.Fatal(err)
	}
	// The projects have got a column for their tasks.
	snapshot, err := db.Snapshot(ctx, w.ID)
	if err != nil {
		log.Fatal(err)
	}
	projects, _ = snapshot.Table(projects.ID)

	insert := func(t *minidb.Table, set ...lqp.Value) lqp.Value {
		change := lqp.RowChange{}
		for i, v := range set {
			change.Set = append(change.Set, lqp.Assignment{Column: t.Columns[i].ID, Value: v})
		}
		r, err := db.Apply(ctx, ada, []minidb.Write{{Table: t, Mutation: &lqp.Mutation{Op: lqp.Insert, Rows: []lqp.RowChange{change}}}})
		if err != nil {
			log.Fatal(err)
		}
		return lqp.TextValue(r[0].Rows[0].ID)
	}
	project := insert(projects, lqp.TextValue("Apollo"))
	insert(tasks, lqp.TextValue("Draw"), lqp.ListValue([]lqp.Value{project}))
	insert(tasks, lqp.TextValue("Build"), lqp.ListValue([]lqp.Value{project}))

	deleted, err := db.Apply(ctx, ada, []minidb.Write{{Table: projects, Mutation: &lqp.Mutation{Op: lqp.Delete, DryRun: true,
		Rows: []lqp.RowChange{{ID: []lqp.Value{project}}}}}})
	if err != nil {
		log.Fatal(err)
	}
	row := deleted[0].Rows[0].Before
	fmt.Println(row[1].Text(), "has", len(row[2].Items()), "tasks, version", deleted[0].Rows[0].Version-1)
	// Output: Apollo has 2 tasks, version 3
}
