package lqp

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file of testdata; -update writes the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run the test with -update when this is right")
}

func TestFormat(t *testing.T) {
	var many []*Lit
	for i := range int64(30) {
		many = append(many, Literal(IntValue(i)))
	}
	nested := orders().Filter(call("in", ref("id"), NewList(many...))).GroupBy("customer_id").Aggregate("n", "countall", nil).Query()
	q := bindShop(t, FromSource(customers()).
		Join(Left, Source{Query: nested, Alias: "per customer"}, call("eq", Ref("c", "id"), Ref("per customer", "customer_id"))).
		Compute("odd } name", call("concat", ref("name"), text("\"quoted\"\n"))).
		Columns("name", "n", "odd } name").Sort("-n"))
	q, total := OrderKey(q)
	require.True(t, total)
	q.Page.Offset, q.Page.After, q.Count = 5, []Value{NullValue, IntValue(3), IntValue(4)}, CountExact
	golden(t, "testdata/format.txt", Format(q))
}
