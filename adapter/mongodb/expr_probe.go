package mongodb

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/lqp"
)

// probeTable has a column of every form that is computed with.
var probeTable = func() *lqp.Table {
	t := &lqp.Table{Name: "probe", Path: []string{"probe"}, Kind: lqp.Collection}
	for _, c := range [][2]string{
		{"n", "decimal"}, {"m", "decimal"}, {"i", "int"}, {"k", "int"}, {"s", "string"}, {"t", "string"}, {"d", "date"}, {"e", "date"}, {"b", "bool"},
		{"c", "bool"}, {"o", "objectId"}, {"f", "double"}, {"u", "uuid"}, {"l", "array<string>"},
	} {
		s, _ := parseNative(c[1])
		t.Columns = append(t.Columns, lqp.Column{ID: c[0], Name: c[0], Native: c[1], Type: s.lqpType()})
	}
	return t
}()

// probeRows are the documents that expressions are tried on; a column that a row does not name is missing.
func probeRows() []bson.D {
	date := func(ms int64) bson.DateTime { return bson.DateTime(ms) }
	row := func(pairs ...any) bson.D {
		var d bson.D
		for i := 0; i < len(pairs); i += 2 {
			d = append(d, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
		}
		return d
	}
	dec := mustDecimal
	return []bson.D{
		row("u", bson.Binary{Subtype: 4, Data: append(make([]byte, 15), 1)}, "l", bson.A{"a", "b"}, "n", dec("0.1"), "m", dec("0.2"), "i", int32(7), "k", int32(2), "s", "née🙂x", "t", "🙂", "d", date(0), "e", date(1), "b", true, "c", false,
			"o", bson.ObjectID{1, 2}, "f", 1.5),
		row("u", bson.Binary{Subtype: 4, Data: append(make([]byte, 15), 2)}, "l", bson.A{}, "n", dec("-2.5"), "m", dec("3"), "i", int64(-9223372036854775808), "k", int32(-1), "s", "", "t", "", "d", date(-1), "e", date(-1), "b", false, "c", nil,
			"o", nil, "f", -0.5),
		row("n", dec("99999999999999999999.9999999999"), "m", dec("0.0000000001"), "i", int64(9223372036854775807), "k", int64(9223372036854775807),
			"s", " \t\r\n a\u00a0b ", "t", "a", "d", date(-62_135_596_800_000), "e", date(253_402_300_799_999), "b", true, "c", true),
		row("n", dec("-99999999999999999999.9999999999"), "m", dec("-1"), "i", int32(0), "k", int32(0), "s", "abcabc", "t", "abc", "d", date(253_402_300_799_999),
			"e", date(0), "c", true, "f", 0.0),
		row("n", nil, "m", dec("1"), "i", nil, "k", int32(3), "s", nil, "t", "x", "d", nil, "b", nil),
		row("n", dec("1.00000000005"), "m", dec("2.99999999995"), "i", int32(-7), "k", int32(3), "s", "ABC", "t", "BC", "d", date(951_782_400_000), "e", date(951_868_799_999)),
		row("u", bson.Binary{Data: make([]byte, 16)}, "l", "a", "n", int32(12), "m", int64(-12), "i", "text", "k", 2.5, "s", int32(3), "t", bson.A{"a"}, "d", "2024", "b", int32(1), "o", "0102", "f", "x"),
		row("n", dec("0.5"), "m", dec("-0.5"), "i", int32(1_000_000_007), "k", int32(998_244_353), "s", "$literal", "t", "$", "d", date(1_709_164_799_999),
			"e", date(-2_208_988_800_001)),
		row("n", dec("123456.789"), "m", dec("-98765.4321"), "i", int32(3), "k", int32(-7), "s", "z\u0301 %_!", "t", "%", "d", date(-30_610_224_000_000), "e", date(0)),
		row("n", dec("7.25"), "m", dec("0"), "s", "x\x00y", "t", "\x00", "d", date(1_735_603_200_000)),
		{},
	}
}

// probes are the calls that a function is tried with.
func probes() map[string][]lqp.Expr {
	n, m, i, k := lqp.Ref("", "n"), lqp.Ref("", "m"), lqp.Ref("", "i"), lqp.Ref("", "k")
	s, t, d, e, b, c, o, f := lqp.Ref("", "s"), lqp.Ref("", "t"), lqp.Ref("", "d"), lqp.Ref("", "e"), lqp.Ref("", "b"), lqp.Ref("", "c"), lqp.Ref("", "o"), lqp.Ref("", "f")
	text := func(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }
	whole := func(n int64) lqp.Expr { return lqp.Literal(lqp.IntValue(n)) }
	call := func(fn string, args ...lqp.Expr) lqp.Expr { return lqp.NewCall(fn, args...) }
	none := lqp.Literal(lqp.NullValue)
	all := map[string][]lqp.Expr{}
	add := func(fn string, lists ...[]lqp.Expr) {
		for _, args := range lists {
			all[fn] = append(all[fn], call(fn, args...))
		}
	}
	type l = []lqp.Expr
	for _, fn := range []string{"eq", "ne", "lt", "le", "gt", "ge"} {
		add(fn, l{n, m}, l{i, n}, l{i, k}, l{s, t}, l{d, e}, l{b, c}, l{o, text("0102")}, l{n, whole(12)}, l{whole(3), k}, l{s, text("a")}, l{f, f}, l{s, none})
	}
	for _, fn := range []string{"and", "or", "xor"} {
		add(fn, l{b, c}, l{b, c, call("eq", i, k)}, l{b})
	}
	add("not", l{b}, l{call("lt", n, m)})
	add("between", l{n, m, whole(1)}, l{s, text("a"), t})
	add("in", l{s, t, text("abc")}, l{n, lqp.NewList(lqp.Literal(lqp.IntValue(12)), lqp.Literal(lqp.NullValue))})
	add("is_null", l{s}, l{n}, l{o}, l{d})
	add("is_blank", l{s}, l{n}, l{b})
	add("if", l{b, n, m}, l{call("gt", i, k), s}, l{b, i, m}, l{c, d, e}, l{b, o, s}, l{b, c, none})
	add("ifs", l{b, s, c, t}, l{b, n, c, m, call("eq", n, m), i})
	add("coalesce", l{s, t}, l{n, m, whole(0)}, l{i, n}, l{d, e}, l{b, c}, l{o, s})
	add("zn", l{n}, l{i}, l{f})
	add("contains", l{s, t}, l{s, text("")}, l{s, text("$")}, l{s, none})
	add("starts_with", l{s, t}, l{s, text("")}, l{t, s})
	add("ends_with", l{s, t}, l{s, text("")}, l{t, s})
	add("len", l{s}, l{t}, l{o})
	add("left", l{s}, l{s, whole(2)}, l{s, whole(0)}, l{s, whole(-3)}, l{s, whole(100)})
	add("right", l{s}, l{s, whole(2)}, l{s, whole(0)}, l{s, whole(-3)}, l{s, whole(100)})
	add("mid", l{s, whole(2), whole(2)}, l{s, whole(0), whole(1)}, l{s, whole(5), whole(100)}, l{s, whole(100), whole(2)}, l{s, whole(1), whole(-1)})
	add("trim", l{s}, l{t})
	add("concat", l{s, t}, l{s, text("$x"), o}, l{none, t})
	add("substitute", l{s, text("abc"), text("x")}, l{s, text("e"), text("")}, l{s, text("🙂"), text("$")}, l{s, text("."), text("!")})
	for _, fn := range []string{"add", "sub"} {
		add(fn, l{n, m}, l{i, k}, l{i, n}, l{n, whole(1)}, l{call("len", s), i})
	}
	add("mul", l{i, k}, l{n, i}, l{n, whole(2)}, l{m, lqp.Literal(number("0.0000000005"))}, l{call("mul", i, k), whole(-1)})
	add("div", l{i, whole(7)}, l{n, whole(-3)}, l{n, lqp.Literal(number("0.25"))}, l{call("len", s), whole(3)}, l{i, whole(0)}, l{call("len", s), call("len", t)}, l{m, whole(7)}, l{m, lqp.Literal(number("-0.5"))})
	for _, fn := range []string{"neg", "abs", "sign", "int"} {
		add(fn, l{n}, l{m}, l{i})
	}
	add("round", l{n}, l{m}, l{i}, l{n, whole(1)}, l{m, whole(9)}, l{n, whole(10)}, l{m, whole(2)})
	for fn := range dateParts {
		add(fn, l{d}, l{e})
	}
	return all
}

func number(s string) lqp.Value {
	d, err := lqp.ParseDecimal(s)
	if err != nil {
		panic(err) // only constants come here
	}
	return lqp.NumberValue(d)
}

// probe is one expression and what it has to be for each of the rows.
type probe struct {
	fn   string
	expr any
	out  output
	want []string
}

// provenFunctions are the functions that the server computes as we do, as far as it was tried.
func provenFunctions(ctx context.Context, db *mongo.Database) map[string]bool {
	var all []probe
	for fn, calls := range probes() {
		for _, e := range calls {
			if p, err := newProbe(fn, e); err == nil {
				all = append(all, p)
			}
		}
	}
	proven := map[string]bool{}
	if tryProbes(ctx, db, nil) == nil {
		return proven // without documents of our own there is nothing to try on
	}
	if right := tryProbes(ctx, db, all); right != nil {
		note(proven, all, right)
		return proven
	}
	// One operator that the server does not know spoils all.
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].fn == all[0].fn {
			n++
		}
		if right := tryProbes(ctx, db, all[:n]); right != nil {
			note(proven, all[:n], right)
		}
		all = all[n:]
	}
	return proven
}

