package limit

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// hand is a clock that is moved by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) read() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func TestMemory(t *testing.T) {
	clock := &hand{now: time.Unix(1e9, 0)}
	m := NewMemory(0, clock.read)
	one := Bucket{Name: "account", Key: "a", Rate: 2, Burst: 10, Cost: 1}
	for i := range 10 {
		require.False(t, m.Take(t.Context(), one).Refused(), i)
	}
	require.Equal(t, Refusal{"account", 500 * time.Millisecond}, m.Take(t.Context(), one))
	other := one
	other.Key = "b"
	require.False(t, m.Take(t.Context(), other).Refused(), "another's bucket")
	other.Name = "workspace"
	other.Key = "a"
	require.False(t, m.Take(t.Context(), other).Refused(), "the same key under another name")
	clock.move(500 * time.Millisecond)
	require.False(t, m.Take(t.Context(), one).Refused())
	require.True(t, m.Take(t.Context(), one).Refused())

	large := Bucket{Name: "account", Key: "large", Rate: 2, Burst: 10, Cost: 1000}
	require.False(t, m.Take(t.Context(), large).Refused(), "more than it holds takes all of a full bucket")
	clock.move(4 * time.Second)
	large.Cost = 9
	require.Equal(t, 500*time.Millisecond, m.Take(t.Context(), large).Wait)

	free := Bucket{Name: "free", Rate: -1, Cost: 1e9}
	require.False(t, m.Take(t.Context(), free, free).Refused())
	require.False(t, m.Take(t.Context()).Refused())
}

// TestMemoryAllOrNone: a refused request has drawn on nothing (R6), and the bucket that is shortest is named.
func TestMemoryAllOrNone(t *testing.T) {
	clock := &hand{now: time.Unix(1e9, 0)}
	m := NewMemory(0, clock.read)
	wide := Bucket{Name: "address", Key: "x", Rate: 1, Burst: 3, Cost: 1}
	narrow := Bucket{Name: "account", Key: "x", Rate: 1, Burst: 1, Cost: 1}
	require.False(t, m.Take(t.Context(), wide, narrow).Refused())
	for range 100 {
		require.Equal(t, "account", m.Take(t.Context(), wide, narrow).Name)
	}
	require.False(t, m.Take(t.Context(), wide).Refused())
	require.False(t, m.Take(t.Context(), wide).Refused())
	require.True(t, m.Take(t.Context(), wide).Refused())
}

func TestMemoryIsBounded(t *testing.T) {
	m := NewMemory(100, nil)
	victim := Bucket{Name: "account", Key: "victim", Rate: 0.001, Burst: 1, Cost: 1}
	require.False(t, m.Take(t.Context(), victim).Refused())
	for i := range 10_000 {
		m.Take(t.Context(), Bucket{Name: "address", Key: strconv.Itoa(i), Rate: 1, Burst: 1, Cost: 1})
	}
	require.Len(t, m.byName["address"].byKey, 100)
	require.Equal(t, 100, m.byName["address"].recent.Len())
	require.True(t, m.Take(t.Context(), victim).Refused(), "addresses do not push accounts out")
}

// TestMemoryNeverOverspends compares with a bucket that is counted in whole units: over any run, what is let through is
// never more than the burst and what has flowed in, and a draw that fits is never refused.
func TestMemoryNeverOverspends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := &hand{now: time.Unix(1e9, 0)}
		m := NewMemory(0, clock.read)
		burst := rapid.Int64Range(1, 50).Draw(t, "burst")
		level := burst * 1000 // thousandths, with one unit a second a millisecond each
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			pause := rapid.Int64Range(0, 3000).Draw(t, "pause")
			clock.move(time.Duration(pause) * time.Millisecond)
			level = min(burst*1000, level+pause)
			cost := rapid.Int64Range(0, 60).Draw(t, "cost")
			want := min(cost, burst)*1000 <= level
			got := !m.Take(t.Context(), Bucket{Name: "n", Key: "k", Rate: 1, Burst: float64(burst), Cost: float64(cost)}).Refused()
			if got != want {
				t.Fatalf("level %d, cost %d: let through %v", level, cost, got)
			}
			if got {
				level -= min(cost, burst) * 1000
			}
		}
	})
}

func BenchmarkMemory(b *testing.B) {
	m := NewMemory(0, nil)
	buckets := []Bucket{{"address", "198.51.100.7", 1e9, 1e10, 1}, {"account", "usr_1", 1e9, 1e10, 1}, {"workspace", "wsp_1", 1e9, 1e10, 1}}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Take(b.Context(), buckets...)
		}
	})
}
