package lqp

import (
	"pgregory.net/rapid"
)

func genName() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"id", "total", "a b", `q"\`, "ü.x", "-d", "line\nbreak"}), rapid.StringMatching(`[a-zé_]{1,6}`))
}

func genScalar() *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			return BoolValue(rapid.Bool().Draw(t, "bool"))
		case 1:
			return NumberValue(DecimalFromScaled(rapid.Int64().Draw(t, "digits"), rapid.IntRange(0, 10).Draw(t, "scale")))
		case 2:
			return FloatValue(rapid.Float64().Draw(t, "float"))
		case 3:
			return TextValue(rapid.String().Draw(t, "text"))
		case 4:
			return DateValue(rapid.Int64Range(-719162, 2932896).Draw(t, "days"))
		case 5:
			return DateTimeValue(rapid.Int64Range(-62135596800000, 253402300799999).Draw(t, "millis"))
		}
		return NullValue
	})
}

func genLit() *rapid.Generator[*Lit] {
	return rapid.Custom(func(t *rapid.T) *Lit {
		if rapid.IntRange(0, 9).Draw(t, "typed null") == 0 {
			return TypedNull(Type{Kind: rapid.SampledFrom([]Kind{Bool, Number, Float, Text, Date, DateTime}).Draw(t, "kind")})
		}
		return Literal(genScalar().Draw(t, "value"))
	})
}

func genExpr(depth int) *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		kind := rapid.IntRange(0, 6).Draw(t, "node")
		switch {
		case kind == 0:
			return genLit().Draw(t, "literal")
		case kind == 1:
			return &Param{Name: rapid.SampledFrom([]string{"now", "today", "current_user", "user.région"}).Draw(t, "param")}
		case kind == 2:
			items := rapid.SliceOfN(genLit(), 0, 4).Draw(t, "items")
			if items == nil {
				items = []*Lit{}
			}
			return NewList(items...)
		case kind == 3 || depth == 0:
			source := ""
			if rapid.Bool().Draw(t, "qualified") {
				source = genName().Draw(t, "source")
			}
			return Ref(source, genName().Draw(t, "column"))
		}
		fn := rapid.SampledFrom([]string{"and", "or", "eq", "add", "if", "concat", "today_is_unknown", "round"}).Draw(t, "function")
		return NewCall(fn, rapid.SliceOfN(genExpr(depth-1), 1, 3).Draw(t, "args")...)
	})
}

func genOptional(t *rapid.T, label string, depth int) Expr {
	if rapid.Bool().Draw(t, "has "+label) {
		return genExpr(depth).Draw(t, label)
	}
	return nil
}

func genNamed(short bool) *rapid.Generator[Named] {
	return rapid.Custom(func(t *rapid.T) Named {
		n := Named{Name: genName().Draw(t, "name"), Expr: genExpr(2).Draw(t, "expr")}
		if short && rapid.Bool().Draw(t, "unnamed") {
			n.Name = ""
		}
		return n
	})
}

func genSource(depth int) *rapid.Generator[Source] {
	return rapid.Custom(func(t *rapid.T) Source {
		s := Source{Table: genName().Draw(t, "table")}
		if rapid.Bool().Draw(t, "connected") {
			s.Connection = genName().Draw(t, "connection")
		}
		if rapid.Bool().Draw(t, "aliased") {
			s.Alias = genName().Draw(t, "alias")
		}
		if depth > 0 && rapid.IntRange(0, 3).Draw(t, "nested") == 0 {
			s.Table, s.Connection, s.Query = "", "", genQuery(depth-1).Draw(t, "query")
		}
		return s
	})
}

// genQuery draws queries as programs write them: complete in form, senseless in content.
func genQuery(depth int) *rapid.Generator[*Query] {
	return rapid.Custom(func(t *rapid.T) *Query {
		q := &Query{From: genSource(depth).Draw(t, "from")}
		for range rapid.IntRange(0, 2).Draw(t, "joins") {
			q.Joins = append(q.Joins, Join{Kind: rapid.SampledFrom([]JoinKind{Inner, Left, Right, Full}).Draw(t, "kind"),
				Source: genSource(depth).Draw(t, "source"), On: genOptional(t, "on", 2)})
		}
		q.Where, q.Having = genOptional(t, "where", 3), genOptional(t, "having", 2)
		list := func(label string, short bool) (all []Named) {
			for range rapid.IntRange(0, 2).Draw(t, label) {
				all = append(all, genNamed(short).Draw(t, label))
			}
			return all
		}
		q.Compute, q.GroupBy, q.Select = list("compute", false), list("group by", true), list("select", true)
		for range rapid.IntRange(0, 2).Draw(t, "aggregates") {
			q.Aggregates = append(q.Aggregates, Aggregate{Name: genName().Draw(t, "name"), Func: rapid.SampledFrom([]string{"sum", "countall", "nope"}).Draw(t, "func"),
				Arg: genOptional(t, "arg", 1), Filter: genOptional(t, "filter", 1)})
		}
		for range rapid.IntRange(0, 2).Draw(t, "order") {
			q.OrderBy = append(q.OrderBy, Order{Expr: genExpr(1).Draw(t, "key"), Desc: rapid.Bool().Draw(t, "desc"),
				Nulls: rapid.SampledFrom([]NullOrder{NullsDefault, NullsFirst, NullsLast}).Draw(t, "nulls")})
		}
		q.Page = Page{Limit: rapid.IntRange(0, 99).Draw(t, "limit"), Offset: rapid.IntRange(0, 99).Draw(t, "offset"), Cursor: rapid.SampledFrom([]string{"", "token"}).Draw(t, "cursor")}
		q.Count = rapid.SampledFrom([]CountMode{CountNone, CountEstimated, CountExact}).Draw(t, "count")
		q.TimeZone = rapid.SampledFrom([]string{"", "Europe/Berlin"}).Draw(t, "zone")
		return q
	})
}
