package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// postgresSides starts the servers that answer from PostgreSQL, the baseline first. requests are those to the baseline
// and the engine, toDaemon makes those to the daemon.
func (b *bench) postgresSides(ctx context.Context, requests [][]byte, toDaemon func(path, token string) [][]byte) ([]target, *postgresData, error) {
	w, data, err := b.postgresInWorld(ctx)
	if err != nil {
		return nil, nil, err
	}
	base, _, err := b.child(ctx, "base-postgres", childConfig{URL: data.url})
	if err != nil {
		return nil, nil, err
	}
	base.name, base.requests, base.server = "base", requests, data.server
	engine, _, err := b.child(ctx, "engine", childConfig{Dir: w.dir, Workspace: w.workspace, Source: w.pg})
	if err != nil {
		return nil, nil, err
	}
	engine.name, engine.requests, engine.server = "engine", requests, data.server
	targets := []target{base, engine}
	if d := b.daemonIfAny(ctx); d != nil {
		if err := d.connect(ctx, data); err != nil {
			return nil, nil, err
		}
		targets = append(targets, d.target(toDaemon("/api/v1/connections/"+d.connection+"/query", d.token), data.server))
	}
	return targets, data, sameRows(ctx, targets)
}

// sameRows checks that all sides answer a few of their requests with the same rows in the same order. Without, nothing
// that is measured means anything.
func sameRows(ctx context.Context, targets []target) error {
	for request := range 3 {
		var want []int64
		for i, t := range targets {
			body, err := t.answer(ctx, request)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			var page struct {
				Data []struct {
					ID     json.RawMessage `json:"id"`
					Fields struct {
						ID int64 `json:"id"`
					} `json:"fields"`
				} `json:"data"`
			}
			if err := json.Unmarshal(body, &page); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			ids := make([]int64, len(page.Data))
			for j, row := range page.Data {
				ids[j] = row.Fields.ID
				if ids[j] == 0 {
					if err := json.Unmarshal(row.ID, &ids[j]); err != nil {
						return fmt.Errorf("%s: id %s: %w", t.name, row.ID, err)
					}
				}
			}
			if i == 0 {
				want = ids
			} else if !slices.Equal(ids, want) {
				return fmt.Errorf("%s and %s answer request %d with different rows:\n%v\n%v", targets[0].name, t.name, request, want, ids)
			}
		}
	}
	return nil
}

func sidesOf(targets []target, clients int) []side {
	sides := make([]side, len(targets))
	for i, t := range targets {
		sides[i] = t.under(clients)
	}
	return sides
}

// measurePage compares a page of 100 orders, filtered by two columns and sorted by two, from PostgreSQL. All sides use
// four connections and prepared statements, and the same index serves all of them.
func measurePage(ctx context.Context, b *bench) error {
	if err := b.pageSortedBy(ctx, "customer_id", 1, 32); err != nil || b.daemon == nil {
		return err
	}
	b.report.add(line{What: "daemon's memory under the page load", Target: "T16: <= 80 MiB", Ours: memory(b.daemon.cmd.Process.Pid)})
	return nil
}

// measureTimePage is measurePage with the newest orders first. PostgreSQL's timestamps can be infinite, which has to
// sort as no value; the baseline does not care.
func measureTimePage(ctx context.Context, b *bench) error { return b.pageSortedBy(ctx, "placed", 32) }

func (b *bench) pageSortedBy(ctx context.Context, sort string, clients ...int) error {
	targets, _, err := b.postgresSides(ctx, pageRequests("/page", sort),
		func(path, token string) [][]byte { return daemonPage(sort, path, token) })
	if err != nil {
		return err
	}
	for _, n := range clients {
		s, err := b.compare(ctx, sidesOf(targets, n)...)
		if err != nil {
			return err
		}
		what, rate, cpu := fmt.Sprintf("page of 100 from PostgreSQL by %s, %d clients", sort, n), "", "T2: <= 0.60"
		if n == 32 {
			rate = "T1: >= 2.0"
		}
		for _, ours := range s[1:] {
			b.report.addRate(what, rate, s[0], ours, "")
			b.report.addCPU(what, cpu, s[0], ours, "ours + PostgreSQL, per page")
		}
	}
	return nil
}

// memory is the resident memory of a process, in words.
func memory(pid int) string {
	kib, err := residentKiB(pid)
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.1f MiB", float64(kib)/1024)
}

// measureJoin compares a page of orders joined with their customers in the same database.
func measureJoin(ctx context.Context, b *bench) error {
	targets, _, err := b.postgresSides(ctx, pageRequests("/join", "customer_id"), daemonJoin)
	if err != nil {
		return err
	}
	s, err := b.compare(ctx, sidesOf(targets, 32)...)
	if err != nil {
		return err
	}
	for _, ours := range s[1:] {
		b.report.addRate("join page from PostgreSQL, 32 clients", "T3: >= 1.5", s[0], ours, "")
		b.report.addCPU("join page from PostgreSQL, 32 clients", "", s[0], ours, "ours + PostgreSQL, per page")
	}
	return nil
}

// measureGet compares one order by its key.
func measureGet(ctx context.Context, b *bench) error {
	targets, _, err := b.postgresSides(ctx, getRequests(b.rows), func(path, token string) [][]byte { return daemonGet(path, token, b.rows) })
	if err != nil {
		return err
	}
	for _, clients := range []int{1, 32} {
		s, err := b.compare(ctx, sidesOf(targets, clients)...)
		if err != nil {
			return err
		}
		what, target := fmt.Sprintf("one row by key from PostgreSQL, %d clients", clients), ""
		if clients == 32 {
			target = "T4: >= 1.0"
		}
		for _, ours := range s[1:] {
			b.report.addRate(what, target, s[0], ours, "")
			b.report.addCPU(what, "", s[0], ours, "ours + PostgreSQL, per row")
		}
	}
	return nil
}
