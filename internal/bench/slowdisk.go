package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
)

// The times that a sync takes longer than on the machine's own disk, as on disks in the network.
var slowSyncs = []time.Duration{time.Millisecond, 3 * time.Millisecond}

// measureSlowDisk compares durable inserts into SQLite files on disks whose syncs take longer. What writers gain who share a commit are the
// syncs that they save, which is little on a fast disk.
func measureSlowDisk(ctx context.Context, b *bench) error {
	for _, sync := range slowSyncs {
		if err := b.onSlowDisk(ctx, sync); err != nil {
			return fmt.Errorf("a disk that syncs in %s: %w", sync, err)
		}
	}
	return nil
}

func (b *bench) onSlowDisk(ctx context.Context, sync time.Duration) (err error) {
	disk := slowDisk{VFS: vfs.Find(""), sync: sync}
	vfs.Register(slowDiskName, disk)
	defer vfs.Unregister(slowDiskName)
	dir, err := os.MkdirTemp(b.dir, "slow-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	plain, err := openPlainSQLite((&url.URL{Scheme: "file", Path: filepath.Join(dir, "plain.db"), RawQuery: "vfs=" + slowDiskName}).String(), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	w, err := openWorldOn(ctx, dir, func(ctx context.Context) (adapter.Store, error) {
		return sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{VFS: slowDiskName})
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.furnish(ctx); err != nil {
		return err
	}
	m := &miniInside{miniBench: &miniBench{bench: b, place: &miniPlace{name: "SQLite, syncs of " + sync.String()}, way: inProcess}, w: w, plain: plain}
	if err := m.emptyTable(ctx); err != nil {
		return err
	}
	return m.inserts(ctx)
}

const slowDiskName = "slow"

// slowDisk is the operating system's with syncs that take longer.
type slowDisk struct {
	vfs.VFS
	sync time.Duration
}

// OpenFilename implements vfs.VFSFilename.
func (d slowDisk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	if err != nil || name == nil {
		return f, out, err
	}
	return slowFile{f, d.sync}, out, nil
}

// SyncDir is what the store asks of a file system of its own.
func (d slowDisk) SyncDir(string) error {
	time.Sleep(d.sync)
	return nil
}

type slowFile struct {
	vfs.File
	sync time.Duration
}

// Sync implements vfs.File.
func (f slowFile) Sync(flags vfs.SyncFlag) error {
	time.Sleep(f.sync)
	return f.File.Sync(flags)
}

// LockState implements vfs.FileLockState.
func (f slowFile) LockState() vfs.LockLevel { return vfsutil.WrapLockState(f.File) }

// PersistWAL implements vfs.FilePersistWAL.
func (f slowFile) PersistWAL() bool { return vfsutil.WrapPersistWAL(f.File) }

// SetPersistWAL implements vfs.FilePersistWAL.
func (f slowFile) SetPersistWAL(keep bool) { vfsutil.WrapSetPersistWAL(f.File, keep) }

// HasMoved implements vfs.FileHasMoved.
func (f slowFile) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(f.File) }

// SharedMemory implements vfs.FileSharedMemory.
func (f slowFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }

// Unwrap implements vfs.FileUnwrap.
func (f slowFile) Unwrap() vfs.File { return f.File }

var (
	_ vfs.VFSFilename      = slowDisk{}
	_ vfs.FileSharedMemory = slowFile{}
)
