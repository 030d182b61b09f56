package mongodb

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// op1 is an aggregation expression: an operator on its arguments.
func op1(name string, args ...any) bson.D {
	if len(args) == 1 {
		return bson.D{{Key: name, Value: args[0]}}
	}
	return bson.D{{Key: name, Value: bson.A(args)}}
}

// cond evaluates only the arm that it takes, so that an operator never meets a type that it fails on.
func cond(test, then, otherwise any) bson.D { return op1("$cond", test, then, otherwise) }

// canonical is an aggregation expression for the field's canonical value, with null for NULL. Equal canonical values are
// equal for the server. The field is one of a scalar form.
func (f *field) canonical() any {
	path := "$" + f.name
	within := func(then any) any {
		iv := f.form.valid()
		low, high := op1(iv.lowOp, path, iv.low), op1(iv.highOp, path, iv.high)
		return cond(op1("$and", low, high), then, nil)
	}
	var value any = path
	switch f.form {
	case stringForm:
		value = cond(op1("$lt", op1("$indexOfCP", path, "\x00"), 0), path, nil)
	case decimalForm:
		return cond(f.is("int", "long"), path, cond(f.is("decimal"), within(rounded(path)), nil))
	case doubleForm:
		value = within(op1("$toDouble", path))
	case dateForm, uuidForm:
		value = within(path)
	}
	types := make([]any, len(bsonTypes[f.form]))
	for i, t := range bsonTypes[f.form] {
		types[i] = t
	}
	return cond(f.is(types...), value, nil)
}

// is tests the BSON type of the field. A path through an array gives an array.
func (f *field) is(types ...any) bson.D {
	kind := op1("$type", "$"+f.name)
	if len(types) == 1 {
		return op1("$eq", kind, types[0])
	}
	return op1("$in", kind, bson.A(types))
}

// rounded is a Decimal128 in our range rounded half away from zero to ten digits. $round would round halves to even.
func rounded(path string) any {
	cut := op1("$trunc", path, lqp.DecimalDigits)
	rest := op1("$abs", op1("$subtract", path, cut))
	away := cond(op1("$lt", path, 0), op1("$subtract", cut, unit), op1("$add", cut, unit))
	return cond(op1("$lt", rest, halfUnit), cut, away)
}

// sortPrefix cuts a text to what its place among sorted texts depends on. value is a path.
func sortPrefix(value string) any {
	return cond(op1("$eq", op1("$type", value), "string"), op1("$substrCP", value, 0, lqp.OrderPrefix), nil)
}
