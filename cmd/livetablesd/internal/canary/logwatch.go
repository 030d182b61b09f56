package canary

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// logWatch is where the daemon's log goes: it is looked through and not kept. The log is for the operator, who must find
// neither secrets nor what is in cells there.
type logWatch struct {
	flock *flock
	lines atomic.Int64

	mu    sync.Mutex
	leaks []Finding
}

// maxLogLeaks bounds what is kept: each place in the code that logs too much shows itself many times.
const maxLogLeaks = 10

// Write implements io.Writer; the log's handler calls it once for each line.
func (l *logWatch) Write(line []byte) (int, error) {
	l.lines.Add(1)
	l.flock.each(line, func(c *canary) {
		if c.logged {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.leaks) < maxLogLeaks {
			l.leaks = append(l.leaks, Finding{What: "in the log", Canary: c.text, Planted: c.place, Excerpt: excerpt(bytes.Clone(line), c.text)})
		}
	})
	return len(line), nil
}

func (l *logWatch) found() []Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Finding(nil), l.leaks...)
}
