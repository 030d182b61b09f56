package consistency

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/testenv"
)

// Options say how a campaign is run. The zero Options are a short one with a new seed.
type Options struct {
	Operations int    // how many are sent, default 400
	Clients    int    // how many send at the same time, default 32
	Daemons    int    // how many daemons share the database, default 2
	Keys       int    // registers, and lists, default 6 each
	Seed       uint64 // of everything that is made up, 0 for a new one; who comes first is the machine's choice
	Dir        string // for all files; empty for a temporary one that is removed in the end
	Program    string // a daemon that was built already; empty builds one
	Mutants    []daemontest.Mutant
	// Front, when set, is put before every daemon: clients ask the URL that it answers. It is for proxies that lie.
	Front func(daemon string) (url string, stop func())
}

func (o Options) withDefaults() Options {
	set := func(v *int, def, most int) {
		if *v <= 0 {
			*v = def
		}
		*v = min(*v, most)
	}
	set(&o.Operations, 400, 10_000_000)
	set(&o.Clients, 32, 1_000)
	set(&o.Daemons, 2, 16)
	set(&o.Keys, 6, 100)
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return o
}

// campaign is a run under way.
type campaign struct {
	opt       Options
	daemons   []*daemontest.Process
	clients   []*daemontest.Client // by daemon
	registers *rows
	lists     *rows
	began     time.Time
	left      atomic.Int64
	next      atomic.Int64 // of the numbers that are written: no number is written twice

	mu      sync.Mutex // over what follows
	touches []touch
	looks   []look
	appends []appended
	report  Report
}

// rows are the rows that one part of a campaign works on.
type rows struct {
	path string // of their table
	ids  []string
}

// now is the time since the beginning of the campaign, by a clock that does not step.
func (c *campaign) now() int64 { return int64(time.Since(c.began)) }

// Run runs a campaign. What it found is in the report; an error says that it could not be run.
func Run(ctx context.Context, options Options) (report *Report, err error) {
	o := options.withDefaults()
	defer func() {
		if err != nil {
			err = fmt.Errorf("consistency: %w", err)
		}
	}()
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "consistency"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	url, drop, err := testenv.Fresh(ctx, testenv.KindPostgres)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop(context.WithoutCancel(ctx))) }()
	if o.Program == "" || len(o.Mutants) > 0 {
		o.Program = filepath.Join(o.Dir, "livetablesd")
		if err := daemontest.Build(ctx, o.Program, o.Mutants...); err != nil {
			return nil, err
		}
	}
	c := &campaign{opt: o}
	c.report = Report{Seed: o.Seed, Codes: map[string]int{}}
	defer func() {
		for _, p := range c.daemons {
			err = errors.Join(err, p.Stop())
		}
	}()
	if err := c.furnish(ctx, url); err != nil {
		return nil, err
	}
	c.run(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.lookAtEnd(ctx); err != nil {
		return nil, err
	}
	c.report.Took = time.Since(c.began)
	c.checkRegisters()
	c.checkLists()
	return &c.report, nil
}

// furnish starts the daemons and makes the rows.
func (c *campaign) furnish(ctx context.Context, url string) error {
	keys := filepath.Join(c.opt.Dir, "keys")
	if err := os.Mkdir(keys, 0o700); err != nil {
		return err
	}
	for i := range c.opt.Daemons {
		p, err := daemontest.Start(ctx, c.opt.Program, "--data-dir", filepath.Join(c.opt.Dir, fmt.Sprint("data", i)), "--keys-dir", keys,
			"--database-url", url, "--rate-limit", "0", "--listen", "127.0.0.1:0")
		if err != nil {
			return err
		}
		c.daemons = append(c.daemons, p)
		c.clients = append(c.clients, daemontest.NewClient(p.URL, c.opt.Clients))
	}
	first := c.clients[0]
	workspace, err := first.SignUp(ctx, c.daemons[0].SetupToken())
	if err != nil {
		return err
	}
	if c.registers, err = makeRows(ctx, first, workspace, "Registers", map[string]any{"name": "Value", "type": "integer"}, `{"Value":0}`, c.opt.Keys); err != nil {
		return err
	}
	if c.lists, err = makeRows(ctx, first, workspace, "Lists", map[string]any{"name": "Value", "type": "long_text"}, `{"Value":"0"}`, c.opt.Keys); err != nil {
		return err
	}
	for i, client := range c.clients {
		client.Token = first.Token
		if c.opt.Front != nil {
			url, stop := c.opt.Front(c.daemons[i].URL)
			context.AfterFunc(ctx, stop)
			client.Base = url
		}
	}
	return nil
}

func makeRows(ctx context.Context, client *daemontest.Client, workspace, name string, column map[string]any, fields string, n int) (*rows, error) {
	table, err := client.MakeTable(ctx, workspace, name, column)
	if err != nil {
		return nil, err
	}
	r := &rows{path: "/api/v1/tables/" + table + "/rows"}
	for range n {
		answer, err := client.Send(ctx, "POST", r.path, []byte(`{"fields":`+fields+`}`))
		if err != nil {
			return nil, err
		}
		var made row
		if err := answer.Decode(&made); err != nil {
			return nil, err
		}
		r.ids = append(r.ids, made.ID)
	}
	return r, nil
}

// run lets the clients work until enough was asked.
func (c *campaign) run(ctx context.Context) {
	c.began = time.Now()
	c.left.Store(int64(c.opt.Operations))
	var work sync.WaitGroup
	for i := range c.opt.Clients {
		w := &worker{c: c, number: i, random: rand.New(rand.NewPCG(c.opt.Seed, uint64(i))), seen: map[string]int64{}}
		work.Go(func() {
			for ctx.Err() == nil && c.left.Add(-1) >= 0 {
				if i%2 == 0 {
					w.register(ctx)
				} else {
					w.list(ctx)
				}
			}
		})
	}
	work.Wait()
}

func (c *campaign) count(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Codes[code]++
}
