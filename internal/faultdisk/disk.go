package faultdisk

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Disk is a virtual file system over the files of one directory. Its methods may be called from many goroutines.
type Disk struct {
	name string
	dir  string
	os   vfs.VFS

	mu      sync.Mutex
	down    bool             // the power is off
	nodes   map[string]*node // by path: what a program sees
	durable map[string]*node // by path: what the directory on the platters names
	names   []nameChange     // since the directory was synced, in their order
	faults  Faults
	random  *rand.Rand
	counts  Counts
}

// nameChange gives a path to a file, or takes it away when there is none.
type nameChange struct {
	path string
	node *node
}

// New makes a disk of the databases of a directory, whose names end with .db and which are taken as durable, and registers it with the driver under a name
// that no other disk of the process may have. Close takes it out again.
func New(name, dir string) (*Disk, error) {
	d := &Disk{name: name, dir: dir, os: vfs.Find(""), nodes: map[string]*node{}, durable: map[string]*node{}}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("make disk: %w", err)
	}
	for _, e := range list {
		path := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() || !Keeps(e.Name()) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("make disk: %w", err)
		}
		n := &node{synced: text, size: int64(len(text))}
		d.nodes[path], d.durable[path] = n, n
	}
	vfs.Register(name, d)
	return d, nil
}

// Name is the name that the disk is registered under.
func (d *Disk) Name() string { return d.name }

// Close takes the disk out of the driver's register. Connections that use it must have ended.
func (d *Disk) Close() { vfs.Unregister(d.name) }

// Keeps tells the files of databases, by their names, from others that lie beside them. The index of a log is none: it is
// made anew from the log.
func Keeps(name string) bool {
	base, _, _ := strings.Cut(name, "-")
	return strings.HasSuffix(base, ".db") && !strings.HasSuffix(name, "-shm")
}

// errPower is what everything answers that is done after the power has failed.
var errPower = errors.New("the power is off")

// Open implements vfs.VFS.
func (d *Disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == "" { // a temporary file
		return d.OpenFilename(nil, flags)
	}
	return nil, flags, sqlite3.CANTOPEN
}

// OpenFilename implements vfs.VFSFilename.
func (d *Disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fault(OnOpen); err != nil {
		return nil, flags, vfs.SystemError(err, sqlite3.CANTOPEN)
	}
	file, out, err := vfsutil.WrapOpenFilename(d.os, name, flags)
	if err != nil || name == nil {
		return file, out, err
	}
	path := name.String()
	n := d.nodes[path]
	if n == nil { // made by this call, or by the store just before it
		n = &node{}
		d.nodes[path] = n
		d.names = append(d.names, nameChange{path, n})
	}
	return &handle{File: file, disk: d, node: n}, out, nil
}

// Delete implements vfs.VFS.
func (d *Disk) Delete(path string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fault(OnDelete); err != nil {
		return vfs.SystemError(err, sqlite3.IOERR_DELETE)
	}
	if err := d.os.Delete(path, syncDir); err != nil {
		return err
	}
	if d.nodes[path] != nil {
		delete(d.nodes, path)
		d.names = append(d.names, nameChange{path, nil})
	}
	if syncDir {
		d.syncNames()
	}
	return nil
}

// Access implements vfs.VFS.
func (d *Disk) Access(name string, flags vfs.AccessFlag) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return false, vfs.SystemError(errPower, sqlite3.IOERR_ACCESS)
	}
	return d.os.Access(name, flags)
}

// FullPathname implements vfs.VFS.
func (d *Disk) FullPathname(name string) (string, error) { return d.os.FullPathname(name) }

// SyncDir makes the names in the directory durable.
func (d *Disk) SyncDir(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if path != d.dir {
		return fmt.Errorf("sync directory: %s is not on the disk: %w", path, fs.ErrNotExist)
	}
	if err := d.fault(OnSync); err != nil {
		return err
	}
	d.syncNames()
	return nil
}

func (d *Disk) syncNames() {
	for _, c := range d.names {
		d.rename(d.durable, c)
	}
	d.names = nil
}

func (*Disk) rename(names map[string]*node, c nameChange) {
	if c.node == nil {
		delete(names, c.path)
		return
	}
	names[c.path] = c.node
}
