package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Bounds of an outbox.
const (
	outboxFiles = 1000
	outboxLife  = 7 * 24 * time.Hour // longer than anything that a message leads to is good for
)

// Outbox is the Mailer of an instance without a mail server: it writes each message into a file that only the daemon's own
// user can read, and says in the log for whom and where. The operator passes it on. The log never holds what the message
// says, and so no token.
//
// It keeps the latest 1,000 files, for a week.
type Outbox struct {
	dir  string
	from Sender
	log  *slog.Logger
	now  func() time.Time
}

// OpenOutbox makes the directory when it is missing, and takes it from everybody but the daemon's own user.
func OpenOutbox(dir string, from Sender, log *slog.Logger) (*Outbox, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mail directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { // it may have been there
		return nil, fmt.Errorf("mail directory: %w", err)
	}
	return &Outbox{dir: dir, from: from, log: log, now: time.Now}, nil
}

// Send implements Mailer. A message that is sent again replaces its file.
func (o *Outbox) Send(ctx context.Context, m Message) error {
	text, err := m.encode(o.from)
	if err != nil {
		return err
	}
	path := filepath.Join(o.dir, m.Date.UTC().Format("20060102T150405.000")+"-"+fileWord(m.Purpose)+"-"+fileWord(m.ID)+".eml")
	if err := writeWhole(path, text); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	o.log.InfoContext(ctx, "mail is in the outbox", "to", m.To, "purpose", m.Purpose, "file", path)
	if err := o.prune(); err != nil {
		o.log.WarnContext(ctx, "old mails were not removed", "error", err)
	}
	return nil
}

// fileWord keeps what may stand in a file name.
func fileWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, s)
}

// writeWhole writes a file so that it is there whole or not at all, and after its return for good.
func writeWhole(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".part-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// prune removes what is too old or too much; the names begin with the time.
func (o *Outbox) prune() error {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() || !strings.HasSuffix(e.Name(), ".eml") && !strings.HasPrefix(e.Name(), ".part-")
	})
	oldest := o.now().Add(-outboxLife)
	var errs []error
	for i, e := range entries { // in the order of their names
		info, err := e.Info()
		if err != nil {
			continue // removed by somebody else
		}
		stale := info.ModTime().Before(oldest)
		if strings.HasSuffix(e.Name(), ".eml") && (stale || i < len(entries)-outboxFiles) || stale {
			errs = append(errs, os.Remove(filepath.Join(o.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
