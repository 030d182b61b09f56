//go:build unix

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/livetables/livetables/internal/testenv"
)

// The test binary is the command when this is set.
const mainEnv = "WITHSERVERS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" || os.Getenv(gateEnv) != "" {
		os.Unsetenv(mainEnv)
		main()
	}
	os.Exit(m.Run())
}

// withservers runs the command on Redis, which starts in no time. What it runs
// prints its own process id and the server's URL, and goes on as told.
func withservers(t *testing.T, goOn string) (cmd *exec.Cmd, out *bytes.Buffer) {
	t.Helper()
	testenv.Redis(t) // or skip
	cmd = exec.Command(os.Args[0], "-only", "redis", "sh", "-c", `echo "pid $$ $LIVETABLES_TEST_REDIS_URL"; `+goOn)
	cmd.Env = append(os.Environ(), mainEnv+"=1", testenv.KindRedis.Env()+"=")
	out = new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 10 * time.Second
	return cmd, out
}

func TestStatusIsTheCommands(t *testing.T) {
	cmd, out := withservers(t, "exit 3")
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("got %v, want exit status 3\n%s", err, out)
	}
	if !regexp.MustCompile(`(?m)^pid \d+ redis://127\.0\.0\.1:\d+/0$`).Match(out.Bytes()) {
		t.Errorf("the command got no server\n%s", out)
	}
}

func TestServersGoWithUs(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		if sig == syscall.SIGKILL && runtime.GOOS != "linux" {
			continue
		}
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			cmd, _ := withservers(t, "sleep 1000 & wait")
			cmd.Stdout = nil
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line := make([]byte, 200)
			n, err := stdout.Read(line)
			if err != nil {
				t.Fatal(err)
			}
			m := regexp.MustCompile(`^pid (\d+) redis://(.*)/0`).FindStringSubmatch(string(line[:n]))
			if m == nil {
				t.Fatalf("got %q", line[:n])
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			// After SIGKILL somebody else does the work, a moment later.
			group, _ := strconv.Atoi(m[1])
			deadline := time.Now().Add(20 * time.Second)
			for groupExists(group) || listens(m[2]) {
				if time.Now().After(deadline) {
					t.Fatalf("still there: group %v, server %v", groupExists(group), listens(m[2]))
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

// groupExists reports whether a process group has a process that is not just
// waiting for its parent to notice.
func groupExists(group int) bool {
	if runtime.GOOS != "linux" {
		return syscall.Kill(-group, 0) == nil
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, _ := os.ReadFile(path)
		// pid (name) state parent group ...
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 2 && fields[0] != "Z" && fields[2] == strconv.Itoa(group) {
			return true
		}
	}
	return false
}

func listens(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
