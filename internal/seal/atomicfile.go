package seal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// createFile writes a new file beside path and links it into place: the file is never seen half written, a crash leaves no
// short key behind, and an existing file is never replaced (fs.ErrExist).
func createFile(path string, data []byte) error {
	temp, err := writeBeside(path, data)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp) }()
	if err := os.Link(temp, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		// A file system without hard links: claim the name itself, at the price of a crash window.
		return createDirect(path, data)
	}
	return syncDir(filepath.Dir(path))
}

// replaceFile puts new contents in the place of a file: a reader, and whoever comes after a crash, sees the old ones or the
// new ones.
func replaceFile(path string, data []byte) error {
	temp, err := writeBeside(path, data)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeBeside writes a temporary file in the directory of path, which only its owner can read.
func writeBeside(path string, data []byte) (temp string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // O_EXCL, mode 0600
	if err != nil {
		return "", err
	}
	if err := fill(f, data); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func createDirect(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := fill(f, data); err != nil {
		_ = os.Remove(path)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// fill writes the contents of a new file, makes them durable and closes it.
func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
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
