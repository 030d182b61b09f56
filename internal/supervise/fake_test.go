package supervise

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// errRefused is what an adapter says of a database that is not there.
var errRefused = fmt.Errorf("connect: %w: %w", adapter.ErrUnavailable, adapter.ErrTemporary)

// database is an adapter that does as it is told. Answer and ping are called with the number of the call, from 1.
type database struct {
	adapter.Adapter // nil: what is not told is not called
	answer          func(ctx context.Context, call int) (adapter.Rows, error)
	ping            func(ctx context.Context, call int) error
	asked, pinged   atomic.Int64
	closed          atomic.Bool
}

func (d *database) Scan(ctx context.Context, _ *lqp.Query) (adapter.Rows, error) {
	return d.answer(ctx, int(d.asked.Add(1)))
}

func (d *database) Tables(ctx context.Context) (lqp.Catalog, error) {
	_, err := d.answer(ctx, int(d.asked.Add(1)))
	return lqp.Catalog{Database: "d"}, err
}

func (d *database) Ping(ctx context.Context) error { return d.ping(ctx, int(d.pinged.Add(1))) }

func (d *database) Close() error {
	d.closed.Store(true)
	return nil
}

// always is a database that answers every read and every ping alike.
func always(err error) *database {
	return &database{
		answer: func(context.Context, int) (adapter.Rows, error) {
			if err != nil {
				return nil, err
			}
			return &few{left: 2}, nil
		},
		ping: func(context.Context, int) error { return err },
	}
}

// few are some rows, and perhaps an error at their end.
type few struct {
	adapter.Rows
	left   int
	err    error
	closed bool
}

func (r *few) Next() bool {
	r.left--
	return r.left >= 0
}

func (r *few) Err() error {
	if r.left >= 0 {
		return nil
	}
	return r.err
}

func (r *few) Close() error {
	r.closed = true
	return nil
}

// read scans and reads to the end.
func read(ctx context.Context, a adapter.Adapter) error {
	rows, err := a.Scan(ctx, &lqp.Query{})
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}
