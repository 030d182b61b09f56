package limit

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/faultproxy"
	"github.com/livetables/livetables/internal/testenv"
)

type logText struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func openRedis(t testing.TB, url, prefix string) (*Redis, *logText) {
	t.Helper()
	log := &logText{}
	r, err := OpenRedis(RedisOptions{URL: url, Prefix: prefix, Timeout: 2 * time.Second, Retry: 50 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r, log
}

// TestRedisIsShared: two processes' worth of limiters draw on the same buckets, from many goroutines.
func TestRedisIsShared(t *testing.T) {
	url, prefix := testenv.Redis(t), testenv.Name(t)
	first, _ := openRedis(t, url, prefix)
	second, _ := openRedis(t, url, prefix)
	stranger, _ := openRedis(t, url, prefix+"-other")
	bucket := Bucket{Name: "account", Key: "a", Rate: 0.001, Burst: 60, Cost: 1}
	var passed atomic.Int64
	var work sync.WaitGroup
	for i := range 8 {
		r := []*Redis{first, second}[i%2]
		work.Go(func() {
			for range 50 {
				if !r.Take(context.Background(), bucket).Refused() {
					passed.Add(1)
				}
			}
		})
	}
	work.Wait()
	require.Equal(t, int64(60), passed.Load(), "both together have one bucket")
	require.True(t, first.Shared())
	refusal := second.Take(t.Context(), Bucket{Name: "address", Key: "x", Rate: 1, Burst: 5, Cost: 1}, bucket)
	require.Equal(t, "account", refusal.Name)
	require.InDelta(t, 1000, refusal.Wait.Seconds(), 30)
	require.False(t, stranger.Take(t.Context(), bucket).Refused(), "another prefix is another deployment")
	// Who the buckets belong to does not stand in Redis, and the keys end by themselves.
	keys, err := first.client.Keys(t.Context(), "{"+prefix+"}*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1, "the refused draw has left nothing on the address")
	life, err := first.client.PTTL(t.Context(), keys[0]).Result()
	require.NoError(t, err)
	require.Positive(t, life)
	require.NoError(t, first.client.Del(t.Context(), keys...).Err())
}

// TestRedisAgreesWithMemory draws the same at both, as fast as it comes: what passes differs by no more than what flows in
// during the test.
func TestRedisAgreesWithMemory(t *testing.T) {
	r, _ := openRedis(t, testenv.Redis(t), testenv.Name(t))
	m := NewMemory(0, nil)
	bucket := Bucket{Name: "n", Key: "k", Rate: 1, Burst: 100}
	began, passed, want := time.Now(), 0, 0
	for i := range 60 {
		bucket.Cost = float64(i % 7)
		if a, err := r.draw(t.Context(), []Bucket{bucket}); err == nil && !a.Refused() {
			passed += i % 7
		}
		if !m.Take(t.Context(), bucket).Refused() {
			want += i % 7
		}
	}
	require.InDelta(t, want, passed, 7+time.Since(began).Seconds())
	large := Bucket{Name: "n", Key: "large", Rate: 3, Burst: 10, Cost: 1e6}
	a, err := r.draw(t.Context(), []Bucket{large})
	require.NoError(t, err)
	require.False(t, a.Refused())
	a, err = r.draw(t.Context(), []Bucket{large})
	require.NoError(t, err)
	require.InDelta(t, 10.0/3, a.Wait.Seconds(), 0.5)
}

// TestRedisLost (P3): while Redis refuses or does not answer, limits are kept by this process, requests are not held up, and
// the log has one line for the loss and one for the return.
func TestRedisLost(t *testing.T) {
	for name, mode := range map[string]faultproxy.Mode{"stopped": faultproxy.Refuse, "silent": faultproxy.Hang} {
		t.Run(name, func(t *testing.T) {
			url := testenv.Redis(t)
			address := strings.Split(strings.TrimPrefix(url, "redis://"), "/")[0]
			proxy, err := faultproxy.New(address)
			require.NoError(t, err)
			defer proxy.Close()
			r, log := openRedis(t, strings.Replace(url, address, proxy.Addr(), 1), testenv.Name(t))
			bucket := Bucket{Name: "account", Key: "a", Rate: 0.01, Burst: 20, Cost: 1}
			passed := 0
			take := func(n int) {
				for range n {
					if !r.Take(t.Context(), bucket).Refused() {
						passed++
					}
				}
			}
			r.opt.Timeout = 100 * time.Millisecond
			take(5)
			require.True(t, r.Shared())
			require.NoError(t, proxy.Set(mode))
			began := time.Now()
			take(100)
			require.Less(t, time.Since(began), 5*time.Second)
			require.False(t, r.Shared())
			require.Equal(t, 20, passed, "what was used before the loss counts, and nothing passes beyond it")
			require.Equal(t, 1, strings.Count(log.String(), "this process alone"), log)
			require.NoError(t, proxy.Set(faultproxy.Pass))
			require.Eventually(t, func() bool {
				r.Take(t.Context(), Bucket{Name: "account", Key: "b", Rate: 1000, Burst: 1000, Cost: 1})
				return r.Shared()
			}, 10*time.Second, 20*time.Millisecond)
			require.Equal(t, 1, strings.Count(log.String(), "shared again"))
		})
	}
}

func TestRedisURL(t *testing.T) {
	_, err := OpenRedis(RedisOptions{URL: "http://user:hidden-password@x"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hidden-password")
}

func BenchmarkRedis(b *testing.B) {
	r, _ := openRedis(b, testenv.Redis(b), testenv.Name(b))
	buckets := []Bucket{{"address", "198.51.100.7", 1e6, 1e7, 1}, {"account", "usr_1", 1e6, 1e7, 1}}
	for b.Loop() {
		r.Take(b.Context(), buckets...)
	}
}
