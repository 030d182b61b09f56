package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// measureCompile takes the way of a plan with three filters, two sort keys and a join to its SQL apart. It has no
// baseline: the figures are those of single functions, and depend on the machine.
func measureCompile(ctx context.Context, b *bench) error {
	data, err := b.ordersInPostgres(ctx)
	if err != nil {
		return err
	}
	spec, err := data.connection()
	if err != nil {
		return err
	}
	settings := adapter.Settings{Driver: spec.Driver, Host: spec.Host, Port: spec.Port, Database: spec.Database, User: spec.User, TLS: spec.TLS}
	if spec.Password != nil {
		settings.Password = spec.Password.Reveal()
	}
	a, err := postgres.Open(ctx, settings)
	if err != nil {
		return err
	}
	defer a.Close()
	catalog, err := a.Tables(ctx)
	if err != nil {
		return err
	}
	table := func(_, name string) (*lqp.Table, error) {
		if t := catalog.Table(name); t != nil {
			return t, nil
		}
		return nil, lqp.ErrUnknownTable
	}
	const document = `{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"inner","source":{"table":"customers","alias":"c"},"on":"c.id = o.customer_id"}],
		"filters":["o.status = \"paid\" AND o.total >= 100 AND c.country <> \"Norway\""],"columns":["o.id","o.number","o.status","o.total","c.name"],
		"sorts":["-o.customer_id","-o.id"],"pagination":{"limit":100}}`
	decode := lqp.DecodeOptions{Formula: formula.Parse}
	q, err := lqp.DecodeQuery([]byte(document), decode)
	if err != nil {
		return err
	}
	env := lqp.Env{Table: table, DefaultLimit: 100, MaxLimit: 1000}
	plain := rewrite.Input{Principal: rbac.Principal{ID: ownerID}, Table: table, Now: time.Now(), DefaultLimit: 100, MaxLimit: 1000,
		Policy: &rbac.Policy{Members: map[string]rbac.Role{ownerID: rbac.Viewer}}}
	ruled := plain
	ruled.Policy = &rbac.Policy{Members: plain.Policy.Members, Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{{Table: "orders"}: {rbac.Viewer: {
		Read:    call("gt", lqp.Ref("", "customer_id"), lqp.Literal(lqp.IntValue(0))),
		Columns: map[string]rbac.Access{"note": rbac.Hidden},
	}}}}
	plan, err := rewrite.Rewrite(q, ruled)
	if err != nil {
		return err
	}
	split := a.Plan(plan.Query())
	if split.Residual != nil {
		return fmt.Errorf("the query is not pushed whole: %v", split.Notes)
	}
	native := a.(adapter.Explainer)
	stages := []struct {
		name, target, notes string
		run                 func() error
	}{
		{"plan: decode the document", "", "JSON with two formulas", func() error { _, err := lqp.DecodeQuery([]byte(document), decode); return err }},
		{"plan: bind", "", "", func() error { _, err := lqp.Bind(q, env); return err }},
		{"plan: bind and rewrite, no rules", "", "", func() error { _, err := rewrite.Rewrite(q, plain); return err }},
		{"plan: bind and rewrite, row rule and hidden column", "", "", func() error { _, err := rewrite.Rewrite(q, ruled); return err }},
		{"plan: divide", "", "Adapter.Plan, which proves by compiling", func() error { a.Plan(plan.Query()); return nil }},
		{"plan: generate SQL", "T7: <= 3 us, 5 allocations", "", func() error { _, err := native.Native(split.Pushed); return err }},
		{"plan: hash for the cursor", "", "", func() error { lqp.QueryHash(q); return nil }},
	}
	for _, s := range stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := function(s.run)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		b.report.add(line{What: s.name, Target: s.target, Ours: perCall(r), Notes: s.notes})
	}
	return nil
}

// function benchmarks a function with the standard library's means.
func function(run func() error) (testing.BenchmarkResult, error) {
	if err := run(); err != nil {
		return testing.BenchmarkResult{}, err
	}
	return testing.Benchmark(func(tb *testing.B) {
		tb.ReportAllocs()
		for tb.Loop() {
			_ = run() // it was asked above
		}
	}), nil
}

func perCall(r testing.BenchmarkResult) string {
	return fmt.Sprintf("%s, %d allocations, %d B", nanos(r), r.AllocsPerOp(), r.AllocedBytesPerOp())
}

func nanos(r testing.BenchmarkResult) string {
	return fmt.Sprintf("%.3g ns", float64(r.T.Nanoseconds())/float64(r.N))
}

// measureFormula compares a compiled formula on one row in memory, with exact numbers, with the same condition written
// in Go with floats. Nobody would expect it to be as fast; it says what a row costs that no database could filter.
func measureFormula(_ context.Context, b *bench) error {
	const formulaText = `price * qty * (1 - discount) > 100 AND status = "paid"`
	e, err := formula.Parse(formulaText)
	if err != nil {
		return err
	}
	columns := []lqp.Column{
		{ID: "price", Name: "price", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}},
		{ID: "qty", Name: "qty", Type: lqp.Type{Kind: lqp.Number, Precision: 9}},
		{ID: "discount", Name: "discount", Type: lqp.Type{Kind: lqp.Number, Precision: 4, Scale: 2}},
		{ID: "status", Name: "status", Type: lqp.Type{Kind: lqp.Text}},
	}
	bound, err := lqp.BindExpr(e, lqp.Scope{{Alias: "t", Columns: columns}}, lqp.Env{})
	if err != nil {
		return err
	}
	resolved, err := lqp.Resolve(bound, func(c *lqp.Col) (int, error) {
		for i := range columns {
			if columns[i].ID == c.Column {
				return i, nil
			}
		}
		return 0, fmt.Errorf("no column %s", c.Column)
	})
	if err != nil {
		return err
	}
	program, err := formula.Compile(resolved)
	if err != nil {
		return err
	}
	decimal := func(s string) lqp.Value {
		d, _ := lqp.ParseDecimal(s) // literals below
		return lqp.NumberValue(d)
	}
	type item struct {
		price, qty, discount float64
		status               string
	}
	var rows [][]lqp.Value
	var items []item
	for i := range 64 {
		rows = append(rows, []lqp.Value{decimal(fmt.Sprintf("%d.25", 10+i)), lqp.IntValue(int64(1 + i%7)), decimal("0.15"), lqp.TextValue(statuses[i%2])})
		items = append(items, item{10.25 + float64(i), float64(1 + i%7), 0.15, statuses[i%2]})
	}
	kept, n := 0, 0
	inGo, err := function(func() error {
		n++
		if it := &items[n&63]; it.price*it.qty*(1-it.discount) > 100 && it.status == "paid" {
			kept++
		}
		return nil
	})
	if err != nil {
		return err
	}
	compiled, err := function(func() error {
		n++
		if program.True(rows[n&63]) {
			kept++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if kept == 0 {
		return fmt.Errorf("%s is never true", formulaText)
	}
	walked, err := function(func() error {
		n++
		lqp.Eval(resolved, rows[n&63])
		return nil
	})
	if err != nil {
		return err
	}
	b.report.add(line{What: "formula on one row, compiled", Target: "T8: <= 150 ns, 0 allocations", Base: nanos(inGo), Ours: perCall(compiled), Notes: formulaText})
	b.report.add(line{What: "formula on one row, tree walk", Base: nanos(inGo), Ours: perCall(walked)})
	return nil
}
