package formula_test

import (
	"errors"
	"fmt"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

func ExampleParse() {
	e, err := formula.Parse(`{Unit price} * qty > 100 AND status IN ("paid", "sent")`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range lqp.Columns(e) {
		fmt.Printf("%s at %d-%d\n", c.Column, c.From, c.To)
	}
	// Output:
	// Unit price at 0-12
	// qty at 15-18
	// status at 29-35
}

func ExampleSyntaxError() {
	_, err := formula.Parse("price * * 2")
	fmt.Println(err)
	var se *formula.SyntaxError
	if errors.As(err, &se) {
		fmt.Println(se.Code, se.From, se.To)
	}
	_, err = formula.Parse("ROUDN(price, 2)")
	fmt.Println(err)
	// Output:
	// E_PARSE 8-9: unexpected '*'; a value was expected
	// E_PARSE 8 9
	// E_FUNCTION 0-5: no function is called ROUDN; did you mean ROUND?
}

func ExamplePrint() {
	e, err := formula.Parse(`and((col_7 + 1) * 2 > 10, not(col_8 = 'x'))`)
	if err != nil {
		fmt.Println(err)
		return
	}
	names := map[string]string{"col_7": "qty", "col_8": "Order status"}
	fmt.Println(formula.Print(e, func(c *lqp.Col) string { return names[c.Column] }))
	// Output: (qty + 1) * 2 > 10 AND {Order status} <> "x"
}

func ExampleCompile() {
	e, err := formula.Parse(`price * qty >= 100`)
	if err != nil {
		fmt.Println(err)
		return
	}
	number := lqp.Type{Kind: lqp.Number}
	scope := lqp.Scope{{Alias: "orders", Columns: []lqp.Column{{ID: "price", Name: "price", Type: number}, {ID: "qty", Name: "qty", Type: number}}}}
	if e, err = lqp.BindExpr(e, scope, lqp.Env{}); err != nil {
		fmt.Println(err)
		return
	}
	slots := map[string]int{"price": 0, "qty": 1}
	if e, err = lqp.Resolve(e, func(c *lqp.Col) (int, error) { return slots[c.Column], nil }); err != nil {
		fmt.Println(err)
		return
	}
	program, err := formula.Compile(e)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(program.True([]lqp.Value{lqp.IntValue(20), lqp.IntValue(5)}))
	fmt.Println(program.True([]lqp.Value{lqp.IntValue(20), lqp.NullValue}))
	// Output:
	// true
	// false
}
