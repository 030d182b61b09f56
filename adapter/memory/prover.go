package memory

import (
	"hash/fnv"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Everything is a prover that takes every clause of every query over the adapter's tables.
var Everything adapter.Prover = all{}

type all struct{}

func (all) Source(*lqp.Source) adapter.Proof             { return adapter.Proof{Exact: true} }
func (all) Expr(adapter.Use, lqp.Expr) adapter.Proof     { return adapter.Proof{Exact: true} }
func (all) Aggregate(*lqp.Aggregate) adapter.Proof       { return adapter.Proof{Exact: true} }
func (all) After([]lqp.Order, []lqp.Value) adapter.Proof { return adapter.Proof{Exact: true} }

// Coin is a prover that takes about half of the clauses, always the same ones for the same seed. Plans that are split
// at random must give the same answers.
func Coin(seed uint64) adapter.Prover { return coin(seed) }

type coin uint64

func (c coin) toss(text string) adapter.Proof {
	h := fnv.New64a()
	var b [8]byte
	for i := range b {
		b[i] = byte(c >> (8 * i))
	}
	_, _ = h.Write(b[:])
	_, _ = h.Write([]byte(text))
	if h.Sum64()>>32&1 == 0 {
		return adapter.Proof{Reason: "the coin said no"}
	}
	return adapter.Proof{Exact: true}
}

func (c coin) Source(s *lqp.Source) adapter.Proof {
	if s.Query != nil {
		return c.toss(lqp.Format(s.Query))
	}
	return adapter.Proof{Exact: true}
}

func (c coin) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	return c.toss(string(rune('0'+use)) + lqp.FormatExpr(e))
}

func (c coin) Aggregate(a *lqp.Aggregate) adapter.Proof { return c.toss(a.Func + a.Name) }

func (c coin) After([]lqp.Order, []lqp.Value) adapter.Proof { return c.toss("after") }
