package livetables

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
	"github.com/livetables/livetables/internal/supervise"
	"github.com/livetables/livetables/minidb"
)

// sources keeps the adapters of external connections open and remembers what was discovered at them.
type sources struct {
	e       *Engine
	openers map[string]adapter.Opener
	dial    dialFunc
	ports   map[string]uint16 // of drivers, by name
	plain   func(host string, port int) bool
	files   string
	flight  singleflight.Group
	work    sync.WaitGroup // closing and pinging in the background; added to with mu held and before closed

	// mu is never held while a guard is asked something: guards report to us.
	mu      sync.Mutex
	open    map[string]*source          // by connection id
	retired map[*source]struct{}        // replaced, but still read from
	guards  map[string]*guarded         // by connection id
	shares  map[string]*supervise.Share // by workspace id
	found   map[string]*finding         // by connection id
	closed  bool
}

// source is one open connection. It is replaced, never changed, when the connection's settings get a new version.
type source struct {
	version int64
	guard   *supervise.Guard
	adapter adapter.Adapter // behind the guard

	// The rest is under sources.mu.
	leases  int       // queries that use it
	used    time.Time // when one began or ended last
	looked  time.Time // when it is to be pinged next
	looking bool      // it is being pinged
}

// guarded is the guard of a connection in a version. It outlives the adapters that are opened for it.
type guarded struct {
	version int64
	*supervise.Guard
}

func newSources(e *Engine, opt Options) *sources {
	dial := opt.Dial
	if dial == nil {
		dial = (&netguard.Guard{}).DialContext
	}
	return &sources{e: e, openers: opt.Openers, dial: dial, ports: driverPorts(opt.Ports), plain: opt.Plain, files: opt.Files, open: map[string]*source{},
		retired: map[*source]struct{}{}, guards: map[string]*guarded{}, shares: map[string]*supervise.Share{}, found: map[string]*finding{}}
}

// adapter is the open adapter of a connection. It stays open at least until ctx ends, which it must.
func (s *sources) adapter(ctx context.Context, c *minidb.Connection) (adapter.Adapter, error) {
	if c.Waits {
		return nil, fmt.Errorf("connection %q came with the archive of a workspace, without its password: %w", c.Name, ErrSecretUnreadable)
	}
	for {
		src, err := s.lease(ctx, c)
		switch {
		case err != nil:
			return nil, err
		case src != nil:
			return src.adapter, nil
		}
		opened := s.flight.DoChan(fmt.Sprintf("open %s %d", c.ID, c.Version), func() (any, error) {
			return nil, s.start(context.WithoutCancel(ctx), c)
		})
		select {
		case r := <-opened:
			if r.Err != nil {
				return nil, r.Err
			}
		case <-ctx.Done():
			return nil, &SourceError{Connection: c.ID, Name: c.Name, Err: ctx.Err()}
		}
	}
}

var errClosed = errors.New("engine is closed")

// lease is the open source of a connection, nil when there is none.
func (s *sources) lease(ctx context.Context, c *minidb.Connection) (*source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	src := s.open[c.ID]
	if src == nil || src.version < c.Version { // a newer version serves those who still hold an older snapshot
		return nil, nil
	}
	src.used = time.Now()
	if ctx.Done() != nil {
		src.leases++
		context.AfterFunc(ctx, func() { s.release(src) })
	}
	return src, nil
}

func (s *sources) release(src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src.leases--
	src.used = time.Now()
	if _, ok := s.retired[src]; ok && src.leases == 0 {
		delete(s.retired, src)
		s.closeLater(src)
	}
}

