package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewKeysRefusesWeakKeys(t *testing.T) {
	weak := map[string][]byte{
		"empty":        nil,
		"short":        bytes.Repeat([]byte{1, 2}, 8)[:15],
		"31 bytes":     make([]byte, 31),
		"33 bytes":     make([]byte, 33),
		"zero":         make([]byte, 32),
		"one byte":     bytes.Repeat([]byte{0xC3}, 32),
		"short cycle":  bytes.Repeat([]byte{1, 0x92, 3, 4, 5, 6, 7, 8}, 4),
		"sample text":  []byte("change-me-please-0123456789abcde"),
		"hex text":     []byte("00112233445566778899aabbccddeeff"),
		"text newline": []byte("correct horse battery staple 42\n"),
	}
	for name, master := range weak {
		t.Run(name, func(t *testing.T) {
			_, err := NewKeys(master)
			require.ErrorIs(t, err, ErrWeakKey)
		})
	}
	for range 1000 {
		master := make([]byte, KeySize)
		_, _ = rand.Read(master)
		_, err := NewKeys(master)
		require.NoErrorf(t, err, "%x", master)
	}
}

func TestDeriveSeparatesPurposes(t *testing.T) {
	keys, other := testKeys(t, 0), testKeys(t, 1)
	require.Len(t, keys.Derive("cursor"), 32)
	require.Equal(t, keys.Derive("cursor"), keys.Derive("cursor"))
	require.NotEqual(t, keys.Derive("cursor"), keys.Derive("access token"))
	require.NotEqual(t, keys.Derive("cursor"), other.Derive("cursor"))
	require.Len(t, keys.ID(), 16)
	require.NotEqual(t, keys.ID(), other.ID())
}

func TestLoadOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	_, err := Load(path)
	require.ErrorIs(t, err, fs.ErrNotExist)

	// Many starters at once agree on one key.
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			keys, err := LoadOrCreate(path)
			if err == nil {
				ids[i] = keys.ID()
			}
		})
	}
	wg.Wait()
	again, err := LoadOrCreate(path)
	require.NoError(t, err)
	for _, id := range ids {
		require.Equal(t, again.ID(), id)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "temporary files must not stay")
}

func TestLoadRefuses(t *testing.T) {
	good := make([]byte, KeySize)
	_, _ = rand.Read(good)
	write := func(t *testing.T, data []byte, mode fs.FileMode) string {
		path := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	t.Run("short", func(t *testing.T) {
		path := write(t, good[:16], 0o600)
		_, err := LoadOrCreate(path)
		require.ErrorIs(t, err, ErrWeakKey)
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, good[:16], kept, "a bad key file must not be replaced")
	})
	t.Run("long", func(t *testing.T) {
		_, err := Load(write(t, append(bytes.Clone(good), '\n'), 0o600))
		require.ErrorIs(t, err, ErrWeakKey)
	})
	t.Run("zero", func(t *testing.T) {
		_, err := Load(write(t, make([]byte, KeySize), 0o600))
		require.ErrorIs(t, err, ErrWeakKey)
	})
	t.Run("empty", func(t *testing.T) {
		_, err := LoadOrCreate(write(t, nil, 0o600))
		require.ErrorIs(t, err, ErrWeakKey)
	})
	t.Run("directory", func(t *testing.T) {
		_, err := LoadOrCreate(t.TempDir())
		require.Error(t, err)
	})
	if runtime.GOOS == "windows" {
		return
	}
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o604, 0o620} {
		t.Run(mode.String(), func(t *testing.T) {
			_, err := Load(write(t, good, mode))
			require.ErrorIs(t, err, ErrKeyFileMode)
		})
	}
	_, err := Load(write(t, good, 0o400))
	require.NoError(t, err)
}

const planted = "hunter2-planted"

// TestSecretNeverPrints plants a secret in every position and prints it in every way.
func TestSecretNeverPrints(t *testing.T) {
	type settings struct {
		Public   string
		Exported Secret
		hidden   Secret
		Pointer  *Secret
		List     []Secret
		Map      map[string]Secret
		Any      any
	}
	s := NewSecret(planted)
	v := settings{"shown", s, s, &s, []Secret{s}, map[string]Secret{"k": s}, s}
	require.Equal(t, planted, v.hidden.Reveal())
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3v", "%T"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", &v)
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", testKeys(t, 0))
	}
	fmt.Fprintln(&out, s, v, fmt.Errorf("failed with %v: %w", s, os.ErrInvalid))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("message", "secret", s, "settings", v, "pointer", &s, "keys", testKeys(t, 0))
	}
	data, err := json.Marshal(v)
	require.NoError(t, err)
	out.Write(data)
	require.NotContains(t, out.String(), planted)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", planted))
	require.NotContains(t, out.String(), fmt.Sprintf("%X", planted))
	require.NotContains(t, out.String(), fmt.Sprintf("%q", []byte(testKeys(t, 0).present().secret.Reveal())))
	require.Contains(t, string(data), `"Exported":"[redacted]"`)
}

func TestSecretReadsJSON(t *testing.T) {
	var in struct{ Password Secret }
	require.NoError(t, json.Unmarshal([]byte(`{"Password":"tiger \u00e9"}`), &in))
	require.Equal(t, "tiger é", in.Password.Reveal())
	require.True(t, Secret{}.IsZero())
	require.True(t, NewSecret("").IsZero())
	for _, bad := range []string{`{"Password":7}`, `{"Password":{"a":"` + planted + `"}}`, `{"Password":["x"]}`, `{"Password":"[redacted]"}`} {
		err := json.Unmarshal([]byte(bad), &in)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), planted)
	}
}
