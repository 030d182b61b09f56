package livetables

import (
	"context"
	"fmt"
	"time"
)

// Timing of purges.
const (
	purgeRetry = 5 * time.Second // after one that failed, and to notice what another process has deleted
	// purgeShare is how much longer the pause after a purge is than the purge itself: having the store overwrite what was
	// deleted costs as much as copying it, however little that was.
	purgeShare = 10
)

// Purge removes what is left of deleted workspaces, wherever it is kept: their rows, their part of the change log and, by
// Options.Forget, what others keep of them; then the store overwrites it. Run does so by itself, soon after a workspace was
// deleted and when it begins. Purging twice is harmless.
func (e *Engine) Purge(ctx context.Context) error {
	if err := e.store.Purge(ctx, e.forgetWorkspace); err != nil {
		return fmt.Errorf("purge deleted workspaces: %w", err)
	}
	return nil
}

// deleted wakes whoever purges.
func (e *Engine) deleted() {
	select {
	case e.doomed <- struct{}{}:
	default: // it is awake already
	}
}

// purge purges until ctx ends: what an earlier process left first, then whenever a workspace was deleted, by this process or
// another one.
func (e *Engine) purge(ctx context.Context) {
	var files attachmentCare
	for {
		began, pause := time.Now(), time.Duration(0)
		left, err := e.store.Doomed(ctx)
		if err == nil && left && e.leases.of(leasePurge).Mine() {
			if err = e.Purge(ctx); err == nil {
				pause = purgeShare * time.Since(began)
				e.log.InfoContext(ctx, "purged deleted workspaces", "took", time.Since(began).Round(time.Millisecond))
			}
		}
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "deleted workspaces are not purged yet; it will be tried again", "error", err)
		}
		began = time.Now()
		due, err := e.trashDue(ctx)
		if err == nil && due && e.leases.of(leasePurge).Mine() {
			if err = e.PurgeTrash(ctx); err == nil {
				pause = max(pause, purgeShare*time.Since(began))
			}
		}
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "the trash is not emptied yet; it will be tried again", "error", err)
		}
		files.tend(ctx, e)
		if !sleep(ctx, pause) {
			return
		}
		timer := time.NewTimer(purgeRetry)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-e.doomed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// sleep waits; false when ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
