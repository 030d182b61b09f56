package auth

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"

	"github.com/livetables/livetables"
)

// TestAttack40LoginTiming counts what a login that fails costs, for every way in which it can: one hash of the same costs, and
// one entry in the record. Time itself is measured by BenchmarkLogin; on a busy machine it says little.
func TestAttack40LoginTiming(t *testing.T) {
	f, _ := withIssuer(t, func(o *Options) { o.HashConcurrency = 1 })
	root := f.root()
	f.user(root, "known@example.com")
	closed := f.user(root, "closed@example.com")
	_, err := f.DisableUser(t.Context(), root, closed.ID)
	require.NoError(t, err)
	_, err = f.enter() // ann@example.com, who has no password here
	require.NoError(t, err)
	var work []HashParams
	f.hasher.derive = func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte {
		require.Len(t, salt, saltSize)
		require.Equal(t, uint32(hashSize), size)
		work = append(work, HashParams{Memory: memory, Time: time, Threads: threads})
		return argon2.IDKey(password, salt, time, memory, threads, size)
	}
	for name, c := range map[string]Credentials{
		"known":            {"known@example.com", secret("wrong password")},
		"unknown":          {"nobody@example.com", secret("wrong password")},
		"closed":           {"closed@example.com", passwordOf("closed@example.com")},
		"without password": {"ann@example.com", secret("wrong password")},
		"no address":       {"no address", secret("wrong password")},
		"no password":      {"known@example.com", livetables.Secret{}},
		"neither":          {"nobody@example.com", livetables.Secret{}},
	} {
		t.Run(name, func(t *testing.T) {
			work = nil
			before := len(f.recorded())
			_, err := f.Login(t.Context(), c, home)
			require.Equal(t, ErrCredentials, err)
			require.Equal(t, []HashParams{weakHash}, work)
			require.Len(t, f.recorded(), before+1)
		})
	}
}

// BenchmarkLogin compares the medians of logins that fail, with an address that has an account and one that has none.
func BenchmarkLogin(b *testing.B) {
	f := newFixture(b, func(o *Options) { o.Hash = DefaultHash })
	f.user(f.root(), "known@example.com")
	for _, name := range []string{"known", "unknown"} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				began := time.Now()
				_, err := f.Login(b.Context(), Credentials{Email: name + "@example.com", Password: secret("wrong password")}, home)
				times = append(times, time.Since(began))
				require.Equal(b, ErrCredentials, err)
				if len(times)%100 == 0 {
					b.StopTimer()
					require.NoError(b, f.HandOver(b.Context()))
					b.StartTimer()
				}
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2])/1e6, "median-ms")
		})
	}
}
