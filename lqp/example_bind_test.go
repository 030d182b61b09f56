package lqp_test

import (
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// tracks finds the one table of the examples.
func tracks(_, name string) (*lqp.Table, error) {
	if name != "tracks" {
		return nil, lqp.ErrUnknownTable
	}
	return &lqp.Table{Name: "tracks", Key: []string{"id"}, Columns: []lqp.Column{
		{ID: "id", Name: "id", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}},
		{ID: "genre", Name: "Genre", Type: lqp.Type{Kind: lqp.Text}},
		{ID: "price", Name: "Price", Type: lqp.Type{Kind: lqp.Number, Precision: 10, Scale: 2}},
		{ID: "sold", Name: "Sold", Type: lqp.Type{Kind: lqp.Date}},
	}}, nil
}

func ExampleBind() {
	query, err := lqp.DecodeQuery([]byte(`{
		"source":     {"table": "tracks"},
		"filters":    [{"k": "call", "f": "ge", "a": [{"k": "col", "id": "Sold"}, {"k": "lit", "v": "2023-01-01"}]}],
		"group_by":   ["Genre"],
		"aggregates": [{"name": "sales", "function": "sum", "expr": {"k": "col", "id": "Price"}}],
		"sorts":      ["-sales"],
		"pagination": {"limit": 10}
	}`), lqp.DecodeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	bound, err := lqp.Bind(query, lqp.Env{Table: tracks, MaxLimit: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(lqp.Format(bound))
	// Output:
	// from tracks tracks
	// where {tracks.sold} >= TO_DATE("2023-01-01")
	// group by Genre = {tracks.genre}
	// aggregate sales = sum({tracks.price})
	// order by {sales} desc nulls last
	// limit 10
	// select Genre = {Genre}, sales = {sales}
}

func ExampleBind_problems() {
	query := lqp.From("tracks").
		Filter(lqp.NewCall("gt", lqp.Ref("", "Prise"), lqp.Literal(lqp.IntValue(1)))).
		Sort("-Sold").Limit(5000).Query()
	_, err := lqp.Bind(query, lqp.Env{Table: tracks, MaxLimit: 1000})
	fmt.Println(err)
	// Output:
	// $.filters.a[0]: there is no column "Prise"; did you mean "Price"? (unknown_column)
	// $.pagination.limit: the limit 5000 is too large; at most 1000 rows are delivered at once (limit)
}

func ExampleFrom() {
	query := lqp.From("tracks").
		Filter(lqp.NewCall("eq", lqp.Ref("", "Genre"), lqp.Literal(lqp.TextValue("Jazz")))).
		Compute("gross", lqp.NewCall("mul", lqp.Ref("", "Price"), lqp.Literal(lqp.IntValue(2)))).
		Columns("id", "gross").
		Sort("-gross").
		Limit(10).
		Query()
	fmt.Print(lqp.Format(query))
	// Output:
	// from tracks
	// where {Genre} = "Jazz"
	// compute gross = {Price} * 2
	// order by {gross} desc
	// limit 10
	// select {id}, {gross}
}

func ExampleDecodeStrict() {
	var body struct {
		Name string `json:"name"`
		Role string `json:"role"`
	}
	err := lqp.DecodeStrict([]byte(`{"name": "Ada", "ROLE": "owner"}`), &body, lqp.StrictLimits{})
	fmt.Println(err)
	// Output:
	// $.ROLE: unknown key "ROLE"; did you mean "role"? (unknown_key)
}
