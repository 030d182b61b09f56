package scale

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/testenv"
)

// Options say how a run is made. The zero Options import 10,000 rows into the embedded store.
type Options struct {
	Rows int // of the table, default 10,000
	// Postgres keeps the data on a PostgreSQL server of the run's own, which writes everything to the disk before it says so.
	Postgres bool
	// DatabaseURL is a database to keep the data in instead, empty and the run's to fill.
	DatabaseURL string
	Dir         string // for all files; empty for a temporary one that is removed in the end
	Program     string // a daemon that was built already; empty builds one
	// Progress is told every step when it has ended.
	Progress func(Step)
}

// run is one under way.
type run struct {
	rows   int
	client *daemontest.Client
	daemon *daemontest.Process
	table  string // its path
	city   string // id of the column City
	report *Report
	tell   func(Step)
	before time.Time // the newest change before those of single rows
	added  int       // rows that were inserted after the import
}

// Run imports the table and takes all steps. What it measured until an error is in the report too.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("scale: %w", err)
		}
	}()
	if o.Rows <= 0 {
		o.Rows = 10_000
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "scale"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	args := []string{"--data-dir", filepath.Join(o.Dir, "data"), "--rate-limit", "0", "--log-level", "info", "--listen", "127.0.0.1:0"}
	report := &Report{Store: "SQLite files", Rows: o.Rows}
	switch {
	case o.DatabaseURL != "":
		report.Store = "PostgreSQL"
		args = append(args, "--database-url", o.DatabaseURL)
	case o.Postgres:
		server, err := testenv.NewKillable()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		report.Store = "PostgreSQL"
		args = append(args, "--database-url", server.URL)
	}
	if o.Program == "" {
		o.Program = filepath.Join(o.Dir, "livetablesd")
		if err := daemontest.Build(ctx, o.Program); err != nil {
			return nil, err
		}
	}
	daemon, err := daemontest.Start(ctx, o.Program, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, daemon.Stop()) }()
	r := &run{rows: o.Rows, daemon: daemon, client: daemontest.NewClient(daemon.URL, 1), report: report, tell: o.Progress}
	r.client.HTTP.Timeout = time.Hour // of the answers that are the whole table
	if err := r.furnish(ctx); err != nil {
		return report, err
	}
	for _, step := range []func(context.Context) error{r.load, r.pages, r.walk, r.writes, r.past, r.exports} {
		if err := step(ctx); err != nil {
			return report, err
		}
	}
	return report, nil
}

func (r *run) furnish(ctx context.Context) error {
	workspace, err := r.client.SignUp(ctx, r.daemon.SetupToken())
	if err != nil {
		return err
	}
	id, err := r.client.MakeTable(ctx, workspace, "Large", columns()...)
	if err != nil {
		return err
	}
	r.table = "/api/v1/tables/" + id
	return nil
}

// done adds a step to the report.
func (r *run) done(name string, took []time.Duration, note string) {
	s := stepOf(name, took, note)
	s.Memory, s.Peak, _ = r.daemon.Memory() // 0 where the machine does not tell
	r.report.Steps = append(r.report.Steps, s)
	if r.tell != nil {
		r.tell(s)
	}
}

// once does one step and measures it.
func (r *run) once(name string, do func() (note string, err error)) error {
	began := time.Now()
	note, err := do()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.done(name, []time.Duration{time.Since(began)}, note)
	return nil
}

// often does one step several times and measures each.
func (r *run) often(name string, times int, do func(i int) error) error {
	took := make([]time.Duration, times)
	for i := range took {
		began := time.Now()
		if err := do(i); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		took[i] = time.Since(began)
	}
	r.done(name, took, "")
	return nil
}
