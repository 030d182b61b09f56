package lqp_test

import (
	"fmt"

	"github.com/livetables/livetables/lqp"
)

func ExampleParseValue() {
	v, err := lqp.ParseValue(lqp.Type{Kind: lqp.DateTime}, []byte(`"2024-02-29T10:00:00+01:00"`))
	fmt.Println(v, err)
	_, err = lqp.ParseValue(lqp.Type{Kind: lqp.Number}, []byte(`"12,5"`))
	fmt.Println(err)
	// Output:
	// 2024-02-29T09:00:00.000Z <nil>
	// want a number such as 12.5, got "12,5"
}

func ExampleParseText() {
	v, err := lqp.ParseText(lqp.Type{Kind: lqp.Bool}, "Yes")
	fmt.Println(v, err)
	v, err = lqp.ParseText(lqp.Type{Kind: lqp.Number}, "")
	fmt.Println(v, err)
	_, err = lqp.ParseText(lqp.Type{Kind: lqp.Date}, "29.2.2024")
	fmt.Println(err)
	// Output:
	// true <nil>
	// NULL <nil>
	// want a date such as 2024-02-29, got "29.2.2024"
}

func ExampleLookupFunction() {
	f, _ := lqp.LookupFunction("round")
	fmt.Println(f.Example, "is", f.Gives)
	price, _ := lqp.ParseDecimal("2.345")
	fmt.Println(f.Eval(nil, []lqp.Value{lqp.NumberValue(price), lqp.IntValue(2)}))
	_, err := f.Check([]lqp.Expr{lqp.Literal(lqp.TextValue("x"))})
	fmt.Println(err)
	// Output:
	// ROUND(-2.345, 2) is -2.35
	// 2.35
	// argument 1: want number or float, got text
}

func ExampleLookupAggregate() {
	f, _ := lqp.LookupAggregate("average")
	acc := f.NewAccumulator(lqp.Type{Kind: lqp.Number})
	for _, v := range []lqp.Value{lqp.IntValue(1), lqp.NullValue, lqp.IntValue(2)} {
		acc.Add(v)
	}
	fmt.Println(acc.Result())
	// Output: 1.5
}
