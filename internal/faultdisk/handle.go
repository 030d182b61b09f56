package faultdisk

import (
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// handle is an open file. What it does goes to the file of the operating system, and is kept for a cut.
type handle struct {
	vfs.File
	disk *Disk
	node *node
}

// ReadAt implements vfs.File.
func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.disk.fault(OnRead); err != nil {
		return 0, vfs.SystemError(err, sqlite3.IOERR_READ)
	}
	return h.File.ReadAt(p, off)
}

// WriteAt implements vfs.File. A write that fails may have written a part.
func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.down {
		return 0, vfs.SystemError(errPower, sqlite3.IOERR_WRITE)
	}
	if err := h.disk.fault(OnWrite); err != nil {
		_ = h.write(p[:h.disk.random.IntN(len(p))], off) // it has failed already
		return 0, vfs.SystemError(err, sqlite3.IOERR_WRITE)
	}
	if room := h.disk.room(h.node.size, off+int64(len(p))); room < int64(len(p)) {
		_ = h.write(p[:max(0, room)], off)
		h.disk.counts.Full++
		return 0, sqlite3.FULL
	}
	if err := h.write(p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (h *handle) write(p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	if _, err := h.File.WriteAt(p, off); err != nil {
		return err
	}
	h.node.write(p, off)
	return nil
}

// Truncate implements vfs.File.
func (h *handle) Truncate(size int64) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.disk.fault(OnTruncate); err != nil {
		return vfs.SystemError(err, sqlite3.IOERR_TRUNCATE)
	}
	if err := h.File.Truncate(size); err != nil {
		return err
	}
	h.node.truncate(size)
	return nil
}

// Sync implements vfs.File. After one that fails the system may have forgotten what it could not write, and the next one
// succeeds: that is what Linux does (https://wiki.postgresql.org/wiki/Fsync_Errors).
func (h *handle) Sync(vfs.SyncFlag) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.disk.fault(OnSync); err != nil {
		if !h.disk.down {
			h.node.forget(h.disk.random)
		}
		return vfs.SystemError(err, sqlite3.IOERR_FSYNC)
	}
	h.node.sync() // the file itself needs no sync: this machine's power does not fail
	h.disk.counts.Syncs++
	return nil
}

// Size implements vfs.File.
func (h *handle) Size() (int64, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.down {
		return 0, vfs.SystemError(errPower, sqlite3.IOERR_FSTAT)
	}
	return h.File.Size()
}

// Lock implements vfs.File.
func (h *handle) Lock(level vfs.LockLevel) error {
	h.disk.mu.Lock()
	err := h.disk.fault(OnLock)
	h.disk.mu.Unlock()
	if err != nil {
		return vfs.SystemError(err, sqlite3.IOERR_LOCK)
	}
	return h.File.Lock(level)
}

// LockState implements vfs.FileLockState.
func (h *handle) LockState() vfs.LockLevel { return vfsutil.WrapLockState(h.File) }

// PersistWAL implements vfs.FilePersistWAL.
func (h *handle) PersistWAL() bool { return vfsutil.WrapPersistWAL(h.File) }

// SetPersistWAL implements vfs.FilePersistWAL.
func (h *handle) SetPersistWAL(keep bool) { vfsutil.WrapSetPersistWAL(h.File, keep) }

// HasMoved implements vfs.FileHasMoved.
func (h *handle) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(h.File) }

// SharedMemory implements vfs.FileSharedMemory.
func (h *handle) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(h.File) }

// Unwrap implements vfs.FileUnwrap.
func (h *handle) Unwrap() vfs.File { return h.File }
