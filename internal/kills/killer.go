package kills

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/internal/daemontest"
)

// looksEvery is how many kills are between two looks at everything.
const looksEvery = 40

// kill kills as often as it is asked for, spread over the writes, or until something was found.
func (c *campaign) kill(ctx context.Context) error {
	mean := max(1, c.opt.Writes/(c.opt.Kills+1))
	for n := 1; n <= c.opt.Kills; n++ {
		sound := true
		if c.opt.Disk && c.random.IntN(2) == 0 {
			var err error
			if sound, err = c.torment(ctx); err != nil {
				return err
			}
		}
		if sound && !c.awaitWrites(ctx, int64(1+c.random.IntN(2*mean))) {
			return ctx.Err()
		}
		time.Sleep(time.Duration(c.random.IntN(8000)) * time.Microsecond)
		c.down()
		err := c.strike(ctx)
		c.up()
		if err != nil {
			return err
		}
		if n%looksEvery == 0 && n < c.opt.Kills {
			if err := c.lookBetween(ctx); err != nil {
				return err
			}
		}
		c.mu.Lock()
		found := c.report.Found
		if c.opt.Progress != nil {
			c.report.Writes = int(c.ended.Load())
			c.opt.Progress(&c.report)
		}
		c.mu.Unlock()
		if found > 0 {
			c.left.Store(0)
			return nil
		}
	}
	return nil
}

// awaitWrites waits until so many more writes have ended. When none are left to send, more are: there is no use in killing
// what nobody writes to.
func (c *campaign) awaitWrites(ctx context.Context, n int64) bool {
	until := c.ended.Load() + n
	for c.ended.Load() < until {
		if c.left.Load() < int64(c.opt.Writers) {
			c.left.Add(n)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(500 * time.Microsecond):
		}
	}
	return true
}

// strike kills something and brings everything back.
func (c *campaign) strike(ctx context.Context) error {
	server := c.place.Server()
	roll := c.random.IntN(100)
	if server == nil {
		roll = 0
	}
	if roll >= 60 { // the server, and sometimes the daemon with it
		if err := server.Kill(); err != nil {
			return err
		}
		c.report.ServerKills++
		time.Sleep(time.Duration(c.random.IntN(200)) * time.Millisecond)
		if err := server.Start(); err != nil {
			return err
		}
		if roll < 85 {
			began := time.Now()
			if err := c.daemon.AwaitReady(ctx); err != nil {
				c.violation("after a kill of the server: %v", err)
				return err
			}
			c.report.ready(time.Since(began))
			return nil
		}
	}
	if c.opt.Disk && c.random.IntN(3) > 0 {
		if err := c.cut(); err != nil {
			return err
		}
	} else {
		c.daemon.Kill()
		c.report.DaemonKills++
	}
	for c.random.IntN(8) == 0 { // and once more while it starts
		if err := daemontest.StartAndKill(c.program, time.Duration(c.random.IntN(150))*time.Millisecond, c.args...); err != nil {
			return err
		}
		c.report.StartKills++
	}
	return c.start(ctx)
}

// start starts the daemon again where it was.
func (c *campaign) start(ctx context.Context) error {
	p, err := daemontest.Start(ctx, c.program, c.args...)
	if err != nil {
		c.daemon = nil
		if ctx.Err() == nil {
			c.violation("the daemon does not start after a kill: %v", err)
		}
		return fmt.Errorf("after a kill: %w", err)
	}
	c.daemon = p
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.ready(p.Ready)
	return nil
}

// lookBetween looks at everything while nobody writes.
func (c *campaign) lookBetween(ctx context.Context) error {
	c.pause.Lock() // first: whoever writes may wait for the daemon
	defer c.pause.Unlock()
	c.down()
	defer c.up()
	if err := c.look(ctx, nil); err != nil {
		return err
	}
	return c.start(ctx)
}
