package adaptertest

import (
	"testing"

	"github.com/livetables/livetables/lqp"
)

// TestCasesKnowEveryFunction: a function without a case is not checked against anything but itself.
func TestCasesKnowEveryFunction(t *testing.T) {
	known := map[string]int{}
	for _, c := range allCases() {
		known[c.fn]++
	}
	for _, f := range lqp.Functions() {
		if known[f.Name] == 0 && f.Name != "now" && f.Name != "today" { // whose answer is the query's
			t.Errorf("no case calls %s", f.Name)
		}
		delete(known, f.Name)
	}
	for name := range known {
		t.Errorf("cases call %s, which is no function", name)
	}
}

// TestCasesBind: every case is a call that the catalogue accepts, and most arguments are in columns.
func TestCasesBind(t *testing.T) {
	inColumns, all := 0, 0
	for _, c := range allCases() {
		f, _ := lqp.LookupFunction(c.fn)
		var args []lqp.Expr
		for _, v := range c.args {
			args = append(args, lqp.Literal(v))
		}
		if _, err := f.Check(args); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		for _, at := range c.places() {
			if all++; at != "" {
				inColumns++
			}
		}
	}
	if inColumns < all*3/4 {
		t.Errorf("only %d of %d arguments are in columns", inColumns, all)
	}
}
