// Package behind carries out work of one goroutine on another one, in order and a few pieces ahead.
package behind

import (
	"fmt"
	"runtime/debug"
)

// ahead is how many pieces of work wait beside the one that is being done.
const ahead = 2

// Queue is work that goes on behind the goroutine that adds it. The zero value is an empty queue. Its methods belong to one
// goroutine; the work runs on one other at a time, which exists from the first Add to the next Wait.
type Queue struct {
	work  chan piece
	ended chan error // what became of the work
	stop  chan struct{}
}

type piece struct {
	do   func() error
	done func()
}

// Busy reports that something was added since the last Wait.
func (q *Queue) Busy() bool { return q.work != nil }

// Add lets do run after all that was added before. It waits while there is much to do already. After a piece has failed those
// behind it are left out. done is called in any case, after do, on any goroutine; nil is no function.
// Add answers false, and takes nothing, when something has failed: Wait knows what.
func (q *Queue) Add(do func() error, done func()) bool {
	if q.work == nil {
		q.work, q.ended, q.stop = make(chan piece, ahead), make(chan error, 1), make(chan struct{})
		go run(q.work, q.ended, q.stop)
	}
	select {
	case <-q.stop:
		return false
	default:
	}
	q.work <- piece{do, done} // it is taken even after a failure
	return true
}

// Wait waits until all is done, and answers the first error. The queue is empty afterwards.
func (q *Queue) Wait() error {
	if q.work == nil {
		return nil
	}
	close(q.work)
	err := <-q.ended
	*q = Queue{}
	return err
}

// Abandon is Wait without the pieces that have not begun.
func (q *Queue) Abandon() error {
	if q.work == nil {
		return nil
	}
	for {
		select {
		case p := <-q.work:
			if p.done != nil {
				p.done()
			}
			continue
		default:
		}
		return q.Wait()
	}
}

func run(work <-chan piece, ended chan<- error, stop chan<- struct{}) {
	var failed error
	for p := range work {
		if failed == nil {
			if failed = call(p.do); failed != nil {
				close(stop)
			}
		}
		if p.done != nil {
			p.done()
		}
	}
	ended <- failed
}

// call turns a panic into an error: it must not end a process that others share.
func call(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic behind a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}
