package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// The errors of a File, besides those of the file system.
var (
	// ErrCorrupt means that the file's last line is not an entry: it is not an audit file, or somebody wrote into it.
	ErrCorrupt = errors.New("audit file is corrupt")
	errClosed  = errors.New("audit file is closed")
)

// FileOptions tune a File. The zero FileOptions keep everything in one file.
type FileOptions struct {
	// MaxBytes is the size at which a file is set aside: it gets the position of its last entry as the end of its name,
	// nineteen digits long so that names sort as positions do, and a new one is begun. It is exceeded by one call's
	// entries. 0 sets no file aside.
	MaxBytes int64
}

// File is a Sink that appends entries to a file, one JSON object a line. Entries are on disk when WriteEntries returns, all
// of them or, after an error, none. A file has one File at a time; other programs may read it, and may move it away while
// it is not open: the next one goes on after the newest file that was set aside, or begins with whatever entry comes first.
// Files that were set aside are never touched again. Its methods may be called from many goroutines.
type File struct {
	path string
	opt  FileOptions

	mu       sync.Mutex
	file     *os.File // nil when closed
	size     int64    // of what is known to be whole
	position int64
	broken   bool // a write failed: what the file holds must be found out again
}

var _ Sink = (*File)(nil)

// OpenFile opens the audit file at path and finds where it ends, or creates it, readable by its owner only. A last line
// that a crash cut short was never acknowledged and is removed.
func OpenFile(path string, opt FileOptions) (*File, error) {
	f := &File{path: path, opt: opt}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// Position is that of the last entry in the file, 0 when it is empty: where a relay that keeps no position of its own
// goes on.
func (f *File) Position() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.position
}

// WriteEntries implements [Sink]. Entries that the file has already are skipped. After an error the same call may be
// repeated.
func (f *File) WriteEntries(ctx context.Context, entries []Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.file == nil && !f.broken {
		return errClosed
	}
	if f.broken {
		if err := f.open(); err != nil {
			return err
		}
	}
	var lines bytes.Buffer
	last := f.position
	for i := range entries {
		e := &entries[i]
		if e.Position <= last {
			continue
		}
		line, err := json.Marshal(e) // on one line: it also compacts the raw parts
		if err != nil {
			return fmt.Errorf("encode audit entry %d: %w", e.Position, err)
		}
		lines.Write(line)
		lines.WriteByte('\n')
		last = e.Position
	}
	if lines.Len() == 0 {
		return nil
	}
	if f.opt.MaxBytes > 0 && f.size >= f.opt.MaxBytes {
		if err := f.setAside(); err != nil {
			return err
		}
	}
	if _, err := f.file.WriteAt(lines.Bytes(), f.size); err != nil {
		return f.failed("write", err)
	}
	if err := f.file.Sync(); err != nil {
		return f.failed("sync", err)
	}
	f.size += int64(lines.Len())
	f.position = last
	return nil
}

// failed takes back what was written. When even that fails, and after a failed sync, which leaves open what is on disk,
// the next call opens the file anew.
func (f *File) failed(op string, err error) error {
	f.broken = true
	cut := f.file.Truncate(f.size)
	_ = f.file.Close()
	f.file = nil
	return errors.Join(fmt.Errorf("%s audit file: %w", op, err), cut)
}

// Close closes the file. Closing twice is harmless.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = false
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// open opens or creates the file, repairs its end and finds the last position.
func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open audit file: %w", err)
	}
	size, position, err := findEnd(file)
	if err == nil && size == 0 {
		position, err = f.asideEnd()
	}
	if f.broken && position > f.position {
		// What was written and not acknowledged may be seen and never have reached the disk, although the next sync succeeds.
		size, position = min(size, f.size), f.position
	}
	if err == nil {
		err = file.Truncate(size)
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = syncDir(filepath.Dir(f.path))
	}
	if err == nil && f.broken && position < f.position {
		// Acknowledged entries are gone; going on would hide that.
		err = fmt.Errorf("%w: it ended at position %d and now ends at %d", ErrCorrupt, f.position, position)
	}
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("open audit file %s: %w", f.path, err)
	}
	f.file, f.size, f.position, f.broken = file, size, position, false
	return nil
}

// findEnd finds the end of the last whole line and its entry's position. What a crash left behind it is not counted: the
// beginning of a line, or blocks of zeros that the file system had not filled yet.
func findEnd(file *os.File) (size, position int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	end := info.Size()
	for end > 0 {
		start, line, whole, err := lastLine(file, end)
		if err != nil {
			return 0, 0, err
		}
		if !whole || bytes.IndexByte(line, 0) >= 0 {
			end = start
			continue
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || e.Position <= 0 {
			return 0, 0, fmt.Errorf("%w: the line at byte %d is no entry", ErrCorrupt, start)
		}
		return end, e.Position, nil
	}
	return 0, 0, nil
}

// lastLine reads the last line before end, going backwards block by block. whole is false when it lacks its line feed.
func lastLine(file io.ReaderAt, end int64) (start int64, line []byte, whole bool, err error) {
	const block = 64 << 10
	for from := end; from > 0; {
		n := min(from, block)
		from -= n
		chunk := make([]byte, n, n+int64(len(line)))
		if _, err := file.ReadAt(chunk, from); err != nil {
			return 0, nil, false, err
		}
		line = append(chunk, line...)
		body := line
		if body[len(body)-1] == '\n' {
			whole, body = true, body[:len(body)-1]
		}
		if i := bytes.LastIndexByte(body[:min(int64(len(body)), n)], '\n'); i >= 0 {
			return from + int64(i) + 1, body[i+1:], whole, nil
		}
		if from == 0 {
			return 0, body, whole, nil
		}
	}
	return 0, nil, false, nil
}

// syncDir makes a new name in dir durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
