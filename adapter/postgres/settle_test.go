package postgres

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// loss is how a connection fails when a commit is sent over it.
type loss int32

const (
	noLoss     loss = iota
	lostBefore      // the connection breaks, and the server hears nothing of the commit
	lostAfter       // the server has the commit, and the answer does not arrive
	lostSilent      // neither arrives, and the server does not learn that its client is gone
	losses
)

// losing makes connections that fail as told.
type losing struct {
	next    atomic.Int32 // the loss of the next commit
	refuse  atomic.Bool  // no connection is made
	mu      sync.Mutex
	forsake []net.Conn // those whose other end was told nothing
}

func (l *losing) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.refuse.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: io.ErrUnexpectedEOF}
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	return &losingConn{Conn: c, l: l}, err
}

func (l *losing) close() {
	for _, c := range l.forsake {
		_ = c.Close()
	}
}

type losingConn struct {
	net.Conn
	l    *losing
	lost atomic.Bool
}

// Write implements [net.Conn].
func (c *losingConn) Write(b []byte) (int, error) {
	if c.lost.Load() {
		return 0, io.ErrClosedPipe
	}
	if !bytes.Contains(b, []byte("COMMIT\x00")) {
		return c.Conn.Write(b)
	}
	switch loss(c.l.next.Swap(int32(noLoss))) {
	case lostBefore:
		c.lost.Store(true)
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	case lostAfter:
		c.lost.Store(true)
		n, err := c.Conn.Write(b)
		time.Sleep(10 * time.Millisecond) // a server whose client is gone may end before it reads
		return n, err
	case lostSilent:
		c.lost.Store(true)
		c.l.mu.Lock()
		c.l.forsake = append(c.l.forsake, c.Conn)
		c.l.mu.Unlock()
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Read implements [net.Conn].
func (c *losingConn) Read(b []byte) (int, error) {
	if c.lost.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return c.Conn.Read(b)
}

// Close implements [net.Conn].
func (c *losingConn) Close() error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for _, f := range c.l.forsake {
		if f == c.Conn {
			return nil
		}
	}
	return c.Conn.Close()
}

// openLosing opens a store whose commits are lost as told.
func openLosing(t *testing.T, change func(*StoreOptions)) (*Store, *losing, *settlements) {
	t.Helper()
	l, heard := &losing{}, &settlements{}
	t.Cleanup(l.close)
	s := openTestStore(t, func(o *StoreOptions) {
		o.Settings.Dial, o.Logger = l.dial, slog.New(heard)
		if change != nil {
			change(o)
		}
	})
	mustExec(t, s, ackTable)
	return s, l, heard
}

// TestLostCommitIsSettled loses commits in every way. What was done is reported as done, what was not as refused, and the
// next writer does not wait for the lost one.
func TestLostCommitIsSettled(t *testing.T) {
	s, l, heard := openLosing(t, nil)
	for i, c := range []struct {
		loss loss
		done bool
	}{{noLoss, true}, {lostBefore, false}, {lostAfter, true}, {lostSilent, false}, {lostAfter, true}, {lostBefore, false}} {
		l.next.Store(int32(c.loss))
		began := time.Now()
		err := writePair(s, 1, 1, int64(i))
		if c.done {
			require.NoError(t, err, "write %d, loss %d", i, c.loss)
		} else {
			require.ErrorIs(t, err, adapter.ErrUnavailable, "write %d, loss %d", i, c.loss)
			require.ErrorIs(t, err, adapter.ErrTemporary)
			require.NotErrorIs(t, err, adapter.ErrUncertain)
		}
		require.Less(t, time.Since(began), 10*time.Second)
		require.Equal(t, c.done, pairs(t, s)["1 1 "+string('0'+byte(i))], "write %d", i)
	}
	require.Equal(t, int64(5), heard.n.Load())
}

// TestLostCommitsUnderLoad loses many commits of batches while others wait.
func TestLostCommitsUnderLoad(t *testing.T) {
	seed := testseed.Of(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	s, l, heard := openLosing(t, nil)
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for range 30 {
			time.Sleep(time.Duration(1+rng.IntN(30)) * time.Millisecond)
			l.next.Store(int32(rng.IntN(int(losses))))
		}
	}()
	hammer(t, s, stop).check(t, s)
	require.NotZero(t, heard.n.Load())
	t.Logf("%d commits were settled", heard.n.Load())
}

// TestUnsettledCommitIsUncertain loses a commit and then the server: nobody can tell, and the error says so. What is asked
// later is told the truth.
func TestUnsettledCommitIsUncertain(t *testing.T) {
	s, l, _ := openLosing(t, func(o *StoreOptions) { o.Settle = 300 * time.Millisecond })
	l.next.Store(int32(lostAfter))
	l.refuse.Store(true)
	err := writePair(s, 1, 1, 1)
	require.ErrorIs(t, err, adapter.ErrUncertain)
	require.NotErrorIs(t, err, adapter.ErrUnavailable)
	require.NotErrorIs(t, err, adapter.ErrTemporary)
	require.ErrorIs(t, writePair(s, 1, 1, 2), adapter.ErrUnavailable)
	l.refuse.Store(false)
	require.NoError(t, writePair(s, 1, 1, 3))
	require.Equal(t, map[string]bool{"1 1 1": true, "1 1 3": true}, pairs(t, s))
}

// settlements counts the commits that had to be settled.
type settlements struct {
	slog.Handler
	n atomic.Int64
}

// Enabled implements [slog.Handler].
func (*settlements) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (h *settlements) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		h.n.Add(1)
	}
	return nil
}

// TestForeignLocks: writers of other schemas and of other databases do not wait for each other; two of one schema do, and
// not for ever.
func TestForeignLocks(t *testing.T) {
	url := "" // of the first store's database
	one := openTestStore(t, func(o *StoreOptions) { url = o.Settings.Database })
	at := func(change func(*StoreOptions)) *Store {
		opt := one.opt
		opt.Settings.Database = url
		change(&opt)
		s, err := OpenStore(t.Context(), opt)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	schema := at(func(o *StoreOptions) { o.Schema = "other" })
	database := openTestStore(t, nil)
	same := at(func(o *StoreOptions) { o.LockWait = 50 * time.Millisecond })
	mustExec(t, schema, "CREATE TABLE n (v bigint)")
	mustExec(t, database, "CREATE TABLE n (v bigint)")
	mustExec(t, one, "CREATE TABLE n (v bigint)")
	insert := func(s *Store) error {
		return s.Write(t.Context(), func(tx adapter.Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO n VALUES (?)", lqp.IntValue(1))
			return err
		})
	}
	require.NoError(t, one.Write(t.Context(), func(adapter.Tx) error {
		require.NoError(t, insert(schema))
		require.NoError(t, insert(database))
		err := insert(same)
		require.ErrorIs(t, err, adapter.ErrTemporary)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, same.Write(ctx, func(adapter.Tx) error { return nil }), context.DeadlineExceeded)
		return nil
	}))
	require.NoError(t, insert(same))
}
