package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Adapter reads one MySQL or MariaDB database. It is safe for concurrent use; make one with [Open].
type Adapter struct {
	settings  adapter.Settings
	zone      *time.Location // of datetimes
	connector driver.Connector
	pool      *pool
	kills     chan struct{} // slots of connections that kill

	dialect atomic.Pointer[dialect]
	probed  atomic.Bool
	probing sync.Mutex

	mu         sync.Mutex
	active     map[*interrupt]struct{} // statements whose result is open
	background sync.WaitGroup          // kills and drained results
	closed     bool
}

var (
	_ adapter.Adapter   = (*Adapter)(nil)
	_ adapter.Explainer = (*Adapter)(nil)
	_ adapter.Estimator = (*Adapter)(nil)
)

// Capabilities implements [adapter.Adapter]. The version is empty until the first connection was made.
func (a *Adapter) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: "mysql", Version: a.dialect.Load().facts.version}
}

// Plan implements [adapter.Adapter].
func (a *Adapter) Plan(q *lqp.Query) adapter.Split { return sqlgen.Plan(a.dialect.Load(), q) }

// Native implements [adapter.Explainer].
func (a *Adapter) Native(pushed *lqp.Query) (string, error) {
	n, err := a.dialect.Load().compile(pushed)
	if err != nil {
		return "", fmt.Errorf("compile query: %w", err)
	}
	return n.sql, nil
}

// Scan implements [adapter.Adapter]. It returns once the server has answered with the first row, the end of the result or
// an error, so that an error of the statement itself is returned here.
func (a *Adapter) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	n, err := a.dialect.Load().compile(pushed)
	if err != nil {
		return nil, fmt.Errorf("compile query: %w: %w", adapter.ErrUnsupported, err)
	}
	rows, err := a.query(ctx, n)
	if err != nil {
		return nil, translate(ctx, "scan "+sourceName(pushed), err)
	}
	return rows, nil
}

// sourceName names what a query reads, for errors.
func sourceName(q *lqp.Query) string {
	if q.From.Query != nil {
		return sourceName(q.From.Query)
	}
	return q.From.Table
}

// Ping implements [adapter.Adapter].
func (a *Adapter) Ping(ctx context.Context) error {
	s, err := a.pool.get(ctx)
	if err != nil {
		return translate(ctx, "ping", err)
	}
	err = s.ping(ctx)
	a.pool.put(s, err == nil)
	return translate(ctx, "ping", err)
}

func (s *session) ping(ctx context.Context) (err error) {
	defer guard(&err)
	return s.conn.Ping(ctx)
}

// Close implements [adapter.Adapter]. Statements that are still running are killed; results that are still open end with
// an error.
func (a *Adapter) Close() error {
	a.mu.Lock()
	again := a.closed
	a.closed = true
	var active []*interrupt
	for i := range a.active {
		active = append(active, i)
	}
	a.mu.Unlock()
	if again {
		return nil
	}
	a.pool.close()
	var fired sync.WaitGroup
	for _, i := range active {
		fired.Go(i.fire)
	}
	fired.Wait()
	a.background.Wait()
	return nil
}

func (a *Adapter) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

// remember keeps a running statement for Close to end; it answers false when the adapter is closed.
func (a *Adapter) remember(i *interrupt) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.active[i] = struct{}{}
	}
	return !a.closed
}

func (a *Adapter) forget(i *interrupt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.active, i)
}

// begun notes work in the background that Close waits for, unless it waits already; the function that is returned notes
// its end.
func (a *Adapter) begun() (over func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return func() {}
	}
	a.background.Add(1)
	return a.background.Done
}