// note puts down the functions of which everything was right.
func note(proven map[string]bool, probes []probe, right []bool) {
	for i, ok := range right {
		fn := probes[i].fn
		before, known := proven[fn]
		proven[fn] = ok && (before || !known)
	}
}

func newProbe(fn string, e lqp.Expr) (probe, error) {
	p := probe{fn: fn}
	bound, resolved, err := bindProbe(e)
	if err != nil {
		return p, err
	}
	c := &compiler{table: probeTable, alias: "probe", facts: &facts{everything: true}}
	v, reason := c.value(bound)
	if reason != "" || v.never {
		return p, errors.New("not pushed")
	}
	p.expr, p.out = v.expr, output{storage: storage{form: v.form}}
	rows, err := newProbeData()
	for _, row := range rows {
		p.want = append(p.want, string(lqp.Eval(resolved, row).AppendJSON(nil)))
	}
	return p, err
}

// bindProbe binds an expression over the made-up collection: to compile it, and to evaluate it.
func bindProbe(e lqp.Expr) (bound, resolved lqp.Expr, err error) {
	if bound, err = lqp.BindExpr(e, lqp.Scope{{Alias: "probe", Columns: probeTable.Columns}}, lqp.Env{}); err != nil {
		return nil, nil, err
	}
	resolved, err = lqp.Resolve(bound, func(col *lqp.Col) (int, error) {
		return slices.IndexFunc(probeTable.Columns, func(c lqp.Column) bool { return c.ID == col.Column }), nil
	})
	return bound, resolved, err
}

