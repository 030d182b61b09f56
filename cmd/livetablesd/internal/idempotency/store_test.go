package idempotency

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/storetest"
)

// hand is a clock that is moved by hand.
type hand struct{ now atomic.Int64 }

func newHand() *hand {
	h := &hand{}
	h.now.Store(time.Now().UnixNano())
	return h
}

func (h *hand) read() time.Time      { return time.Unix(0, h.now.Load()) }
func (h *hand) move(d time.Duration) { h.now.Add(int64(d)) }

// box seals with a key of the test.
type box struct{ aead cipher.AEAD }

func newBox(t testing.TB) box {
	t.Helper()
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return box{aead}
}

// Seal implements Sealer.
func (b box) Seal(plaintext, aad []byte) ([]byte, error) {
	nonce := make([]byte, b.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return b.aead.Seal(nonce, nonce, plaintext, aad), nil
}

// Open implements Sealer.
func (b box) Open(sealed, aad []byte) ([]byte, error) {
	return b.aead.Open(nil, sealed[:b.aead.NonceSize()], sealed[b.aead.NonceSize():], aad)
}

// TestMain runs the tests on each database that keys can be kept in.
func TestMain(m *testing.M) { storetest.Main(m) }

func openStore(t testing.TB, place storetest.Place, change func(*Options)) *Store {
	t.Helper()
	db := place.Open(t)
	opt := Options{Sealer: newBox(t), Wait: 10 * time.Second}
	if change != nil {
		change(&opt)
	}
	s, err := Open(t.Context(), db, opt)
	require.NoError(t, err)
	return s
}

// everything is what the store has, as bytes or text: the files of an SQLite database, the rows of any other.
func everything(t testing.TB, place storetest.Place, s *Store) string {
	t.Helper()
	var all strings.Builder
	if place.File != "" {
		for _, suffix := range []string{"", "-wal"} {
			raw, err := os.ReadFile(place.File + suffix)
			require.NoError(t, err)
			all.Write(raw)
		}
		return all.String()
	}
	require.NoError(t, s.db.Read(t.Context(), func(tx adapter.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT row_to_json(http_idempotency)::text FROM http_idempotency`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			all.WriteString(rows.Value(0).Text())
		}
		return rows.Err()
	}))
	require.NotEmpty(t, all.String())
	return all.String()
}

func begin(t testing.TB, s *Store, who, key, digest string) *Attempt {
	t.Helper()
	a, answer, err := s.Begin(t.Context(), who, key, []byte(digest))
	require.NoError(t, err)
	require.Nil(t, answer)
	require.NotNil(t, a)
	return a
}

// TestOnceAcrossInstances (P8): 50 repeats at two instances that share a store have one effect and one answer.
func TestOnceAcrossInstances(t *testing.T) {
	place := storetest.Emptied(t, `DELETE FROM http_idempotency`)
	stores := []*Store{openStore(t, place, nil), openStore(t, place, nil)}
	var effects atomic.Int64
	bodies := make([]string, 50)
	var work sync.WaitGroup
	for i := range bodies {
		work.Go(func() {
			a, answer, err := stores[i%2].Begin(context.Background(), "usr_1", "k", []byte("d"))
			if err != nil {
				bodies[i] = err.Error()
				return
			}
			if answer != nil {
				bodies[i] = string(answer.Body)
				return
			}
			n := effects.Add(1)
			time.Sleep(20 * time.Millisecond)
			bodies[i] = fmt.Sprintf("effect %d", n)
			if err := a.Done(context.Background(), Answer{Status: 201, Body: []byte(bodies[i])}); err != nil {
				bodies[i] = err.Error()
			}
		})
	}
	work.Wait()
	require.Equal(t, int64(1), effects.Load())
	for _, b := range bodies {
		require.Equal(t, "effect 1", b)
	}
}

// TestAttack65Keys: same body, other body, other user, and a restart between.
func TestAttack65Keys(t *testing.T) {
	place := storetest.Emptied(t, `DELETE FROM http_idempotency`)
	clock := newHand()
	with := func(o *Options) { o.Clock = clock.read }
	first := openStore(t, place, with)
	want := Answer{Status: 201, Header: map[string]string{"ETag": `"1"`}, Body: []byte("body"), Entered: []Entrance{{"wsp_1", 7}}}
	require.NoError(t, begin(t, first, "usr_1", "k", "d").Done(t.Context(), want))
	again := openStore(t, place, with)
	clock.move(24*time.Hour + 30*time.Minute)
	_, got, err := again.Begin(t.Context(), "usr_1", "k", []byte("d"))
	require.NoError(t, err)
	require.Equal(t, &want, got)
	_, _, err = again.Begin(t.Context(), "usr_1", "k", []byte("other"))
	require.ErrorIs(t, err, ErrReused)
	require.NoError(t, begin(t, again, "usr_2", "k", "other").Refused(t.Context()))
	require.NoError(t, begin(t, again, "usr_2", "k", "yet another").Refused(t.Context()), "a refused request may be sent again, and changed")
	clock.move(time.Hour)
	n, err := again.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(1), n, "a day later it is forgotten")
	require.NoError(t, begin(t, again, "usr_1", "k", "d").Refused(t.Context()))
}

// TestCrash: a process that dies between the effect and its record leaves a key that is never used again in silence.
func TestCrash(t *testing.T) {
	place := storetest.Emptied(t, `DELETE FROM http_idempotency`)
	clock := newHand()
	dead := openStore(t, place, func(o *Options) { o.Clock = clock.read })
	lost := begin(t, dead, "usr_1", "k", "d")
	other := openStore(t, place, func(o *Options) { o.Clock = clock.read; o.Wait = 50 * time.Millisecond })
	_, _, err := other.Begin(t.Context(), "usr_1", "k", []byte("d"))
	require.ErrorIs(t, err, ErrRunning, "it may be running still")
	clock.move(20 * time.Second)
	require.NoError(t, dead.renew(t.Context()), "it is, and says so")
	clock.move(20 * time.Second)
	_, _, err = other.Begin(t.Context(), "usr_1", "k", []byte("d"))
	require.ErrorIs(t, err, ErrRunning)
	clock.move(11 * time.Second)
	for range 3 {
		_, _, err = other.Begin(t.Context(), "usr_1", "k", []byte("d"))
		require.ErrorIs(t, err, ErrUnknown)
	}
	// It was only slow: what it says in the end counts.
	require.NoError(t, lost.Done(t.Context(), Answer{Status: 200, Body: []byte("late")}))
	_, answer, err := other.Begin(t.Context(), "usr_1", "k", []byte("d"))
	require.NoError(t, err)
	require.Equal(t, "late", string(answer.Body))
	require.NoError(t, begin(t, other, "usr_1", "k2", "d").Unknown(t.Context()))
	_, _, err = other.Begin(t.Context(), "usr_1", "k2", []byte("d"))
	require.ErrorIs(t, err, ErrUnknown)
}

// TestSole: who has the database alone knows at once what an earlier process did not end.
func TestSole(t *testing.T) {
	place := storetest.Emptied(t, `DELETE FROM http_idempotency`)
	begin(t, openStore(t, place, nil), "usr_1", "k", "d")
	s := openStore(t, place, func(o *Options) { o.Sole = true })
	_, _, err := s.Begin(t.Context(), "usr_1", "k", []byte("d"))
	require.ErrorIs(t, err, ErrUnknown)
}

// TestStoredAnswers: what is on the disk is sealed and bound to its key, bounded, and gone with its workspace.
func TestStoredAnswers(t *testing.T) {
	place := storetest.Emptied(t, `DELETE FROM http_idempotency`)
	s := openStore(t, place, func(o *Options) { o.MaxBody, o.MaxBytes, o.MaxKeys = 100, 150, 6 })
	put := func(key, body, workspace string) {
		require.NoError(t, begin(t, s, "usr_1", key, "d").Done(t.Context(), Answer{Status: 200, Body: []byte(body), Entered: []Entrance{{workspace, 1}}}))
	}
	get := func(key string) *Answer {
		_, answer, err := s.Begin(t.Context(), "usr_1", key, []byte("d"))
		require.NoError(t, err)
		return answer
	}
	put("secret", "planted-canary", "wsp_1")
	put("large", strings.Repeat("x", 101), "wsp_1")
	put("much", strings.Repeat("y", 100), "wsp_2")
	put("more", strings.Repeat("z", 100), "wsp_2")
	require.Equal(t, "planted-canary", string(get("secret").Body))
	require.True(t, get("large").Cut)
	require.Len(t, get("much").Body, 100)
	require.True(t, get("more").Cut, "an account's answers have a bound together")
	stored := everything(t, place, s)
	require.NotContains(t, stored, "planted-canary")
	require.NotContains(t, stored, "usr_1")
	// An answer moved to another key does not open.
	require.NoError(t, s.db.Write(t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE http_idempotency SET answer = (SELECT max(answer) FROM http_idempotency)`)
		return err
	}))
	opened := 0
	for _, key := range []string{"secret", "large", "much", "more"} {
		if _, _, err := s.Begin(t.Context(), "usr_1", key, []byte("d")); err == nil {
			opened++
		}
	}
	require.Equal(t, 1, opened)
	require.NoError(t, s.Forget(t.Context(), "wsp_1"))
	begin(t, s, "usr_1", "secret", "d")
	begin(t, s, "usr_1", "large", "d")
	_, _, err := s.Begin(t.Context(), "usr_1", "seventh", []byte("d"))
	require.ErrorIs(t, err, ErrFull)
	begin(t, s, "usr_2", "seventh", "d")
}

