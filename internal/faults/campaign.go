package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/faultdisk"
)

// campaign is a run under way.
type campaign struct {
	opt    Options
	dir    string
	random *rand.Rand // of the failures

	mu     sync.Mutex // over what follows
	report Report
	writes map[key]*write
}

// Run runs a campaign: it writes to a store, lets its disk fail and turns the power off, looks at what is left, and goes on
// with that, again and again until ctx ends, something was found, or the power failed as often as was asked for. What it
// found is in the report; an error says that it could not be run.
func Run(ctx context.Context, options Options) (report *Report, err error) {
	o := options.withDefaults()
	defer func() {
		if err != nil {
			err = fmt.Errorf("faults: seed %d: %w", o.Seed, err)
		}
	}()
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "faults"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	c := &campaign{opt: o, random: newRandom(o.Seed, 1), writes: map[key]*write{}, report: Report{Seed: o.Seed}}
	began := time.Now()
	for n := 0; n < o.Cuts && c.report.Found == 0; n++ {
		if n%livesOfAStore == 0 {
			if err := c.furnish(ctx, n); err != nil {
				return nil, err
			}
		}
		if err := c.life(ctx, n); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(&c.report)
		}
	}
	c.report.Took = time.Since(began)
	return &c.report, nil
}

// file is the name of the store's file in its directory.
const file = "store.db"

// livesOfAStore is after how many failures of the power a campaign begins with a new store: looking at a large one takes
// longer.
const livesOfAStore = 25

// furnish makes a new store, with what the writers write to, in the place of the old one.
func (c *campaign) furnish(ctx context.Context, n int) (err error) {
	if c.dir != "" {
		if err := os.RemoveAll(c.dir); err != nil {
			return err
		}
	}
	clear(c.writes)
	c.dir = filepath.Join(c.opt.Dir, fmt.Sprint("new-", n))
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		return err
	}
	s, err := sqlite.OpenStore(ctx, filepath.Join(c.dir, file), sqlite.StoreOptions{})
	if err != nil {
		return err
	}
	err = s.Write(ctx, func(tx adapter.Tx) error {
		for _, text := range tables {
			if _, err := tx.Exec(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, s.Close())
}

// life is from one failure of the power to the next.
func (c *campaign) life(ctx context.Context, n int) (err error) {
	disk, err := faultdisk.New(fmt.Sprintf("faults-%d-%d", c.opt.Seed, n), c.dir)
	if err != nil {
		return err
	}
	defer disk.Close()
	s, err := c.open(ctx, disk)
	if err != nil {
		return err
	}
	outcomes := []string{filepath.Join(c.opt.Dir, fmt.Sprint("life-", n+1)), filepath.Join(c.opt.Dir, fmt.Sprint("other-", n+1))}
	for _, dir := range outcomes {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	var left, live atomic.Int64
	left.Store(int64(1 + c.random.IntN(c.opt.Writes)))
	live.Store(int64(c.opt.Writers))
	var work sync.WaitGroup
	for i := range c.opt.Writers {
		w := &writer{c: c, s: s, number: i, life: n, random: newRandom(c.opt.Seed, uint64(100+n*c.opt.Writers+i))}
		work.Go(func() {
			defer live.Add(-1)
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				_ = w.one(ctx) // is noted there
			}
		})
	}
	late := c.random.IntN(4) // how many writers may have ended before the power fails: also in the middle of their work
	for live.Load() > int64(min(late, c.opt.Writers-1)) && ctx.Err() == nil {
		disk.Break(c.faults())
		time.Sleep(time.Duration(200+c.random.IntN(8000)) * time.Microsecond)
	}
	whole := c.random.IntN(4) == 0 // sometimes everything has ended, and is closed
	if whole {
		work.Wait()
		disk.Break(faultdisk.Faults{})
		c.goesOn(ctx, s, n)
		if c.random.IntN(2) == 0 {
			err = s.Close()
		}
	}
	for _, dir := range outcomes {
		if cut := disk.Cut(c.random.Uint64(), dir); cut != nil {
			return errors.Join(err, cut)
		}
	}
	work.Wait()
	_ = s.Close() // on a disk without power there is nothing to be said about it
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	c.report.Cuts++
	counts := disk.Counts()
	c.report.Disk.Failed += counts.Failed
	c.report.Disk.Full += counts.Full
	c.report.Disk.Syncs += counts.Syncs
	if err := c.look(ctx, outcomes[1], false); err != nil {
		return err
	}
	if err := c.look(ctx, outcomes[0], true); err != nil {
		return err
	}
	err = errors.Join(os.RemoveAll(outcomes[1]), os.RemoveAll(c.dir))
	c.dir = outcomes[0]
	return err
}

// open opens the store on a disk, which sometimes fails meanwhile; in the end it succeeds.
func (c *campaign) open(ctx context.Context, disk *faultdisk.Disk) (*sqlite.Store, error) {
	path := filepath.Join(c.dir, file)
	opt := sqlite.StoreOptions{VFS: disk.Name(), Relaxed: c.opt.Relaxed, Readers: 4, BusyTimeout: time.Second}
	for range c.random.IntN(3) {
		disk.Break(faultdisk.Faults{On: faultdisk.OnAll, Every: 1 + c.random.IntN(40), Seed: c.random.Uint64()})
		s, err := sqlite.OpenStore(ctx, path, opt)
		disk.Break(faultdisk.Faults{})
		if err == nil {
			c.report.Opened++
			return s, nil
		}
		if !errors.Is(err, adapter.ErrUnavailable) {
			c.report.add("opening on a failing disk: %v", err)
		}
		c.report.NotOpened++
	}
	return sqlite.OpenStore(ctx, path, opt)
}

// faults is what fails next: half of the time nothing.
func (c *campaign) faults() faultdisk.Faults {
	r := c.random
	f := faultdisk.Faults{Seed: r.Uint64(), Every: 2 + r.IntN(60)}
	switch r.IntN(10) {
	case 0:
		f.On = faultdisk.OnAll
	case 1:
		f.On = faultdisk.OnSync
		f.Every = 1 + r.IntN(3)
	case 2:
		f.On = faultdisk.OnWrite | faultdisk.OnTruncate
	case 3:
		f.On = faultdisk.OnRead
	case 4:
		f.Full, f.Room = true, r.Int64N(100_000)
	default:
		return faultdisk.Faults{}
	}
	return f
}

// goesOn expects a store whose disk was mended to take a write.
func (c *campaign) goesOn(ctx context.Context, s *sqlite.Store, life int) {
	w := &writer{c: c, s: s, number: -1, life: life, random: newRandom(c.opt.Seed, uint64(life))}
	const most = 3
	for failed := 0; ; {
		err := w.one(ctx)
		switch {
		case err == nil:
			return
		case errors.Is(err, errMind): // that was not the store
			continue
		}
		if failed++; failed == most {
			c.violation("the disk was mended, and the store does not go on: %v", err)
			return
		}
	}
}

func (c *campaign) violation(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.add(format, args...)
}
