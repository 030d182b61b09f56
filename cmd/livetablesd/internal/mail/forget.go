package mail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Forget removes the files of messages, by their ids: of what they were about nothing shall be kept. Messages without a file
// are passed over.
func (o *Outbox) Forget(ids []string) error {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return fmt.Errorf("mail directory: %w", err)
	}
	doomed := make(map[string]bool, len(ids))
	for _, id := range ids {
		doomed[fileWord(id)] = true
	}
	var errs []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".eml")
		if !ok || !doomed[name[strings.LastIndexByte(name, '-')+1:]] {
			continue
		}
		if err := os.Remove(filepath.Join(o.dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
