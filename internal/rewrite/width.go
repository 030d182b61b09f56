package rewrite

import (
	"fmt"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// maxGrowth bounds the characters that the formulas of a query can make out of little while one row is at hand: they are
// all in memory at once, where the budgets of rows and bytes do not see them.
const maxGrowth = 32 * lqp.MaxText

// usualText is how long the texts of a column are taken to be. Whoever fills cells with more pays for that when writing.
const usualText = 16_000

// plainText is how long numbers, dates and such are at most when they are written out.
const plainText = 64

// checkWidth refuses a bound query whose formulas can make too much text of one row.
func checkWidth(q *lqp.Query) error {
	total := growth(q)
	if total <= maxGrowth {
		return nil
	}
	return lqp.Problems{{Path: "$", Code: lqp.CodeLimit, Message: fmt.Sprintf("the formulas can make texts of together %d characters of one row; "+
		"at most %d are allowed", total, maxGrowth)}}
}

// growth is how many characters the growing texts of a query can have together for one row, nested queries included.
func growth(q *lqp.Query) int {
	total := 0
	for i := -1; i < len(q.Joins); i++ {
		from := &q.From
		if i >= 0 {
			from = &q.Joins[i].Source
		}
		if from.Query != nil {
			total += growth(from.Query)
		}
	}
	add := func(e lqp.Expr) {
		if _, plain := e.(*lqp.Col); plain || e == nil {
			return
		}
		lqp.Walk(e, func(e lqp.Expr) bool {
			if c, ok := e.(*lqp.Call); ok && grows[c.Func] {
				total += width(c)
			}
			return true
		})
	}
	for i := range q.Joins {
		add(q.Joins[i].On)
	}
	add(q.Where)
	for _, named := range [...][]lqp.Named{q.Compute, q.GroupBy, q.Select} {
		for i := range named {
			add(named[i].Expr)
		}
	}
	for i := range q.Aggregates {
		add(q.Aggregates[i].Arg)
		add(q.Aggregates[i].Filter)
		for j := range q.Aggregates[i].OrderBy {
			add(q.Aggregates[i].OrderBy[j].Expr)
		}
	}
	add(q.Having)
	for i := range q.OrderBy {
		add(q.OrderBy[i].Expr)
	}
	return total
}

// grows are the functions whose text can be longer than those they are given.
var grows = map[string]bool{"rept": true, "pad_left": true, "pad_right": true, "concat": true, "join": true, "array_join": true, "substitute": true,
	"replace": true, "regex_replace": true, "encode_url_component": true}

// width is how long a text may be that an expression gives, as far as can be told beforehand.
func width(e lqp.Expr) int {
	switch e := e.(type) {
	case *lqp.Lit:
		return utf8.RuneCountInString(e.Val.String())
	case *lqp.Col:
		switch t := e.Type(); {
		case t.MaxLen > 0:
			return min(t.MaxLen, usualText)
		case t.Kind == lqp.Text || t.Kind == lqp.List || t.Kind == lqp.JSON:
			return usualText
		}
		return plainText
	case *lqp.Call:
		return min(callWidth(e), lqp.MaxText)
	}
	return usualText
}

func callWidth(c *lqp.Call) int {
	sum, widest := 0, 0
	for _, a := range c.Args {
		w := width(a)
		sum, widest = sum+w, max(widest, w)
	}
	switch c.Func {
	case "concat":
		return sum
	case "rept":
		return times(width(c.Args[0]), c.Args[1])
	case "pad_left", "pad_right":
		return max(width(c.Args[0]), times(1, c.Args[1]))
	case "substitute":
		if old, ok := c.Args[1].(*lqp.Lit); ok && !old.Val.IsNull() {
			return width(c.Args[0]) * max(1, width(c.Args[2])/max(1, width(old)))
		}
	case "encode_url_component":
		return 12 * sum
	case "replace":
		return sum
	}
	if grows[c.Func] {
		return lqp.MaxText
	}
	return widest
}

// times is n as often as an expression says, which counts up to the longest text.
func times(n int, count lqp.Expr) int {
	lit, ok := count.(*lqp.Lit)
	if !ok || lit.Val.Kind() != lqp.Number {
		return lqp.MaxText
	}
	often, ok := lit.Val.Decimal().Int64()
	if !ok || often > lqp.MaxText {
		return lqp.MaxText
	}
	return n * int(max(0, often))
}
