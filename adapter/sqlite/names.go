package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/livetables/livetables/adapter"
)

// syncNames makes the names of the file and of its log durable, before anything is acknowledged that lies in them. The
// driver syncs what a file contains; a power failure may still take the name of a new file away, or give an old log its
// name back. The log keeps its name from now on: it is removed when the last connection ends, and the writer's stays.
func (a *Adapter) syncNames() error {
	dir := filepath.Dir(a.path)
	sync := syncDir
	if s, ok := vfs.Find(a.vfs).(interface{ SyncDir(path string) error }); ok {
		sync = s.SyncDir
	}
	if err := sync(dir); err != nil {
		return fmt.Errorf("sync directory of the file: %w: %w", adapter.ErrUnavailable, err)
	}
	return nil
}

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