// start opens a connection, in the place of one with an older version.
func (s *sources) start(ctx context.Context, c *minidb.Connection) error {
	settings, err := s.e.connectionSettings(ctx, c)
	if err != nil {
		// Not the database's fault: its guard does not count it.
		return &SourceError{Connection: c.ID, Name: c.Name, Err: err}
	}
	guard := s.guard(c)
	a, err := s.connect(ctx, c.Workspace, settings)
	if err != nil {
		guard.Note(err)
		return &SourceError{Connection: c.ID, Name: c.Name, Err: err}
	}
	if guard.State() == supervise.Closed {
		// What is pushed down depends on the server, which adapters look at when they connect. When that fails, the query
		// will say so.
		_ = guard.Ping(ctx, a)
	}
	now := time.Now()
	fresh := &source{version: c.Version, guard: guard, adapter: guard.Wrap(a), used: now, looked: s.nextLook(now)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.work.Go(func() { _ = fresh.adapter.Close() })
		return errClosed
	}
	if old := s.open[c.ID]; old != nil {
		s.retire(old)
	}
	s.open[c.ID] = fresh
	return nil
}

// guard is the guard of a connection.
func (s *sources) guard(c *minidb.Connection) *supervise.Guard {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.guards[c.ID]; g != nil && g.version >= c.Version {
		return g.Guard
	}
	limits := &s.e.limits
	share := s.shares[c.Workspace]
	if share == nil {
		share = supervise.NewShare(limits.WorkspaceReads, maxWaiting)
		s.shares[c.Workspace] = share
	}
	id, workspace := c.ID, c.Workspace
	g := supervise.New(supervise.Options{Connection: c.ID, Name: c.Name, Reads: limits.SourceReads, MaxWaiting: maxWaiting, Workspace: share,
		Changed: func(from, to supervise.State) { s.turned(workspace, id, from, to) }})
	s.guards[c.ID] = &guarded{c.Version, g}
	return g
}

// maxWaiting is how many reads may wait for their turn, at a connection and in a workspace.
const maxWaiting = 1000

// connect opens an adapter with checked settings.
func (s *sources) connect(ctx context.Context, workspace string, settings adapter.Settings) (adapter.Adapter, error) {
	open, ok := s.openers[settings.Driver]
	if !ok {
		return nil, fmt.Errorf("driver %q is not available here: %w", settings.Driver, adapter.ErrOption)
	}
	if settings.TLS == "off" && !s.mayGoPlain(settings.Host, settings.Port) {
		return nil, fmt.Errorf("host %s may not be connected to without TLS: %w", settings.Host, adapter.ErrOption)
	}
	settings.Dial = s.dialAs(settings.Driver)
	// The guard lets no more reads in than that; one connection is left for looking how the database is.
	settings.MaxConns = s.e.limits.SourceReads + 1
	if settings.File != "" {
		file, err := s.file(workspace, settings.File)
		if err != nil {
			return nil, err
		}
		settings.File = file
	}
	return open(ctx, settings)
}

// forget is told of a connection that was changed: what is open serves the reads that have begun, and is closed then.
func (s *sources) forget(connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src := s.drop(connection); src != nil {
		s.retire(src)
	}
}

// cut is told of a connection that was deleted: its reads end at once.
func (s *sources) cut(connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src := s.drop(connection); src != nil {
		s.closeLater(src)
	}
}

func (s *sources) drop(connection string) *source {
	src := s.open[connection]
	delete(s.open, connection)
	delete(s.found, connection)
	delete(s.guards, connection)
	return src
}

// retire closes a source that is not in open any more when nobody reads from it; mu is held.
func (s *sources) retire(src *source) {
	if src.leases > 0 {
		s.retired[src] = struct{}{}
		return
	}
	s.closeLater(src)
}

// closeLater closes a source without making anybody wait for what still runs there; mu is held.
func (s *sources) closeLater(src *source) {
	if !s.closed {
		s.work.Go(func() { _ = src.adapter.Close() }) // nobody is left who could act on the error
	}
}

func (s *sources) close() error {
	s.mu.Lock()
	var all []*source
	for _, src := range s.open {
		all = append(all, src)
	}
	for src := range s.retired {
		all = append(all, src)
	}
	s.open, s.retired, s.closed = nil, nil, true
	s.mu.Unlock()
	var errs []error
	for _, src := range all {
		errs = append(errs, src.adapter.Close())
	}
	s.work.Wait()
	return errors.Join(errs...)
}

// mayGoPlain reports whether this deployment allows connections without TLS to a host.
func (s *sources) mayGoPlain(host string, port int) bool {
	return s.plain != nil && s.plain(host, port)
}
