package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
)

// uncommitted is the error of functions whose commit failed with err. After an input/output error the log may hold the
// whole commit and only its sync have failed: nobody sees it, and the next commit overwrites it, but a process or a machine
// that ends before that finds it when it reads the log again. The same goes for a driver that gave up in the middle. Where
// a write failed, as it does on a full disk, the log is without the end that makes a commit of it.
func uncommitted(err error) error {
	const op = "commit"
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) || code == sqlite3.IOERR && !errors.Is(err, sqlite3.IOERR_WRITE) {
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrUncertain, err)
	}
	return translate(context.Background(), op, err)
}
