package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Examiner = (*Adapter)(nil)

// Examine implements [adapter.Examiner] with EXPLAIN ANALYZE.
func (a *Adapter) Examine(ctx context.Context, pushed *lqp.Query) (x adapter.Examination, err error) {
	st, err := a.compile(ctx, pushed)
	if err != nil {
		return x, err
	}
	text, err := a.explain(ctx, &st, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ")
	if err != nil {
		return x, translate(ctx, "examine "+sourceName(pushed), err)
	}
	var plans []struct{ Plan planNode }
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		return x, fmt.Errorf("examine %s: %w: unreadable plan", sourceName(pushed), failure.ErrUnknown)
	}
	x.Returned = int64(plans[0].Plan.Rows)
	plans[0].Plan.examine(&x)
	return x, nil
}

// planNode is a node of a plan that was run. Rows are those of one loop, on the average.
type planNode struct {
	Type      string  `json:"Node Type"`
	Relation  string  `json:"Relation Name"`
	Index     string  `json:"Index Name"`
	Rows      float64 `json:"Actual Rows"`
	Loops     float64 `json:"Actual Loops"`
	Removed   float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	Plans     []planNode
}

// examine adds what a node and those below it read. The nodes of an index that only finds places name no table; their rows
// are counted where the table is read.
func (n *planNode) examine(x *adapter.Examination) {
	if n.Relation != "" {
		x.Read += int64((n.Rows + n.Removed + n.Rechecked) * n.Loops)
	}
	switch {
	case n.Index != "" && !slices.Contains(x.Indexes, n.Index):
		x.Indexes = append(x.Indexes, n.Index)
	case n.Type == "Seq Scan" && n.Loops > 0 && !slices.Contains(x.Scans, n.Relation):
		x.Scans = append(x.Scans, n.Relation)
	}
	for i := range n.Plans {
		n.Plans[i].examine(x)
	}
}
