package spill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/livetables/livetables/lqp"
)

// Options say where a Place is and how large it may become.
type Options struct {
	// Dir is the directory for the files, which is made when the first is written; empty for the system's directory for
	// temporary files. Several processes may share one.
	Dir string
	// MaxBytes bounds what all queries together keep on disk, 0 for no limit.
	MaxBytes int64
}

// Place is a directory for temporary files. It may be used from many goroutines.
//
// A file is readable by its owner only, and where the system allows it its name is removed before anything is written: it
// is gone with the process, however that ends. Its content is encrypted with a key that is never stored, so that what is
// left in free blocks of a disk says nothing.
type Place struct {
	opt   Options
	used  atomic.Int64
	first sync.Once
}

// New makes a place. It touches no disk.
func New(opt Options) *Place { return &Place{opt: opt} }

// Used is how many bytes are on disk now.
func (p *Place) Used() int64 { return p.used.Load() }

// Scratch is the storage of one query, which may keep maxBytes in it, 0 for no limit but that of the place. No file is
// made before something is written, and none is left once everything written was closed.
func (p *Place) Scratch(maxBytes int64) *Scratch { return &Scratch{place: p, max: maxBytes} }

// The names of files begin and end so.
const prefix, suffix = "livetables-spill-", ".tmp"

func (p *Place) dir() string {
	if p.opt.Dir == "" {
		return os.TempDir()
	}
	return p.opt.Dir
}

// Clear removes the files that a process has left which ended between making one and removing its name, or on a system
// that keeps the names of open files. It is called by itself before the first file is made. Files in use are not harmed:
// where they still have a name, the system does not let it go.
func (p *Place) Clear() error {
	entries, err := os.ReadDir(p.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("temporary storage: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); e.Type().IsRegular() && strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
			_ = os.Remove(filepath.Join(p.dir(), name)) // another process may have been faster, or uses it
		}
	}
	return nil
}

// create makes a file and removes its name if the system allows it, else answers with the name.
func (p *Place) create() (f *os.File, name string, err error) {
	p.first.Do(func() { err = errors.Join(p.makeDir(), p.Clear()) })
	if err == nil {
		f, err = os.CreateTemp(p.dir(), prefix+"*"+suffix) // 0600
	}
	if err != nil {
		return nil, "", failure(err)
	}
	if os.Remove(f.Name()) != nil {
		name = f.Name()
	}
	return f, name, nil
}

func (p *Place) makeDir() error {
	if p.opt.Dir == "" {
		return nil
	}
	return os.MkdirAll(p.opt.Dir, 0o700)
}

// failure is an error of the disk as one of temporary storage.
func failure(err error) error { return fmt.Errorf("%w: %w", lqp.ErrSpill, err) }

// claim takes bytes of the place.
func (p *Place) claim(bytes int64) error {
	if n := p.used.Add(bytes); p.opt.MaxBytes > 0 && n > p.opt.MaxBytes {
		p.used.Add(-bytes)
		return &lqp.BudgetError{Limit: lqp.LimitDisk, Max: p.opt.MaxBytes}
	}
	return nil
}
