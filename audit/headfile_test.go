package audit

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHeadFile(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	head := func(workspace string, n int64) Head {
		h := Head{Workspace: workspace, Sequence: n, Hash: make([]byte, DigestSize), At: time.UnixMilli(1_700_000_000_123).UTC()}
		h.Sign(key)
		return h
	}
	path := filepath.Join(t.TempDir(), "heads.jsonl")
	f := NewHeadFile(path)
	require.NoError(t, f.WriteHeads(t.Context(), []Head{head("a", 1), head("b", 7), head("", 3)}))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	// A crash cut the next line off; a moved file begins anew.
	require.NoError(t, os.WriteFile(path, append(data, `{"workspace_id":"a","sequ`...), 0o600))
	torn, err := os.Open(path)
	require.NoError(t, err)
	heads, err := NewestHeads(torn)
	require.NoError(t, err)
	require.NoError(t, torn.Close())
	require.Len(t, heads, 3)
	require.NoError(t, f.WriteHeads(t.Context(), []Head{head("a", 5), head("b", 6)}))
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	heads, err = NewestHeads(strings.NewReader(string(data)))
	require.NoError(t, err)
	require.Equal(t, []Head{head("a", 5), head("b", 7), head("", 3)}, heads)
	for i := range heads {
		require.True(t, heads[i].Signed())
		heads[i].At = heads[i].At.Add(time.Millisecond)
		require.False(t, heads[i].Signed())
	}
	_, err = NewestHeads(strings.NewReader("{}\n"))
	require.ErrorIs(t, err, ErrCorrupt)
}

// TestDigestSeesEveryField moves bytes between neighbouring fields and changes each: no two encodings are alike.
func TestDigestSeesEveryField(t *testing.T) {
	seen := map[string]bool{}
	digest := func(change func(*Entry)) {
		e := entries(3, 3)[0]
		e.Chain = &Link{Sequence: 1, Salt: []byte("salt")}
		change(&e)
		sum, _ := Digest(&e, nil)
		require.Len(t, sum, DigestSize)
		require.False(t, seen[string(sum)])
		seen[string(sum)] = true
	}
	for _, change := range []func(*Entry){
		func(*Entry) {}, func(e *Entry) { e.Actor, e.Action = "usr_1r", "ow.update" }, func(e *Entry) { e.Batch, e.Request = "a", "" }, func(e *Entry) { e.Request = "a" },
		func(e *Entry) { e.Address = "a" }, func(e *Entry) { e.Reason = "a" }, func(e *Entry) { e.Before = e.After }, func(e *Entry) { e.Before, e.After = e.After, nil },
		func(e *Entry) { e.Before = []byte{} }, func(e *Entry) { e.Workspace = "w" }, func(e *Entry) { e.Table = "t" }, func(e *Entry) { e.Offset = 1 }, func(e *Entry) { e.Version = 1 },
		func(e *Entry) { e.At = e.At.Add(time.Millisecond) }, func(e *Entry) { e.Position++ }, func(e *Entry) { e.ID = "x" }, func(e *Entry) { e.Resource = "x" }, func(e *Entry) { e.ResourceType = "x" },
		func(e *Entry) { e.Chain.Sequence++ }, func(e *Entry) { e.Chain.Salt = nil }, func(e *Entry) { e.Chain.Prev = []byte{1} },
	} {
		digest(change)
	}
}
