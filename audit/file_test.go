package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func entries(from, to int64) []Entry {
	var out []Entry
	for p := from; p <= to; p++ {
		out = append(out, Entry{
			Position: p, ID: fmt.Sprintf("chg_%d", p), At: time.Date(2026, 3, 1, 12, 0, int(p%60), 0, time.UTC), Actor: "usr_1",
			Action: "row.update", ResourceType: "row", Resource: "row_1", After: json.RawMessage("{\n \"col_1\": \"a\\nb\" }"),
		})
	}
	return out
}

// positions reads the whole file, as a program that follows it would.
func positions(t *testing.T, path string) []int64 {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, len(data) == 0 || data[len(data)-1] == '\n')
	var out []int64
	for line := range bytes.Lines(data) {
		var e Entry
		require.NoError(t, json.Unmarshal(line, &e))
		require.Equal(t, `{"col_1":"a\nb"}`, string(e.After))
		out = append(out, e.Position)
	}
	return out
}

func span(from, to int64) (out []int64) {
	for p := from; p <= to; p++ {
		out = append(out, p)
	}
	return out
}

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path, FileOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// A deleted workspace takes its entries along: what follows them must not wait for them.
func TestFileGoesOnAfterAGap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := open(t, path)
	require.NoError(t, f.WriteEntries(t.Context(), entries(1, 2)))
	require.NoError(t, f.WriteEntries(t.Context(), entries(7, 8)))
	require.Equal(t, []int64{1, 2, 7, 8}, positions(t, path))
}

func TestFileKeepsEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := open(t, path)
	require.Zero(t, f.Position())
	require.NoError(t, f.WriteEntries(t.Context(), entries(5, 7)), "a new file begins anywhere")
	require.NoError(t, f.WriteEntries(t.Context(), entries(6, 9)), "repeats are skipped")
	require.NoError(t, f.WriteEntries(t.Context(), entries(5, 9)))
	require.NoError(t, f.WriteEntries(t.Context(), nil))
	require.EqualValues(t, 9, f.Position())
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	require.Error(t, f.WriteEntries(t.Context(), entries(10, 10)))

	f = open(t, path)
	require.EqualValues(t, 9, f.Position())
	require.NoError(t, f.WriteEntries(t.Context(), entries(8, 12)))
	require.Equal(t, span(5, 12), positions(t, path))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, f.WriteEntries(ctx, entries(13, 13)), context.Canceled)
}

// TestFileAfterACrash cuts the file in many places: what is whole stays, and writing goes on from there.
func TestFileAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := open(t, path)
	require.NoError(t, f.WriteEntries(t.Context(), entries(1, 3)))
	require.NoError(t, f.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := 0; cut <= len(whole); cut += 1 + cut%13 {
		for _, tail := range [][]byte{nil, make([]byte, 100), append(make([]byte, 9), '\n')} {
			require.NoError(t, os.WriteFile(path, append(bytes.Clone(whole[:cut]), tail...), 0o600))
			f := open(t, path)
			want := int64(bytes.Count(whole[:cut], []byte("\n")))
			require.Equal(t, want, f.Position(), "cut at %d, tail of %d", cut, len(tail))
			require.NoError(t, f.WriteEntries(t.Context(), entries(want+1, 4)))
			require.NoError(t, f.Close())
			require.Equal(t, span(1, 4), positions(t, path))
		}
	}
}

func TestFileWithLongLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for i, size := range []int{1, 64<<10 - 300, 64 << 10, 1 << 20, 10} {
		f := open(t, path)
		require.EqualValues(t, i, f.Position())
		e := entries(int64(i+1), int64(i+1))
		e[0].Reason = strings.Repeat("x", size)
		require.NoError(t, f.WriteEntries(t.Context(), e))
		require.NoError(t, f.Close())
	}
	f := open(t, path)
	require.NoError(t, f.WriteEntries(t.Context(), entries(6, 6)))
	require.Equal(t, span(1, 6), positions(t, path))
}

func TestFileOfSomebodyElse(t *testing.T) {
	for name, content := range map[string]string{
		"text": "hello\n", "object": "{}\n", "no position": `{"id":"chg_1"}` + "\n", "appended": `{"position":1}` + "\nx\n", "empty line": "\n",
	} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := OpenFile(path, FileOptions{})
		require.ErrorIs(t, err, ErrCorrupt, name)
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(kept), name)
	}
	_, err := OpenFile(t.TempDir(), FileOptions{})
	require.Error(t, err)
	_, err = OpenFile(filepath.Join(t.TempDir(), "none", "audit.jsonl"), FileOptions{})
	require.Error(t, err)
}

// TestFileAfterAFailedWrite closes the descriptor under the sink, so that writing fails: nothing is acknowledged, and the
// same call succeeds later.
func TestFileAfterAFailedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := open(t, path)
	require.NoError(t, f.WriteEntries(t.Context(), entries(1, 2)))
	require.NoError(t, f.file.Close())
	require.Error(t, f.WriteEntries(t.Context(), entries(3, 4)))
	require.EqualValues(t, 2, f.Position())
	require.NoError(t, f.WriteEntries(t.Context(), entries(3, 4)))
	require.Equal(t, span(1, 4), positions(t, path))

	// Half of a failed write reached the file.
	require.NoError(t, f.file.Close())
	require.Error(t, f.WriteEntries(t.Context(), entries(5, 6)))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(data, `{"position":5,"id"`...), 0o600))
	require.NoError(t, f.WriteEntries(t.Context(), entries(5, 6)))
	require.Equal(t, span(1, 6), positions(t, path))

	// Entries that were acknowledged are gone: that is not passed over.
	require.NoError(t, f.file.Close())
	require.Error(t, f.WriteEntries(t.Context(), entries(7, 7)))
	require.NoError(t, os.WriteFile(path, data[:bytes.IndexByte(data, '\n')+1], 0o600))
	require.ErrorIs(t, f.WriteEntries(t.Context(), entries(7, 7)), ErrCorrupt)
}

func TestFileConcurrency(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := open(t, path)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for to := int64(10); to <= 100; to += 10 {
				if err := f.WriteEntries(t.Context(), entries(1, to)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, span(1, 100), positions(t, path))
}

func ExampleOpenFile() {
	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	f, err := OpenFile(filepath.Join(dir, "audit.jsonl"), FileOptions{})
	if err != nil {
		panic(err)
	}
	defer f.Close()
	err = f.WriteEntries(context.Background(), []Entry{{Position: 1, ID: "chg_1", Actor: "usr_1", Action: "row.insert", ResourceType: "row", Resource: "row_1"}})
	fmt.Println(f.Position(), err)
	// Output: 1 <nil>
}
