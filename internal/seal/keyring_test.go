package seal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var when = time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC)

func TestKeysOfAFileCanBeAddedAndDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	first, err := LoadOrCreate(path)
	require.NoError(t, err)
	old, err := first.Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	second, err := AddKey(path, when, false)
	require.NoError(t, err)
	require.NotEqual(t, first.ID(), second.ID())
	require.Equal(t, first.Derive("cursor"), second.Derive("cursor"), "sessions and cursors go on")
	loaded, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, second.List(), loaded.List())
	require.Equal(t, []bool{false, true}, []bool{loaded.List()[0].Present, loaded.List()[1].Present})
	require.Equal(t, when.Truncate(time.Second), loaded.List()[1].Created)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())

	plain, err := loaded.Open(t.Context(), old, place)
	require.NoError(t, err, "an old key opens what it has sealed")
	require.Equal(t, "secret", string(plain))
	again, err := loaded.Rewrap(t.Context(), old, place)
	require.NoError(t, err)
	require.NotEqual(t, old, again)
	same, err := loaded.Rewrap(t.Context(), again, place)
	require.NoError(t, err)
	require.Equal(t, again, same)
	before, err := parse(old)
	require.NoError(t, err)
	after, err := parse(again)
	require.NoError(t, err)
	require.Equal(t, before.payload, after.payload, "the secret itself stays untouched")
	require.Equal(t, second.ID(), after.keyID)
	_, err = loaded.Rewrap(t.Context(), old, Binding{}.AAD())
	require.ErrorIs(t, err, ErrOpen, "in another place it is not wrapped anew")

	kept, dropped, err := DropOld(path)
	require.NoError(t, err)
	require.Equal(t, []string{first.ID()}, dropped)
	require.Equal(t, first.Derive("cursor"), kept.Derive("cursor"))
	_, err = kept.Open(t.Context(), old, place)
	require.ErrorIs(t, err, ErrUnknownKey)
	plain, err = kept.Open(t.Context(), again, place)
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))
	_, dropped, err = DropOld(path)
	require.NoError(t, err)
	require.Empty(t, dropped)

	third, err := AddKey(path, when, true)
	require.NoError(t, err)
	require.NotEqual(t, first.Derive("cursor"), third.Derive("cursor"))
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "temporary files must not stay")
}

// TestRawKeyFile: 32 raw bytes are one key; with the second key the root of derived keys becomes one of its own.
func TestRawKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	raw := randomKey()
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	first, err := Load(path)
	require.NoError(t, err)
	require.Len(t, first.List(), 1)
	second, err := AddKey(path, when, false)
	require.NoError(t, err)
	require.NotEqual(t, first.Derive("cursor"), second.Derive("cursor"))
	require.Equal(t, first.ID(), second.List()[0].ID)
	loaded, err := Load(path)
	require.NoError(t, err)
	require.True(t, loaded.List()[0].Created.IsZero())
	_, _, err = DropOld(path)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(data), hex.EncodeToString(raw), "nothing of the old key is left")
}

func TestKeyFilesAreStrict(t *testing.T) {
	keys, err := testKeys(t, 0).grown(when, false)
	require.NoError(t, err)
	good := string(keys.encode())
	_, err = parseKeys([]byte(good))
	require.NoError(t, err)
	lines := strings.SplitAfter(good, "\n")
	text := strings.Repeat("change-me-please", 2)
	bad := map[string]string{
		"empty":             "",
		"no keys":           lines[0] + lines[1],
		"no root":           lines[0] + lines[2],
		"two roots":         lines[0] + lines[1] + lines[1] + lines[2],
		"root at the end":   lines[0] + lines[2] + lines[1],
		"a key twice":       good + lines[2],
		"cut":               good[:len(good)-1],
		"empty line":        good + "\n",
		"later version":     strings.Replace(good, "keys 1", "keys 2", 1),
		"unknown line":      good + "note 1\n",
		"no time":           lines[0] + lines[1] + strings.Join(strings.Fields(lines[2])[:3], " ") + "\n",
		"capitals":          strings.ToUpper(good[:len(lines[0])]) + good[len(lines[0]):],
		"sample text":       lines[0] + lines[1] + fmt.Sprintf("key %s %x 2026-03-01T12:00:00Z\n", idOf([]byte(text)), text),
		"zero key":          lines[0] + lines[1] + fmt.Sprintf("key %s %064x 2026-03-01T12:00:00Z\n", idOf(make([]byte, 32)), 0),
		"short key":         lines[0] + lines[1] + "key 00 0011 2026-03-01T12:00:00Z\n",
		"more than allowed": good + strings.Repeat(lines[2], maxMasterKeys),
	}
	for name, data := range bad {
		t.Run(name, func(t *testing.T) {
			_, err := parseKeys([]byte(data))
			require.ErrorIs(t, err, ErrWeakKey)
			for _, key := range keys.ring {
				require.NotContains(t, err.Error(), hex.EncodeToString([]byte(key.secret.Reveal())))
			}
		})
	}
	body := len(lines[0])
	for i := body; i < len(good); i++ {
		flipped := []byte(good)
		flipped[i] ^= 1
		if again, err := parseKeys(flipped); err == nil {
			require.Equal(t, keys.present().secret.Reveal(), again.present().secret.Reveal(), "byte %d", i)
			require.Equal(t, keys.Derive("x"), again.Derive("x"), "byte %d", i) // a date may change
		}
	}
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), maxKeyFile+1), 0o600))
	_, err = Load(path)
	require.ErrorIs(t, err, ErrWeakKey)
}

func TestTooManyKeys(t *testing.T) {
	keys := testKeys(t, 0)
	var err error
	for range maxMasterKeys - 1 {
		keys, err = keys.grown(when, false)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, len(keys.encode()), maxKeyFile)
	_, err = parseKeys(keys.encode())
	require.NoError(t, err)
	_, err = keys.grown(when, false)
	require.ErrorContains(t, err, "drop the old ones")
}

// FuzzParseKeys: no file makes the parser panic, and what it takes it writes back alike.
func FuzzParseKeys(f *testing.F) {
	keys, err := testKeys(f, 0).grown(when, true)
	require.NoError(f, err)
	f.Add(keys.encode())
	f.Add(randomKey())
	f.Add([]byte(keyringHeader + "\nroot a b\nkey a b c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseKeys(data)
		if err != nil || len(data) == KeySize {
			return
		}
		if !bytes.Equal(keys.encode(), data) {
			// Times may be written in other zones.
			again, err := parseKeys(keys.encode())
			if err != nil || again.ID() != keys.ID() || len(again.List()) != len(keys.List()) {
				t.Fatalf("%q: %v", data, err)
			}
		}
	})
}
