package differential

import (
	"bytes"
	"io"

	"github.com/livetables/livetables/lqp"
)

// heap is temporary storage that is none: what a run with a small budget puts aside stays in memory, where the tests want
// it to be soon.
type heap struct{}

// Create implements [lqp.Spill].
func (heap) Create() (lqp.SpillFile, error) { return &heapFile{}, nil }

type heapFile struct{ b bytes.Buffer }

// Write implements [lqp.SpillFile].
func (f *heapFile) Write(p []byte) (int, error) { return f.b.Write(p) }

// Reader implements [lqp.SpillFile].
func (f *heapFile) Reader() (io.Reader, error) { return bytes.NewReader(f.b.Bytes()), nil }

// Close implements [lqp.SpillFile].
func (f *heapFile) Close() error { return nil }
