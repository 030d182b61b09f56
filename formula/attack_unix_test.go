//go:build unix

package formula

import (
	"syscall"
	"time"
)

// usedTime is the time of the processor that this process has used: unlike that of the clock it does not grow because
// other processes are busy.
func usedTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return time.Since(started)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
