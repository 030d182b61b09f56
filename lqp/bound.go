package lqp

// BoundAggregate is a bound aggregate without a filter; its result type comes from the catalogue. It panics when fn is not
// an aggregate: rewriters name aggregates themselves.
func BoundAggregate(name, fn string, arg Expr) Aggregate {
	f, ok := LookupAggregate(fn)
	if !ok {
		panic("lqp: unknown aggregate " + fn)
	}
	a := Aggregate{Name: name, Func: fn, Arg: arg}
	var t Type
	if arg != nil {
		t = arg.Type()
	}
	a.typ, _ = f.Result(t)
	return a
}
