package mysql

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Estimate implements [adapter.Estimator] with the planner's guess.
func (a *Adapter) Estimate(ctx context.Context, pushed *lqp.Query) (int64, error) {
	n, err := a.dialect.Load().compile(pushed)
	if err != nil {
		return 0, fmt.Errorf("compile query: %w: %w", adapter.ErrUnsupported, err)
	}
	steps, err := a.explain(ctx, n)
	if err != nil {
		return 0, translate(ctx, "estimate "+sourceName(pushed), err)
	}
	rows := 1.0
	for _, s := range steps {
		if s["id"] != "1" { // the steps of nested queries are counted where their result is read
			continue
		}
		rows *= number(s["rows"], 1) * number(s["filtered"], 100) / 100
	}
	if limit := pushed.Page.Limit; limit > 0 {
		rows = min(rows, float64(limit))
	}
	switch {
	case len(pushed.Aggregates) > 0 && len(pushed.GroupBy) == 0:
		rows = 1
	case rows > math.MaxInt64/2:
		return -1, nil
	}
	return int64(math.Ceil(rows)), nil
}

func number(text string, otherwise float64) float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 {
		return otherwise
	}
	return f
}

// explain returns the steps of the server's plan, as texts by the lower-case names of the columns.
func (a *Adapter) explain(ctx context.Context, n *native) ([]map[string]string, error) {
	rows, err := a.query(ctx, &native{sql: "EXPLAIN FORMAT=TRADITIONAL " + n.sql, args: n.args})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := rows.rows.Columns()
	var steps []map[string]string
	for rows.Next() {
		step := map[string]string{}
		for i, v := range rows.cells {
			step[strings.ToLower(names[i])] = cellText(v)
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}
