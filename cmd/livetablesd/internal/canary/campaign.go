package canary

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/httpapi"
)

// Options say how a campaign is run. The zero Options send a thousand requests with a new seed.
type Options struct {
	Requests int    // how many are sent, default 1,000
	Seed     uint64 // of everything that is made up; 0 for a new one. With one worker the same seed sends the same requests
	Workers  int    // how many send at the same time, default 4
	Tenants  int    // workspaces, default 3, at most 5
	Dir      string // for the daemon's files; empty for a temporary one that is removed in the end
	// Front, when set, is put before the daemon: requests go to the URL that it answers. It is for proxies that leak.
	Front func(daemon string) (url string, stop func())
	// Progress is told how far it is, every second.
	Progress func(*Report)
	// KeepGoing goes on after a finding.
	KeepGoing bool
	// bare leaves out the tables that lead to each other, which take most of the time: for tests of the search itself.
	bare bool
}

func (o Options) withDefaults() Options {
	set := func(v *int, def, most int) {
		if *v <= 0 {
			*v = def
		}
		*v = min(*v, most)
	}
	set(&o.Requests, 1_000, 1<<31)
	set(&o.Workers, 4, 256)
	set(&o.Tenants, 3, 5)
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return o
}

// renewal is how often sessions are renewed: access tokens live ten minutes.
const renewal = 4 * time.Minute

// campaign is a run under way.
type campaign struct {
	*world
	opt    Options
	target string
	pools  pools
	routes []httpapi.Route
	left   atomic.Int64
	began  time.Time

	mu     sync.Mutex
	report Report
	stop   context.CancelFunc
}

// Run fills a daemon with canaries and sends it requests until there are enough, ctx ends or, unless KeepGoing, something
// was found. What it found is in the report; an error says that it could not be run.
func Run(ctx context.Context, options Options) (report *Report, err error) {
	o := options.withDefaults()
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "canaries"); err != nil {
			return nil, fmt.Errorf("canaries: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	w, err := newWorld(ctx, o.Dir, o.Tenants, o.bare, rand.New(rand.NewPCG(o.Seed, 1)))
	if err != nil {
		return nil, fmt.Errorf("canaries: %w", err)
	}
	c := &campaign{world: w, opt: o, target: w.url, routes: httpapi.Routes()}
	c.report = Report{Seed: o.Seed, Statuses: map[int]int{}, Routes: map[string]Asked{}, Canaries: w.count()}
	if o.Front != nil {
		url, stop := o.Front(w.url)
		defer stop()
		c.target = url
	}
	if err = c.run(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("canaries: %w", err), w.stop())
	}
	if err := w.stop(); err != nil {
		return nil, fmt.Errorf("canaries: stop the daemon: %w", err)
	}
	if err := c.searchFiles(); err != nil {
		return nil, fmt.Errorf("canaries: %w", err)
	}
	for _, f := range w.log.found() {
		c.report.add(f)
	}
	return &c.report, nil
}

// run sends the requests.
func (c *campaign) run(ctx context.Context) error {
	ctx, c.stop = context.WithCancel(ctx)
	defer c.stop()
	c.left.Store(int64(c.opt.Requests))
	c.began = time.Now()
	ears := c.listen(ctx, c.target, rand.New(rand.NewPCG(c.opt.Seed, 2)), c.found)
	errs := make([]error, c.opt.Workers+1)
	var workers, keepers sync.WaitGroup
	for i := range c.opt.Workers {
		workers.Go(func() { errs[i] = c.work(ctx, rand.New(rand.NewPCG(c.opt.Seed, uint64(10+i)))) })
	}
	done := make(chan struct{})
	keepers.Go(func() { errs[c.opt.Workers] = c.keep(ctx, done, ears) })
	workers.Wait()
	if ctx.Err() == nil {
		time.Sleep(300 * time.Millisecond) // for the last frames
	}
	close(done)
	keepers.Wait()
	c.stop()
	ears.wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(ears)
	return errors.Join(errs...)
}

func (c *campaign) count(e *ears) {
	c.report.Took, c.report.Frames, c.report.LogLines = time.Since(c.began), e.frames.Load(), c.log.lines.Load()
}

