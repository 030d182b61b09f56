package supervise

import (
	"context"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// writer is the guarded writer of a source. Its writes wait for their turn as reads do and are tried once.
type writer struct {
	s     *source
	inner adapter.Writer
}

func (w writer) once(ctx context.Context, write func() error) error {
	leave, err := w.s.g.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return w.s.run(ctx, 1, write)
}

// Insert implements [adapter.Writer].
func (w writer) Insert(ctx context.Context, t *lqp.Table, columns []string, rows [][]lqp.Value) error {
	return w.once(ctx, func() error { return w.inner.Insert(ctx, t, columns, rows) })
}

// Update implements [adapter.Writer].
func (w writer) Update(ctx context.Context, t *lqp.Table, key []lqp.Value, expect, set []lqp.Assignment) (n int64, err error) {
	err = w.once(ctx, func() (err error) {
		n, err = w.inner.Update(ctx, t, key, expect, set)
		return err
	})
	return n, err
}

// Delete implements [adapter.Writer].
func (w writer) Delete(ctx context.Context, t *lqp.Table, key []lqp.Value, expect []lqp.Assignment) (n int64, err error) {
	err = w.once(ctx, func() (err error) {
		n, err = w.inner.Delete(ctx, t, key, expect)
		return err
	})
	return n, err
}
