package livetables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Schema is what was discovered at a connection.
type Schema struct {
	lqp.Catalog
	// ReadAt is when the database was asked.
	ReadAt time.Time
	// Expired says that ReadAt is longer ago than Limits.SchemaTTL and that the database could not be reached since.
	Expired bool
}

// Schema is what was discovered at a connection, as the principal sees it: tables closed to it and hidden columns are not
// there. It is kept across restarts. refresh reads it from the database again, and fails when that does not answer; without
// it an expired schema of a database that cannot be reached is answered as such.
func (a *Access) Schema(ctx context.Context, connection string, refresh bool) (*Schema, error) {
	s, err := a.at(ctx, connection, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	c, ok := s.Connection(connection)
	if !ok {
		return nil, fmt.Errorf("connection %s: %w", connection, ErrNotFound)
	}
	found, err := a.e.sources.discovered(ctx, c, refresh)
	if err != nil {
		return nil, err
	}
	return &Schema{Catalog: s.visibleCatalog(ctx, c.ID, found.Catalog), ReadAt: found.ReadAt, Expired: a.e.sources.expired(found)}, nil
}

// visibleCatalog is what the principal may know of a connection's catalogue: no table and no column that it cannot read,
// not as the end of a foreign key either, and no count of rows where a rule keeps some from it.
func (s *entry) visibleCatalog(ctx context.Context, connection string, whole lqp.Catalog) lqp.Catalog {
	var seen lqp.Catalog
	if s.policy.Can(s.p, rbac.ManageConnections, connection).Allowed {
		seen.Database = whole.Database // where it leads
	}
	sights := make(map[string]*rewrite.Sight, len(whole.Tables))
	for _, t := range whole.Tables {
		if seen, err := s.look(ctx, rbac.TableRef{Connection: connection, Table: t.Name}, t); err == nil {
			sights[t.Name] = seen
		}
	}
	for _, t := range whole.Tables {
		at := sights[t.Name]
		if at == nil {
			continue
		}
		v := *at.Table() // what is remembered stays whole
		if at.Narrows() {
			v.Rows = -1
		}
		v.ForeignKeys = slices.DeleteFunc(slices.Clone(v.ForeignKeys), func(f lqp.ForeignKey) bool {
			target := sights[f.RefTable]
			return target == nil || slices.ContainsFunc(f.RefColumns, func(id string) bool { return !target.Shows(id) })
		})
		seen.Tables = append(seen.Tables, &v)
	}
	return seen
}

// finding is what is remembered of a connection's schema.
type finding struct {
	minidb.Discovered
	failed time.Time // when the database could last not be reached, zero since the last success
}

// discoverPause is how long an expired schema is used without asking a database that did not answer again: queries must
// not wait for it one by one.
const discoverPause = 15 * time.Second

// catalog is what binding needs of a connection: also an expired finding, when the database cannot be reached.
func (s *sources) catalog(ctx context.Context, c *minidb.Connection) (lqp.Catalog, error) {
	found, err := s.discovered(ctx, c, false)
	if err != nil {
		return lqp.Catalog{}, err
	}
	return found.Catalog, nil
}

func (s *sources) expired(d *minidb.Discovered) bool {
	return s.e.clock().Sub(d.ReadAt) >= s.e.limits.SchemaTTL
}

// discovered is what was found at a connection: in memory, else kept in the store, else by asking the database, which is
// also asked when the finding is too old or refresh wants it.
func (s *sources) discovered(ctx context.Context, c *minidb.Connection, refresh bool) (*minidb.Discovered, error) {
	known := s.remembered(ctx, c)
	if known != nil && !refresh && (!s.expired(&known.Discovered) || s.e.clock().Sub(known.failed) < discoverPause) {
		return &known.Discovered, nil
	}
	v, err, _ := s.flight.Do(fmt.Sprintf("discover %s %d", c.ID, c.Version), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.e.limits.QueryTime)
		defer cancel()
		return s.discover(ctx, c)
	})
	if err == nil {
		return v.(*minidb.Discovered), nil
	}
	unreachable := errors.Is(err, adapter.ErrUnavailable) || errors.Is(err, adapter.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)
	if known == nil || refresh || !unreachable {
		return nil, err
	}
	s.e.log.WarnContext(ctx, "schema not read again; the expired one is used", "connection", c.ID, "read_at", known.ReadAt, "error", err)
	s.remember(c, &finding{Discovered: known.Discovered, failed: s.e.clock()})
	return &known.Discovered, nil
}

// remembered is the finding in memory or, after a restart, in the store; nil when there is none for the connection's present
// settings.
func (s *sources) remembered(ctx context.Context, c *minidb.Connection) *finding {
	s.mu.Lock()
	known := s.found[c.ID]
	s.mu.Unlock()
	if known != nil && known.Version >= c.Version { // a newer version serves those who still hold an older snapshot
		return known
	}
	kept, err := s.e.store.Discovered(ctx, c.ID, c.Version)
	if err != nil {
		s.e.log.WarnContext(ctx, "kept schema not read", "connection", c.ID, "error", err)
	}
	if kept == nil {
		return nil
	}
	known = &finding{Discovered: *kept}
	s.remember(c, known)
	return known
}

func (s *sources) remember(c *minidb.Connection, f *finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.found[c.ID]; old == nil || old.Version <= f.Version && !old.ReadAt.After(f.ReadAt) {
		s.found[c.ID] = f
	}
}

// discover asks the database and keeps what it says.
func (s *sources) discover(ctx context.Context, c *minidb.Connection) (*minidb.Discovered, error) {
	db, err := s.adapter(ctx, c)
	if err != nil {
		return nil, err
	}
	began := s.e.clock()
	catalog, err := db.Tables(ctx)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", c.Name, err)
	}
	d := minidb.Discovered{Catalog: catalog, Version: c.Version, ReadAt: time.UnixMilli(began.UnixMilli()).UTC()}
	s.remember(c, &finding{Discovered: d})
	if err := s.e.store.PutDiscovered(ctx, c.ID, d); err != nil {
		// It is a cache: the next restart asks the database.
		s.e.log.WarnContext(ctx, "schema not kept", "connection", c.ID, "error", err)
	}
	return &d, nil
}
