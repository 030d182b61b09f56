package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
)

// batchTime bounds how long a batch takes in further functions: the first caller of a batch must not wait for the
// work of all others.
const batchTime = 25 * time.Millisecond

// The states of a queued function.
const (
	jobQueued int32 = iota
	jobStarted
	jobWithdrawn
)

type job struct {
	ctx   context.Context
	fn    func(adapter.Tx) error
	state atomic.Int32
	err   error         // of fn, until the commit decides
	done  chan struct{} // closed when err is final
}

// writer is the one goroutine that writes to the file. It commits what is queued in batches: the functions of a batch
// share one transaction, each inside a savepoint of its own, and one durable commit, so that the cost of the disk's
// flush is divided among concurrent callers.
type writer struct {
	a        *Adapter
	c        *conn
	maxBatch int
	queue    chan *job
	stop     chan struct{} // closed by close: no further functions are accepted
	stopOnce sync.Once
	ended    chan struct{} // closed when the goroutine has ended
}

func newWriter(a *Adapter, c *conn, maxBatch int) *writer {
	w := &writer{
		a: a, c: c, maxBatch: maxBatch,
		queue: make(chan *job), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go w.loop()
	return w
}

// write queues fn and waits until it is durable or has failed. A function that has not begun is withdrawn when ctx ends.
func (w *writer) write(ctx context.Context, fn func(adapter.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return unavailable("write", errClosed)
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.state.CompareAndSwap(jobQueued, jobWithdrawn) {
			return ctx.Err()
		}
		<-j.done
	}
	return j.err
}

// close accepts nothing more, waits for the functions that were accepted and ends the goroutine.
func (w *writer) close() {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	for {
		select {
		case j := <-w.queue:
			w.batch(j)
		case <-w.stop:
			return
		}
	}
}

// batch runs the function and those that are queued meanwhile in one transaction.
func (w *writer) batch(first *job) {
	var accepted, done []*job
	defer func() {
		for _, j := range accepted {
			close(j.done)
		}
	}()
	begun, started := false, time.Now()
	for j := first; j != nil; j = w.next(len(accepted), started) {
		accepted = append(accepted, j)
		if !j.state.CompareAndSwap(jobQueued, jobStarted) {
			continue
		}
		if !begun {
			if j.err = w.begin(); j.err != nil {
				return
			}
			begun = true
		}
		j.err = w.run(j, len(done) > 0)
		if w.lost() {
			// SQLite ended the transaction itself: disk full, input/output error. What ran in it is gone.
			if j.err == nil {
				j.err = errTxDone
			}
			fail(done, fmt.Errorf("write: %w: the transaction was rolled back by a failure of the file", adapter.ErrUnavailable))
			done, begun = nil, false
			continue
		}
		if j.err == nil {
			done = append(done, j)
		} else if len(done) == 0 {
			// Nothing of the batch is left in the transaction. The first function runs without a savepoint.
			w.rollback()
			begun = false
		}
	}
	if !begun {
		return
	}
	if err := w.commit(); err != nil {
		fail(done, uncommitted(err))
	}
}

// next is the function to run next in the batch, nil when the batch should be committed.
func (w *writer) next(n int, started time.Time) *job {
	if n >= w.maxBatch || time.Since(started) > batchTime {
		return nil
	}
	select {
	case j := <-w.queue:
		return j
	default:
		return nil
	}
}

func fail(jobs []*job, err error) {
	for _, j := range jobs {
		j.err = err
	}
}

func (w *writer) begin() error {
	if w.c.broken {
		c, err := w.a.openWriter(context.Background())
		if err != nil {
			return err
		}
		w.c.close()
		w.c = c
	}
	return translate(context.Background(), "begin transaction", w.c.do("BEGIN IMMEDIATE"))
}

// lost reports that the transaction of the batch no longer exists.
func (w *writer) lost() bool { return w.c.broken || w.c.db.GetAutocommit() }

func (w *writer) rollback() {
	if !w.lost() && w.c.do("ROLLBACK") != nil {
		w.c.broken = true
	}
}

func (w *writer) commit() error {
	w.a.commits.Add(1)
	err := w.c.do("COMMIT")
	if err != nil {
		w.rollback()
	}
	return err
}

const savepoint = "lt_write"

// run calls the function; when it fails, what it did is undone.
func (w *writer) run(j *job, nested bool) error {
	if nested {
		if err := w.c.do("SAVEPOINT " + savepoint); err != nil {
			return translate(j.ctx, "begin write", err)
		}
	}
	t := &tx{a: w.a, c: w.c, write: true}
	err := call(j.fn, t)
	t.end()
	if err == nil {
		err = t.failed
	}
	if err == nil {
		err = w.unresolved()
	}
	if !nested || w.lost() {
		return err
	}
	if err != nil {
		if undo := w.c.do("ROLLBACK TO " + savepoint); undo != nil {
			w.c.broken = true
			return errors.Join(err, undo)
		}
	}
	if release := w.c.do("RELEASE " + savepoint); release != nil {
		w.c.broken = true
		return errors.Join(err, release)
	}
	return err
}

// unresolved finds references that a function has left dangling behind deferred constraints. SQLite would report them at
// the commit, to all callers of the batch.
func (w *writer) unresolved() error {
	if w.lost() {
		return nil
	}
	n, _, err := w.c.db.Status(sqlite3.DBSTATUS_DEFERRED_FKS, false)
	if err == nil && n != 0 {
		return fmt.Errorf("write: %w: a row refers to one that does not exist", adapter.ErrConstraint)
	}
	return nil
}

// panicError reports a panic of a function given to Write or Read.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("panic in transaction: %v\n%s", e.value, e.stack)
}

// call turns a panic of the function into its error, so that one caller's mistake does not end the writer that all
// share.
func call(fn func(adapter.Tx) error, t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
		if err != nil { // what has not begun need not be done
			_ = t.behind.Abandon()
		} else {
			err = t.catchUp()
		}
	}()
	return fn(t)
}

// finish closes the connection after close; with checkpoint the log is first moved into the file, so that what is left
// is one file.
func (w *writer) finish(checkpoint bool) {
	if checkpoint && !w.c.broken {
		// Readers of other processes may keep the log alive; then it stays, and nothing is lost.
		_ = w.c.do("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	w.c.close()
}
