package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// HeadFile is a HeadSink that appends heads to a file, one JSON object a line; they are on disk when WriteHeads returns. It
// proves something only where those who can write to the store cannot write: on another machine's file system or one that
// only appends. The file may be moved away at any time. The zero HeadFile is not usable; its methods may be called from many
// goroutines, of one process.
type HeadFile struct {
	mu   sync.Mutex
	path string
}

// NewHeadFile is a HeadFile at path; the file is created with the first heads, readable by its owner only.
func NewHeadFile(path string) *HeadFile { return &HeadFile{path: path} }

// WriteHeads implements [HeadSink]. What a crash left of a last line is overwritten.
func (f *HeadFile) WriteHeads(ctx context.Context, heads []Head) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil || len(heads) == 0 {
		return err
	}
	var lines bytes.Buffer
	for i := range heads {
		line, err := json.Marshal(&heads[i])
		if err != nil {
			return fmt.Errorf("encode head: %w", err)
		}
		lines.Write(line)
		lines.WriteByte('\n')
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open file of heads: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("file of heads: %w", err)
	}
	end := info.Size()
	if end > 0 {
		start, _, whole, err := lastLine(file, end)
		if err != nil {
			return fmt.Errorf("file of heads: %w", err)
		}
		if !whole {
			end = start
		}
	}
	if _, err := file.WriteAt(lines.Bytes(), end); err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	if err := file.Truncate(end + int64(lines.Len())); err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync heads: %w", err)
	}
	return syncDir(filepath.Dir(f.path))
}

// maxHeadLine bounds a line of a file of heads.
const maxHeadLine = 4 << 10

// NewestHeads reads lines of a HeadFile and gives the head with the highest number of every workspace. What a crash left of
// a last line is passed over; anything else that is no head is ErrCorrupt. Signatures are not looked at.
func NewestHeads(r io.Reader) ([]Head, error) {
	newest := map[string]int{}
	var heads []Head
	lines := bufio.NewReaderSize(r, maxHeadLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return heads, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read head in line %d: %w", n, err)
		}
		var h Head
		if err := json.Unmarshal(line, &h); err != nil || h.Sequence <= 0 || len(h.Hash) != DigestSize {
			return nil, fmt.Errorf("%w: line %d is no head", ErrCorrupt, n)
		}
		i, ok := newest[h.Workspace]
		switch {
		case !ok:
			newest[h.Workspace] = len(heads)
			heads = append(heads, h)
		case h.Sequence > heads[i].Sequence:
			heads[i] = h
		}
	}
}
