package differential

import (
	"context"
	"strings"
	"sync"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
)

// watched is an adapter of which one sees what it was sent. It is safe for concurrent use.
type watched struct {
	adapter.Adapter
	mu     sync.Mutex
	splits []adapter.Split // since the last take
	sent   []string        // native statements, when they are wanted
	native bool
}

func watch(a adapter.Adapter) *watched { return &watched{Adapter: a} }

// Plan implements [adapter.Adapter].
func (w *watched) Plan(q *lqp.Query) adapter.Split {
	s := w.Adapter.Plan(q)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.splits = append(w.splits, s)
	return s
}

// Scan implements [adapter.Adapter].
func (w *watched) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	w.mu.Lock()
	native := w.native
	w.mu.Unlock()
	if native {
		text := "(a statement that is not shown)"
		if e, ok := w.Adapter.(adapter.Explainer); ok {
			var err error
			if text, err = e.Native(pushed); err != nil {
				text = err.Error()
			}
		}
		w.mu.Lock()
		w.sent = append(w.sent, text)
		w.mu.Unlock()
	}
	return w.Adapter.Scan(ctx, pushed)
}

// take answers with the splits since the last take.
func (w *watched) take() []adapter.Split {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.splits
	w.splits = nil
	return s
}

// record begins to note native statements.
func (w *watched) record() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.native, w.sent = true, nil
}

// recorded ends what record began and tells the statements.
func (w *watched) recorded() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.native = false
	return strings.Join(w.sent, "\n")
}

// tossed is an adapter that is offered only the clauses which a coin picks: of any query, any part of what it could do is
// left to the engine, and the answer must not change.
type tossed struct {
	*watched
	coin *memory.Adapter
}

func toss(w *watched, seed uint64) tossed {
	return tossed{w, memory.New(nil, memory.Options{Prover: memory.Coin(seed)})}
}

// Plan implements [adapter.Adapter].
func (t tossed) Plan(q *lqp.Query) adapter.Split { return t.coin.Plan(q) }

// Scan runs what the coin picked: the adapter's share of it there, the rest here.
func (t tossed) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	s := t.watched.Plan(q)
	switch {
	case s.Pushed == nil:
		return lqp.Run(ctx, q, eachSource{t.watched}, lqp.RunOptions{})
	case s.Residual == nil:
		return t.watched.Scan(ctx, s.Pushed)
	}
	return lqp.Run(ctx, s.Residual, eachSource{t.watched}, lqp.RunOptions{})
}

// eachSource runs pushed queries at an adapter, and tables whole.
type eachSource struct{ *watched }

// Open implements [lqp.Sources].
func (s eachSource) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != nil {
		if src.Alias == "pushed" {
			return s.Scan(ctx, src.Query)
		}
		return nil, lqp.ErrRunNested
	}
	whole := &lqp.Query{From: *src}
	for _, c := range src.Schema.Columns {
		whole.Select = append(whole.Select, lqp.Named{Name: c.ID, Expr: lqp.TypedRef(src.Alias, c.ID, c.Type)})
	}
	split := adapter.ScanOnly(whole)
	return s.Scan(ctx, split.Pushed)
}

// Lookup implements [lqp.Sources].
func (eachSource) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}
