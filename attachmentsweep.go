package livetables

import (
	"context"
	"fmt"
	"time"
)

const (
	// attachTime is how long an uploaded file waits to be put into a cell.
	attachTime = 24 * time.Hour
	// sweepPause is the time between two searches for blobs that belong to nobody, which go through all of them.
	sweepPause = 6 * time.Hour
	blobPage   = 10_000 // keys that are listed at a time
)

// PurgeAttachments removes the files that were uploaded a day ago and are in no cell, and those of tables and columns that are
// gone for good. Files that were ever in a cell stay as long as their column: history shows them and undoing brings them back.
// Run does it by itself.
func (e *Engine) PurgeAttachments(ctx context.Context) error {
	if e.blobs == nil {
		return nil
	}
	if err := e.store.ExpireAttachments(ctx, e.clock().Add(-attachTime)); err != nil {
		return fmt.Errorf("purge attachments: %w", err)
	}
	err := e.store.DropAttachments(ctx, func(ctx context.Context, keys []string) error { return e.blobs.Delete(ctx, keys...) })
	if err != nil {
		return fmt.Errorf("purge attachments: %w", err)
	}
	return nil
}

// SweepBlobs goes through the whole blob store and removes what a crash between the storing of a content and that of its record
// has left there more than a day ago. Run does it by itself, now and then.
func (e *Engine) SweepBlobs(ctx context.Context) error {
	if e.blobs == nil {
		return nil
	}
	for after := ""; ; {
		keys, err := e.blobs.List(ctx, "", after, blobPage)
		if err != nil || len(keys) == 0 {
			return err
		}
		stray, err := e.store.StrayBlobs(ctx, keys)
		if err != nil {
			return err
		}
		if len(stray) > 0 {
			if err := e.blobs.Delete(ctx, stray...); err != nil {
				return fmt.Errorf("sweep blobs: %w", err)
			}
			e.log.InfoContext(ctx, "removed contents of uploads that were never finished", "blobs", len(stray))
		}
		if len(keys) < blobPage {
			return nil
		}
		after = keys[len(keys)-1]
	}
}

// forgetWorkspace removes what is kept of a deleted workspace elsewhere: the contents of its files, and what the embedding program
// keeps.
func (e *Engine) forgetWorkspace(ctx context.Context, workspace string) error {
	for e.blobs != nil {
		keys, err := e.blobs.List(ctx, workspace+"/", "", blobPage)
		if err != nil {
			return fmt.Errorf("forget attachments: %w", err)
		}
		if len(keys) == 0 {
			break
		}
		if err := e.blobs.Delete(ctx, keys...); err != nil {
			return fmt.Errorf("forget attachments: %w", err)
		}
	}
	if e.forget == nil {
		return nil
	}
	return e.forget(ctx, workspace)
}

// attachmentCare is when what is left of files was last looked for, by one goroutine.
type attachmentCare struct{ swept time.Time }

// tend removes files and blobs when that is due and this engine's to do.
func (c *attachmentCare) tend(ctx context.Context, e *Engine) {
	if e.blobs == nil || !e.leases.of(leasePurge).Mine() {
		return
	}
	due, err := e.store.AttachmentsDue(ctx, e.clock().Add(-attachTime))
	if err == nil && due {
		err = e.PurgeAttachments(ctx)
	}
	if err == nil && time.Since(c.swept) > sweepPause {
		if err = e.SweepBlobs(ctx); err == nil {
			c.swept = time.Now()
		}
	}
	if err != nil && ctx.Err() == nil {
		e.log.ErrorContext(ctx, "attachments are not removed yet; it will be tried again", "error", err)
	}
}
