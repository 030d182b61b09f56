//go:build !unix

package formula

import "time"

func usedTime() time.Duration { return time.Since(started) }
