package adaptertest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/livetables/livetables/lqp"
)

// casesFile holds calls of functions with the answers that the semantics give them, a JSON object per line:
//
//	{"f":"left","args":["abc",{"number":"-1"}],"expected":"","class":"text"}
//
// null, booleans and texts stand for themselves, values of other kinds are {"kind":…} with numbers as texts. class says
// what the case is about, zone is the query's time zone.
//
//go:embed testdata/cases.jsonl
var casesFile string

// functionCase is one line of casesFile.
type functionCase struct {
	line     int
	fn       string
	args     []lqp.Value
	elems    []lqp.Kind // of arguments that are lists
	expected lqp.Value
	class    string
	zone     string
}

func (c *functionCase) String() string {
	args := make([]string, len(c.args))
	for i, a := range c.args {
		args[i] = string(a.AppendJSON(nil))
	}
	return fmt.Sprintf("cases.jsonl line %d (%s): %s(%s)", c.line, c.class, c.fn, strings.Join(args, ", "))
}

var allCases = sync.OnceValue(func() (cases []*functionCase) {
	for n, line := range strings.Split(strings.TrimSpace(casesFile), "\n") {
		var raw struct {
			F        string            `json:"f"`
			Args     []json.RawMessage `json:"args"`
			Expected json.RawMessage   `json:"expected"`
			Class    string            `json:"class"`
			Zone     string            `json:"zone"`
		}
		if err := json.Unmarshal([]byte(line), &raw); err != nil {
			panic(fmt.Sprintf("cases.jsonl line %d: %v", n+1, err))
		}
		c := &functionCase{line: n + 1, fn: raw.F, class: raw.Class, zone: raw.Zone}
		for _, doc := range raw.Args {
			v, elem := caseValue(doc)
			c.args, c.elems = append(c.args, v), append(c.elems, elem)
		}
		c.expected, _ = caseValue(raw.Expected)
		cases = append(cases, c)
	}
	return cases
})

// caseValue reads a value of casesFile, and the kind of the elements of a list.
func caseValue(doc json.RawMessage) (v lqp.Value, elem lqp.Kind) {
	t := lqp.Type{Kind: lqp.Text}
	switch doc[0] {
	case 'n':
		return lqp.NullValue, lqp.Null
	case 't', 'f':
		t.Kind = lqp.Bool
	case '{':
		var typed map[string]json.RawMessage
		if err := json.Unmarshal(doc, &typed); err != nil || len(typed) != 1 {
			panic(fmt.Sprintf("cases.jsonl: value %s", doc))
		}
		for name, inner := range typed {
			if list, ok := strings.CutPrefix(name, "list<"); ok {
				t.Kind, name = lqp.List, strings.TrimSuffix(list, ">")
				t.Elem, _ = lqp.ParseKind(name)
				elem = t.Elem
			} else {
				t.Kind, _ = lqp.ParseKind(name)
			}
			doc = inner
		}
	}
	v, err := lqp.ParseValue(t, doc)
	if err != nil {
		panic(fmt.Sprintf("cases.jsonl: value %s: %v", doc, err))
	}
	return v, elem
}

// functionCases calls the functions of the cases over columns that hold their arguments and compares the answers with
// those written down, not with the oracle's: as a group key, and compared in a filter and under a negation.
func (s *suite) functionCases(t T) {
	f := s.fixture(casesTable)
	type calls struct {
		expr  lqp.Expr
		cases []*functionCase
	}
	groups := map[string]*calls{}
	var order []string
	for i, c := range allCases() {
		expr := s.caseExpr(c, f, f.Rows[i])
		key := c.zone + " " + lqp.FormatExpr(expr)
		if groups[key] == nil {
			groups[key] = &calls{expr: expr}
			order = append(order, key)
		}
		groups[key].cases = append(groups[key].cases, c)
	}
	for _, key := range order {
		g := groups[key]
		t.Run(g.cases[0].fn+" "+key, func(t T) { s.askCases(t, g.expr, g.cases) })
	}
}

// caseExpr is the call of a case: an argument is the column of its row that holds it, or itself.
func (s *suite) caseExpr(c *functionCase, f *Fixture, row []lqp.Value) lqp.Expr {
	args := make([]lqp.Expr, len(c.args))
	for i, at := range c.places() {
		column := -1
		if at != "" {
			column = f.column(at)
		}
		if v := c.args[i]; column >= 0 && f.Columns[column].Type.Kind == caseColumn(at).Kind && lqp.Equal(row[column], v) {
			args[i] = ref(at)
		} else {
			args[i] = lqp.Literal(v)
		}
	}
	return call(c.fn, args...)
}

// askCases asks one expression for the rows of its cases.
func (s *suite) askCases(t T, e lqp.Expr, cases []*functionCase) {
	src := s.from(casesTable, "")
	var ids []lqp.Expr
	want := make(answer, len(cases))
	for i, c := range cases {
		id := whole(int64(c.line))
		ids = append(ids, id)
		want[i] = []string{string(id.(*lqp.Lit).Val.AppendJSON(nil)), string(c.expected.AppendJSON(nil))}
	}
	mine := call("in", append([]lqp.Expr{ref("id")}, ids...)...)
	q := &lqp.Query{From: src, Where: mine, Select: []lqp.Named{{Name: "id", Expr: ref("id")}, {Name: "v", Expr: e}}, TimeZone: cases[0].zone}
	typed, err := s.bind(q)
	if err != nil {
		t.Errorf("%s: %v", cases[0], err)
		return
	}
	s.compare(t, typed, want, false, "as in "+cases[0].String(), s.a.Plan)
	result := typed.Select[1].Expr.Type()
	if !result.Kind.Orderable() {
		return
	}
	grouped := groupBy(src, ref("id"))
	grouped.Where, grouped.TimeZone = mine, cases[0].zone
	grouped.GroupBy = append(grouped.GroupBy, lqp.Named{Name: "v", Expr: e})
	grouped.Select = append(grouped.Select, lqp.Named{Name: "v", Expr: ref("v")})
	s.ask(t, grouped, want, "as in "+cases[0].String())
	for i, c := range cases {
		same := call("eq", e, lit(c.expected, result))
		if result.Kind == lqp.Bool {
			same = e
			if !c.expected.Bool() {
				same = call("not", e)
			}
		}
		hit := &lqp.Query{From: src, Where: lqp.And(call("eq", ref("id"), ids[i]), same), Select: idOnly(), TimeZone: c.zone}
		s.ask(t, hit, answer{want[i][:1]}, "as in "+c.String())
		miss := *hit
		miss.Where = lqp.And(call("eq", ref("id"), ids[i]), call("not", same))
		s.ask(t, &miss, nil, "as in "+c.String())
	}
}

// ask compares a query's answer with one that is known.
func (s *suite) ask(t T, q *lqp.Query, want answer, how string) {
	t.Helper()
	bound, err := s.bind(q)
	if err != nil {
		t.Errorf("the suite's query does not bind: %v\n%s", err, lqp.Format(q))
		return
	}
	s.compare(t, bound, want, false, how, s.a.Plan)
}
