package kills

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/faultdisk"
)

// failing builds the daemon so that it has a disk of package faultdisk under its databases when it is told where to take
// orders for it.
var failing = []daemontest.Mutant{
	{File: "cmd/livetablesd/internal/daemon/database.go", Was: `"github.com/livetables/livetables/adapter/sqlite"`,
		Is: "\"github.com/livetables/livetables/adapter/sqlite\"\n\t\"github.com/livetables/livetables/internal/faultdisk\""},
	{File: "cmd/livetablesd/internal/daemon/database.go", Was: "filepath.Join(dir, part), sqlite.StoreOptions{})",
		Is: "filepath.Join(dir, part), sqlite.StoreOptions{VFS: faultdisk.Under(dir)})"},
}

// mendedBound is how soon a daemon has to be ready on a disk that was mended.
const mendedBound = 5 * time.Second

func (c *campaign) socket() string { return filepath.Join(c.dir, "disk") }

// torment lets the disk fail for a while and mends it, or leaves that to the failure of the power that comes next.
func (c *campaign) torment(ctx context.Context) (mended bool, err error) {
	f := faultdisk.Faults{Seed: c.random.Uint64(), Every: 2 + c.random.IntN(40)}
	switch c.random.IntN(5) {
	case 0:
		f.On = faultdisk.OnAll
	case 1:
		f.On, f.Every = faultdisk.OnSync, 1+c.random.IntN(3)
	case 2:
		f.On = faultdisk.OnWrite | faultdisk.OnTruncate
	case 3:
		f.On = faultdisk.OnRead
	case 4:
		f.Full, f.Room = true, c.random.Int64N(100_000)
	}
	if err := faultdisk.Send(c.socket(), faultdisk.Order{Faults: f}); err != nil {
		return false, err
	}
	c.report.DiskFaults++
	time.Sleep(time.Duration(c.random.IntN(100)) * time.Millisecond)
	if c.random.IntN(3) == 0 {
		return false, nil
	}
	return true, c.mend(ctx)
}

// mend expects the daemon to go on by itself on a disk that does not fail any more.
func (c *campaign) mend(ctx context.Context) error {
	if err := faultdisk.Send(c.socket(), faultdisk.Order{}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mendedBound)
	defer cancel()
	if err := c.daemon.AwaitReady(ctx); err != nil {
		c.violation("the disk was mended, and after %s: %v", mendedBound, err)
	}
	return nil
}

// cut lets the power of the daemon's disk fail: it finds what was left of its databases.
func (c *campaign) cut() error {
	left, data := filepath.Join(c.dir, "left"), filepath.Join(c.dir, "data")
	if err := os.Mkdir(left, 0o700); err != nil {
		return err
	}
	if err := faultdisk.Send(c.socket(), faultdisk.Order{Into: left, Seed: c.random.Uint64()}); err != nil {
		return err
	}
	<-c.daemon.Ended()
	c.report.PowerCuts++
	list, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	for _, e := range list {
		if faultdisk.Keeps(e.Name()) {
			if err := os.Remove(filepath.Join(data, e.Name())); err != nil {
				return err
			}
		}
	}
	if list, err = os.ReadDir(left); err != nil {
		return err
	}
	for _, e := range list {
		if err := os.Rename(filepath.Join(left, e.Name()), filepath.Join(data, e.Name())); err != nil {
			return fmt.Errorf("take what was left: %w", err)
		}
	}
	return os.Remove(left)
}
