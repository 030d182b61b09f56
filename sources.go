package livetables

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
	"github.com/livetables/livetables/minidb"
)

// sources keeps the adapters of external connections open and remembers what was discovered at them.
type sources struct {
	e       *Engine
	openers map[string]adapter.Opener
	dial    dialFunc
	plain   func(host string, port int) bool
	files   string

	mu     sync.Mutex
	open   map[string]*source  // by connection id
	found  map[string]*finding // by connection id
	flight singleflight.Group
	closed bool
}

// source is one open connection. It is replaced, never changed, when the connection's settings get a new version.
type source struct {
	version int64
	adapter adapter.Adapter
}

func newSources(e *Engine, opt Options) *sources {
	dial := opt.Dial
	if dial == nil {
		dial = (&netguard.Guard{}).DialContext
	}
	return &sources{e: e, openers: opt.Openers, dial: dial, plain: opt.Plain, files: opt.Files, open: map[string]*source{}, found: map[string]*finding{}}
}

func (s *sources) adapter(ctx context.Context, c *minidb.Connection) (adapter.Adapter, error) {
	src, err := s.source(ctx, c)
	if err != nil {
		return nil, err
	}
	return src.adapter, nil
}

// source opens the connection unless it is open already in this version.
func (s *sources) source(ctx context.Context, c *minidb.Connection) (*source, error) {
	s.mu.Lock()
	src, closed := s.open[c.ID], s.closed
	s.mu.Unlock()
	if closed {
		return nil, errors.New("engine is closed")
	}
	if src != nil && src.version >= c.Version { // a newer version serves those who still hold an older snapshot
		return src, nil
	}
	v, err, _ := s.flight.Do(fmt.Sprintf("open %s %d", c.ID, c.Version), func() (any, error) {
		settings, err := s.e.connectionSettings(c)
		if err != nil {
			return nil, err
		}
		a, err := s.connect(context.WithoutCancel(ctx), c.Workspace, settings)
		if err != nil {
			return nil, fmt.Errorf("connection %s: %w", c.Name, err)
		}
		fresh := &source{version: c.Version, adapter: a}
		s.mu.Lock()
		old := s.open[c.ID]
		s.open[c.ID] = fresh
		s.mu.Unlock()
		if old != nil {
			closeLater(old.adapter)
		}
		return fresh, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*source), nil
}

// connect opens an adapter with checked settings.
func (s *sources) connect(ctx context.Context, workspace string, settings adapter.Settings) (adapter.Adapter, error) {
	open, ok := s.openers[settings.Driver]
	if !ok {
		return nil, fmt.Errorf("driver %q is not available here: %w", settings.Driver, adapter.ErrOption)
	}
	if settings.TLS == "off" && !s.mayGoPlain(settings.Host, settings.Port) {
		return nil, fmt.Errorf("host %s may not be connected to without TLS: %w", settings.Host, adapter.ErrOption)
	}
	settings.Dial = s.dial
	if settings.File != "" {
		file, err := s.file(workspace, settings.File)
		if err != nil {
			return nil, err
		}
		settings.File = file
	}
	return open(ctx, settings)
}

// forget closes a connection that was changed or deleted.
func (s *sources) forget(connection string) {
	s.mu.Lock()
	src := s.open[connection]
	delete(s.open, connection)
	delete(s.found, connection)
	s.mu.Unlock()
	if src != nil {
		closeLater(src.adapter)
	}
}

func (s *sources) close() error {
	s.mu.Lock()
	open := s.open
	s.open, s.closed = nil, true
	s.mu.Unlock()
	var errs []error
	for _, src := range open {
		errs = append(errs, src.adapter.Close())
	}
	return errors.Join(errs...)
}

// closeLater closes an adapter that queries may still be reading from, without making anybody wait for them.
func closeLater(a adapter.Adapter) {
	go func() { _ = a.Close() }() // nobody is left who could act on the error
}

// mayGoPlain reports whether this deployment allows connections without TLS to a host.
func (s *sources) mayGoPlain(host string, port int) bool {
	return s.plain != nil && s.plain(host, port)
}
