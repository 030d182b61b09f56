package mysql

import (
	"context"
	"database/sql/driver"
	"strconv"
	"sync"
	"time"
)

const (
	// maxKills is how many connections there are at once for the killing of statements, beside the pool's.
	maxKills    = 2
	killTimeout = 5 * time.Second
	// drainTime is how long the rest of a result is read before its statement is killed: a new connection costs more
	// than the end of a small result.
	drainTime = 10 * time.Millisecond
)

// interrupt ends the statement of one session: by KILL QUERY on a connection of its own, and then, whether that worked or
// not, by breaking the session's connection. A session that was interrupted must not be used again: the server may
// get to the KILL when the next statement runs.
type interrupt struct {
	a    *Adapter
	id   uint64
	cut  context.CancelFunc // breaks the connection
	once sync.Once
	mu   sync.Mutex
	used bool
	done bool // the statement has ended by itself
}

// fire kills the statement. Later calls and those after [interrupt.spare] do nothing.
func (i *interrupt) fire() {
	i.mu.Lock()
	if i.done {
		i.mu.Unlock()
		return
	}
	i.used = true
	i.mu.Unlock()
	i.once.Do(func() {
		defer i.a.begun()()
		i.a.kill(i.id)
		i.cut()
	})
}

// spare says that the statement has ended. It reports whether the session can be used again.
func (i *interrupt) spare() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.done = true
	return !i.used
}

// kill asks the server to end the statement of a connection. Failing is no matter: the caller breaks the connection.
func (a *Adapter) kill(id uint64) {
	// Not the context of the statement, which has ended, and not ours when Close is what ends the statement.
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	select {
	case a.kills <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-a.kills }()
	c, err := a.dial(ctx)
	if err != nil {
		return
	}
	s := &session{conn: c}
	_ = s.exec(ctx, "KILL QUERY "+strconv.FormatUint(id, 10)) // it may have ended by now
	s.close()
}

// drain reads what is left of a result until its statement is killed for taking too long.
func drain(rows driver.Rows, dest []driver.Value, i *interrupt) {
	var err error
	defer guard(&err)
	timer := time.AfterFunc(drainTime, i.fire)
	defer timer.Stop()
	for rows.Next(dest) == nil {
	}
}
