package realtime

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func event(table string, offset int64) Event {
	return Event{Workspace: "wsp_1", Table: table, Offset: offset, Action: "row.update"}
}

func receive(t *testing.T, from <-chan Event) Event {
	t.Helper()
	select {
	case e, ok := <-from:
		require.True(t, ok, "channel is closed")
		return e
	case <-time.After(5 * time.Second):
		t.Fatal("no event")
		return Event{}
	}
}

func closed(t *testing.T, c <-chan Event) {
	t.Helper()
	for {
		select {
		case _, ok := <-c:
			if !ok {
				return
			}
		case <-time.After(5 * time.Second):
			t.Fatal("channel stays open")
		}
	}
}

func TestMemoryDelivers(t *testing.T) {
	m := NewMemory(MemoryOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, m.Publish(ctx, []Event{event("tbl_1", 1)}), "nobody listens")
	one, err := m.Subscribe(ctx, "wsp_1", "tbl_1")
	require.NoError(t, err)
	two, err := m.Subscribe(ctx, "wsp_1", "tbl_1")
	require.NoError(t, err)
	other, err := m.Subscribe(ctx, "wsp_1", "tbl_2")
	require.NoError(t, err)
	foreign, err := m.Subscribe(ctx, "wsp_2", "tbl_1")
	require.NoError(t, err)
	require.NoError(t, m.Publish(ctx, []Event{event("tbl_1", 2), event("tbl_2", 1), event("tbl_1", 3)}))
	for _, sub := range []<-chan Event{one, two} {
		require.EqualValues(t, 2, receive(t, sub).Offset)
		require.EqualValues(t, 3, receive(t, sub).Offset)
	}
	require.Equal(t, "tbl_2", receive(t, other).Table)
	require.Empty(t, foreign)
	cancel()
	for _, sub := range []<-chan Event{one, two, other, foreign} {
		closed(t, sub)
	}
	require.Eventually(t, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.subs) == 0
	}, 5*time.Second, time.Millisecond)
	require.ErrorIs(t, m.Publish(ctx, nil), context.Canceled)
	_, err = m.Subscribe(ctx, "wsp_1", "tbl_1")
	require.ErrorIs(t, err, context.Canceled)
}

// TestMemorySlowReceiver: a loss leaves a gap before the last event, which always arrives, and delays nobody else.
func TestMemorySlowReceiver(t *testing.T) {
	m := NewMemory(MemoryOptions{Buffer: 4})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow, err := m.Subscribe(ctx, "wsp_1", "tbl_1")
	require.NoError(t, err)
	fast, err := m.Subscribe(ctx, "wsp_1", "tbl_1")
	require.NoError(t, err)
	for i := range int64(10) {
		require.NoError(t, m.Publish(ctx, []Event{event("tbl_1", i+1)}))
		require.Equal(t, i+1, receive(t, fast).Offset)
	}
	for want := int64(7); want <= 10; want++ {
		require.Equal(t, want, receive(t, slow).Offset)
	}
	cancel()
	closed(t, slow)
	closed(t, fast)
}

// TestMemoryConcurrency has publishers, receivers and comings and goings at once: what a receiver gets is in order, and
// it ends with the last event or with its own end.
func TestMemoryConcurrency(t *testing.T) {
	m := NewMemory(MemoryOptions{Buffer: 8})
	const tables, events = 4, 2000
	var publishers, receivers sync.WaitGroup
	for table := range tables {
		name := fmt.Sprintf("tbl_%d", table)
		for range 4 {
			ctx, cancel := context.WithCancel(t.Context())
			sub, err := m.Subscribe(ctx, "wsp_1", name)
			require.NoError(t, err)
			receivers.Go(func() {
				defer cancel()
				last := int64(0)
				for e := range sub {
					if e.Offset <= last {
						t.Errorf("%s: %d after %d", name, e.Offset, last)
					}
					if last = e.Offset; last == events {
						cancel()
					}
				}
				if last != events {
					t.Errorf("%s: ended at %d", name, last)
				}
			})
		}
		publishers.Go(func() {
			for i := range int64(events) {
				if err := m.Publish(t.Context(), []Event{event(name, i+1)}); err != nil {
					t.Error(err)
				}
			}
		})
		publishers.Go(func() { // visitors
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				sub, err := m.Subscribe(ctx, "wsp_1", name)
				if err != nil {
					t.Error(err)
				}
				cancel()
				for range sub {
				}
			}
		})
	}
	publishers.Wait()
	receivers.Wait()
}

func ExampleMemory() {
	m := NewMemory(MemoryOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	events, err := m.Subscribe(ctx, "wsp_1", "tbl_1")
	if err != nil {
		panic(err)
	}
	err = m.Publish(ctx, []Event{{Workspace: "wsp_1", Table: "tbl_1", Offset: 1, Action: "row.insert"}})
	if err != nil {
		panic(err)
	}
	e := <-events
	fmt.Println(e.Offset, e.Action)
	cancel()
	_, open := <-events
	fmt.Println(open)
	// Output:
	// 1 row.insert
	// false
}

// TestMemoryIsQuiet: a broker is quiet until somebody subscribes, and again when the last one has gone.
func TestMemoryIsQuiet(t *testing.T) {
	m := NewMemory(MemoryOptions{})
	require.True(t, m.Quiet())
	first, endFirst := context.WithCancel(t.Context())
	second, endSecond := context.WithCancel(t.Context())
	a, err := m.Subscribe(first, "wsp_1", "a")
	require.NoError(t, err)
	b, err := m.Subscribe(second, "wsp_1", "b")
	require.NoError(t, err)
	require.False(t, m.Quiet())
	endFirst()
	closed(t, a)
	require.False(t, m.Quiet())
	endSecond()
	closed(t, b)
	require.True(t, m.Quiet())
}
