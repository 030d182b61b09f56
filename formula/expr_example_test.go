package formula_test

import (
	"errors"
	"fmt"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

func ExampleParseExpr() {
	e, err := formula.ParseExpr(`let net = $env["Unit price"] * qty; net > 100 && status in ["paid", "sent"] ? upper(name) : name ?? "-"`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(formula.Print(e, nil)) // the same formula in the language of this package
	_, err = formula.ParseExpr(`map(tags, # + 1)`)
	fmt.Println(err)
	// Output:
	// IF({Unit price} * qty > 100 AND status IN ("paid", "sent"), UPPER(name), COALESCE(name, "-"))
	// E_PARSE 0-11: map takes a closure here, which is no part of formulas; functions of lists such as sum, max and has_any take whole lists
}

func ExampleCheck() {
	scope := lqp.Scope{{Alias: "orders", Columns: []lqp.Column{
		{ID: "col_7", Name: "Unit price", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}},
		{ID: "col_8", Name: "due", Type: lqp.Type{Kind: lqp.Date}},
	}}}
	_, err := formula.Check(`ROUDN({Unit prize}, 2) > 10 AND due < "soon"`, formula.CheckOptions{Scope: scope, Want: lqp.Bool})
	var problems lqp.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Printf("%d-%d %s\n", p.From, p.To, p.Message)
		}
	}
	c, err := formula.Check(`due < TODAY()`, formula.CheckOptions{Scope: scope, Want: lqp.Bool})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(lqp.EncodeExpr(c.Tree)))
	fmt.Println(c.Facets.Type.Kind, "reads the clock:", c.Facets.Volatile)
	// Output:
	// 0-5 no function is called ROUDN; did you mean ROUND?
	// 6-18 there is no column "Unit prize"; did you mean "Unit price"?
	// 32-44 a date such as 2024-02-29 was expected, not the text "soon"
	// {"k":"call","f":"lt","a":[{"k":"col","id":"col_8"},{"k":"param","n":"today"}]}
	// bool reads the clock: true
}

// A stored formula names columns by their ids and is shown with the names that they have now.
func ExampleNames() {
	column := lqp.Column{ID: "col_7", Name: "qty", Type: lqp.Type{Kind: lqp.Number}}
	before := lqp.Scope{{Alias: "t", Columns: []lqp.Column{column}}}
	e, err := formula.Parse("qty * 2")
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := lqp.EncodeExpr(formula.Identify(e, before))

	column.Name = "How many"
	after := lqp.Scope{{Alias: "t", Columns: []lqp.Column{column}}}
	if e, err = lqp.DecodeExpr(stored, lqp.DecodeOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(formula.Print(e, formula.Names(after)))
	// Output: {How many} * 2
}

func ExampleDepend() {
	parse := func(text string) lqp.Expr {
		e, err := formula.Parse(text)
		if err != nil {
			panic(err)
		}
		return e
	}
	d, err := formula.Depend([]formula.Definition{
		{ID: "total", Expr: parse("net + tax")}, {ID: "tax", Expr: parse("net * 0.19")}, {ID: "net", Expr: parse("price * qty")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Order(), d.Affected("qty"))
	_, err = formula.Depend([]formula.Definition{{ID: "a", Expr: parse("b + 1")}, {ID: "b", Expr: parse("c")}, {ID: "c", Expr: parse("a * 2")}})
	fmt.Println(err)
	// Output:
	// [net tax total] [net tax total]
	// formulas depend on each other in a circle: "a" uses "b" uses "c" uses "a"
}
