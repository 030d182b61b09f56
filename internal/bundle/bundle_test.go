package bundle_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/bundle"
)

const format = "test format"

var limits = bundle.Limits{Bytes: 1 << 20, Lines: 100, Line: 100}

func scratch(t testing.TB) *os.File {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	return file
}

// build makes a bundle of texts of lines and a blob.
func build(t testing.TB, version int, texts map[string][]string) []byte {
	t.Helper()
	b := bundle.NewBuilder(scratch(t))
	defer func() { require.NoError(t, b.Close()) }()
	for _, name := range []string{"a.ndjson", "dir/b.ndjson", "empty.ndjson"} {
		b.Begin(name)
		for _, line := range texts[name] {
			require.NoError(t, b.Line([]byte(line)))
		}
	}
	content := []byte("content")
	sum := sha256.Sum256(content)
	b.Add(bundle.Entry{Name: "blobs/x", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}, func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
	m := b.Manifest(format, version, []byte(`{"x":1}`))
	var out bytes.Buffer
	require.NoError(t, b.WriteTo(t.Context(), &out, m))
	size, err := m.Size()
	require.NoError(t, err)
	require.Equal(t, size, int64(out.Len()))
	return out.Bytes()
}

func open(file []byte, l bundle.Limits) (*bundle.Reader, error) {
	return bundle.Open(bytes.NewReader(file), int64(len(file)), format, []int{1}, l)
}

func TestRoundTrip(t *testing.T) {
	texts := map[string][]string{"a.ndjson": {"1", "\r2", ""}, "dir/b.ndjson": {"x"}}
	file := build(t, 1, texts)
	require.Equal(t, file, build(t, 1, texts))
	r, err := open(file, limits)
	require.NoError(t, err)
	require.NoError(t, r.Verify(t.Context()))
	var lines []string
	require.NoError(t, r.Lines(t.Context(), "a.ndjson", func(line []byte) error { lines = append(lines, string(line)); return nil }))
	require.Equal(t, texts["a.ndjson"], lines)
	err = r.Lines(t.Context(), "dir/b.ndjson", func([]byte) error { return &bundle.Error{Reason: "no"} })
	require.EqualError(t, err, "dir/b.ndjson, line 1: no")
	body, err := io.ReadAll(r.Content("blobs/x"))
	require.NoError(t, err)
	require.Equal(t, "content", string(body))
	require.Nil(t, r.Content("nothing"))

	// Tar programs read it too.
	names := ""
	for in := tar.NewReader(bytes.NewReader(file)); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names += h.Name + " "
	}
	require.Equal(t, "manifest.json a.ndjson dir/b.ndjson empty.ndjson blobs/x ", names)
}

func TestRefused(t *testing.T) {
	file := build(t, 1, map[string][]string{"a.ndjson": {strings.Repeat("x", 90)}})
	for name, c := range map[string]struct {
		file   []byte
		limits bundle.Limits
		want   string
	}{
		"a later version": {build(t, 2, nil), limits, "version 2"},
		"too long":        {file, bundle.Limits{Bytes: 100}, "100 are taken"},
		"too many lines":  {file, bundle.Limits{Bytes: 1 << 20, Line: 100}, "more than 0 lines"},
		"cut":             {file[:len(file)-1], limits, "cut short"},
		"more":            {append(bytes.Clone(file), 0), limits, "follows the end"},
		"empty":           {nil, limits, "no archive"},
		"another file":    {bytes.Repeat([]byte("x"), 2000), limits, "no archive"},
		"a plain tar":     {plainTar(t), limits, "no archive"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(c.file, c.limits)
			require.ErrorAs(t, err, new(*bundle.Error))
			require.ErrorContains(t, err, c.want)
		})
	}
	r, err := open(file, bundle.Limits{Bytes: 1 << 20, Lines: 10, Line: 80})
	require.NoError(t, err)
	require.ErrorContains(t, r.Lines(t.Context(), "a.ndjson", func([]byte) error { return nil }), "at most 80 bytes")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Verify(ctx), context.Canceled)
}

func plainTar(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: bundle.ManifestName, Linkname: "/etc/passwd"}))
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestEveryBit changes every byte of a bundle: none of them is without meaning.
func TestEveryBit(t *testing.T) {
	file := build(t, 1, map[string][]string{"a.ndjson": {"1"}})
	about := bytes.Index(file, []byte(`{"x":1}`)) // which is for the format to check
	for at := range file {
		if at >= about && at < about+len(`{"x":1}`) {
			continue
		}
		changed := bytes.Clone(file)
		changed[at] ^= 4
		r, err := open(changed, limits)
		if err == nil {
			err = r.Verify(t.Context())
		}
		require.ErrorAs(t, err, new(*bundle.Error), fmt.Sprint("byte ", at))
	}
}

// FuzzOpen: whatever a file is, reading it ends with an error of its own or with a bundle that is just what is written for its
// contents.
func FuzzOpen(f *testing.F) {
	f.Add(build(f, 1, map[string][]string{"a.ndjson": {"1", "2"}}))
	f.Add(build(f, 2, nil))
	f.Add(plainTar(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := open(file, limits)
		if err == nil {
			err = r.Verify(t.Context())
		}
		if err != nil {
			require.ErrorAs(t, err, new(*bundle.Error))
			return
		}
		b := bundle.NewBuilder(scratch(t))
		defer func() { require.NoError(t, b.Close()) }()
		for _, e := range r.Entries {
			b.Add(e, func(context.Context) (io.ReadCloser, error) { return io.NopCloser(r.Content(e.Name)), nil })
		}
		var again bytes.Buffer
		require.NoError(t, b.WriteTo(t.Context(), &again, b.Manifest(r.Format, r.Version, r.About)))
		require.Equal(t, file, again.Bytes())
	})
}
