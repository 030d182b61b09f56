// Package blobtest is what every store of blobs must pass.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb/blob"
)

// Run tests a store that is empty.
func Run(t *testing.T, s blob.Store) {
	t.Run("read what was put", func(t *testing.T) { readBack(t, s) })
	t.Run("nothing after an error", func(t *testing.T) { failed(t, s) })
	t.Run("keys", func(t *testing.T) { keys(t, s) })
	t.Run("list and delete", func(t *testing.T) { list(t, s) })
	t.Run("many at once", func(t *testing.T) { concurrent(t, s) })
}

func content(size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b) // it never fails
	return b
}

func put(t *testing.T, s blob.Store, key string, data []byte) {
	t.Helper()
	require.NoError(t, s.Put(t.Context(), key, bytes.NewReader(data), int64(len(data))))
}

func read(t *testing.T, s blob.Store, key string, from, n int64) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), key, from, n)
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return data
}

func readBack(t *testing.T, s blob.Store) {
	for _, size := range []int{0, 1, 1000, 17 << 20} {
		key, data := fmt.Sprintf("ws_a/att_%d", size), content(size)
		put(t, s, key, data)
		require.True(t, bytes.Equal(data, read(t, s, key, 0, -1)), "%d bytes", size)
		if size < 100 {
			continue
		}
		for _, part := range [][2]int64{{0, 1}, {0, 10}, {5, 1}, {int64(size) - 3, -1}, {int64(size) - 3, 100}, {7, 0}} {
			want := data[part[0]:]
			if n := part[1]; n >= 0 && n < int64(len(want)) {
				want = want[:n]
			}
			require.True(t, bytes.Equal(want, read(t, s, key, part[0], part[1])), "%d bytes from %d of %d", part[1], part[0], size)
		}
		require.Empty(t, read(t, s, key, int64(size)+5, 10))
	}
	_, err := s.Open(t.Context(), "ws_a/att_none", 0, -1)
	require.ErrorIs(t, err, blob.ErrNotFound)
	_, err = s.Open(t.Context(), "ws_a/att_none", 0, 0)
	if err != nil {
		require.ErrorIs(t, err, blob.ErrNotFound)
	}
}

// broken fails after its bytes.
type broken struct{ io.Reader }

var errBroken = errors.New("the line is cut")

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errBroken
	}
	return n, err
}

func failed(t *testing.T, s blob.Store) {
	gone := func(key string) {
		t.Helper()
		_, err := s.Open(t.Context(), key, 0, -1)
		require.ErrorIs(t, err, blob.ErrNotFound)
	}
	for name, size := range map[string]int{"small": 100, "large": 20 << 20} {
		data := content(size)
		cut := "ws_b/cut_" + name
		require.ErrorIs(t, s.Put(t.Context(), cut, broken{bytes.NewReader(data[:size-1])}, int64(size)), errBroken)
		gone(cut)
		short := "ws_b/short_" + name
		require.ErrorIs(t, s.Put(t.Context(), short, bytes.NewReader(data[:size-1]), int64(size)), io.ErrUnexpectedEOF)
		gone(short)
		long := "ws_b/long_" + name
		require.ErrorContains(t, s.Put(t.Context(), long, bytes.NewReader(data), int64(size-1)), "longer")
		gone(long)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, s.Put(ctx, "ws_b/over_"+name, bytes.NewReader(data), int64(size)))
		gone("ws_b/over_" + name)
	}
	left, err := s.List(t.Context(), "ws_b/", "", 10)
	require.NoError(t, err)
	require.Empty(t, left)
}

func keys(t *testing.T, s blob.Store) {
	for _, key := range []string{"", "/", "a//b", "../x", "a/../b", "/a", "a/", "A", "a.b", "a\\b", "a\x00b", "c:", "ä", "a b", strings.Repeat("a", 300)} {
		require.Error(t, s.Put(t.Context(), key, strings.NewReader("x"), 1), "%q", key)
		_, err := s.Open(t.Context(), key, 0, -1)
		require.Error(t, err, "%q", key)
		require.Error(t, s.Delete(t.Context(), key), "%q", key)
	}
}

func list(t *testing.T, s blob.Store) {
	var all []string
	for _, key := range []string{"ws_c/att_1", "ws_c/att_10", "ws_c/att_2", "ws_c/att_2x/deep", "ws_c1/att_1", "ws_d/att_1"} {
		put(t, s, key, []byte(key))
		all = append(all, key)
	}
	see := func(prefix, after string, limit int) []string {
		t.Helper()
		got, err := s.List(t.Context(), prefix, after, limit)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, all[:4], see("ws_c/", "", 100))
	require.Equal(t, all[:5], see("ws_c", "", 100))
	require.Equal(t, all[:2], see("ws_c/", "", 2))
	require.Equal(t, all[2:4], see("ws_c/", all[1], 100))
	require.Equal(t, []string{all[3]}, see("ws_c/att_2x/", "", 100))
	require.Empty(t, see("ws_none/", "", 100))
	require.NoError(t, s.Delete(t.Context(), all[0], "ws_c/att_none", all[3]))
	require.NoError(t, s.Delete(t.Context()))
	require.Equal(t, all[1:3], see("ws_c/", "", 100))
	require.NoError(t, s.Delete(t.Context(), all...))
	require.Empty(t, see("ws_c", "", 100))
	put(t, s, all[0], []byte("again"))
	require.NoError(t, s.Delete(t.Context(), all[0]))
}

// concurrent puts and deletes side by side in the same places.
func concurrent(t *testing.T, s blob.Store) {
	var wg sync.WaitGroup
	errs := make(chan error, 1000)
	for w := range 8 {
		wg.Go(func() {
			for i := range 10 {
				key := fmt.Sprintf("ws_e/w%d_%d", w, i)
				err := s.Put(t.Context(), key, strings.NewReader(key), int64(len(key)))
				if err == nil {
					var r io.ReadCloser
					if r, err = s.Open(t.Context(), key, 0, -1); err == nil {
						var data []byte
						if data, err = io.ReadAll(r); string(data) != key {
							err = errors.Join(err, fmt.Errorf("%s holds %q", key, data))
						}
						err = errors.Join(err, r.Close())
					}
				}
				if err = errors.Join(err, s.Delete(t.Context(), key)); err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}
