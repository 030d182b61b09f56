package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFlippedKeys changes every character of a good token, and more than that.
func TestFlippedKeys(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	text, made := f.token(root)
	good := text.Reveal()
	for i := range len(good) {
		for _, bit := range []byte{1, 2, 0x20} {
			bad := []byte(good)
			bad[i] ^= bit
			_, err := f.Verify(t.Context(), string(bad))
			require.ErrorIs(t, err, ErrUnauthenticated, "character %d", i)
		}
	}
	prefix, half, _ := strings.Cut(good, ".")
	other, _ := f.token(root)
	_, otherHalf, _ := strings.Cut(other.Reveal(), ".")
	for name, bad := range map[string]string{
		"prefix alone":        prefix,
		"no secret":           prefix + ".",
		"half a secret":       good[:len(good)-2],
		"twice":               good + "." + half,
		"secret of another":   prefix + "." + otherHalf,
		"mark of a service":   serviceMark + good[len(serviceMark):],
		"mark alone":          personalMark,
		"hash for the secret": prefix + "." + hashKey(good)[:43],
		"the id":              made.ID,
		"upper case":          strings.ToUpper(good),
		"line feed":           good + "\n",
		"long":                good + strings.Repeat("A", 4096),
		"wild card":           personalMark + "%%%%%%%%%%%%%%%%." + half,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Verify(t.Context(), bad)
			require.ErrorIs(t, err, ErrUnauthenticated)
			require.NotContains(t, err.Error(), half)
		})
	}
	f.good(text)
}

// TestKeysFailClosed: without the store a key is nobody's.
func TestKeysFailClosed(t *testing.T) {
	f := newFixture(t, nil)
	text, _ := f.token(f.root())
	require.NoError(t, f.store.Close())
	who, err := f.Verify(t.Context(), text.Reveal())
	require.Error(t, err)
	require.Zero(t, who)
}

func TestKeysAreRandomAndRecognised(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		k, text := newKey(personalMark)
		require.False(t, seen[k.prefix] || seen[text.Reveal()])
		seen[k.prefix], seen[text.Reveal()] = true, true
		prefix, ok := keyPrefix(text.Reveal())
		require.True(t, ok)
		require.Equal(t, k.prefix, prefix)
		require.True(t, looksLikeKey(text.Reveal()))
	}
}

// FuzzKeyPrefix: what is taken for a key is written in the one way in which keys are.
func FuzzKeyPrefix(f *testing.F) {
	_, text := newKey(personalMark)
	f.Add(text.Reveal())
	f.Add("ltp_.")
	f.Add("ltp_aaaaaaaaaaaaaaaa." + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, s string) {
		prefix, ok := keyPrefix(s)
		if !ok {
			return
		}
		_, half, _ := strings.Cut(s, ".")
		raw, err := keySecret.DecodeString(half)
		if err != nil || len(raw) != keySecretBytes || prefix+"."+keySecret.EncodeToString(raw) != s {
			t.Fatalf("%q is taken for a key", s)
		}
	})
}

func BenchmarkVerifyKey(b *testing.B) {
	f := newFixture(b, nil)
	text, _ := f.token(f.root())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Verify(b.Context(), text.Reveal()); err != nil {
			b.Fatal(err)
		}
	}
}