// keep tells of the progress, renews sessions, and changes rows so that there is something to hear of.
func (c *campaign) keep(ctx context.Context, done <-chan struct{}, e *ears) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	renewed := time.Now()
	for n := 0; ; n++ {
		if err := c.stir(n); err != nil {
			return err
		}
		if time.Since(renewed) > renewal {
			renewed = time.Now()
			if err := c.renew(); err != nil {
				return err
			}
		}
		if c.opt.Progress != nil {
			c.mu.Lock()
			c.count(e)
			r := c.report
			c.mu.Unlock()
			c.opt.Progress(&r)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-done:
			return nil
		case <-tick.C:
		}
	}
}

// flush is after how many requests a worker adds its counts to the report.
const flush = 200

// work sends requests one after the other.
func (c *campaign) work(ctx context.Context, rnd *rand.Rand) error {
	l, err := newLine(c.target)
	if err != nil {
		return err
	}
	defer l.close()
	m := &maker{world: c.world, rnd: rnd, pools: &c.pools, routes: c.routes, costly: costlyRoutes(c.routes), looks: lookingRoutes(c.routes)}
	own := Report{Statuses: map[int]int{}, Routes: map[string]Asked{}}
	defer func() { c.settle(&own) }()
	for ctx.Err() == nil && c.left.Add(-1) >= 0 {
		r := m.next()
		a, err := l.do(r)
		if err != nil {
			return err
		}
		own.Requests++
		own.Statuses[a.status]++
		asked := own.Routes[r.route.Method+" "+r.route.Path]
		asked.Requests++
		if a.status < 300 {
			asked.Succeeded++
		}
		own.Routes[r.route.Method+" "+r.route.Path] = asked
		c.examine(r, a, rnd)
		if own.Requests >= flush {
			c.settle(&own)
		}
	}
	return nil
}

func (c *campaign) settle(own *Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.merge(own)
	*own = Report{Statuses: map[int]int{}, Routes: map[string]Asked{}}
}

func (c *campaign) found(f Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.add(f)
	if !c.opt.KeepGoing {
		c.stop()
	}
}

// examine looks into an answer.
func (c *campaign) examine(r *request, a *answer, rnd *rand.Rand) {
	who := r.who.number
	report := func(what string, leak *canary, data []byte) {
		f := Finding{What: fmt.Sprintf("%s of an answer with %d", what, a.status), Request: r.String(), Excerpt: excerpt(data, "")}
		if leak != nil {
			f.Canary, f.Planted, f.Excerpt = leak.text, leak.place, excerpt(data, leak.text)
		}
		c.found(f)
	}
	if leak := c.strange(a.body, who); leak != nil {
		report("in the body", leak, a.body)
	}
	unpacked, err := unpack(a.body)
	if err != nil && r.method == http.MethodGet && a.status == http.StatusOK {
		report("a file that cannot be read: "+err.Error(), nil, a.body)
	}
	if leak := c.strange(unpacked, who); leak != nil {
		report("in the file", leak, unpacked)
	}
	for name, values := range a.header {
		for _, v := range values {
			if leak := c.strange([]byte(v), who); leak != nil {
				report("in the header "+name, leak, []byte(v))
			}
		}
	}
	if opened := c.pools.learn(rnd, a.header, a.body); opened != nil {
		if leak := c.strange(opened, who); leak != nil {
			report("in the cursor", leak, opened)
		}
	}
	switch {
	case a.status >= 500 && !(strings.Contains(r.route.Path, "/connection") || strings.Contains(r.route.Path, "/query") || strings.Contains(r.route.Path, "/views")):
		report("an error of the server's own", nil, a.body)
	case a.status == http.StatusInternalServerError:
		report("an error of the server's own", nil, a.body)
	case r.victim != nil && r.role == "" && !nothing(a.status, a.body), r.victim != nil && r.role != "" && !asks(r.route) && a.status < 300:
		report("something about another tenant", nil, a.body)
	}
}

// nothing says whether an answer is one that a request with an id that does not exist could have as well.
func nothing(status int, body []byte) bool {
	switch status {
	case http.StatusNotFound, http.StatusBadRequest, http.StatusUnauthorized, http.StatusUnsupportedMediaType, http.StatusMethodNotAllowed,
		http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return true
	case http.StatusUnprocessableEntity: // a key of one's own
		return strings.Contains(string(body), `"idempotency_key_reused"`)
	case http.StatusForbidden: // of a route that no key may call at all
		return len(body) == 0 || strings.Contains(string(body), `"login_required"`)
	}
	return false
}
