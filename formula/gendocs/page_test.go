package main

import (
	"os"
	"testing"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

func TestPageIsUpToDate(t *testing.T) {
	have, err := os.ReadFile("../../docs/formulas.md")
	require.NoError(t, err)
	require.Equal(t, page(), string(have), "run go generate ./formula")
}

// exampleScope has the columns that examples name.
var exampleScope = lqp.Scope{{Alias: "t", Columns: []lqp.Column{
	{ID: "tags", Name: "tags", Type: lqp.Type{Kind: lqp.List, Elem: lqp.Text}},
}}}

// TestExamples runs the example of every function: it must parse, have the right types and, where the
// catalogue says what it gives, give that, by tree walk and by program.
func TestExamples(t *testing.T) {
	for _, f := range lqp.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			require.NotEmpty(t, f.Doc)
			require.NotEmpty(t, f.Example)
			e, err := formula.Parse(f.Example)
			require.NoError(t, err)
			e, err = lqp.BindExpr(e, exampleScope, lqp.Env{})
			require.NoError(t, err)
			e, err = lqp.Resolve(e, func(*lqp.Col) (int, error) { return 0, nil })
			require.NoError(t, err)
			p, err := formula.Compile(e)
			require.NoError(t, err)
			if f.Gives == "" {
				require.NotEmpty(t, lqp.Columns(e), "an example without columns says what it gives")
				return
			}
			require.Equal(t, f.Gives, lqp.Eval(e, nil).String())
			require.Equal(t, f.Gives, p.Eval(nil).String())
		})
	}
}

// TestSignsParse keeps the operators' signatures true to the parser.
func TestSignsParse(t *testing.T) {
	for name, sign := range signs {
		e, err := formula.Parse(sign)
		require.NoError(t, err)
		require.Equal(t, name, e.(*lqp.Call).Func)
	}
}
