package formula

import (
	"testing"

	"github.com/livetables/livetables/lqp"
	"pgregory.net/rapid"
)

// The rows that generated expressions run on have two columns of every kind, one of them never NULL.
var genKinds = []lqp.Kind{lqp.Bool, lqp.Number, lqp.Float, lqp.Text, lqp.Date, lqp.DateTime, lqp.List}

// genValue draws a value of a kind, with the extremes that arithmetic and text functions stumble over.
func genValue(t *rapid.T, k lqp.Kind) lqp.Value {
	switch k {
	case lqp.Bool:
		return lqp.BoolValue(rapid.Bool().Draw(t, "bool"))
	case lqp.Number:
		text := rapid.OneOf(
			rapid.SampledFrom([]string{"0", "1", "-1", "2", "0.5", "-2.5", "100", "0.0000000001", "99999999999999999999.9999999999", "-99999999999999999999"}),
			rapid.StringMatching(`-?[1-9][0-9]{0,9}(\.[0-9]{0,9}[1-9])?`),
		).Draw(t, "number")
		d, err := lqp.ParseDecimal(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return lqp.NumberValue(d)
	case lqp.Float:
		return lqp.FloatValue(rapid.SampledFrom([]float64{0, 1, -1, 0.1, 2.5, 1e-12, 1e300, -1e300, 3}).Draw(t, "float"))
	case lqp.Text:
		return lqp.TextValue(rapid.OneOf(
			rapid.SampledFrom([]string{"", " ", "paid", "Paid", "12", "2024-02-29", "a\"b\\c'\n\t}{", "ß😀", "UTC", "\r"}),
			rapid.StringMatching(`[a-zA-Zäß😀 ]{0,6}`),
		).Draw(t, "text"))
	case lqp.Date:
		return lqp.DateValue(rapid.SampledFrom([]int64{0, 1, -1, 19782, 19783, 2932896, -719162}).Draw(t, "date"))
	case lqp.DateTime:
		return lqp.DateTimeValue(rapid.SampledFrom([]int64{0, 1, -1, 1709164800000, 1709200000123, 253402300799999, -62135596800000}).Draw(t, "datetime"))
	case lqp.List:
		items := make([]lqp.Value, rapid.IntRange(0, 3).Draw(t, "items"))
		for i := range items {
			items[i] = genValue(t, lqp.Text)
		}
		return lqp.ListValue(items)
	}
	return lqp.NullValue
}

func genType(k lqp.Kind) lqp.Type {
	ty := lqp.Type{Kind: k}
	if k == lqp.List {
		ty.Elem = lqp.Text
	}
	return ty
}

// genLeaf draws a column, a literal or NULL.
func genLeaf(t *rapid.T) lqp.Expr {
	k := rapid.SampledFrom(genKinds).Draw(t, "kind")
	switch rapid.IntRange(0, 9).Draw(t, "leaf") {
	case 0:
		return lqp.Literal(lqp.NullValue)
	case 1, 2, 3, 4:
		if k != lqp.List { // the language has no list literals of its own
			return lqp.Literal(genValue(t, k))
		}
	}
	source := rapid.SampledFrom([]string{"", "", "o", "my orders"}).Draw(t, "source")
	column := k.String()
	if rapid.Bool().Draw(t, "other column") {
		column += " 2}\\"
	}
	return lqp.TypedRef(source, column, genType(k))
}

// genExpr draws a well-typed expression: it grows a pool of expressions by applying random functions of the catalogue to
// members of the pool that fit, and answers with the last one made.
func genExpr(t *rapid.T) lqp.Expr {
	pool := []lqp.Expr{genLeaf(t), genLeaf(t), genLeaf(t)}
	heights := []int{1, 1, 1}
	functions := lqp.Functions()
	for range rapid.IntRange(0, 8).Draw(t, "calls") {
		f := rapid.SampledFrom(functions).Draw(t, "function")
		n := f.MinArgs()
		if most := f.MaxArgs(); most != n {
			n += rapid.IntRange(0, 2).Draw(t, "more")
			if most >= 0 {
				n = min(n, most)
			}
		}
		args, height := make([]lqp.Expr, n), 0
		for i := range args {
			p := f.Param(i)
			if p.Units {
				args[i] = lqp.Literal(lqp.TextValue(rapid.SampledFrom([]string{"day", "months", "year", "hour"}).Draw(t, "unit")))
				continue
			}
			if p.Zone {
				args[i] = lqp.Literal(lqp.TextValue(rapid.SampledFrom([]string{"UTC", "Asia/Tokyo"}).Draw(t, "zone")))
				continue
			}
			var fit []int
			for j, e := range pool {
				if p.Accepts(e.Type()) {
					fit = append(fit, j)
				}
			}
			if len(fit) > 0 && rapid.IntRange(0, 3).Draw(t, "reuse") > 0 {
				j := rapid.SampledFrom(fit).Draw(t, "member")
				args[i], height = pool[j], max(height, heights[j])
				continue
			}
			k := rapid.SampledFrom(p.Kinds).Draw(t, "argument kind")
			if k == lqp.JSON || k == lqp.Bytes {
				k = lqp.Text
			}
			if k == lqp.List || rapid.Bool().Draw(t, "column") {
				args[i] = lqp.TypedRef("", k.String(), genType(k))
			} else {
				args[i] = lqp.Literal(genValue(t, k))
			}
		}
		if f.Name == "in" && rapid.Bool().Draw(t, "list") {
			k := args[0].Type().Kind
			lits := make([]*lqp.Lit, rapid.IntRange(0, 4).Draw(t, "items"))
			for i := range lits {
				lits[i] = lqp.Literal(genValue(t, k))
			}
			args = []lqp.Expr{args[0], lqp.NewList(lits...)}
		}
		if _, err := f.Check(args); err == nil {
			pool, heights = append(pool, lqp.NewCall(f.Name, args...)), append(heights, height+1)
		}
	}
	return pool[len(pool)-1]
}

// genRow draws a row for slotOf.
func genRow(t *rapid.T) []lqp.Value {
	row := make([]lqp.Value, 2*len(genKinds))
	for i := range row {
		if i%2 == 0 || rapid.IntRange(0, 2).Draw(t, "null") > 0 {
			row[i] = genValue(t, genKinds[i/2])
		}
	}
	return row
}

// slotOf finds the column in the rows of genRow.
func slotOf(c *lqp.Col) (int, error) {
	for i, k := range genKinds {
		if c.Column == k.String() {
			return 2 * i, nil
		}
		if c.Column == k.String()+" 2}\\" {
			return 2*i + 1, nil
		}
	}
	return 0, ErrUnresolved
}

// normal is the normal form of an expression, written down once more and differently from the parser.
func normal(e lqp.Expr) lqp.Expr {
	return lqp.Rewrite(e, func(n lqp.Expr) lqp.Expr {
		c, ok := n.(*lqp.Call)
		if !ok {
			return n
		}
		args := c.Args
		switch c.Func {
		case "and", "or", "concat":
			var flat []lqp.Expr
			for _, a := range args {
				if inner, ok := a.(*lqp.Call); ok && inner.Func == c.Func {
					flat = append(flat, inner.Args...)
				} else {
					flat = append(flat, a)
				}
			}
			return lqp.NewCall(c.Func, flat...)
		case "neg":
			if l, ok := args[0].(*lqp.Lit); ok && l.Val.Kind() == lqp.Number {
				return lqp.Literal(lqp.NumberValue(l.Val.Decimal().Neg()))
			}
		case "not":
			if inner, ok := args[0].(*lqp.Call); ok {
				if opposite := map[string]string{"eq": "ne", "ne": "eq"}[inner.Func]; opposite != "" {
					return lqp.NewCall(opposite, inner.Args...)
				}
			}
		case "in", "has_any", "has_all":
			var lits []*lqp.Lit
			for _, a := range args[1:] {
				if l, ok := a.(*lqp.Lit); ok {
					lits = append(lits, l)
				}
			}
			if len(lits) == len(args)-1 {
				return lqp.NewCall(c.Func, args[0], lqp.NewList(lits...))
			}
		case "true", "false":
			return lqp.Literal(lqp.BoolValue(c.Func == "true"))
		case "blank":
			return lqp.Literal(lqp.NullValue)
		case "to_date", "to_datetime", "to_float":
			if l, ok := args[0].(*lqp.Lit); ok && l.Val.Kind() == lqp.Text {
				if v := lqp.Eval(c, nil); !v.IsNull() && v.String() == l.Val.Text() {
					return lqp.Literal(v)
				}
			}
		}
		return n
	})
}

func TestGeneratorIsRich(t *testing.T) {
	functions := map[string]bool{}
	deepest := 0
	rapid.Check(t, func(t *rapid.T) {
		e := genExpr(t)
		n := 0
		lqp.Walk(e, func(e lqp.Expr) bool {
			if c, ok := e.(*lqp.Call); ok {
				functions[c.Func] = true
			}
			n++
			return true
		})
		deepest = max(deepest, n)
	})
	if len(functions) < len(lqp.Functions())/4 || deepest < 5 {
		t.Errorf("%d functions were generated, the largest expression has %d nodes", len(functions), deepest)
	}
}
