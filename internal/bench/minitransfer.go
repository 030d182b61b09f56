package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"
)

// importsOfFiles compares the import of a file that is sent over HTTP, answered when it is done and as a job, with a program that
// reads the same file itself.
func (m *miniOver) importsOfFiles(ctx context.Context) error {
	var peaks [2]int
	pids := [2]func() int{func() int { return m.base.pid }, func() int { return m.d.cmd.Process.Pid }}
	load := func(ctx context.Context) (err error) {
		peaks[0], err = peakMiB(m.base.pid, func() error { return m.byHand(ctx, "POST", "/load?file="+url.QueryEscape(m.csv), discard) })
		return err
	}
	sides := []side{once("by hand", m.rows, m.place.server, pids[0], nothing, load)}
	ours := func(name string, send func(ctx context.Context, f io.Reader) error) {
		sides = append(sides, once(name, m.rows, m.place.server, pids[1], m.emptyTable, func(ctx context.Context) error {
			f, err := os.Open(m.csv)
			if err != nil {
				return err
			}
			defer f.Close()
			peaks[1], err = peakMiB(pids[1](), func() error { return send(ctx, f) })
			return err
		}))
	}
	ours("daemon, job", m.importJob)
	if m.rows <= mostAnswered {
		ours("daemon", func(ctx context.Context, f io.Reader) error {
			return m.d.stream(ctx, "POST", m.table+"/import", "text/csv", f, discard)
		})
	}
	s, err := compareCold(ctx, m.times(mostImported), 0, sides...)
	if err != nil {
		return err
	}
	m.addTime("import of a CSV file as a job", "", s[0], s[1], byHandImport)
	if len(s) > 2 {
		m.addTime("import of a CSV file", "", s[0], s[2], byHandImport)
	}
	m.addMemory("import of a CSV file", peaks[0], peaks[1])
	return m.place.settle(ctx)
}

// importJob sends a file and waits until the job is done.
func (m *miniOver) importJob(ctx context.Context, f io.Reader) error {
	var job struct {
		ID, State string
		Stored    int             `json:"stored_rows"`
		Error     json.RawMessage `json:"error"`
	}
	began := time.Now()
	if err := m.d.stream(ctx, "POST", m.table+"/import?async=true", "text/csv", f, func(r io.Reader) error { return json.NewDecoder(r).Decode(&job) }); err != nil {
		return err
	}
	for job.State == "running" {
		// Often enough to know the time, and seldom enough not to add to it.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(max(time.Since(began)/50, 2*time.Millisecond), 100*time.Millisecond)):
		}
		if err := m.fresh(ctx); err != nil {
			return err
		}
		if err := m.d.call(ctx, "GET", "/jobs/"+job.ID, nil, &job); err != nil {
			return err
		}
	}
	if job.State != "done" || job.Stored != m.rows {
		return fmt.Errorf("the job is %s with %d of %d rows: %s", job.State, job.Stored, m.rows, job.Error)
	}
	return nil
}

// exports compares the export as NDJSON.
func (m *miniOver) exports(ctx context.Context) error {
	if err := m.fresh(ctx); err != nil {
		return err
	}
	var peaks, found [2]int
	reader := func(side int) func(io.Reader) error {
		return func(r io.Reader) (err error) {
			found[side], err = countLines(r)
			return err
		}
	}
	s, err := compareCold(ctx, m.times(mostExported), 0,
		once("by hand", m.rows, m.place.server, func() int { return m.base.pid }, nothing, func(ctx context.Context) (err error) {
			peaks[0], err = peakMiB(m.base.pid, func() error { return m.byHand(ctx, "GET", "/export", reader(0)) })
			return err
		}),
		once("daemon", m.rows, m.place.server, func() int { return m.d.cmd.Process.Pid }, m.fresh, func(ctx context.Context) (err error) {
			peaks[1], err = peakMiB(m.d.cmd.Process.Pid, func() error { return m.d.stream(ctx, "GET", m.table+"/export.ndjson", "", nil, reader(1)) })
			return err
		}))
	if err != nil {
		return err
	}
	if found[0] < m.rows || found[1] < m.rows {
		return fmt.Errorf("%d rows by hand and %d of ours in the place of %d and those that were added", found[0], found[1], m.rows)
	}
	m.addTime(exportWhat, "", s[0], s[1], "per row, against a scan into structs and encoding/json")
	m.addMemory(exportWhat, peaks[0], peaks[1])
	return nil
}

func countLines(r io.Reader) (n int, err error) {
	buf := make([]byte, 64<<10)
	for {
		k, err := r.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
