package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// asideDigits is how many digits follow the name of a file that was set aside: those of the largest position.
const asideDigits = 19

// setAside gives the full file its final name and begins a new one. A crash in between leaves no file of the old name, with
// which opening deals.
func (f *File) setAside() error {
	name := fmt.Sprintf("%s.%0*d", f.path, asideDigits, f.position)
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("set audit file aside: %s exists", name)
	}
	err := f.file.Close()
	f.file, f.broken = nil, true // until it is open again
	if err == nil {
		err = os.Rename(f.path, name)
	}
	if err != nil {
		return fmt.Errorf("set audit file aside: %w", err)
	}
	return f.open()
}

// asideEnd is the position of the last entry in the newest file that was set aside, 0 when there is none.
func (f *File) asideEnd() (int64, error) {
	names, err := filepath.Glob(quoteGlob(f.path) + "." + strings.Repeat("[0-9]", asideDigits))
	if err != nil || len(names) == 0 {
		return 0, err
	}
	file, err := os.Open(names[len(names)-1]) // Glob sorts
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	_, position, err := findEnd(file)
	return position, err
}

// quoteGlob is a pattern that matches just that path.
func quoteGlob(path string) string {
	var b strings.Builder
	for _, r := range path {
		if strings.ContainsRune(`*?[\`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
