package auth

import (
	"context"
	"time"
)

// await waits for a pause, or, without one, until somebody wakes it or it is time to look without being asked. It is false when
// ctx has ended.
func await(ctx context.Context, wake <-chan struct{}, pause, look time.Duration) bool {
	wait := look
	if pause > 0 {
		wake, wait = nil, pause
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}
