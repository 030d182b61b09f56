//go:build unix

package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Killable is a PostgreSQL server of its own that can be killed and started again on what it left. Unlike the servers of
// [Start] it writes everything to the disk before it says so. It belongs to one goroutine.
type Killable struct {
	// URL is the address of its first database; it stays the same.
	URL string
	in  *instance
	bin string
	// args are those of the server.
	args []string
}

// killableSettings are a server's that people trust, but for its size.
var killableSettings = []string{
	"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on", "-c", "shared_buffers=32MB", "-c", "max_connections=100",
	"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "dynamic_shared_memory_type=mmap",
	"-c", "restart_after_crash=off",
}

// NewKillable makes such a server and starts it. It needs the server's programs on this machine: the error is a
// [*MissingError] where there are none.
func NewKillable() (_ *Killable, err error) {
	bin, ok := postgresBin()
	if !ok {
		return nil, &MissingError{Kind: KindPostgres, Reasons: []string{"there is no initdb and postgres in /usr/lib/postgresql/*/bin or PATH"}}
	}
	sweep()
	in, err := newInstance(KindPostgres)
	if err != nil {
		return nil, err
	}
	k := &Killable{in: in, bin: bin}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("killable server: %w%s", err, in.logTail()), k.Close())
		}
	}()
	if err := in.initdb(bin, "--locale=C"); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	k.URL = postgresURL("127.0.0.1:" + strconv.Itoa(port))
	k.args = append([]string{"-D", in.seen("data"), "-p", strconv.Itoa(port)}, killableSettings...)
	return k, k.Start()
}

// Dir is the directory with the server's data.
func (k *Killable) Dir() string { return filepath.Join(k.in.dir, "data") }

// Start starts the server after a Kill, and waits until it answers.
func (k *Killable) Start() error {
	k.in.procs = nil
	if err := k.in.start(syscall.SIGQUIT, filepath.Join(k.bin, "postgres"), k.args...); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	if err := k.in.ready(pingPostgres, k.URL); err != nil {
		return fmt.Errorf("start the server: %w%s", err, k.in.logTail())
	}
	return nil
}

// Kill ends the server and all its processes at once (SIGKILL), and returns when they are gone.
func (k *Killable) Kill() error {
	if len(k.in.procs) == 0 {
		return errors.New("kill the server: it is not running")
	}
	p := k.in.procs[0]
	parent := p.cmd.Process.Pid
	children := childrenOf(parent)
	_ = p.cmd.Process.Kill() // it may have ended
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.done
	k.in.procs = nil
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, pid := range children {
			if running(pid) {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("kill the server: %d of its processes are still there", left)
		}
	}
}

// Close ends the server and removes what it kept.
func (k *Killable) Close() error { return k.in.stop() }

// childrenOf lists the processes that a process has started. It is empty where there is no /proc.
func childrenOf(parent int) []int {
	var pids []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if fields := statOf(pid); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// running reports whether a process is there and not just waited for.
func running(pid int) bool {
	fields := statOf(pid)
	return len(fields) > 0 && fields[0] != "Z"
}

// statOf are the fields of /proc/PID/stat after the name, which may have blanks in it: the state, the parent, ….
func statOf(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}
