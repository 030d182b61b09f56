package kills

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/faultdisk"
)

// table is one that the writers write to.
type table struct {
	id, path string
	op, n    string // ids of its columns
}

// campaign is a run under way.
type campaign struct {
	opt     Options
	place   Place
	program string
	dir     string
	args    []string
	client  *daemontest.Client
	tables  []*table
	writers []*writer
	shapers []*shaper
	random  *rand.Rand // of the killer

	left   atomic.Int64 // writes to send
	ended  atomic.Int64 // writes that have ended, repeats and all
	killed atomic.Bool  // nothing more is killed, so that no more writes are needed than are left
	// pause is held for reading by whoever writes, and for writing while everything is looked at.
	pause sync.RWMutex

	mu      sync.Mutex // over what follows
	report  Report
	daemon  *daemontest.Process
	serving chan struct{} // closed while daemon and server are ready; a new one while they are not
}

// Run runs a campaign until everything was written and killed as often as asked for, or ctx ends. What it found is in the
// report, also when it cannot go on after that: an error says that it could not be run, and found nothing.
func Run(ctx context.Context, options Options) (report *Report, err error) {
	o := options.withDefaults()
	defer func() {
		if err != nil {
			err = fmt.Errorf("kills: %w", err)
		}
	}()
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "kills"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	c := &campaign{opt: o, dir: o.Dir, program: o.Program, random: newRandom(o.Seed, 1), serving: make(chan struct{})}
	c.report = Report{Seed: o.Seed, Codes: map[string]int{}, Shapes: map[string]int{}}
	if c.place, err = openPlace(o, filepath.Join(o.Dir, "data")); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.place.Close()) }()
	c.report.Store = c.place.Name()
	if o.Disk {
		if err := os.Setenv(faultdisk.ControlEnv, c.socket()); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.Unsetenv(faultdisk.ControlEnv)) }()
	}
	if c.program == "" || len(o.Mutants) > 0 {
		c.program = filepath.Join(o.Dir, "livetablesd")
		if err := daemontest.Build(ctx, c.program, append(slices.Clone(failing), o.Mutants...)...); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	if err := c.furnish(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	if o.Front != nil {
		url, stop := o.Front(c.client.Base)
		defer stop()
		c.client.Base = url
	}
	if err := c.run(ctx); err != nil {
		err = errors.Join(err, c.stop())
		if c.report.Found == 0 || ctx.Err() != nil {
			return nil, err
		}
		c.violation("and then the campaign could not go on: %v", err)
	}
	c.report.Took = time.Since(began)
	return &c.report, nil
}

// furnish starts the daemon for the first time and makes what the writers write to.
func (c *campaign) furnish(ctx context.Context) error {
	c.args = append([]string{"--data-dir", filepath.Join(c.dir, "data"), "--rate-limit", "0", "--log-level", "info",
		"--audit-file", filepath.Join(c.dir, "audit.jsonl")}, c.place.Args()...)
	p, err := daemontest.Start(ctx, c.program, append(c.args, "--listen", "127.0.0.1:0")...)
	if err != nil {
		return err
	}
	c.daemon = p
	c.args = append(c.args, "--listen", p.URL[len("http://"):]) // where clients find it again
	c.client = daemontest.NewClient(p.URL, c.opt.Writers)
	workspace, err := c.client.SignUp(ctx, p.SetupToken())
	if err != nil {
		return err
	}
	for i := range c.opt.Shapers {
		var made struct {
			ID string `json:"id"`
		}
		if err := c.client.Must(ctx, "POST", "/api/v1/workspaces/"+workspace+"/bases", map[string]any{"name": fmt.Sprint("Shapes ", i)}, &made); err != nil {
			return err
		}
		c.shapers = append(c.shapers, &shaper{c: c, number: i, base: made.ID, workspace: workspace, random: newRandom(c.opt.Seed, uint64(1000+i)), known: shapes{}})
	}
	for _, name := range []string{"First", "Second"} {
		id, err := c.client.MakeTable(ctx, workspace, name, map[string]any{"name": "Op", "type": "text", "required": true}, map[string]any{"name": "N", "type": "integer"})
		if err != nil {
			return err
		}
		t := &table{id: id, path: "/api/v1/tables/" + id}
		var doc struct {
			Columns []struct{ ID, Name string }
		}
		if err := c.client.Must(ctx, "GET", t.path, nil, &doc); err != nil {
			return err
		}
		for _, column := range doc.Columns {
			switch column.Name {
			case "Op":
				t.op = column.ID
			case "N":
				t.n = column.ID
			}
		}
		c.tables = append(c.tables, t)
	}
	close(c.serving)
	return nil
}

// run lets the writers write and the killer kill.
func (c *campaign) run(ctx context.Context) error {
	all := ctx
	ctx, cancel := context.WithCancel(all)
	defer cancel()
	c.left.Store(int64(c.opt.Writes))
	var work sync.WaitGroup
	for i := range c.opt.Writers {
		w := &writer{c: c, number: i, random: newRandom(c.opt.Seed, uint64(10+i))}
		for range c.tables {
			w.own = append(w.own, map[string]int64{})
		}
		c.writers = append(c.writers, w)
		work.Go(func() { w.run(ctx) })
	}
	shaping := make(chan struct{})
	var shape sync.WaitGroup
	for _, s := range c.shapers {
		shape.Go(func() { s.run(ctx, shaping) })
	}
	err := c.kill(ctx)
	c.killed.Store(true)
	if err != nil {
		cancel()
	}
	work.Wait()
	close(shaping)
	shape.Wait()
	if err = errors.Join(err, all.Err()); err != nil {
		return err
	}
	return c.look(ctx, c.opt.Damage)
}

// take waits for a write to send, until there are none any more.
func (c *campaign) take(ctx context.Context) bool {
	for c.left.Add(-1) < 0 {
		c.left.Add(1)
		if c.killed.Load() || ctx.Err() != nil {
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return true
}

func (c *campaign) done() { c.ended.Add(1) }

// await waits until the daemon serves.
func (c *campaign) await(ctx context.Context) bool {
	for {
		c.mu.Lock()
		serving := c.serving
		c.mu.Unlock()
		select {
		case <-serving:
			return ctx.Err() == nil
		case <-ctx.Done():
			return false
		}
	}
}

// down and up say whether the daemon serves.
func (c *campaign) down() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = make(chan struct{})
}

func (c *campaign) up() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.serving)
}

func (c *campaign) count(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Codes[code]++
}

func (c *campaign) repeated() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Repeated++
}

func (c *campaign) violation(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.add(format, args...)
}

// stop ends the daemon, if there is one.
func (c *campaign) stop() error {
	if c.daemon == nil {
		return nil
	}
	err := c.daemon.Stop()
	c.daemon = nil
	return err
}
