package spill

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

func create(t *testing.T, s *Scratch) lqp.SpillFile {
	t.Helper()
	f, err := s.Create()
	require.NoError(t, err)
	return f
}

func read(t *testing.T, f lqp.SpillFile) []byte {
	t.Helper()
	r, err := f.Reader()
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

// Streams of random sizes, written and closed in turn, give back what was written to them; their space is used again.
func TestStreams(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	place := New(Options{Dir: t.TempDir()})
	s := place.Scratch(0)
	type written struct {
		f       lqp.SpillFile
		content []byte
		ended   bool
	}
	var open []*written
	most := 0
	for range 3000 {
		switch i := r.IntN(max(len(open), 1)); {
		case len(open) < 3 || r.IntN(10) == 0 && len(open) < 20:
			open = append(open, &written{f: create(t, s)})
		case r.IntN(12) == 0:
			require.True(t, bytes.Equal(open[i].content, read(t, open[i].f)))
			open[i].ended = true
		case r.IntN(12) == 0:
			require.NoError(t, open[i].f.Close())
			require.NoError(t, open[i].f.Close())
			open = append(open[:i], open[i+1:]...)
		case !open[i].ended:
			part := make([]byte, r.IntN(3*blockSize/2))
			for k := range part {
				part[k] = byte(r.Uint32())
			}
			n, err := open[i].f.Write(part)
			require.NoError(t, err)
			require.Equal(t, len(part), n)
			open[i].content = append(open[i].content, part...)
		}
		size := 0
		for _, w := range open {
			size += len(w.content)/blockSize + 1
		}
		most = max(most, size)
	}
	assert.LessOrEqual(t, place.Used(), int64(most)*(blockSize+16), "the space of closed streams is used again")
	for _, w := range open {
		require.True(t, bytes.Equal(w.content, read(t, w.f)))
		require.NoError(t, w.f.Close())
	}
	assert.Zero(t, place.Used())
	assert.Nil(t, s.file)
}

// Nothing of the content can be read on the disk, and the file has no name and no other readers.
func TestContentIsSealed(t *testing.T) {
	dir := t.TempDir()
	s := New(Options{Dir: filepath.Join(dir, "deep", "er")}).Scratch(0)
	f := create(t, s)
	secret := bytes.Repeat([]byte("a salary of 4711 "), 5000)
	_, err := f.Write(secret)
	require.NoError(t, err)
	require.Equal(t, secret, read(t, f))
	info, err := s.file.Stat()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw := make([]byte, info.Size())
	_, err = s.file.ReadAt(raw, 0)
	require.NoError(t, err)
	assert.False(t, bytes.Contains(raw, []byte("salary")))
	if s.name == "" {
		entries, err := os.ReadDir(filepath.Join(dir, "deep", "er"))
		require.NoError(t, err)
		assert.Empty(t, entries)
	}
	again, err := f.Reader()
	require.NoError(t, err)
	raw[blockSize+100] ^= 1 // in the second block
	_, err = s.file.WriteAt(raw, 0)
	require.NoError(t, err)
	got, err := io.ReadAll(again)
	require.ErrorIs(t, err, lqp.ErrSpill, "damage is noticed")
	assert.Len(t, got, blockSize)
	require.NoError(t, f.Close())
}

func TestLimits(t *testing.T) {
	place := New(Options{Dir: t.TempDir(), MaxBytes: 10 * (blockSize + 16)})
	one, other := place.Scratch(4*(blockSize+16)), place.Scratch(0)
	f := create(t, one)
	_, err := f.Write(make([]byte, 4*blockSize))
	require.NoError(t, err)
	_, err = f.Write(make([]byte, blockSize))
	var b *lqp.BudgetError
	require.ErrorAs(t, err, &b)
	assert.Equal(t, lqp.LimitDisk, b.Limit)
	assert.Equal(t, int64(4*(blockSize+16)), b.Max)
	g := create(t, other)
	_, err = g.Write(make([]byte, 7*blockSize))
	require.ErrorAs(t, err, &b)
	assert.Equal(t, int64(10*(blockSize+16)), b.Max, "that of the place")
	require.NoError(t, f.Close())
	_, err = g.Write(make([]byte, 3*blockSize))
	require.NoError(t, err, "what one query gives back another may take")
	require.NoError(t, g.Close())
	assert.Zero(t, place.Used())
}

func TestFailures(t *testing.T) {
	notDir := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(notDir, nil, 0o600))
	_, err := New(Options{Dir: notDir}).Scratch(0).Create()
	require.ErrorIs(t, err, lqp.ErrSpill)

	place := New(Options{Dir: t.TempDir()})
	s := place.Scratch(0)
	f := create(t, s)
	_, err = f.Write(make([]byte, blockSize))
	require.NoError(t, err)
	require.NoError(t, s.file.Close()) // as if the disk were gone
	_, err = f.Write(make([]byte, blockSize))
	require.ErrorIs(t, err, lqp.ErrSpill)
	r, err := f.Reader()
	require.ErrorIs(t, err, lqp.ErrSpill) // of the rest that was not written
	assert.Nil(t, r)
	require.ErrorIs(t, f.Close(), lqp.ErrSpill)
	assert.Zero(t, place.Used())
	_, err = f.Write([]byte("x"))
	require.ErrorIs(t, err, lqp.ErrSpill, "after Close")
	_, err = f.Reader()
	require.True(t, errors.Is(err, lqp.ErrSpill), "after Close")
}

// What an earlier process has left is removed before the first file is made, and nothing else is.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{prefix + "123" + suffix, "mine.tmp", prefix + "notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, prefix+"dir"+suffix), 0o700))
	f := create(t, New(Options{Dir: dir}).Scratch(0))
	defer f.Close()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	assert.Subset(t, names, []string{"mine.tmp", prefix + "notes.txt", prefix + "dir" + suffix})
	assert.NotContains(t, names, prefix+"123"+suffix)
	require.NoError(t, New(Options{Dir: filepath.Join(dir, "missing")}).Clear())
}