// newProbeData is the rows as they read.
func newProbeData() ([][]lqp.Value, error) {
	var rows [][]lqp.Value
	for _, r := range probeRows() {
		doc, err := bson.Marshal(r)
		if err != nil {
			return nil, err
		}
		row := make([]lqp.Value, len(probeTable.Columns))
		for i := range row {
			var tree node
			var slot [1]raw
			tree.want([]string{probeTable.Columns[i].ID}, 0)
			tree.fill(doc, slot[:])
			st, _ := parseNative(probeTable.Columns[i].Native)
			out := output{storage: st}
			row[i] = out.value(slot[0])
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// probeDocuments is the stage that gives the rows, with their numbers.
func probeDocuments() bson.D {
	documents := bson.A{}
	for i, r := range probeRows() {
		documents = append(documents, op1("$literal", append(r, bson.E{Key: "row", Value: int32(i)})))
	}
	return bson.D{{Key: "$documents", Value: documents}}
}

// tryProbes asks the server for all of the expressions over all rows, which it needs no collection for. It is nil when the
// server gives no answer.
func tryProbes(ctx context.Context, db *mongo.Database, probes []probe) []bool {
	rows := probeRows()
	projection := bson.D{{Key: "_id", Value: 0}}
	for i := range probes {
		projection = append(projection, bson.E{Key: "r" + itoa(i), Value: probes[i].expr})
	}
	cursor, err := db.Aggregate(ctx, bson.A{probeDocuments(), bson.D{{Key: "$project", Value: projection}}})
	if err != nil {
		return nil
	}
	defer func() { _ = cursor.Close(ctx) }()
	right := make([]bool, len(probes))
	for i := range right {
		right[i] = true
	}
	var tree node
	for i := range probes {
		tree.want([]string{"r" + itoa(i)}, i)
	}
	slots := make([]raw, len(probes))
	n := 0
	for ; cursor.Next(ctx) && n < len(rows); n++ {
		clear(slots)
		tree.fill(cursor.Current, slots)
		for i := range probes {
			right[i] = right[i] && string(probes[i].out.value(slots[i]).AppendJSON(nil)) == probes[i].want[n]
		}
	}
	if cursor.Err() != nil || n != len(rows) {
		return nil
	}
	return right
}
