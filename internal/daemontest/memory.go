package daemontest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is what the process has in memory now and what it had at most, in bytes. It is read from /proc; the error wraps
// fs.ErrNotExist where there is none.
func (p *Process) Memory() (now, most int64, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, 0, fmt.Errorf("memory of the daemon: %w", err)
	}
	field := func(name string) (int64, error) {
		for l := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(l, name+":"); ok {
				n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
				return n << 10, err
			}
		}
		return 0, fmt.Errorf("memory of the daemon: /proc does not tell %s", name)
	}
	now, err = field("VmRSS")
	most, peakErr := field("VmHWM")
	return now, most, errors.Join(err, peakErr)
}
