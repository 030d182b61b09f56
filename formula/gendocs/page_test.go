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

// TestExamples runs the example of every function: it must parse, have the right types and give what the catalogue
// says, by tree walk and by program.
func TestExamples(t *testing.T) {
	for _, f := range lqp.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			require.NotEmpty(t, f.Doc)
			require.NotEmpty(t, f.Example)
			e, err := formula.Parse(f.Example)
			require.NoError(t, err)
			e, err = lqp.BindExpr(e, lqp.Scope{}, lqp.Env{})
			require.NoError(t, err)
			e, err = lqp.Resolve(e, func(*lqp.Col) (int, error) { return 0, nil })
			require.NoError(t, err)
			p, err := formula.Compile(e)
			require.NoError(t, err)
			require.Equal(t, f.Gives, lqp.Eval(e, nil).String())
			require.Equal(t, f.Gives, p.Eval(nil).String())
		})
	}
}

// TestAggregateExamples runs the example of every function over rows: each of the formulas is the value of one row.
func TestAggregateExamples(t *testing.T) {
	for _, f := range lqp.Aggregates() {
		t.Run(f.Name, func(t *testing.T) {
			// As arguments of a function that takes any values the formulas are parsed like everywhere else.
			e, err := formula.Parse("COUNTALL(" + f.Example + ")")
			require.NoError(t, err)
			e, err = lqp.BindExpr(e, lqp.Scope{}, lqp.Env{})
			require.NoError(t, err)
			values := e.(*lqp.Call).Args
			acc := f.NewAccumulator(values[0].Type())
			for _, v := range values {
				acc.Add(lqp.Eval(v, nil))
			}
			require.Equal(t, f.Gives, acc.Result().String())
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
