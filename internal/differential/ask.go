package differential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// The modes say how much of a plan the engines may do.
const (
	Pushdown = "pushdown" // all that they can
	Scans    = "scans"    // deliver rows
	Coin     = "coin"     // what a coin picks of what they can
)

// patience is how long one question may take.
const patience = 60 * time.Second

var policy = &rbac.Policy{Members: map[string]rbac.Role{asker: rbac.Viewer}}

// rig is one world in several engines. It is used by one goroutine at a time, except for ask.
type rig struct {
	names   []string // of the engines, in order
	engines map[string]*engine
	world   *World
	oracle  *oracle
}

// openRig connects to the engines.
func openRig(ctx context.Context, names []string) (*rig, error) {
	r := &rig{names: names, engines: map[string]*engine{}}
	for _, n := range names {
		e, err := openEngine(ctx, n)
		if err != nil {
			return nil, errors.Join(err, r.close(ctx))
		}
		r.engines[n] = e
	}
	return r, nil
}

func (r *rig) close(ctx context.Context) error {
	var errs []error
	for _, e := range r.engines {
		errs = append(errs, e.backend.close(ctx))
	}
	return errors.Join(errs...)
}

// load puts a world into all engines, or into those named.
func (r *rig) load(ctx context.Context, w *World, names ...string) error {
	if len(names) == 0 {
		names = r.names
	}
	errs := make(chan error, len(names))
	for _, n := range names {
		go func() { errs <- r.engines[n].load(ctx, w) }()
	}
	var all []error
	for range names {
		all = append(all, <-errs)
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	loaded := map[string]*engine{}
	for _, n := range names {
		loaded[n] = r.engines[n]
	}
	r.world, r.oracle = w, newOracle(w, loaded)
	return nil
}

// question is a query, where its tables are and how it is asked.
type question struct {
	query   *lqp.Query // without connections
	engines []string   // of the tables in their order, repeating
	mode    string
	coin    uint64
	// bytes is how much the work in memory may hold before it goes on in temporary storage, 0 for any amount.
	bytes int64
}

// refused are problems of a query with the limits of the engine, which differ with what is known of the columns.
var errRefused = errors.New("the query is refused")

// plan rewrites a question as the engine does for its users.
func (r *rig) plan(q question) (*rewrite.Plan, error) {
	plan, err := rewrite.Rewrite(place(q.query, q.engines), rewrite.Input{
		Principal: rbac.Principal{ID: asker}, Policy: policy, Now: now,
		Table: func(connection, table string) (*lqp.Table, error) {
			if e := r.engines[connection]; e != nil && e.tables[table] != nil {
				return e.tables[table], nil
			}
			return nil, rewrite.ErrNoTable
		},
	})
	if problems := (lqp.Problems)(nil); errors.As(err, &problems) && problems.Has(lqp.CodeLimit) {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	return plan, err
}

// ask runs a plan in the mode of its question and answers with the columns that the asker sees, and with the values of its
// sort keys row by row when these are total. data says that a source reported a data error and the answer is the engine's.
func (r *rig) ask(ctx context.Context, q question, plan *rewrite.Plan) (a *answer, keys [][]lqp.Value, data bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	mode := exec.Pushdown
	if q.mode == Scans {
		mode = exec.ScansOnly
	}
	a, keys, err = r.once(ctx, q, plan, mode)
	if errors.Is(err, adapter.ErrData) && mode == exec.Pushdown {
		a, keys, err = r.once(ctx, q, plan, exec.ScansOnly)
		data = true
	}
	return a, keys, data, err
}

func (r *rig) once(ctx context.Context, q question, plan *rewrite.Plan, mode exec.Mode) (*answer, [][]lqp.Value, error) {
	tree, err := exec.Build(ctx, plan, func(_ context.Context, connection string) (adapter.Adapter, error) {
		w := r.engines[connection].adapter
		if q.mode == Coin {
			return toss(w, q.coin), nil
		}
		return w, nil
	}, mode)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tree.Run(ctx, exec.Options{MaxBytes: q.bytes, Spill: heap{}})
	if err != nil {
		return nil, nil, err
	}
	a, keys, err := collect(rows, plan)
	if closed := rows.Close(); err == nil {
		err = closed
	}
	return a, keys, err
}

// collect reads rows to their end and holds each cell against what the types of the plan promise.
func collect(rows adapter.Rows, plan *rewrite.Plan) (*answer, [][]lqp.Value, error) {
	a := &answer{}
	var keys [][]lqp.Value
	var at []int
	if plan.Total() {
		at = plan.SortKeys()
	}
	var text []byte
	for rows.Next() {
		row := make([]lqp.Value, plan.Visible())
		for i := range row {
			row[i] = rows.Value(i)
			if text = rows.AppendJSON(text[:0], i); string(text) != string(row[i].AppendJSON(nil)) {
				return nil, nil, fmt.Errorf("column %d: AppendJSON gives %s, Value %s", i, text, row[i].AppendJSON(nil))
			}
			if n := plan.Query().Select[i]; broken(n.Expr.Type(), row[i]) != "" {
				return nil, nil, fmt.Errorf("column %d of type %s: value %s %s", i, n.Expr.Type(), row[i].AppendJSON(nil), broken(n.Expr.Type(), row[i]))
			}
		}
		a.add(row)
		key := make([]lqp.Value, len(at))
		for i, k := range at {
			key[i] = rows.Value(k)
		}
		keys = append(keys, key)
	}
	return a, keys, rows.Err()
}

// broken says which promise of its type a value breaks, "" for none.
func broken(t lqp.Type, v lqp.Value) string {
	switch {
	case v.IsNull():
		if t.NotNull {
			return "is NULL in a column that has none"
		}
		return ""
	case t.Kind != v.Kind():
		return "has kind " + v.Kind().String()
	case t.Kind == lqp.Number && t.Precision > 0:
		whole, frac, _ := strings.Cut(strings.TrimPrefix(v.Decimal().String(), "-"), ".")
		if len(frac) > t.Scale || whole != "0" && len(whole) > t.Precision-t.Scale {
			return fmt.Sprintf("does not fit %d digits, %d after the point", t.Precision, t.Scale)
		}
	case t.Kind == lqp.Text && t.MaxLen > 0 && len([]rune(v.Text())) > t.MaxLen:
		return fmt.Sprintf("is longer than %d code points", t.MaxLen)
	case t.Kind == lqp.Text && t.ASCII && strings.IndexFunc(v.Text(), func(r rune) bool { return r > 127 }) >= 0:
		return "is not ASCII"
	}
	return ""
}