// TestRun renews and sweeps in the background and ends with its context.
func TestRun(t *testing.T) {
	s := openStore(t, storetest.Emptied(t, `DELETE FROM http_idempotency`), func(o *Options) { o.Lease, o.Life, o.Wait = 400*time.Millisecond, time.Hour, 10*time.Millisecond })
	begin(t, s, "usr_1", "k", "d")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		_, _, err := s.Begin(t.Context(), "usr_1", "k", []byte("d"))
		require.ErrorIs(t, err, ErrRunning)
	}
	cancel()
	<-ended
	require.Eventually(t, func() bool {
		_, _, err := s.Begin(t.Context(), "usr_1", "k", []byte("d"))
		return err != nil && strings.Contains(err.Error(), ErrUnknown.Error())
	}, 5*time.Second, 20*time.Millisecond)
}

func TestOpenNeedsItsParts(t *testing.T) {
	_, err := Open(t.Context(), nil, Options{})
	require.Error(t, err)
}

func BenchmarkOnce(b *testing.B) {
	s := openStore(b, storetest.Emptied(b, `DELETE FROM http_idempotency`), func(o *Options) { o.MaxKeys = 1 << 30 })
	for i := 0; b.Loop(); i++ {
		if err := begin(b, s, "usr_1", strconv.Itoa(i), "d").Done(b.Context(), Answer{Status: 200, Body: []byte("body")}); err != nil {
			b.Fatal(err)
		}
	}
}
