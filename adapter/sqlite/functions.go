package sqlite

import (
	"bytes"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/lqp"
)

// register gives a connection the collation and the functions that the adapter's statements use: the catalogue of lqp, so
// that what runs inside SQLite is the same code that runs in memory. In a file of others they may be called by our
// statements only, never by the file's own views, triggers and indexes.
func register(db *sqlite3.Conn, trusted bool) error {
	flags := sqlite3.DETERMINISTIC
	if !trusted {
		flags |= sqlite3.DIRECTONLY
	}
	cache := signatures{}
	if err := db.CreateCollation(collationNum, compareNumbers); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		fn   sqlite3.ScalarFunction
	}{
		{"lt_canon", convert(cache, canonical)},
		{"lt_float", convert(cache, toFloat)},
	} {
		if err := db.CreateFunction(f.name, 2, flags, f.fn); err != nil {
			return err
		}
	}
	if err := db.CreateFunction("ltcell_odd", 2, flags, isOdd); err != nil {
		return err
	}
	for _, f := range lqp.Functions() {
		if err := db.CreateFunction("lt_"+f.Name, -1, flags, scalar(cache, f)); err != nil {
			return err
		}
	}
	for _, f := range lqp.Aggregates() {
		if f.Kinds == nil || f.Ordered {
			continue // counts rows, natively; or needs the rows in an order, in memory
		}
		for suffix, kind := range map[string]lqp.Kind{"": lqp.Number, floatSuffix: lqp.Float} {
			err := db.CreateWindowFunction(aggregatePrefix+f.Name+suffix, 2, flags, func() sqlite3.AggregateFunction {
				return &accumulator{fn: f, kind: kind, cache: cache}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

var errSignature = errors.New("lt function: first argument must tell the forms of the others")

// signatureOf reads the first argument of a call with least further ones; nil when the call is not one of ours.
func signatureOf(ctx sqlite3.Context, cache signatures, arg []sqlite3.Value, least int) *signature {
	if len(arg) > least && arg[0].Type() == sqlite3.TEXT {
		if sig := cache.get(arg[0]); sig != nil && len(sig.args) >= least && len(sig.args) <= len(arg)-1 {
			return sig
		}
	}
	ctx.ResultError(errSignature)
	return nil
}

// scalar wraps a function of the catalogue.
func scalar(cache signatures, f *lqp.Function) sqlite3.ScalarFunction {
	zones := map[string]*time.Location{}
	return func(ctx sqlite3.Context, arg ...sqlite3.Value) {
		sig := signatureOf(ctx, cache, arg, 1)
		if sig == nil {
			return
		}
		values := make([]lqp.Value, len(sig.args))
		for i, st := range sig.args {
			// Functions may keep a text, as part of their answer or in a cache: it must be a copy.
			values[i] = cell(arg[i+1], st, false)
		}
		zone := time.UTC
		if f.Zoned && len(arg) > len(sig.args)+1 {
			name := arg[len(arg)-1].Text()
			if zone = zones[name]; zone == nil {
				var err error
				if zone, err = time.LoadLocation(name); err != nil {
					ctx.ResultError(err)
					return
				}
				zones[name] = zone
			}
		}
		v := f.Eval(zone, values)
		if sig.kind == lqp.Float && v.Kind() == lqp.Number {
			v = lqp.FloatValue(v.Decimal().Float()) // a branch that was a number where another is a float
		}
		result(ctx, sig.result, v)
	}
}

// convert wraps a conversion of one value.
func convert(cache signatures, fn func(ctx sqlite3.Context, st storage, v lqp.Value)) sqlite3.ScalarFunction {
	return func(ctx sqlite3.Context, arg ...sqlite3.Value) {
		sig := signatureOf(ctx, cache, arg, 1)
		if sig == nil {
			return
		}
		fn(ctx, sig.args[0], cell(arg[1], sig.args[0], true))
	}
}

// canonical answers with the canonical form of a stored value; numbers become keys.
func canonical(ctx sqlite3.Context, st storage, v lqp.Value) {
	if v.Kind() == lqp.Number {
		st.form = formKey
	}
	result(ctx, st, v)
}

// toFloat answers with the double nearest to a number.
func toFloat(ctx sqlite3.Context, _ storage, v lqp.Value) {
	if v.IsNull() {
		ctx.ResultNull()
		return
	}
	ctx.ResultFloat(v.Float())
}

// result gives SQLite a value in a form.
func result(ctx sqlite3.Context, st storage, v lqp.Value) {
	switch v.Kind() {
	case lqp.Null:
		ctx.ResultNull()
	case lqp.Bool:
		ctx.ResultBool(v.Bool())
	case lqp.Number:
		if st.form == formInt {
			if n, ok := v.Decimal().Scaled(st.scale); ok {
				ctx.ResultInt64(n)
				return
			}
		}
		var buf [keyLen]byte
		ctx.ResultRawText(appendNumKey(buf[:0], v.Decimal()))
	case lqp.Float:
		ctx.ResultFloat(v.Float())
	case lqp.Text, lqp.JSON:
		ctx.ResultText(v.Text())
	case lqp.Date, lqp.DateTime:
		var buf [40]byte
		ctx.ResultRawText(appendInstant(buf[:0], v))
	case lqp.List:
		ctx.ResultRawText(v.AppendJSON(nil))
	case lqp.Bytes:
		ctx.ResultBlob([]byte(v.Text()))
	}
}

// compareNumbers orders canonical decimal texts by value. A text that is no number, which a store does not hold, sorts
// after all numbers by its bytes, so that the order stays total.
func compareNumbers(a, b []byte) int {
	x, errA := lqp.ParseDecimal(borrowed(a))
	y, errB := lqp.ParseDecimal(borrowed(b))
	switch {
	case errA == nil && errB == nil:
		return x.Cmp(y)
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return bytes.Compare(a, b)
}
