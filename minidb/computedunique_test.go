package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestUniqueColumnsOfLinkedRows: a write that would give rows of another table the same value in a unique column, or break a check
// there, is refused as a whole, from whichever side it comes, and says nothing of that table to those who need not see it.
func TestUniqueColumnsOfLinkedRows(t *testing.T) {
	s := newShop(t, minidb.Options{})
	line := func(price string) values { return values{"Price": dec(price), "Count": num(1)} }
	lines := s.lines.add(line("10"), line("20"), line("10"), line("500"))
	ann := s.orders.add(values{"Customer": text("Ann"), "Lines": links(lines[0])})[0]
	bob := s.orders.add(values{"Customer": text("Bob"), "Lines": links(lines[1])})[0]
	unique := true
	_, err := s.UpdateColumn(s.ctx, alice, s.orders.id("Sum"), minidb.ColumnPatch{Unique: &unique}, 0)
	require.NoError(t, err)
	s.reload()
	rules := minidb.TableRules{Checks: []minidb.Check{{Expr: lqp.EncodeExpr(lqp.NewCall("lt", lqp.Ref("", s.orders.id("Sum")), lqp.Literal(num(400)))), Message: "too dear"}}}
	_, err = s.UpdateTable(s.ctx, alice, s.orders.ID, minidb.TablePatch{Rules: &rules}, 0)
	require.NoError(t, err)
	s.reload()
	before := func() []any { return []any{s.orders.stored(), s.lines.stored()} }
	was := before()
	for name, c := range map[string]struct {
		table  *table
		change *lqp.Mutation
		code   string
		column string // that the fault names
	}{
		"a value that the rows of another table add up": {s.lines, s.lines.update(lines[0], 0, values{"Price": dec("20")}), minidb.CodeComputed, ""},
		"a link that adds one more":                     {s.lines, s.lines.update(lines[2], 0, values{"Order": links(ann)}), minidb.CodeComputed, ""},
		"a new row that is linked":                      {s.lines, s.lines.insert(values{"Price": dec("10"), "Count": num(1), "Order": links(ann)}), minidb.CodeComputed, ""},
		"values that only here differ":                  {s.lines, s.lines.update(lines[1], 0, values{"Price": dec("10")}), minidb.CodeComputed, ""},
		"a link of the row itself":                      {s.orders, s.orders.update(ann, 0, values{"Lines": links(lines[0], lines[2])}), minidb.CodeUnique, s.orders.id("Sum")},
		"a check there, by a value":                     {s.lines, s.lines.update(lines[0], 0, values{"Price": dec("400")}), minidb.CodeComputed, ""},
		"a check there, by a link":                      {s.lines, s.lines.update(lines[3], 0, values{"Order": links(bob)}), minidb.CodeCheck, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.table.try(c.change, minidb.Guard{})
			faults := faultsOf(t, err)
			require.Len(t, faults, 1)
			require.Equal(t, c.code, faults[0].Code)
			require.Equal(t, c.column, faults[0].Column)
			for _, told := range []string{ann, bob, "Sum", "Orders", "too dear"} {
				if c.table == s.lines {
					require.NotContains(t, err.Error(), told, "the writer need not see the other table")
				}
			}
			require.Equal(t, was, before(), "nothing is written")
		})
	}
	// Values may change hands within one write.
	s.lines.do(s.lines.update(lines[0], 0, values{"Price": dec("30")}))
	s.lines.do(s.lines.update(lines[1], 0, values{"Price": dec("10")}))
	require.Equal(t, []string{"30", "10"}, []string{s.orders.shows(ann, "Sum"), s.orders.shows(bob, "Sum")})
	swap := s.lines.update(lines[0], 0, values{"Price": dec("10")})
	swap.Rows = append(swap.Rows, s.lines.update(lines[1], 0, values{"Price": dec("30")}).Rows...)
	s.lines.do(swap)
	require.Equal(t, []string{"10", "30"}, []string{s.orders.shows(ann, "Sum"), s.orders.shows(bob, "Sum")})
}
