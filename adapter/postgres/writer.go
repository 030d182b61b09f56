package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// batchTime bounds how long a batch takes in further functions: the first caller of a batch must not wait for the work of
// all others, nor must other processes.
const batchTime = 25 * time.Millisecond

// The states of a queued function.
const (
	jobQueued int32 = iota
	jobStarted
	jobWithdrawn
)

type job struct {
	ctx     context.Context
	ask     func() []adapter.Question // what fn begins with, nil when that was asked or is not known
	answers []adapter.Rows
	fn      func(adapter.Tx) error
	state   atomic.Int32
	err     error         // of fn, until the commit decides
	done    chan struct{} // closed when err is final
}

// writer is the one goroutine of a store that writes. It commits what is queued in batches: the functions of a batch share
// one transaction, each inside a savepoint of its own, and one durable commit. A transaction holds the store's advisory
// lock from its first statement to its end, so that there is one at a time among all processes: what each of them reads
// under READ COMMITTED after taking the lock is the newest state, since nobody else changes it.
type writer struct {
	s        *Store
	instance string // names this writer in lt_commit
	batches  int64  // the number of the last batch
	c        *writerConn
	ses      *session
	open     *tx          // of the first function of the batch, which has ended, while what it has deferred waits for the commit
	commits  atomic.Int64 // for tests and measurements
	queue    chan *job
	stop     chan struct{} // closed by close: no further functions are accepted
	stopOnce sync.Once
	ended    chan struct{} // closed when the goroutine has ended
}

// newWriter starts a writer with its first connection.
func newWriter(s *Store, instance string, c *writerConn) *writer {
	w := &writer{s: s, instance: instance, c: c, queue: make(chan *job), stop: make(chan struct{}), ended: make(chan struct{})}
	go w.loop()
	return w
}

// write queues fn and waits until it is durable or has failed. A function that has not begun is withdrawn when ctx ends.
func (w *writer) write(ctx context.Context, fn func(adapter.Tx) error) error {
	return w.add(&job{ctx: ctx, fn: fn, done: make(chan struct{})})
}

