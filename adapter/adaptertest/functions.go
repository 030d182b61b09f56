package adaptertest

import (
	"github.com/livetables/livetables/lqp"
)

// functions calls every function of the catalogue over columns of every kind that it accepts, as a group key, as a sort
// key and in a filter.
func (s *suite) functions(t T) {
	src := s.from(things, "")
	for _, f := range lqp.Functions() {
		if f.Category == "operator" || f.Category == "logic" {
			continue // checked by name
		}
		t.Run(f.Name, func(t T) {
			bound := 0
			for _, args := range s.argumentLists(f) {
				e := call(f.Name, args...)
				q := &lqp.Query{From: src, Where: call("not", call("is_null", e)), Select: idOnly()}
				if !s.tryCheck(t, q, false) {
					continue
				}
				bound++
				typed, err := s.bind(&lqp.Query{From: src, Select: []lqp.Named{{Name: "v", Expr: e}}})
				if err != nil {
					continue
				}
				switch k := typed.Select[0].Expr.Type().Kind; {
				case k == lqp.Bool:
					s.contexts(t, src, e)
				case k.Orderable():
					s.values(t, src, e)
				}
				s.check(t, typedSelect(src, e), false)
			}
			if bound == 0 {
				t.Logf("no argument list of the suite fits %s", f.Name)
			}
		})
	}
}

func typedSelect(src lqp.Source, e lqp.Expr) *lqp.Query {
	return &lqp.Query{From: src, Select: []lqp.Named{{Name: "id", Expr: ref("id")}, {Name: "v", Expr: e}}}
}

// argumentLists builds a few lists of arguments for a function: its first parameter takes every column that fits, the
// others vary.
func (s *suite) argumentLists(f *lqp.Function) (lists [][]lqp.Expr) {
	if len(f.Params) == 0 {
		return [][]lqp.Expr{nil}
	}
	var first []lqp.Expr
	for _, e := range s.argumentsFor(f.Params[0]) {
		if _, ok := e.(*lqp.Col); ok {
			first = append(first, e)
		}
	}
	for n, a := range first {
		for count := f.MinArgs(); count <= min(4, max(f.MinArgs(), len(f.Params)+1)); count++ {
			if f.MaxArgs() >= 0 && count > f.MaxArgs() || count == 0 {
				continue
			}
			for variant := range 2 {
				list := []lqp.Expr{a}
				for i := 1; i < count; i++ {
					options := s.argumentsFor(f.Param(i))
					if len(options) == 0 {
						break
					}
					list = append(list, options[(n+variant*3+i*5)%len(options)])
				}
				if len(list) == count {
					lists = append(lists, list)
				}
				if count == 1 {
					break
				}
			}
		}
	}
	return lists
}

// argumentsFor lists expressions that a parameter may accept.
func (s *suite) argumentsFor(p lqp.Parameter) (out []lqp.Expr) {
	if p.Units {
		for _, u := range []string{"day", "month", "year", "hour", "week", "quarter", "minute", "second", "millisecond"} {
			out = append(out, text(u))
		}
		return out
	}
	if p.Zone {
		return []lqp.Expr{text("UTC"), text("Asia/Tokyo"), text("America/St_Johns")}
	}
	for _, k := range p.Kinds {
		for i, c := range s.columnsOf(k) {
			if i < 2 {
				out = append(out, ref(c.Name))
			}
		}
		switch k {
		case lqp.Number:
			for _, n := range []int64{0, 1, 2, -1, 3, 12} {
				out = append(out, whole(n))
			}
			out = append(out, lqp.Literal(must(wideType, "0.25")))
		case lqp.Text:
			for _, v := range []string{"a", "", "-", "é", "2024-02-29", "12.50", "[a-c]+", "D"} {
				out = append(out, text(v))
			}
		case lqp.Date:
			out = append(out, lqp.Literal(must(dateType, "2024-01-31")))
		case lqp.DateTime:
			out = append(out, lqp.Literal(must(dateTimeType, "2024-01-31T12:34:56.789Z")))
		}
	}
	return out
}
