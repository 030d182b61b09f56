package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Adapter reads one PostgreSQL database. It is safe for concurrent use; make one with [Open].
type Adapter struct {
	pool     *pgxpool.Pool
	zone     *time.Location // of timestamps without zone
	schemas  []string
	home     string // the schema whose tables are called by their name alone
	owned    bool   // by Live Tables: no value is there that the store did not write
	database string

	dialect atomic.Pointer[dialect]
	probed  atomic.Bool
	probing sync.Mutex
	closed  atomic.Bool
	alive   context.Context // ended by stop
	stop    context.CancelFunc
}

var (
	_ adapter.Adapter   = (*Adapter)(nil)
	_ adapter.Explainer = (*Adapter)(nil)
	_ adapter.Estimator = (*Adapter)(nil)
)

// Capabilities implements [adapter.Adapter]. The version is empty until the first connection was made.
func (a *Adapter) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: "postgres", Version: a.dialect.Load().facts.version}
}

// Plan implements [adapter.Adapter].
func (a *Adapter) Plan(q *lqp.Query) adapter.Split { return sqlgen.Plan(a.dialect.Load(), q) }

// Native implements [adapter.Explainer].
func (a *Adapter) Native(pushed *lqp.Query) (string, error) {
	st, err := sqlgen.Compile(a.dialect.Load(), pushed)
	if err != nil {
		return "", fmt.Errorf("compile query: %w", err)
	}
	return st.SQL, nil
}

// Scan implements [adapter.Adapter]. It returns once the server has answered with the first row, the end of the result or
// an error, so that an error of the statement itself is returned here.
func (a *Adapter) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	return a.scan(ctx, pushed, "")
}

// scan is Scan as a database role.
func (a *Adapter) scan(ctx context.Context, pushed *lqp.Query, role string) (adapter.Rows, error) {
	st, err := a.compile(ctx, pushed)
	if err != nil {
		return nil, err
	}
	rows, err := a.query(ctx, &st, pushed.Page.Limit, role)
	if err != nil {
		return nil, translate(ctx, "scan "+sourceName(pushed), err)
	}
	return rows, nil
}

// compile writes the statement. A query that was planned while the server was known better, by an adapter before this
// one, makes us connect and look.
func (a *Adapter) compile(ctx context.Context, pushed *lqp.Query) (sqlgen.Statement, error) {
	st, err := sqlgen.Compile(a.dialect.Load(), pushed)
	if err != nil && !a.probed.Load() {
		if err := a.Ping(ctx); err != nil {
			return st, err
		}
		st, err = sqlgen.Compile(a.dialect.Load(), pushed)
	}
	if err != nil {
		return st, fmt.Errorf("compile query: %w: %w", adapter.ErrUnsupported, err)
	}
	return st, nil
}

// sourceName names what a query reads, for errors.
func sourceName(q *lqp.Query) string {
	if q.From.Query != nil {
		return sourceName(q.From.Query)
	}
	return q.From.Table
}

// Estimate implements [adapter.Estimator] with the planner's guess.
func (a *Adapter) Estimate(ctx context.Context, pushed *lqp.Query) (int64, error) {
	st, err := a.compile(ctx, pushed)
	if err != nil {
		return 0, err
	}
	text, err := a.explain(ctx, &st, "EXPLAIN (FORMAT JSON) ")
	if err != nil {
		return 0, translate(ctx, "estimate "+sourceName(pushed), err)
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		return 0, fmt.Errorf("estimate %s: %w: unreadable plan", sourceName(pushed), failure.ErrUnknown)
	}
	return int64(plans[0].Plan.Rows), nil
}

// explain runs a statement under an EXPLAIN and returns its one cell.
func (a *Adapter) explain(ctx context.Context, st *sqlgen.Statement, prefix string) ([]byte, error) {
	conn, err := a.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var b binder
	if err := b.bind(st.Args); err != nil {
		return nil, err
	}
	res := conn.Conn().PgConn().ExecParams(ctx, prefix+st.SQL, b.values, nil, b.formats, nil).Read()
	if res.Err != nil {
		return nil, res.Err
	}
	var text []byte
	for _, row := range res.Rows {
		if len(row) > 0 {
			text = append(append(text, row[0]...), '\n')
		}
	}
	return text, nil
}

// Ping implements [adapter.Adapter].
func (a *Adapter) Ping(ctx context.Context) error {
	if err := a.pool.Ping(ctx); err != nil {
		return translate(ctx, "ping", err)
	}
	return nil
}

// closeWait is how long Close waits for results that somebody still holds.
const closeWait = 5 * time.Second

// Close implements [adapter.Adapter]. Statements that still run are cancelled; their results end with an error. Whoever
// holds such a result is given a few seconds to close it, then Close returns without.
func (a *Adapter) Close() error {
	if a.closed.Swap(true) {
		return nil
	}
	a.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.pool.Close()
	}()
	select {
	case <-done:
		return nil
	case <-time.After(closeWait):
		return fmt.Errorf("close: %w: a result is still open", failure.ErrUnknown)
	}
}