func (w *writer) add(j *job) error {
	ctx := j.ctx
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return failure.New("write", adapter.ErrUnavailable, errClosed)
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
	defer func() {
		if w.c != nil {
			w.c.leave(w.instance)
			w.c.close()
		}
	}()
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
		if len(done) == 1 && w.open != nil { // another one follows: what the first has deferred is not the end of the batch
			if done[0].err = w.settleOpen(done[0]); done[0].err != nil {
				w.rollback()
				done, begun = nil, false
			}
		}
		if !begun {
			// Until its turn has come the function has not begun: its caller may still take it back.
			if err := w.begin(j); err != nil {
				w.refuse(&accepted, err)
				return
			}
			begun, started = true, time.Now()
		}
		if !j.state.CompareAndSwap(jobQueued, jobStarted) {
			continue
		}
		j.err = w.run(j, len(done) > 0)
		if w.lost() {
			if j.err == nil {
				j.err = failure.New("write", adapter.ErrUnavailable, errTxDone)
			}
			fail(done, failure.New("write", failure.Temporary(adapter.ErrUnavailable), errLost))
			w.abandon()
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
	switch {
	case begun && len(done) > 0:
		if err := w.commit(done[0]); err != nil {
			fail(done, err)
		}
	case begun: // all were taken back
		w.rollback()
	}
}

// refuse gives the error to everybody who waits: whom the server does not answer now it would let wait for nothing.
func (w *writer) refuse(accepted *[]*job, err error) {
	for j := (*accepted)[len(*accepted)-1]; j != nil; j = w.next(len(*accepted), time.Now()) {
		if j != (*accepted)[len(*accepted)-1] {
			*accepted = append(*accepted, j)
		}
		if j.state.CompareAndSwap(jobQueued, jobStarted) {
			j.err = err
		}
	}
}

// next is the function to run next in the batch, nil when the batch should be committed.
func (w *writer) next(n int, started time.Time) *job {
	if n >= w.s.opt.MaxBatch || time.Since(started) > batchTime {
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

// begin waits for the writer's turn, on a new connection when there is none, and asks what the function begins with.
func (w *writer) begin(j *job) error {
	const op = "begin transaction"
	for fresh := false; ; fresh = true {
		if w.c == nil {
			ctx, cancel := context.WithTimeout(w.s.alive, connectTimeout)
			c, err := w.s.dialWriter(ctx)
			cancel()
			if err != nil {
				return err
			}
			w.c, fresh = c, true
		}
		questions := w.prepareAsking(w.s.alive, j)
		role, err := w.c.begin(w.s.alive, w.s.opt.Schema, questions)
		if err == nil {
			w.ses = newSession(w.c.pg, w.s)
			w.ses.began, w.ses.role = true, role
			j.answers = answers(questions)
			return nil
		}
		lost, asked := w.c.pg.IsClosed(), (*askedError)(nil)
		if errors.As(err, &asked) && !lost {
			w.rollback()
			continue // without questions
		}
		w.rollback()
		if fresh || !lost { // an idle connection may have ended long ago: that says nothing of the server
			return translate(w.s.alive, op, err)
		}
	}
}

// lost reports that the transaction of the batch no longer exists.
func (w *writer) lost() bool {
	return w.c == nil || w.c.pg.IsClosed() || w.c.pg.TxStatus() == 'I'
}

// abandon closes the connection.
func (w *writer) abandon() {
	if w.c != nil {
		w.c.close()
		w.c, w.ses, w.open = nil, nil, nil
	}
}

func (w *writer) rollback() {
	if w.c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), endWait)
	defer cancel()
	if w.c.pg.IsClosed() || w.c.do(ctx, "ROLLBACK") != nil {
		w.abandon()
	}
	w.ses, w.open = nil, nil
}

// settleOpen carries out what the first function of the batch has deferred.
func (w *writer) settleOpen(j *job) error {
	t := w.open
	w.open = nil
	err := t.settle(j.ctx)
	if err == nil && (w.lost() || w.c.pg.TxStatus() != 'T') {
		err = failure.New("write", adapter.ErrUnavailable, errTxDone)
	}
	return err
}

const savepoint = "lt_write"

// run calls the function; when it fails, what it did is undone. The savepoint goes out with the function's first statement,
// and its release with whatever comes next.
func (w *writer) run(j *job, nested bool) error {
	if nested {
		w.ses.wait("SAVEPOINT " + savepoint)
	}
	before, role := len(w.ses.before), w.ses.role
	w.ses.began = false
	t := &tx{ses: w.ses, write: true}
	err := call(j.fn, t)
	w.open = nil
	switch {
	case err == nil && !nested && t.failed == nil:
		// As long as no other function follows, what it has deferred goes out with the commit.
		w.open = t
	case err == nil:
		err = t.settle(j.ctx)
	}
	t.end()
	if err == nil {
		err = t.failed
	}
	if err == nil && !w.lost() && w.c.pg.TxStatus() != 'T' {
		err = failure.New("write", adapter.ErrUnavailable, errTxDone)
	}
	if !nested || w.lost() {
		return err
	}
	if !w.ses.began { // the function has asked nothing
		w.ses.before, w.ses.weight, w.ses.role = w.ses.before[:before-1], 0, role
		return err
	}
	if err != nil {
		// A role that the function took on goes with what it did.
		w.ses.before, w.ses.weight, w.ses.role = append(w.ses.before[:0], waiting{sql: "ROLLBACK TO " + savepoint}), 0, role
		ctx, cancel := context.WithTimeout(context.Background(), endWait)
		defer cancel()
		if undo := w.ses.flush(ctx); undo != nil {
			w.abandon()
			return err
		}
	}
	w.ses.wait("RELEASE " + savepoint)
	return err
}
