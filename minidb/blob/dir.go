package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Dir keeps blobs as files of a directory. What is on its way lies beside the others under a name that no key has.
type Dir struct {
	root  string
	mu    sync.Mutex
	known map[string]bool // directories that were made durable
}

var _ Store = (*Dir)(nil)

// underway is the beginning of the names of files that are being written.
const underway = ".part-"

// abandoned is the age at which what is underway was left by a crash.
const abandoned = 24 * time.Hour

// OpenDir makes a store of a directory, which it creates, readable by its owner only, and in which it removes what crashes
// left half written a day ago or more.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	d := &Dir{root: path, known: map[string]bool{}}
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(e.Name(), underway) {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // another process's, which has just ended
			return nil
		}
		if err != nil || time.Since(info.ModTime()) < abandoned {
			return err
		}
		return os.Remove(name)
	})
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	return d, nil
}

func (d *Dir) path(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

// Put implements [Store].
func (d *Dir) Put(ctx context.Context, key string, r io.Reader, size int64) (err error) {
	if err := CheckKey(key); err != nil {
		return err
	}
	path := d.path(key)
	file, err := d.begin(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("put blob: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("put blob: %w", err)
		}
	}()
	_, err = io.Copy(file, Exactly(&cancelled{ctx, r}, size))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// begin begins a file in a directory of the store. The directory is not removed from then on.
func (d *Dir) begin(dir string) (*os.File, error) {
	for try := 0; ; try++ {
		if err := d.makeDir(dir); err != nil {
			return nil, err
		}
		file, err := os.CreateTemp(dir, underway)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || try == 10 {
			return file, err
		}
		d.mu.Lock() // the last of its files was deleted just now, perhaps by another process
		delete(d.known, dir)
		d.mu.Unlock()
	}
}

// makeDir makes a directory of the store, durably.
func (d *Dir) makeDir(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known[path] {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for at := path; ; at = filepath.Dir(at) {
		if err := syncDir(filepath.Dir(at)); err != nil {
			return err
		}
		if at == d.root || len(at) <= len(d.root) {
			break
		}
	}
	if len(d.known) > 10_000 {
		clear(d.known)
	}
	d.known[path] = true
	return nil
}

// Open implements [Store].
func (d *Dir) Open(_ context.Context, key string, from, n int64) (io.ReadCloser, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	file, err := os.Open(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("open blob: %w", err), file.Close())
	}
	if n < 0 {
		return file, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(file, n), file}, nil
}

// Delete implements [Store]. Directories that are empty then are removed.
func (d *Dir) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := CheckKey(key); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		path := d.path(key)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete blob: %w", err)
		}
		d.tidy(filepath.Dir(path))
	}
	return nil
}

// tidy removes a directory and those above it while they are empty.
func (d *Dir) tidy(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; len(path) > len(d.root); path = filepath.Dir(path) {
		if os.Remove(path) != nil { // not empty, or gone
			return
		}
		delete(d.known, path)
	}
}

// List implements [Store].
func (d *Dir) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	var keys []string
	top := d.root
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		if err := CheckKey(prefix[:i]); err != nil {
			return nil, err
		}
		top = d.path(prefix[:i])
	}
	err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case e.IsDir() || strings.HasPrefix(e.Name(), underway):
			return nil
		}
		rel, err := filepath.Rel(d.root, name)
		if key := filepath.ToSlash(rel); err == nil && strings.HasPrefix(key, prefix) && key > after {
			if keys = append(keys, key); len(keys) == 2*limit {
				slices.Sort(keys)
				keys = keys[:limit]
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	slices.Sort(keys) // a directory's files lie apart from those of a name that goes on
	return keys[:min(limit, len(keys))], nil
}

// cancelled reads until its context ends.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// syncDir makes names in a directory durable.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
