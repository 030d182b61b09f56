package memory_test

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
)

func ExampleNew() {
	city := &lqp.Table{Name: "city", Path: []string{"city"}, Kind: lqp.BaseTable, Key: []string{"name"}, Columns: []lqp.Column{
		{ID: "name", Name: "Name", Type: lqp.Type{Kind: lqp.Text, NotNull: true}},
		{ID: "people", Name: "People", Type: lqp.Type{Kind: lqp.Number, Precision: 19}},
	}}
	a := memory.New([]memory.Table{{Schema: city, Rows: [][]lqp.Value{
		{lqp.TextValue("Lyon"), lqp.IntValue(522_000)},
		{lqp.TextValue("Nice"), lqp.IntValue(349_000)},
		{lqp.TextValue("Pau"), lqp.IntValue(77_000)},
	}}}, memory.Options{Prover: memory.Everything})

	q, err := lqp.Bind(&lqp.Query{
		From:    lqp.Source{Table: "city"},
		Where:   lqp.NewCall("gt", lqp.Ref("", "people"), lqp.Literal(lqp.IntValue(100_000))),
		OrderBy: []lqp.Order{{Expr: lqp.Ref("", "people")}},
	}, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return city, nil }})
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := a.Scan(context.Background(), a.Plan(q).Pushed)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		fmt.Println(rows.Value(0), rows.Value(1))
	}
	// Output:
	// Nice 349000
	// Lyon 522000
}
